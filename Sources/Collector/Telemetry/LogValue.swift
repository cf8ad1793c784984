internal import Component
internal import Logging

/// A value of a log field, ready to be written as JSON.
enum LogValue: Sendable {
    case null
    case bool(Bool)
    /// A number as it is to be written.
    case number(String)
    case string(String)
    case list([LogValue])
    case object([(name: String, value: LogValue)])

    /// - Parameter name: the field's name; the values of those that name a secret are not shown.
    init(_ value: Logger.MetadataValue, name: String) {
        if Redaction.isSecret(name) {
            self = .string(Redaction.text)
            return
        }
        switch value {
        case .string(let text): self = .string(Redaction.redacted(text))
        case .stringConvertible(let value): self.init(describing: value)
        case .array(let values): self = .list(values.map { LogValue($0, name: name) })
        case .dictionary(let fields):
            self = .object(fields.sorted { $0.key < $1.key }.map { ($0.key, LogValue($0.value, name: $0.key)) })
        }
    }

    init(_ node: ConfigNode) {
        switch node.value {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .int(let value): self = .number(String(value))
        case .double(let value): self.init(describing: value)
        case .string(let text): self = .string(text)
        case .list(let nodes): self = .list(nodes.map { LogValue($0) })
        case .map(let entries): self = .object(entries.map { ($0.key, LogValue($0.node)) })
        }
    }

    private init(describing value: any CustomStringConvertible) {
        switch value {
        case let value as Bool: self = .bool(value)
        case let value as any BinaryInteger: self = .number(value.description)
        case let value as Double where value.isFinite: self = .number(PrometheusText.number(value))
        default: self = .string(Redaction.redacted(value.description))
        }
    }
}

/// Text in the making: a line with its JSON.
struct LogText {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// - Parameter spaced: whether a blank follows each colon and comma, as in console lines.
    mutating func append(_ value: LogValue, spaced: Bool) {
        let comma = spaced ? ", " : ","
        switch value {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .number(let text): append(text)
        case .string(let text): appendQuoted(text)
        case .list(let values):
            append("[")
            for (index, value) in values.enumerated() {
                if index > 0 { append(comma) }
                append(value, spaced: spaced)
            }
            append("]")
        case .object(let fields):
            append("{")
            for (index, field) in fields.enumerated() {
                if index > 0 { append(comma) }
                appendQuoted(field.name)
                append(spaced ? ": " : ":")
                append(field.value, spaced: spaced)
            }
            append("}")
        }
    }

    private mutating func appendQuoted(_ text: String) {
        let hexadecimal = Array("0123456789abcdef".utf8)
        append("\"")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case UInt8(ascii: "\n"): append("\\n")
            case UInt8(ascii: "\r"): append("\\r")
            case UInt8(ascii: "\t"): append("\\t")
            case 0..<0x20, 0x7F:
                append("\\u00")
                bytes += [hexadecimal[Int(byte >> 4)], hexadecimal[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        append("\"")
    }
}

/// Keeps credentials out of the log.
enum Redaction {
    static let text = "[REDACTED]"

    private static let secretNames: Set<String> = [
        "api_key", "api-key", "apikey", "authorization", "password", "proxy-authorization", "secret", "token",
        "x-api-key",
    ]

    /// Whether a field of this name holds a secret as a whole.
    static func isSecret(_ name: String) -> Bool { secretNames.contains(name.lowercased()) }

    /// `value` with the credentials of each URL in it hidden: `http://user:pass@host` becomes `http://[REDACTED]@host`.
    static func redacted(_ value: String) -> String {
        let separator = Array("://".utf8)
        let bytes = Array(value.utf8)
        guard value.utf8.contains(UInt8(ascii: "@")), value.contains("://") else { return value }
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index...].starts(with: separator) else {
                result.append(bytes[index])
                index += 1
                continue
            }
            result += separator
            index += separator.count
            let authority = bytes[index...].prefix { !" \t\r\n/?#\"'".utf8.contains($0) }
            if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
                result += Array(text.utf8)
                index = at
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
