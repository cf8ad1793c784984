import Collector
import Component
import Exporters
import Extensions
import Processors
import Receivers

extension ComponentFactories {
    /// The one list of all components.
    static let all = ComponentFactories(
        receivers: [.otlp],
        processors: [.memoryLimiter, .attributes, .resource, .batch],
        exporters: [.clickhouse, .file, .debug, .nop, .otlphttp, .otlp_http],
        extensions: [.healthCheck, .fileStorage])
}
