import ClickHouseNative
import OTLP

extension TextColumn {
    @inline(__always)
    mutating func append(_ bytes: WireBytes) {
        unsafe append(bytes.start, count: bytes.count)
    }

    @inline(__always)
    mutating func append(_ bytes: WireBytes, encoded: inout Range<Int>?) {
        unsafe append(bytes.start, count: bytes.count, encoded: &encoded)
    }

    mutating func append(_ bytes: [UInt8]) { bytes.withWireBytes { append($0) } }

    /// Appends an AnyValue message as text.
    mutating func append(textOf anyValue: WireBytes, scratch: inout [UInt8]) throws(WireError) {
        switch try AnyValueView(anyValue) {
        case .empty: append(.empty)
        case .string(let text): append(text)
        case .int(let value): append(decimal: value)
        default:
            scratch.removeAll(keepingCapacity: true)
            OTLPRequest.appendText(of: anyValue, to: &scratch)
            append(scratch)
        }
    }

    mutating func append(decimal value: Int64) {
        // The longest is -9223372036854775808.
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var start = 20
            var rest = value.magnitude
            repeat {
                start -= 1
                unsafe digits[start] = UInt8(truncatingIfNeeded: rest % 10) &+ UInt8(ascii: "0")
                rest /= 10
            } while rest > 0
            if value < 0 {
                start -= 1
                unsafe digits[start] = UInt8(ascii: "-")
            }
            if let address = digits.baseAddress { unsafe append(address + start, count: 20 - start) }
        }
    }
}

extension MapColumn {
    /// Appends one KeyValue message as a pair of the row in progress, its value as text.
    ///
    /// Most attributes are short: one comparison chain recognises the layout that has no other reading, and all others take the
    /// long way.
    @inline(__always)
    mutating func append(keyValue: WireBytes, scratch: inout [UInt8]) throws(WireError) {
        let count = keyValue.count
        let bytes = unsafe keyValue.start
        // key: tag, count, key; value: tag, count; in it: tag, count or int, …
        if count >= 6, count < 0x84, unsafe bytes[0] == Tag.key {
            let keyCount = unsafe Int(bytes[1])
            let valueCount = count - keyCount - 4
            if valueCount >= 2, unsafe bytes[2 + keyCount] == Tag.value, unsafe Int(bytes[3 + keyCount]) == valueCount {
                let value = unsafe bytes + (4 + keyCount)
                if unsafe value[0] == Tag.string, unsafe Int(value[1]) == valueCount - 2 {
                    unsafe keys.append(bytes + 2, count: keyCount)
                    unsafe values.append(value + 2, count: valueCount - 2)
                    return
                }
                if valueCount == 2, unsafe value[0] == Tag.int, unsafe value[1] < 0x80 {
                    unsafe keys.append(bytes + 2, count: keyCount)
                    values.append(decimal: unsafe Int64(value[1]))
                    return
                }
            }
        }
        try append(anyKeyValue: keyValue, scratch: &scratch)
    }

    private enum Tag {
        /// KeyValue.key and AnyValue.string_value.
        static var key: UInt8 { 0x0a }
        static var string: UInt8 { 0x0a }
        /// KeyValue.value.
        static var value: UInt8 { 0x12 }
        /// AnyValue.int_value.
        static var int: UInt8 { 0x18 }
    }

    @inline(never)
    private mutating func append(anyKeyValue: WireBytes, scratch: inout [UInt8]) throws(WireError) {
        var key = WireBytes.empty
        var value = WireBytes.empty
        var cursor = WireCursor(anyKeyValue)
        while let field = try cursor.nextField() {
            switch field.number {
            case KeyValueField.key: key = try field.payload()
            case KeyValueField.value: value = try field.payload()
            default: continue
            }
        }
        keys.append(key)
        try values.append(textOf: value, scratch: &scratch)
    }

    /// Appends a row of all attributes of a message.
    mutating func appendRow(_ attributes: RepeatedField, scratch: inout [UInt8]) throws(WireError) {
        try append(attributes, scratch: &scratch)
        endRow()
    }

    mutating func append(_ attributes: RepeatedField, scratch: inout [UInt8]) throws(WireError) {
        var attributes = attributes
        while let keyValue = try attributes.next() { try append(keyValue: keyValue, scratch: &scratch) }
    }
}

/// Ids as text.
extension TextColumn {
    /// Appends an id in lower-case hex; nothing for one that is absent or all zeros.
    mutating func append(id: WireBytes) {
        var bits: UInt8 = 0
        for index in 0..<id.count { bits |= id[index] }
        if bits == 0 { append(.empty) } else { append(hex: id) }
    }

    /// Appends an id of `byteCount` bytes in lower-case hex; zeros where it is absent.
    mutating func append(exemplarID id: WireBytes, byteCount: Int) {
        if id.isEmpty {
            append(Array(repeating: UInt8(ascii: "0"), count: 2 * byteCount))
        } else {
            append(hex: id)
        }
    }

    private mutating func append(hex id: WireBytes) {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 2 * id.count) { digits in
            for index in 0..<id.count {
                let byte = id[index]
                unsafe digits[2 * index] = Self.hexDigit(byte >> 4)
                unsafe digits[2 * index + 1] = Self.hexDigit(byte & 0xf)
            }
            if let address = digits.baseAddress { unsafe append(address, count: 2 * id.count) }
        }
    }

    @inline(__always)
    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value &+ (value < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") &- 10)
    }
}
