import ClickHouseNative
import OTLP

extension TextColumn {
    @inline(__always)
    mutating func append(_ bytes: WireBytes) {
        unsafe append(bytes.start, count: bytes.count)
    }

    /// Appends a text that the next `rows` rows have.
    mutating func append(_ bytes: WireBytes, rows: Int) {
        unsafe append(bytes.start, count: bytes.count, rows: rows)
    }

    mutating func append(_ bytes: [UInt8]) { bytes.withWireBytes { append($0) } }

    /// Appends an AnyValue message as text.
    mutating func append(textOf anyValue: WireBytes, scratch: inout [UInt8]) throws(WireError) {
        switch try AnyValueView(anyValue) {
        case .empty: append(.empty)
        case .string(let text): append(text)
        case .int(let value): append(decimal: value)
        case .bool(let value): append(value ? "true" : "false")
        case let value:
            scratch.removeAll(keepingCapacity: true)
            try OTLPRequest.appendText(of: value, to: &scratch)
            append(scratch)
        }
    }

    /// Appends a double as text.
    mutating func append(_ value: Double, scratch: inout [UInt8]) throws(WireError) {
        scratch.removeAll(keepingCapacity: true)
        try OTLPRequest.appendText(of: .double(value), to: &scratch)
        append(scratch)
    }

    mutating func append(decimal value: Int64) {
        // The longest is -9223372036854775808.
        unsafe append(countMax: 20) { text in
            let digitCount = Self.digitCount(of: value.magnitude)
            var end = digitCount
            if value < 0 {
                unsafe text[0] = UInt8(ascii: "-")
                end += 1
            }
            var rest = value.magnitude
            var position = end
            while rest >= 100 {
                position -= 2
                unsafe Self.writePair(rest % 100, to: text + position)
                rest /= 100
            }
            if rest >= 10 {
                unsafe Self.writePair(rest, to: text + (position - 2))
            } else {
                unsafe text[position - 1] = UInt8(truncatingIfNeeded: rest) &+ UInt8(ascii: "0")
            }
            return end
        }
    }

    /// Writes two digits: `value` is below 100.
    @inline(__always)
    private static func writePair(_ value: UInt64, to text: UnsafeMutablePointer<UInt8>) {
        let tens = UInt8(truncatingIfNeeded: value / 10)
        unsafe text[0] = tens &+ UInt8(ascii: "0")
        unsafe text[1] = UInt8(truncatingIfNeeded: value) &- tens &* 10 &+ UInt8(ascii: "0")
    }

    private static func digitCount(of value: UInt64) -> Int {
        var count = 1
        var limit: UInt64 = 10
        while value >= limit {
            count += 1
            if count == 20 { break }
            limit &*= 10
        }
        return count
    }
}

extension MapColumn {
    /// Appends the KeyValue messages that come next, in fields of `tag`, to the row in progress.
    @inline(__always)
    mutating func append(
        attributesAt cursor: inout WireCursor, tag: UInt8, scratch: inout [UInt8]
    ) throws(WireError) {
        while cursor.isNext(tag: tag) {
            if takesShortPairs { appendShortPairs(at: &cursor, tag: tag) }
            guard let attribute = try cursor.nextPayload(ifTag: tag) else { return }
            try append(keyValue: attribute, scratch: &scratch)
        }
    }

    /// Appends the next attributes as long as they come in the order of those before them, with short values that are
    /// texts or small numbers.
    @inline(never)
    private mutating func appendShortPairs(at cursor: inout WireCursor, tag: UInt8) {
        let rest = cursor.rest
        let count = min(rest.count, 1 << 12)
        var next = unsafe rest.start
        let end = unsafe next + count
        var pairs = beginShortPairs(pairCount: count / 8, valueBytes: count)
        // Six bytes: tag and count of the attribute, of its key and of its value.
        while unsafe end - next >= 6, unsafe next[0] == tag {
            let attributeCount = unsafe Int(next[1])
            let key = unsafe next + 3
            guard attributeCount < 0x80, unsafe attributeCount &+ 2 <= end - next, unsafe next[2] == Tag.key,
                let keyCount = unsafe pairs.guessedByteCount(key, readable: attributeCount &- 1)
            else { break }
            let valueCount = attributeCount &- keyCount &- 4
            let value = unsafe key + (keyCount &+ 3)
            guard valueCount >= 2, unsafe value[-2] == Tag.value, unsafe Int(value[-1]) == valueCount else { break }
            if unsafe value[0] == Tag.string, unsafe Int(value[1]) == valueCount &- 2 {
                pairs.appendGuessed()
                unsafe pairs.append(value: value + 1, readable: end - value - 1)
            } else if unsafe value[0] == Tag.int,
                let number = unsafe Self.varint(value + 1, count: valueCount &- 1), number < 100_000_000
            {
                pairs.appendGuessed()
                pairs.append(value: UInt32(truncatingIfNeeded: number))
            } else {
                break
            }
            unsafe next += attributeCount &+ 2
        }
        endShortPairs(pairs)
        unsafe cursor.skip(next - rest.start)
    }

