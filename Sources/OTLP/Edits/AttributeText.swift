/// The text form of attribute values: what `convert` to a string writes, and what regular expressions see of other
/// kinds.
///
/// Numbers and JSON look as Go writes them, since that is what otelcol stores.
enum AttributeText {
    /// The text of an encoded AnyValue. Strings stay the bytes they are, valid UTF-8 or not.
    static func text(of value: WireBytes) throws(WireError) -> [UInt8] {
        switch try AttributeContent(value) {
        case .empty: return []
        case .string(let text): return text.array
        case .bool(let value): return Array((value ? "true" : "false").utf8)
        case .int(let value): return Array(String(value).utf8)
        case .double(let value): return Array(number(value).utf8)
        case .bytes(let bytes): return Array(base64(bytes).utf8)
        case .list, .map:
            var json: [UInt8] = []
            // JSON has no NaN and no infinity: a value with one inside has no text.
            return try appendJSON(value, to: &json, depth: 0) ? json : []
        }
    }

    /// The shortest decimal that reads back as `value`: plain from 1e-6 to below 1e21, else with an exponent.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "json: unsupported value: NaN" }
        if value.isInfinite { return "json: unsupported value: \(value < 0 ? "-" : "+")Inf" }
        if value == 0 { return value.sign == .minus ? "-0" : "0" }
        let (digits, point) = decimal(value.magnitude)
        let sign = value < 0 ? "-" : ""
        if value.magnitude >= 1e-6, value.magnitude < 1e21 {
            if point <= 0 { return "\(sign)0.\(String(repeating: "0", count: -point))\(digits)" }
            if digits.count <= point { return "\(sign)\(digits)\(String(repeating: "0", count: point - digits.count))" }
            return "\(sign)\(digits.prefix(point)).\(digits.dropFirst(point))"
        }
        let exponent = point - 1
        let fraction = digits.count > 1 ? ".\(digits.dropFirst())" : ""
        let exponentText = exponent < 0 ? "-\(-exponent)" : "+\(exponent)"
        return "\(sign)\(digits.prefix(1))\(fraction)e\(exponentText)"
    }

    /// The significant digits of a positive number, and how many of them stand before the point.
    private static func decimal(_ value: Double) -> (digits: Substring, point: Int) {
        let parts = value.description.split(separator: "e", maxSplits: 1)
        let mantissa = parts[0].split(separator: ".", maxSplits: 1)
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let whole = mantissa[0]
        let fraction = mantissa.count > 1 ? mantissa[1] : ""
        var digits = Substring(whole + fraction)
        var point = whole.count + exponent
        while digits.first == "0" {
            digits.removeFirst()
            point -= 1
        }
        while digits.last == "0" { digits.removeLast() }
        return (digits, point)
    }

    static func base64(_ bytes: WireBytes) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let count = min(3, bytes.count - index)
            var group = UInt32(bytes[index]) << 16
            if count > 1 { group |= UInt32(bytes[index + 1]) << 8 }
            if count > 2 { group |= UInt32(bytes[index + 2]) }
            for position in 0..<4 {
                text.append(position <= count ? alphabet[Int(group >> (18 - 6 * UInt32(position)) & 63)] : 0x3d)
            }
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// - Returns: false when the value holds something JSON cannot say.
    private static func appendJSON(_ value: WireBytes, to json: inout [UInt8], depth: Int) throws(WireError) -> Bool {
        guard depth < AttributeContent.depthMax else { throw .nestedTooDeeply }
        switch try AttributeContent(value) {
        case .empty: json += "null".utf8
        case .string(let text): appendQuoted(text.string, to: &json)
        case .bool(let value): json += (value ? "true" : "false").utf8
        case .int(let value): json += String(value).utf8
        case .double(let value):
            guard value.isFinite else { return false }
            json += number(value).utf8
        case .bytes(let bytes): appendQuoted(base64(bytes), to: &json)
        case .list(let payload):
            json.append(UInt8(ascii: "["))
            for (index, element) in try AttributeContent.elements(of: payload).enumerated() {
                if index > 0 { json.append(UInt8(ascii: ",")) }
                guard try appendJSON(element, to: &json, depth: depth + 1) else { return false }
            }
            json.append(UInt8(ascii: "]"))
        case .map(let payload):
            // Keys in order, of a repeated one the last value.
            var values: [String: WireBytes] = [:]
            for element in try AttributeContent.elements(of: payload) {
                let pair = try KeyAndValue(element)
                values[pair.key.string] = pair.value
            }
            json.append(UInt8(ascii: "{"))
            let sorted = values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            for (index, (key, value)) in sorted.enumerated() {
                if index > 0 { json.append(UInt8(ascii: ",")) }
                appendQuoted(key, to: &json)
                json.append(UInt8(ascii: ":"))
                guard try appendJSON(value, to: &json, depth: depth + 1) else { return false }
            }
            json.append(UInt8(ascii: "}"))
        }
        return true
    }

    private static func appendQuoted(_ text: String, to json: inout [UInt8]) {
        json.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": json += "\\\"".utf8
            case "\\": json += "\\\\".utf8
            case "\n": json += "\\n".utf8
            case "\r": json += "\\r".utf8
            case "\t": json += "\\t".utf8
            case "\u{8}": json += "\\b".utf8
            case "\u{c}": json += "\\f".utf8
            case "\0"..."\u{1f}", "<", ">", "&", "\u{2028}", "\u{2029}":
                let hex = String(scalar.value, radix: 16)
                json += "\\u\(String(repeating: "0", count: 4 - hex.count))\(hex)".utf8
            default: json += String(scalar).utf8
            }
        }
        json.append(UInt8(ascii: "\""))
    }
}
