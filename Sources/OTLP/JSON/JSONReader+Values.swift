import Glibc

// Values of OTLP's types.
extension JSONReader {
    /// Reads a number, bare or as a string.
    mutating func readNumber() throws(JSONFailure) -> JSONNumber {
        let isString = try peek() == UInt8(ascii: "\"")
        let valueOffset = offset
        guard let number = JSONNumber(isString ? try readString() : readNumberText()) else {
            let isNumber = isString || offset > valueOffset
            throw JSONFailure(code: isNumber ? .invalidNumber : .unexpectedCharacter, offset: valueOffset)
        }
        return number
    }

    private mutating func readNumberText() -> WireBytes {
        let textStart = unsafe next
        while unsafe next < end, unsafe JSONNumber.isPart(next.pointee) { unsafe next += 1 }
        return unsafe WireBytes(start: textStart, count: next - textStart)
    }

    /// Reads an integer that fits `type`, bare or as a string.
    mutating func readInteger<Integer: FixedWidthInteger>(_ type: Integer.Type) throws(JSONFailure) -> Integer {
        skipWhitespace()
        if let value = peekDigits(), let integer = Integer(exactly: value.number) {
            unsafe next += value.byteCount
            return integer
        }
        return try readAnyInteger(type)
    }

    @inline(never)
    private mutating func readAnyInteger<Integer: FixedWidthInteger>(
        _ type: Integer.Type
    ) throws(JSONFailure) -> Integer {
        let valueOffset = offset
        let number = try readNumber()
        do {
            return try number.integer(type)
        } catch {
            throw JSONFailure(code: error, offset: valueOffset)
        }
    }

    /// Reads a double: a number, bare or as a string, or "NaN", "Infinity", "-Infinity".
    mutating func readDouble() throws(JSONFailure) -> Double {
        let isString = try peek() == UInt8(ascii: "\"")
        let valueStart = unsafe next
        let valueOffset = offset
        if isString {
            let text = try readString()
            if text.equals("NaN") { return .nan }
            if text.equals("Infinity") { return .infinity }
            if text.equals("-Infinity") { return -.infinity }
            unsafe next = valueStart
        }
        let number = try readNumber()
        guard let value = number.double() else { throw JSONFailure(code: .numberOutOfRange, offset: valueOffset) }
        return value
    }

    mutating func readBool() throws(JSONFailure) -> Bool {
        if try take("true") { return true }
        if try take("false") { return false }
        throw failure(.unexpectedCharacter)
    }

    /// Reads an enumeration's value: its number, bare or as a string, or its name.
    mutating func readEnumeration(_ kind: EnumerationKind) throws(JSONFailure) -> Int32 {
        guard try peek() == UInt8(ascii: "\"") else { return try readInteger(Int32.self) }
        let valueOffset = offset
        let text = try readString()
        if let number = kind.number(named: text) { return number }
        guard let number = JSONNumber(text), let value = try? number.integer(Int32.self) else {
            throw JSONFailure(code: .unknownEnumerationName, offset: valueOffset)
        }
        return value
    }

    /// Reads hexadecimal digits of either case.
    ///
    /// - Parameter byteCount: the length of the identifier.
    /// - Returns: the identifier's first eight bytes and the eight after them, as big-endian numbers (an identifier of
    ///   eight bytes is all in `low`); zeros for an empty string.
    mutating func readID(byteCount: Int) throws(JSONFailure) -> (high: UInt64, low: UInt64) {
        skipWhitespace()
        let valueOffset = offset
        let text = try readString()
        guard text.isEmpty || text.count == byteCount * 2 else {
            throw JSONFailure(code: .invalidIDLength, offset: valueOffset)
        }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for index in stride(from: 0, to: text.count, by: 8) {
            guard let four = JSONReader.bytes(ofHexDigits: UInt64(littleEndian: text.word(at: index))) else {
                throw JSONFailure(code: .invalidID, offset: valueOffset)
            }
            high = high << 32 | low >> 32
            low = low << 32 | UInt64(four.byteSwapped)
        }
        return (high, low)
    }

