/// What an AnyValue holds, borrowed from its encoding.
enum AttributeContent {
    case empty
    case string(WireBytes)
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case bytes(WireBytes)
    /// The payload of an ArrayValue.
    case list(WireBytes)
    /// The payload of a KeyValueList.
    case map(WireBytes)

    /// Values nested deeper than this are refused where they must be looked into.
    static let depthMax = 64

    /// Reads an encoded AnyValue. Of several kinds the last one counts, as for any oneof.
    init(_ value: WireBytes) throws(WireError) {
        self = .empty
        var cursor = WireCursor(value)
        while let field = try cursor.nextField() {
            switch (field.number, field.type) {
            case (AnyValueField.stringValue, .lengthDelimited): self = .string(field.bytes)
            case (AnyValueField.boolValue, .varint): self = .bool(field.value != 0)
            case (AnyValueField.intValue, .varint): self = .int(Int64(bitPattern: field.value))
            case (AnyValueField.doubleValue, .fixed64): self = .double(Double(bitPattern: field.value))
            case (AnyValueField.arrayValue, .lengthDelimited): self = .list(field.bytes)
            case (AnyValueField.kvlistValue, .lengthDelimited): self = .map(field.bytes)
            case (AnyValueField.bytesValue, .lengthDelimited): self = .bytes(field.bytes)
            default: break
            }
        }
    }

    /// Whether two values are of the same kind and the same; the order of a map's keys does not matter.
    static func areEqual(_ left: WireBytes, _ right: WireBytes, depth: Int = 0) throws(WireError) -> Bool {
        guard depth < depthMax else { throw .nestedTooDeeply }
        switch (try AttributeContent(left), try AttributeContent(right)) {
        case (.empty, .empty): return true
        case (.string(let a), .string(let b)), (.bytes(let a), .bytes(let b)): return a.equals(b)
        case (.bool(let a), .bool(let b)): return a == b
        case (.int(let a), .int(let b)): return a == b
        case (.double(let a), .double(let b)): return a == b
        case (.list(let a), .list(let b)):
            let left = try elements(of: a)
            let right = try elements(of: b)
            guard left.count == right.count else { return false }
            for (a, b) in zip(left, right) where try !areEqual(a, b, depth: depth + 1) { return false }
            return true
        case (.map(let a), .map(let b)):
            let left = try elements(of: a)
            let right = try elements(of: b)
            guard left.count == right.count else { return false }
            for element in left {
                let pair = try KeyAndValue(element)
                var isFound = false
                for other in right {
                    let other = try KeyAndValue(other)
                    guard other.key.equals(pair.key) else { continue }
                    isFound = try areEqual(pair.value, other.value, depth: depth + 1)
                    break
                }
                if !isFound { return false }
            }
            return true
        default: return false
        }
    }

    /// The elements of a list or the KeyValues of a map: both keep them in field 1.
    static func elements(of payload: WireBytes) throws(WireError) -> [WireBytes] {
        var elements: [WireBytes] = []
        var cursor = WireCursor(payload)
        while let field = try cursor.nextField() {
            if field.number == ArrayValueField.values, field.type == .lengthDelimited { elements.append(field.bytes) }
        }
        return elements
    }
}

/// The two halves of a KeyValue.
struct KeyAndValue {
    var key: WireBytes
    /// An encoded AnyValue; empty when there is none.
    var value: WireBytes

    init(key: WireBytes, value: WireBytes) {
        self.key = key
        self.value = value
    }

    init(_ bytes: WireBytes) throws(WireError) {
        key = bytes.slice(0..<0)
        value = key
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            guard field.type == .lengthDelimited else { continue }
            if field.number == KeyValueField.key { key = field.bytes }
            if field.number == KeyValueField.value { value = field.bytes }
        }
    }
}
