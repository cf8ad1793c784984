import Component
import OTLP
import SendingQueue
import WriteAheadLog

/// A log of a storage directory, as it is shown.
struct LogReport: Sendable {
    /// The name of its directory, in the words of the configuration: `traces/2`.
    var name: String
    var status: LogStatus
    var consumers: [ConsumerStatus]
    /// Only of the dead-letter log.
    var letters: [KeptLetter] = []
    /// Instead of all else, when the log cannot be looked at.
    var problem: String?

    var isDeadLetters: Bool { name == DeadLetterStorage.logName }

    /// Letters by exporter, signal and cause.
    var summaries: [LetterSummary] {
        var sums: [LetterSummary.Key: LetterSummary] = [:]
        for kept in letters {
            let key = LetterSummary.Key(kept.letter)
            sums[key, default: LetterSummary(key: key)].add(kept)
        }
        return sums.values.sorted { $0.key.text < $1.key.text }
    }
}

struct LetterSummary: Sendable {
    struct Key: Sendable, Hashable {
        var exporter: ComponentID
        var signal: Signal
        var cause: GiveUpCause

        init(_ letter: DeadLetter) { (exporter, signal, cause) = (letter.exporter, letter.signal, letter.cause) }

        var text: String { "\(exporter) \(signal.rawValue) \(cause.rawValue)" }
    }

    var key: Key
    var letters = 0
    var items = 0
    var bytes = 0
    var requested = 0

    init(key: Key) { self.key = key }

    mutating func add(_ kept: KeptLetter) {
        letters += 1
        items += kept.letter.itemCount
        bytes += kept.payloadBytes
        requested += kept.isRequested ? 1 : 0
    }
}

extension LogReport {
    var json: JSONText {
        if let problem { return .object([("name", .string(name)), ("error", .string(problem))]) }
        var fields: [(String, JSONText)] = [
            ("name", .string(name)), ("records", .number(status.records)), ("items", .number(status.items)),
            ("bytes", .number(status.bytes)),
            ("oldest", status.oldestReceivedAtUnixNanos.map { .string(CivilTime(unixNanos: $0).rfc3339) } ?? .null),
            ("appendedItems", .number(status.appendedItems)), ("corruptItems", .number(status.corruptItems)),
            ("evictedItems", .number(status.evictedItems)), ("expiredItems", .number(status.expiredItems)),
            ("quarantinedFiles", .number(status.quarantinedFiles)),
        ]
        if isDeadLetters {
            fields.append(
                (
                    "deadLetters",
                    .array(
                        summaries.map { summary in
                            .object([
                                ("exporter", .string("\(summary.key.exporter)")),
                                ("signal", .string(summary.key.signal.rawValue)),
                                ("reason", .string(summary.key.cause.rawValue)), ("letters", .number(summary.letters)),
                                ("items", .number(summary.items)), ("bytes", .number(summary.bytes)),
                                ("toBeReplayed", .number(summary.requested)),
                            ])
                        })
                ))
        } else {
            fields.append(("consumers", .array(consumers.map(\.json))))
        }
        return .object(fields)
    }