    /// The four bytes that eight hexadecimal digits of either case stand for, first byte lowest; nil if one is none.
    @inline(__always)
    static func bytes(ofHexDigits digits: UInt64) -> UInt32? {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let letters = digits >> 6 & ones
        let nibbles = (digits & 0x0f0f_0f0f_0f0f_0f0f) &+ letters &* 9
        var packed = (nibbles << 4 | nibbles >> 8) & 0x00ff_00ff_00ff_00ff
        packed = (packed | packed >> 8) & 0x0000_ffff_0000_ffff
        let four = UInt32(truncatingIfNeeded: packed | packed >> 16)
        // What was no digit does not come back.
        return JSONWriter.hexDigits(of: four) == digits | letters << 5 ? four : nil
    }

    /// Reads standard base64, with or without padding; line breaks in it are ignored.
    mutating func readBase64() throws(JSONFailure) -> [UInt8] {
        skipWhitespace()
        let valueOffset = offset
        guard let bytes = Base64.decode(try readString()) else {
            throw JSONFailure(code: .invalidBase64, offset: valueOffset)
        }
        return bytes
    }
}

// Short ways for what encoders mostly write. Each leaves all else, errors too, to the functions above.
extension JSONReader {
    /// An integer of at most 19 digits, without sign, fraction, exponent or leading zero, bare or as a string, and the
    /// bytes it takes; nil if something else comes next.
    @inline(__always)
    private func peekDigits() -> (number: UInt64, byteCount: Int)? {
        var position = unsafe next
        guard unsafe position < end else { return nil }
        let isString = unsafe position.pointee == UInt8(ascii: "\"")
        if isString { unsafe position += 1 }
        let first = unsafe position
        var number: UInt64 = 0
        while unsafe end - position >= 8 {
            let word = unsafe UnsafeRawPointer(position).loadUnaligned(as: UInt64.self)
            guard let eight = JSONNumber.eightDigits(UInt64(littleEndian: word)) else { break }
            number = number &* 100_000_000 &+ eight
            unsafe position += 8
        }
        while unsafe position < end {
            let digit = unsafe position.pointee &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            number = number &* 10 &+ UInt64(digit)
            unsafe position += 1
        }
        let count = unsafe position - first
        // Any 19 digits fit.
        guard count > 0, count <= 19, unsafe position < end, unsafe count == 1 || first.pointee != UInt8(ascii: "0")
        else { return nil }
        let follower = unsafe position.pointee
        guard isString ? follower == UInt8(ascii: "\"") : !JSONNumber.isPart(follower) else { return nil }
        return unsafe (number, position - next + (isString ? 1 : 0))
    }

    /// Reads a KeyValue of the commonest layout, `{"key":"K","value":{"stringValue":"V"}}` without white space and
    /// without escapes, whose key is not empty; nil, and nothing is read, for anything else.
    mutating func takeTextAttribute() -> (key: WireBytes, value: WireBytes)? {
        let attributeStart = unsafe next
        if takeBytes(#"{"key":""#), let key = takePlainText(), !key.isEmpty,
            takeBytes(#","value":{"stringValue":""#), let value = takePlainText(), takeBytes("}}")
        {
            return (key, value)
        }
        unsafe next = attributeStart
        return nil
    }

    /// Reads past `literal` if exactly its bytes come next.
    @inline(__always)
    private mutating func takeBytes(_ literal: StaticString) -> Bool {
        let count = literal.utf8CodeUnitCount
        guard remaining >= count, unsafe memcmp(next, literal.utf8Start, count) == 0 else { return false }
        unsafe next += count
        return true
    }

    /// Reads past the key of `field`, its quotes and its colon, if exactly those bytes come next.
    @inline(__always)
    mutating func take(keyOf field: borrowing FieldSchema) -> Bool {
        let count = field.key.utf8CodeUnitCount
        guard remaining >= max(count, 8), word(at: 0) & field.keyStartMask == field.keyStart else { return false }
        var offset = 8
        while offset < count {
            let place = min(offset, count - 8)
            let expected = unsafe UnsafeRawPointer(field.key.utf8Start + place).loadUnaligned(as: UInt64.self)
            guard word(at: place) == expected else { return false }
            offset += 8
        }
        unsafe next += count
        return true
    }

    /// Eight of the bytes to come; the caller has checked that they are there.
    @inline(__always)
    private func word(at offset: Int) -> UInt64 {
        unsafe UnsafeRawPointer(next + offset).loadUnaligned(as: UInt64.self)
    }
}
