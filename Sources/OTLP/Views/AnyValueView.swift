/// The value of an attribute, or the body of a log record. Borrowed, as `WireBytes`.
@safe @frozen
public enum AnyValueView {
    /// Nothing set, which is legal.
    case empty
    /// Text, not checked to be UTF-8.
    case string(WireBytes)
    case bool(Bool)
    case int(Int64)
    case double(Double)
    /// The ArrayValue message; `elements(of:)` reads it.
    case array(WireBytes)
    /// The KeyValueList message; `entries(of:)` reads it.
    case keyValueList(WireBytes)
    case bytes(WireBytes)
    /// An index into a string table, which only profiles have.
    case stringIndex(Int32)

    /// - Parameter bytes: the AnyValue message.
    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        self = .empty
        var cursor = WireCursor(bytes)
        // Most values are a string and nothing else.
        if let text = try cursor.nextPayload(ifTag: UInt8(AnyValueField.stringValue << 3 | 2)) {
            self = .string(text)
        }
        while let field = try cursor.nextField() {
            switch field.number {
            case AnyValueField.stringValue: self = .string(try field.payload())
            case AnyValueField.boolValue: self = .bool(try field.varint() != 0)
            case AnyValueField.intValue: self = .int(Int64(bitPattern: try field.varint()))
            case AnyValueField.doubleValue: self = .double(try field.double())
            case AnyValueField.arrayValue: self = .array(try field.payload())
            case AnyValueField.kvlistValue: self = .keyValueList(try field.payload())
            case AnyValueField.bytesValue: self = .bytes(try field.payload())
            case AnyValueField.stringValueStrindex:
                self = .stringIndex(Int32(truncatingIfNeeded: try field.varint()))
            default: continue
            }
        }
    }

    /// The AnyValue messages of an ArrayValue.
    @inlinable
    public static func elements(of array: WireBytes) -> RepeatedField {
        RepeatedField(array, ArrayValueField.values)
    }

    /// The KeyValue messages of a KeyValueList.
    @inlinable
    public static func entries(of keyValueList: WireBytes) -> RepeatedField {
        RepeatedField(keyValueList, KeyValueListField.values)
    }
}

/// One attribute. Borrowed, as `WireBytes`.
@safe @frozen
public struct KeyValueView {
    public var key: WireBytes = .empty
    /// `.empty` also where the attribute has no value at all.
    public var value: AnyValueView = .empty

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case KeyValueField.key: key = try field.payload()
            case KeyValueField.value: value = try AnyValueView(try field.payload())
            default: continue
            }
        }
    }
}
