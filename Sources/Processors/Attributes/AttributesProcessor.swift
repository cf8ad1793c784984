package import Component
import Logging
import OTLP

extension ProcessorFactory {
    /// `attributes`: changes the attributes of spans, log records and metric data points.
    package static var attributes: ProcessorFactory {
        ProcessorFactory(type: "attributes", config: AttributesProcessorConfig.self) { config in
            .perRequest { settings, signal in
                let filter = try config.filter(for: signal)
                logIgnoredKeys(of: config, settings: settings, signal: signal)
                let edits = AttributeEdits([.init(.items, actions: config.actions, filter: filter)])
                return EditingProcessor(edits, settings: settings, signal: signal)
            }
        }
    }

    private static func logIgnoredKeys(
        of config: AttributesProcessorConfig, settings: ComponentSettings, signal: Signal
    ) {
        for (block, match) in [("include", config.include), ("exclude", config.exclude)] {
            guard let match else { continue }
            if match.setsRegexpCache {
                settings.logger.info("The regexp cache is not needed and not used", metadata: ["block": "\(block)"])
            }
            let unused = signal == .metrics ? match.keysUnusedForMetrics : []
            if !unused.isEmpty {
                settings.logger.warning(
                    "Metrics are matched by metric_names and resources alone; other keys have no effect",
                    metadata: ["block": "\(block)", "keys": "\(unused.joined(separator: ", "))"])
            }
        }
    }
}
