/// A value that a configuration key can hold. The rules are otelcol's: no silent conversion between kinds.
package protocol ConfigDecodable {
    /// True for blocks, whose null means "all defaults" and not "absent".
    static var isBlock: Bool { get }
    /// True for text, which takes what a `${…}` expansion wrote even where YAML reads that as null or a number.
    static var readsOriginalText: Bool { get }
    static func decode(_ node: ConfigNode, path: String) throws(ConfigError) -> Self
}

extension ConfigDecodable {
    package static var isBlock: Bool { false }
    package static var readsOriginalText: Bool { false }

    fileprivate static func mismatch(_ node: ConfigNode, path: String, expected: String) -> ConfigError {
        let found =
            switch node.value {
            case .null: "nil"
            case .bool(let value): "type 'bool', value: '\(value)'"
            case .int(let value): "type 'int', value: '\(value)'"
            case .double(let value): "type 'float64', value: '\(value)'"
            case .string(let value): "type 'string', value: '\(value)'"
            case .list: "type '[]interface {}'"
            case .map: "type 'map[string]interface {}'"
            }
        return ConfigError(
            .decoding, at: node.position, path: path, "expected type '\(expected)', got unconvertible \(found)")
    }
}

extension Bool: ConfigDecodable {
    package static func decode(_ node: ConfigNode, path: String) throws(ConfigError) -> Bool {
        guard case .bool(let value) = node.value else { throw mismatch(node, path: path, expected: "bool") }
        return value
    }
}

extension Int: ConfigDecodable {
    package static func decode(_ node: ConfigNode, path: String) throws(ConfigError) -> Int {
        switch node.value {
        case .int(let value): return Int(value)
        case .double(let value) where value.rounded() == value && value.magnitude < 9e15: return Int(value)
        default: throw mismatch(node, path: path, expected: "int")
        }
    }
}

extension Double: ConfigDecodable {
    package static func decode(_ node: ConfigNode, path: String) throws(ConfigError) -> Double {
        switch node.value {
        case .int(let value): return Double(value)
        case .double(let value): return value
        default: throw mismatch(node, path: path, expected: "float64")
        }
    }
}

extension String: ConfigDecodable {
    package static var readsOriginalText: Bool { true }

    package static func decode(_ node: ConfigNode, path: String) throws(ConfigError) -> String {
        if let text = node.originalText { return text }
        guard case .string(let value) = node.value else { throw mismatch(node, path: path, expected: "string") }
        return value
    }
}

/// A secret: prints as `[REDACTED]`.
package struct OpaqueString: ConfigDecodable, Sendable, Hashable, CustomStringConvertible {
    package let secret: String
    package init(_ secret: String) { self.secret = secret }
    package var description: String { "[REDACTED]" }

    package static var readsOriginalText: Bool { true }

    package static func decode(_ node: ConfigNode, path: String) throws(ConfigError) -> OpaqueString {
        if let text = node.originalText { return OpaqueString(text) }
        guard case .string(let secret) = node.value else {
            // Without the value: it may be a secret all the same.
            throw ConfigError(
                .decoding, at: node.position, path: path,
                "expected type 'string', got unconvertible type '\(node.value.typeName)'")
        }
        return OpaqueString(secret)
    }
}

extension Array: ConfigDecodable where Element: ConfigDecodable {
    package static func decode(_ node: ConfigNode, path: String) throws(ConfigError) -> [Element] {
        switch node.value {
        case .list(let nodes):
            var elements: [Element] = []
            for (index, node) in nodes.enumerated() {
                elements.append(try Element.decode(node, path: "\(path)[\(index)]"))
            }
            return elements
        case .string(let text):
            // otelcol splits a string given for a list at its commas.
            if text.isEmpty { return [] }
            var elements: [Element] = []
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                elements.append(try Element.decode(ConfigNode(.string(String(part)), at: node.position), path: path))
            }
            return elements
        default: throw mismatch(node, path: path, expected: "slice")
        }
    }
}

/// A map whose keys are the user's own, in file order: `headers`, `connection_params`.
package struct ConfigDictionary<Value: ConfigDecodable & Sendable>: ConfigDecodable, Sendable {
    package var pairs: [(key: String, value: Value)]

    package init(_ pairs: [(key: String, value: Value)] = []) { self.pairs = pairs }

    package static func decode(_ node: ConfigNode, path: String) throws(ConfigError) -> ConfigDictionary<Value> {
        var map = try ConfigMap(node, path: path)
        var pairs: [(key: String, value: Value)] = []
        for entry in map.takeAll() {
            pairs.append((entry.key, try Value.decode(entry.node, path: "\(path)::\(entry.key)")))
        }
        return ConfigDictionary(pairs)
    }
}

extension Duration: ConfigDecodable {
    /// Go's durations: `300ms`, `1.5h`, `2h45m`; a bare number is nanoseconds; a string without a unit is an error.
    package static func decode(_ node: ConfigNode, path: String) throws(ConfigError) -> Duration {
        switch node.value {
        case .int(let nanos): return .nanoseconds(nanos)
        case .string(let text):
            do {
                return try parseGoDuration(text)
            } catch {
                throw ConfigError(.decoding, at: node.position, path: path, error.message)
            }
        default: throw mismatch(node, path: path, expected: "time.Duration")
        }
    }
}

/// Why a text is no Go duration, in Go's words.
package struct GoDurationError: Error {
    package let message: String
}

/// Parses Go's `time.ParseDuration` syntax; the result is exact to the nanosecond.
package func parseGoDuration(_ text: String) throws(GoDurationError) -> Duration {
    let invalid = GoDurationError(message: "time: invalid duration \"\(text)\"")
    var rest = Substring(text)
    var sign: Int64 = 1
    if let first = rest.first, first == "-" || first == "+" {
        sign = first == "-" ? -1 : 1
        rest.removeFirst()
    }
    if rest == "0" { return .zero }
    guard !rest.isEmpty else { throw invalid }
    var total = Duration.zero
    while !rest.isEmpty {
        let whole = rest.prefix { $0.isASCII && $0.isNumber }
        rest.removeFirst(whole.count)
        var fraction = Substring()
        if rest.first == "." {
            rest.removeFirst()
            fraction = rest.prefix { $0.isASCII && $0.isNumber }
            rest.removeFirst(fraction.count)
        }
        guard !whole.isEmpty || !fraction.isEmpty else { throw invalid }
        let unit = rest.prefix { $0 != "." && !($0.isASCII && $0.isNumber) }
        rest.removeFirst(unit.count)
        if unit.isEmpty { throw GoDurationError(message: "time: missing unit in duration \"\(text)\"") }
        guard let unitNanos = goDurationUnits[String(unit)] else {
            throw GoDurationError(message: "time: unknown unit \"\(unit)\" in duration \"\(text)\"")
        }
        guard let count = whole.isEmpty ? 0 : Int64(whole) else { throw invalid }
        let (nanos, overflow) = count.multipliedReportingOverflow(by: unitNanos)
        if overflow { throw invalid }
        var scale = 1.0
        var fractionValue = 0.0
        for digit in fraction.prefix(15) {
            scale /= 10
            fractionValue += Double(digit.wholeNumberValue ?? 0) * scale
        }
        total += .nanoseconds(nanos) + .nanoseconds(Int64((fractionValue * Double(unitNanos)).rounded()))
        if total > .nanoseconds(Int64.max) { throw invalid }
    }
    return total * Int(sign)
}

private let goDurationUnits: [String: Int64] = [
    "ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 1_000_000, "s": 1_000_000_000,
    "m": 60_000_000_000, "h": 3_600_000_000_000,
]
