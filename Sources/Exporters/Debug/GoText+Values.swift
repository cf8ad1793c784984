import OTLP

extension GoText {
    /// `Str(text)`, `Int(1)`, …
    static func typed(_ value: AnyValueView) throws(WireError) -> String {
        let type =
            switch value {
            case .empty, .stringIndex: "Empty"
            case .string: "Str"
            case .bool: "Bool"
            case .int: "Int"
            case .double: "Double"
            case .array: "Slice"
            case .keyValueList: "Map"
            case .bytes: "Bytes"
            }
        return "\(type)(\(try plain(value)))"
    }

    /// The value alone: text as it is, numbers in their shortest form, bytes in base64, lists and maps as JSON.
    static func plain(_ value: AnyValueView) throws(WireError) -> String {
        switch value {
        case .empty, .stringIndex: return ""
        case .string(let text): return text.string
        case .bool(let value): return String(value)
        case .int(let value): return String(value)
        case .double(let value): return json(value)
        case .bytes(let bytes): return base64(bytes)
        case .array, .keyValueList:
            var text = ""
            try appendJSON(value, to: &text)
            return text
        }
    }

    private static func appendJSON(_ value: AnyValueView, to text: inout String) throws(WireError) {
        switch value {
        case .empty, .stringIndex: text += "null"
        case .string(let string): appendQuoted(string.string, to: &text)
        case .bytes(let bytes): appendQuoted(base64(bytes), to: &text)
        case .bool, .int, .double: text += try plain(value)
        case .array(let payload):
            var elements = AnyValueView.elements(of: payload)
            var separator = "["
            while let element = try elements.next() {
                text += separator
                try appendJSON(AnyValueView(element), to: &text)
                separator = ","
            }
            text += separator == "[" ? "[]" : "]"
        case .keyValueList(let payload):
            var entries = AnyValueView.entries(of: payload)
            var values: [String: AnyValueView] = [:]
            while let entry = try entries.next() {
                let pair = try KeyValueView(entry)
                values[pair.key.string] = pair.value
            }
            var separator = "{"
            for (key, value) in values.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
                text += separator
                appendQuoted(key, to: &text)
                text += ":"
                try appendJSON(value, to: &text)
                separator = ","
            }
            text += separator == "{" ? "{}" : "}"
        }
    }

    private static func appendQuoted(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\0"..."\u{1f}", "<", ">", "&", "\u{2028}", "\u{2029}":
                let hex = String(scalar.value, radix: 16)
                text += "\\u\(String(repeating: "0", count: 4 - hex.count))\(hex)"
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }

    static func base64(_ bytes: WireBytes) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group = 0
            for index in 0..<3 { group = group << 8 | (index < count ? Int(bytes[start + index]) : 0) }
            for index in 0..<4 {
                text.append(index <= count ? alphabet[group >> (18 - 6 * index) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
