internal import Component
package import Logging

/// Writes log events as otelcol does: one line for each, tab separated with a JSON object of fields, or JSON
/// throughout.
///
/// A value, as loggers expect; what is shared (outputs, sampling) is in `LogSink`.
package struct StructuredLogHandler: LogHandler {
    package var metadata: Logger.Metadata
    package var logLevel: Logger.Level
    package var metadataProvider: Logger.MetadataProvider?
    private let sink: LogSink

    init(sink: LogSink, level: Logger.Level, metadata: Logger.Metadata = [:]) {
        self.sink = sink
        self.logLevel = level
        self.metadata = metadata
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let message = event.message.description
        guard sink.admits(message, level: event.level) else { return }
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
        if let own = event.metadata { fields.merge(own) { $1 } }
        if let error = event.error { fields["error"] = .string("\(error)") }
        sink.write(level: event.level, message: message, fields: fields, file: event.file, line: event.line)
    }
}

extension Logger.Level {
    /// The level's name in otelcol's logs.
    var zapName: String {
        switch self {
        case .trace, .debug: "debug"
        case .info, .notice: "info"
        case .warning: "warn"
        case .error: "error"
        case .critical: "fatal"
        }
    }
}
