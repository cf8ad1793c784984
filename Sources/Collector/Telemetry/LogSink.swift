internal import Component
internal import Logging
internal import Synchronization

/// Where log lines go: shapes them, thins repeated ones, and writes each to every output.
final class LogSink: Sendable {
    /// Fields that come first, in this order; the others follow by name.
    private static let leadingFields = ["kind", "name", "data_type", "pipeline"]

    private let encoding: LogsTelemetryConfig.Encoding
    private let showsCaller: Bool
    private let initialFields: [(name: String, value: LogValue)]
    private let sampler: LogSampler?
    private let outputs: [LogOutput]
    /// Nanoseconds since 1970.
    private let now: @Sendable () -> Int64

    init(
        _ config: LogsTelemetryConfig, outputs: [LogOutput], now: @escaping @Sendable () -> Int64 = LogTime.now
    ) {
        encoding = config.encoding
        showsCaller = !config.disableCaller
        initialFields = config.initialFields.map { ($0.name, LogValue($0.value)) }
        sampler = config.sampling.isEnabled ? LogSampler(config.sampling) : nil
        self.outputs = outputs
        self.now = now
    }

    /// Whether a line with this text is to be written now.
    func admits(_ message: String, level: Logger.Level) -> Bool {
        sampler?.admits(message, level: level, atUnixNanos: now()) ?? true
    }

    func write(level: Logger.Level, message: String, fields: Logger.Metadata, file: String, line: UInt) {
        var text = LogText()
        let caller = showsCaller ? "\(file):\(line)" : nil
        let time = LogTime.iso8601(now())
        let message = Redaction.redacted(message)
        switch encoding {
        case .console:
            let columns = [time, level.zapName] + (caller.map { [$0] } ?? []) + [message]
            text.append(columns.joined(separator: "\t"))
            let object = ordered(fields)
            if !object.isEmpty {
                text.append("\t")
                text.append(.object(object), spaced: true)
            }
        case .json:
            var object: [(name: String, value: LogValue)] = [
                ("level", .string(level.zapName)), ("ts", .string(time)),
            ]
            if let caller { object.append(("caller", .string(caller))) }
            object.append(("msg", .string(message)))
            text.append(.object(object + ordered(fields)), spaced: false)
        }
        text.append("\n")
        for output in outputs { output.write(text.bytes) }
    }

    private func ordered(_ fields: Logger.Metadata) -> [(name: String, value: LogValue)] {
        var rest = fields
        var ordered = initialFields
        for name in Self.leadingFields {
            if let value = rest.removeValue(forKey: name) { ordered.append((name, LogValue(value, name: name))) }
        }
        for (name, value) in rest.sorted(by: { $0.key < $1.key }) {
            ordered.append((name, LogValue(value, name: name)))
        }
        return ordered
    }
}

/// Lets the first lines with the same text and level pass in each tick, and then each n-th.
final class LogSampler: Sendable {
    private struct Key: Hashable {
        var level: Logger.Level
        var message: String
    }

    private struct Count {
        var tickEndsAtUnixNanos: Int64
        var lines: Int
    }

    /// Texts that are counted apart. Beyond that counting begins anew, so that memory is bounded.
    private static let textsMax = 4096

    private let config: LogsTelemetryConfig.Sampling
    private let tickNanos: Int64
    private let counts = Mutex<[Key: Count]>([:])

    init(_ config: LogsTelemetryConfig.Sampling) {
        self.config = config
        let (seconds, attoseconds) = config.tick.components
        tickNanos =
            seconds.multipliedReportingOverflow(by: 1_000_000_000).overflow
            ? Int64.max / 2 : seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    func admits(_ message: String, level: Logger.Level, atUnixNanos time: Int64) -> Bool {
        let key = Key(level: level, message: message)
        let lines = counts.withLock { counts in
            if counts.count >= Self.textsMax, counts[key] == nil { counts.removeAll(keepingCapacity: true) }
            var count = counts[key] ?? Count(tickEndsAtUnixNanos: 0, lines: 0)
            if time >= count.tickEndsAtUnixNanos {
                count = Count(tickEndsAtUnixNanos: time.addingReportingOverflow(tickNanos).partialValue, lines: 0)
            }
            count.lines += 1
            counts[key] = count
            return count.lines
        }
        if lines <= config.initial { return true }
        return config.thereafter > 0 && (lines - config.initial).isMultiple(of: config.thereafter)
    }
}

/// The wall clock as log lines show it.
enum LogTime {
    /// Nanoseconds since 1970.
    static func now() -> Int64 { Int64(WallClock.unixNanos) }

    /// The time with the local zone's offset.
    static func iso8601(_ unixNanos: Int64) -> String {
        let local = CivilTime(unixSeconds: Int(unixNanos / 1_000_000_000), nanosecond: 0, inLocalZone: true)
        return iso8601(unixNanos, utcOffsetSeconds: local.offsetSeconds)
    }

    /// `2024-12-16T10:00:00.000Z`, or with an offset: `2024-12-16T11:00:00.000+0100`.
    static func iso8601(_ unixNanos: Int64, utcOffsetSeconds offset: Int) -> String {
        let time = CivilTime(
            unixSeconds: Int(unixNanos / 1_000_000_000) + offset, nanosecond: Int(unixNanos % 1_000_000_000))
        let minutes = abs(offset) / 60
        let zone = offset == 0 ? "Z" : "\(offset < 0 ? "-" : "+")\(padded(minutes / 60, 2))\(padded(minutes % 60, 2))"
        return "\(time.date)T\(time.timeOfDay).\(padded(time.nanosecond / 1_000_000, 3))\(zone)"
    }
}
