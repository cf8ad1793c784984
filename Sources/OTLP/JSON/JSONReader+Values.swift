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
        for index in 0..<text.count {
            guard let digit = JSONReader.hexDigit(text[index]) else {
                throw JSONFailure(code: .invalidID, offset: valueOffset)
            }
            high = high << 4 | low >> 60
            low = low << 4 | UInt64(digit)
        }
        return (high, low)
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
