internal import Component

/// Decides what a scalar's text means, by the rules of Go's yaml.v3: YAML 1.2's core schema, plus octals with a leading
/// zero, underscores in numbers and binary numbers. `yes`, `no`, `on` and `off` are strings, and so are timestamps.
enum YAMLScalar {
    /// The value of a scalar written without quotes and without a tag.
    static func resolvePlain(_ text: String) -> ConfigValue {
        guard let first = text.utf8.first else { return .null }
        if let word = words[text] { return word }
        switch first {
        case UInt8(ascii: "."):
            return hasFloatSyntax(text[...]) ? number(text) ?? .string(text) : .string(text)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"):
            return number(text) ?? .string(text)
        default: return .string(text)
        }
    }

    /// The value of a scalar with the tag `tag`.
    ///
    /// - Returns: nil when the text is no value of that type.
    static func resolve(_ text: String, tag: String) -> ConfigValue? {
        let prefix = "tag:yaml.org,2002:"
        guard tag.hasPrefix(prefix) else { return .string(text) }
        switch tag.dropFirst(prefix.count) {
        case "null":
            if case .null = resolvePlain(text) { return .null }
        case "bool":
            if case .bool(let value) = resolvePlain(text) { return .bool(value) }
        case "int":
            if case .int(let value) = resolvePlain(text) { return .int(value) }
        case "float":
            switch resolvePlain(text) {
            case .int(let value): return .double(Double(value))
            case .double(let value): return .double(value)
            default: break
            }
        default: return .string(text)
        }
        return nil
    }

    private static let words: [String: ConfigValue] = [
        "true": .bool(true), "True": .bool(true), "TRUE": .bool(true),
        "false": .bool(false), "False": .bool(false), "FALSE": .bool(false),
        "~": .null, "null": .null, "Null": .null, "NULL": .null,
        ".nan": .double(.nan), ".NaN": .double(.nan), ".NAN": .double(.nan),
        ".inf": .double(.infinity), ".Inf": .double(.infinity), ".INF": .double(.infinity),
        "+.inf": .double(.infinity), "+.Inf": .double(.infinity), "+.INF": .double(.infinity),
        "-.inf": .double(-.infinity), "-.Inf": .double(-.infinity), "-.INF": .double(-.infinity),
    ]

    private static func number(_ text: String) -> ConfigValue? {
        let plain = text.filter { $0 != "_" }
        if let value = integer(plain) { return value }
        guard hasFloatSyntax(plain[...]), let value = Double(plain[...]), value.isFinite else { return nil }
        return .double(value)
    }

    /// Decimal, `0x`, `0o`, `0b`, and octal with a leading zero. What is too large for 64 bits with a sign becomes a
    /// double when it is decimal, and is no number otherwise.
    private static func integer(_ text: String) -> ConfigValue? {
        var digits = text[...]
        let isNegative = digits.first == "-"
        if isNegative || digits.first == "+" { digits.removeFirst() }
        var radix = 10
        if digits.count > 1, digits.first == "0" {
            switch digits.dropFirst().first {
            case "x", "X": radix = 16
            case "o", "O": radix = 8
            case "b", "B": radix = 2
            default: radix = 8
            }
            digits = digits.dropFirst(digits.dropFirst().first?.isNumber == true ? 1 : 2)
        }
        // `Int64` would take a second sign.
        guard let first = digits.first, first.isHexDigit else { return nil }
        return Int64((isNegative ? "-" : "") + digits, radix: radix).map { .int($0) }
    }

    /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
    private static func hasFloatSyntax(_ text: Substring) -> Bool {
        var rest = text.utf8[...]
        func takeDigits() -> Int {
            let digits = rest.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
            rest = rest.dropFirst(digits.count)
            return digits.count
        }
        func takeSign() {
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        }
        takeSign()
        var digitCount = takeDigits()
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            digitCount += takeDigits()
        }
        guard digitCount > 0 else { return false }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest.removeFirst()
            takeSign()
            guard takeDigits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}