    /// Appends one KeyValue message as a pair of the row in progress, its value as text.
    ///
    /// Most attributes are short: one comparison chain recognises the layout that has no other reading, and all others
    /// take the long way.
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
                unsafe keys.append(bytes + 2, count: keyCount)
                if unsafe value[0] == Tag.string, unsafe Int(value[1]) == valueCount - 2 {
                    unsafe values.append(value + 2, count: valueCount - 2)
                } else if unsafe value[0] == Tag.int, let number = unsafe Self.varint(value + 1, count: valueCount - 1)
                {
                    values.append(decimal: Int64(bitPattern: number))
                } else if unsafe value[0] == Tag.double, valueCount == 9 {
                    let bits = unsafe UnsafeRawPointer(value + 1).loadUnaligned(as: UInt64.self)
                    try values.append(Double(bitPattern: UInt64(littleEndian: bits)), scratch: &scratch)
                } else {
                    try values.append(
                        textOf: unsafe WireBytes(start: value, count: valueCount), scratch: &scratch)
                }
                return
            }
        }
        try append(anyKeyValue: keyValue, scratch: &scratch)
    }

    /// The number whose varint is exactly these bytes.
    @inline(__always)
    private static func varint(_ bytes: UnsafePointer<UInt8>, count: Int) -> UInt64? {
        // Of ten bytes the last has but one bit: rare enough for the long way.
        guard count <= 9 else { return nil }
        var value: UInt64 = 0
        for index in 0..<count {
            let byte = unsafe bytes[index]
            guard (byte < 0x80) == (index == count - 1) else { return nil }
            value |= UInt64(byte & 0x7f) << UInt64(7 * index)
        }
        return value
    }

    private enum Tag {
        /// KeyValue.key and AnyValue.string_value.
        static var key: UInt8 { 0x0a }
        static var string: UInt8 { 0x0a }
        /// KeyValue.value.
        static var value: UInt8 { 0x12 }
        /// AnyValue.int_value.
        static var int: UInt8 { 0x18 }
        /// AnyValue.double_value.
        static var double: UInt8 { 0x21 }
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

    /// Appends a row of all attributes of a message, which the next `rows` rows have.
    mutating func append(_ attributes: RepeatedField, rows: Int, scratch: inout [UInt8]) throws(WireError) {
        try append(rows: rows) { (column) throws(WireError) in try column.append(attributes, scratch: &scratch) }
    }

    private mutating func append(_ attributes: RepeatedField, scratch: inout [UInt8]) throws(WireError) {
        var attributes = attributes
        while let keyValue = try attributes.next() { try append(keyValue: keyValue, scratch: &scratch) }
    }
}

/// Ids as text.
extension TextColumn {
    /// Appends an id in lower-case hex; nothing for one that is absent or all zeros.
    mutating func append(id: WireBytes) {
        if Self.isZero(id) { append(.empty) } else { append(hex: id) }
    }

    @inline(__always)
    private static func isZero(_ id: WireBytes) -> Bool {
        var offset = 0
        while offset < id.count {
            if fourBytes(of: id, at: offset) != 0 { return false }
            offset += 4
        }
        return true
    }

    /// Appends an id of `byteCount` bytes in lower-case hex; zeros where it is absent.
    mutating func append(exemplarID id: WireBytes, byteCount: Int) {
        if id.isEmpty {
            append(Array(repeating: UInt8(ascii: "0"), count: 2 * byteCount))
        } else {
            append(hex: id)
        }
    }

    /// Valid ids have 8 or 16 bytes.
    @inline(__always)
    private mutating func append(hex id: WireBytes) {
        precondition(id.count <= 16, "an id of \(id.count) bytes")
        var digits = SIMD4<UInt64>()
        digits[0] = Self.hexDigits(of: Self.fourBytes(of: id, at: 0))
        digits[1] = Self.hexDigits(of: Self.fourBytes(of: id, at: 4))
        if id.count > 8 {
            digits[2] = Self.hexDigits(of: Self.fourBytes(of: id, at: 8))
            digits[3] = Self.hexDigits(of: Self.fourBytes(of: id, at: 12))
        }
        append(words: digits, count: 2 * id.count)
    }

    /// Four bytes from `offset` on, the first lowest; zeros beyond the end.
    @inline(__always)
    private static func fourBytes(of id: WireBytes, at offset: Int) -> UInt32 {
        if offset + 4 <= id.count {
            return unsafe UnsafeRawPointer(id.start).loadUnaligned(fromByteOffset: offset, as: UInt32.self)
        }
        if offset >= id.count { return 0 }
        return (offset..<id.count).reduce(0) { $0 | UInt32(id[$1]) << UInt32(8 * ($1 - offset)) }
    }

    /// The eight digits of four bytes, all at once; the first of each lowest.
    @inline(__always)
    private static func hexDigits(of bytes: UInt32) -> UInt64 {
        var spread = UInt64(bytes)
        spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff
        spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff
        let nibbles = (spread >> 4 | spread << 8) & 0x0f0f_0f0f_0f0f_0f0f
        let isLetter = ((nibbles &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        // From "0" on; letters begin 39 places after the tenth digit would be.
        return nibbles &+ 0x3030_3030_3030_3030 &+ isLetter &* 39
    }
}
