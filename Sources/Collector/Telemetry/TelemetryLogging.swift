package import Component
internal import Glibc
package import Logging
package import OTLP

/// Makes the program's loggers, as `service.telemetry.logs` says. Nothing global: each owner gets its logger handed in.
package final class TelemetryLogging: Sendable {
    private let sink: LogSink
    private let level: Logger.Level

    /// Opens the outputs.
    ///
    /// - Throws: that a file cannot be opened.
    package convenience init(_ config: LogsTelemetryConfig) throws(ConfigError) {
        var outputs: [LogOutput] = []
        for path in config.outputPaths {
            guard let output = LogOutput(path: path) else {
                let reason = unsafe String(cString: strerror(errno)).lowercased()
                throw ConfigError(
                    at: nil, path: "service::telemetry::logs::output_paths", "open \(path): \(reason)")
            }
            outputs.append(output)
        }
        self.init(sink: LogSink(config, outputs: outputs), level: config.level)
    }

    init(sink: LogSink, level: Logger.Level) {
        self.sink = sink
        self.level = level
    }

    /// A logger for the program itself.
    package func makeLogger() -> Logger { logger(label: BuildInfo.command, metadata: [:]) }

    /// A logger whose lines name the component.
    ///
    /// - Parameter signal: the telemetry that this instance carries; nil for one that serves several signals.
    package func makeLogger(
        component id: ComponentID, kind: ComponentKind, signal: Signal? = nil, pipeline: PipelineID? = nil
    ) -> Logger {
        var metadata: Logger.Metadata = ["kind": .string(kind.rawValue), "name": .string(id.description)]
        if let signal { metadata["data_type"] = .string(signal.rawValue) }
        if let pipeline { metadata["pipeline"] = .string(pipeline.description) }
        return logger(label: id.description, metadata: metadata)
    }

    private func logger(label: String, metadata: Logger.Metadata) -> Logger {
        Logger(label: label) { _ in StructuredLogHandler(sink: self.sink, level: self.level, metadata: metadata) }
    }
}

extension Logger {
    /// Logs what loading the configuration had to remark.
    package func log(_ notices: [ConfigNotice]) {
        for notice in notices {
            let fields = Metadata(notice.fields.map { ($0.name, .string($0.value)) }, uniquingKeysWith: { $1 })
            log(level: notice.level == .info ? .info : .warning, "\(notice.message)", metadata: fields)
        }
    }
}