    var text: String {
        if let problem { return "\(name)\n  \(problem)\n" }
        var lines = [name]
        if isDeadLetters {
            lines.append("  \(letters.count) letters on \(bytesText(status.bytes)) of disk")
            for summary in summaries {
                var line = "  exporter \(summary.key.exporter) (\(summary.key.signal.rawValue)), "
                line += "\(summary.key.cause.rawValue): \(summary.letters) letters, \(summary.items) items, "
                line += bytesText(summary.bytes)
                if summary.requested > 0 { line += ", \(summary.requested) to be sent again" }
                lines.append(line)
            }
        } else {
            let oldest = status.oldestReceivedAtUnixNanos.map { ", oldest \(CivilTime(unixNanos: $0).rfc3339)" } ?? ""
            lines.append(
                "  \(status.records) records, \(status.items) items on \(bytesText(status.bytes)) of disk\(oldest)")
            if status.corruptItems > 0 { lines.append("  \(status.corruptItems) items could not be read back") }
            if let fault = status.fault { lines.append("  takes no records: \(fault)") }
            lines += consumers.map { "  \($0.text)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension ConsumerStatus {
    var json: JSONText {
        .object([
            ("name", .string(name)), ("open", .bool(isOpen)), ("durable", .bool(isDurable)),
            ("waitingItems", .number(waitingItems)), ("inFlightItems", .number(inFlightItems)),
            ("inFlightBatches", .number(inFlightBatches)), ("skippedItems", .number(skippedItems)),
            ("evictedItems", .number(evictedItems)), ("expiredItems", .number(expiredItems)),
            ("lostItems", .number(lostItems)), ("deliveredItems", .number(totals.delivered)),
            ("rejectedItems", .number(totals.rejectedByPeer)), ("deadLetteredItems", .number(totals.deadLettered)),
            ("droppedItems", .number(totals.dropped)),
        ])
    }

    var text: String {
        var parts = ["\(waitingItems) waiting", "\(inFlightItems) in flight", "\(totals.delivered) delivered"]
        for (count, word) in [
            (totals.rejectedByPeer, "rejected"), (totals.deadLettered, "dead-lettered"), (totals.dropped, "dropped"),
            (skippedItems, "skipped"), (evictedItems, "evicted"), (expiredItems, "expired"), (lostItems, "lost"),
        ] where count > 0 {
            parts.append("\(count) \(word)")
        }
        return "consumer \(name)\(isDurable ? "" : " (not kept over restarts)"): items \(parts.joined(separator: ", "))"
    }
}

extension KeptLetter {
    /// - Parameter payload: OTLP/JSON; nil: not shown.
    func json(payload: [UInt8]?) -> JSONText {
        var fields: [(String, JSONText)] = [
            ("batch", .string("\(letter.batchID)")), ("exporter", .string("\(letter.exporter)")),
            ("signal", .string(letter.signal.rawValue)), ("pipeline", .string(letter.pipeline)),
            ("reason", .string(letter.cause.rawValue)), ("error", .string(letter.reason)),
            ("attempts", .number(letter.attempts)),
            ("givenUpAt", .string(CivilTime(unixNanos: letter.givenUpAtUnixNanos).rfc3339)),
            ("items", .number(letter.itemCount)), ("bytes", .number(payloadBytes)),
            ("toBeReplayed", .bool(isRequested)),
        ]
        if let payload { fields.append(("payload", .verbatim(String(decoding: payload, as: UTF8.self)))) }
        return .object(fields)
    }

    func text(payload: [UInt8]?) -> String {
        var lines = [
            "batch \(letter.batchID)\(isRequested ? " (to be sent again)" : "")",
            "  exporter \(letter.exporter), \(letter.signal.rawValue), pipeline \(letter.pipeline)",
            "  \(letter.itemCount) items, \(bytesText(payloadBytes)), given up "
                + "\(CivilTime(unixNanos: letter.givenUpAtUnixNanos).rfc3339) after \(letter.attempts) attempts",
            "  \(letter.cause.rawValue): \(letter.reason)",
        ]
        if let payload { lines.append("  \(String(decoding: payload, as: UTF8.self))") }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// `12 bytes`, `3.4 MiB`
private func bytesText(_ count: Int) -> String {
    guard count >= 1024 else { return "\(count) bytes" }
    var tenths = count * 10 / 1024
    var units = ["KiB", "MiB", "GiB", "TiB"][...]
    while tenths >= 10240, units.count > 1 {
        tenths /= 1024
        units.removeFirst()
    }
    return "\(tenths / 10).\(tenths % 10) \(units[units.startIndex])"
}

/// A JSON text under construction.
indirect enum JSONText: Sendable {
    case null
    case bool(Bool)
    case number(Int)
    case string(String)
    case array([JSONText])
    case object([(String, JSONText)])
    /// JSON already.
    case verbatim(String)

    var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): Self.quoted(value)
        case .array(let elements): "[\(elements.map(\.text).joined(separator: ","))]"
        case .object(let fields): "{\(fields.map { "\(Self.quoted($0)):\($1.text)" }.joined(separator: ","))}"
        case .verbatim(let text): text
        }
    }

    private static func quoted(_ value: String) -> String {
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
