package import Component
import OTLP

extension ProcessorFactory {
    /// `resource`: changes the attributes of resources, whatever the signal.
    package static var resource: ProcessorFactory {
        ProcessorFactory(type: "resource", config: ResourceProcessorConfig.self) { config in
            .perRequest { settings, signal in
                let edits = AttributeEdits([.init(.resource, actions: config.actions)])
                return EditingProcessor(edits, settings: settings, signal: signal)
            }
        }
    }
}
