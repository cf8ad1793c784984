package import Component
package import OTLP
package import SendingQueue

/// Every kind of component that a configuration may name.
package struct ComponentFactories: Sendable {
    package var receivers: [ReceiverFactory]
    package var processors: [ProcessorFactory]
    package var exporters: [ExporterFactory]
    package var extensions: [ExtensionFactory]

    package init(
        receivers: [ReceiverFactory], processors: [ProcessorFactory], exporters: [ExporterFactory],
        extensions: [ExtensionFactory]
    ) {
        self.receivers = receivers
        self.processors = processors
        self.exporters = exporters
        self.extensions = extensions
    }
}

/// A configuration that was read and checked whole: all that is left is to make its components.
package struct CollectorConfig: Sendable {
    /// In the order in which the sources name them, used or not (see `service`), as all lists here.
    package var receivers: [ConfiguredReceiver]
    package var processors: [ConfiguredProcessor]
    package var exporters: [ConfiguredExporter]
    package var extensions: [ConfiguredExtension]
    package var service: ServiceConfig
    /// To be logged once there is a logger: unset variables, unused components, keys that are taken and do nothing.
    package var notices: [ConfigNotice]
}

package struct ConfiguredReceiver: Sendable {
    package let id: ComponentID
    package let signals: Set<Signal>
    package let make: @Sendable (ComponentSettings, [Signal: any TelemetryConsumer]) throws -> any Receiver
}

package struct ConfiguredProcessor: Sendable {
    package let id: ComponentID
    package let signals: Set<Signal>
    package let role: ProcessorRole
}

package struct ConfiguredExporter: Sendable {
    package let id: ComponentID
    package let signals: Set<Signal>
    /// `sending_queue`, `retry_on_failure` and `timeout`.
    package let sending: SendingConfig
    /// To be called once for each signal that a pipeline sends to it.
    package let make: @Sendable (ComponentSettings, Signal) throws -> any Exporter
}

package struct ConfiguredExtension: Sendable {
    package let id: ComponentID
    package let isStorage: Bool
    package let make: @Sendable (ComponentSettings) throws -> any Extension
}

/// The `service` section.
package struct ServiceConfig: Sendable {
    /// In the order in which they are started.
    package var extensions: [ComponentID]
    package var pipelines: [PipelineConfig]
    package var telemetry: TelemetryConfig
}

/// `traces`, `logs/audit`: a pipeline's signal and name.
package struct PipelineID: Sendable, Hashable, CustomStringConvertible {
    package let signal: Signal
    package let name: String

    package init(signal: Signal, name: String = "") {
        self.signal = signal
        self.name = name
    }

    package var description: String { name.isEmpty ? signal.rawValue : "\(signal.rawValue)/\(name)" }
}

/// One pipeline. Each list names a component once.
package struct PipelineConfig: Sendable {
    package let id: PipelineID
    package var receivers: [ComponentID]
    package var processors: [ComponentID]
    package var exporters: [ComponentID]
}
