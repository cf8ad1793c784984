import OTLP

extension WireWriter {
    /// A string field.
    mutating func writeText(_ field: UInt32, _ text: StaticString) {
        unsafe writeBytes(field, WireBytes(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// A KeyValue with a string, in the repeated field `field`.
    mutating func writeAttribute(_ field: UInt32, _ key: StaticString, text: StaticString) {
        beginAttribute(field, key, valueByteCount: Self.fieldByteCount(text.utf8CodeUnitCount))
        writeText(AnyValueField.stringValue, text)
    }

    /// A KeyValue with a string, in the repeated field `field`.
    mutating func writeAttribute(_ field: UInt32, _ key: StaticString, text: [UInt8]) {
        beginAttribute(field, key, valueByteCount: Self.fieldByteCount(text.count))
        writeBytes(AnyValueField.stringValue, text)
    }

    /// A KeyValue with an int, in the repeated field `field`.
    mutating func writeAttribute(_ field: UInt32, _ key: StaticString, int: Int64) {
        let bits = UInt64(bitPattern: int)
        beginAttribute(field, key, valueByteCount: 1 + Self.varintByteCount(bits))
        writeVarint(AnyValueField.intValue, bits)
    }

    /// A KeyValue with a double, in the repeated field `field`.
    mutating func writeAttribute(_ field: UInt32, _ key: StaticString, double: Double) {
        beginAttribute(field, key, valueByteCount: 9)
        writeDouble(AnyValueField.doubleValue, double)
    }

    /// A KeyValue with a bool, in the repeated field `field`.
    mutating func writeAttribute(_ field: UInt32, _ key: StaticString, bool: Bool) {
        beginAttribute(field, key, valueByteCount: 2)
        writeVarint(AnyValueField.boolValue, bool ? 1 : 0)
    }

    /// All of a KeyValue but the content of its value. The sizes are known, so nothing has to be moved afterwards.
    private mutating func beginAttribute(_ field: UInt32, _ key: StaticString, valueByteCount: Int) {
        writeTag(field, .lengthDelimited)
        writeVarint(UInt64(Self.fieldByteCount(key.utf8CodeUnitCount) + Self.fieldByteCount(valueByteCount)))
        writeText(KeyValueField.key, key)
        writeTag(KeyValueField.value, .lengthDelimited)
        writeVarint(UInt64(valueByteCount))
    }

    /// Bytes of a length-delimited field with a tag of one byte.
    private static func fieldByteCount(_ payloadByteCount: Int) -> Int {
        1 + varintByteCount(UInt64(payloadByteCount)) + payloadByteCount
    }
}
