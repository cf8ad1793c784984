extension JSONReader {
    /// Reads a string.
    ///
    /// - Returns: the characters, escapes resolved; good until the next string is read. Invalid UTF-8 is kept as it is;
    ///   half a surrogate pair becomes U+FFFD.
    mutating func readString() throws(JSONFailure) -> WireBytes {
        try expect("\"")
        let textStart = unsafe next
        skipPlainCharacters()
        guard unsafe next < end else { throw failure(.unexpectedEnd) }
        guard unsafe next.pointee == UInt8(ascii: "\"") else { return try unsafe readEscapedString(from: textStart) }
        let text = unsafe WireBytes(start: textStart, count: next - textStart)
        unsafe next += 1
        return text
    }

    /// Reads the rest of a string whose opening quote has been read, if it has no escapes; else nil, and what has been
    /// read is of no use.
    @inline(__always)
    mutating func takePlainText() -> WireBytes? {
        let textStart = unsafe next
        skipPlainCharacters()
        guard unsafe next < end, unsafe next.pointee == UInt8(ascii: "\"") else { return nil }
        let text = unsafe WireBytes(start: textStart, count: next - textStart)
        unsafe next += 1
        return text
    }

    /// Moves to the next quote, backslash or control character, or to the end.
    @inline(__always)
    private mutating func skipPlainCharacters() {
        while unsafe end - next >= 8 {
            let word = unsafe UnsafeRawPointer(next).loadUnaligned(as: UInt64.self)
            let delimiters = JSONReader.stringDelimiters(in: UInt64(littleEndian: word))
            if delimiters != 0 {
                unsafe next += delimiters.trailingZeroBitCount / 8
                return
            }
            unsafe next += 8
        }
        while unsafe next < end {
            let byte = unsafe next.pointee
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return }
            unsafe next += 1
        }
    }

    /// Has its lowest bit in the first byte of `word` that is a quote, a backslash or a control character; else 0.
    ///
    /// Subtracting borrows into a byte's top bit where the byte is smaller, and perhaps into the bytes after it.
    @inline(__always)
    private static func stringDelimiters(in word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* 0x22)
        let backslashes = word ^ (ones &* 0x5c)
        let control = (word &- ones &* 0x20) & ~word
        let found = control | ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes)
        return found & (ones &* 0x80)
    }

    private mutating func readEscapedString(from textStart: UnsafePointer<UInt8>) throws(JSONFailure) -> WireBytes {
        var runStart = unsafe textStart
        var count = 0
        while true {
            let runCount = unsafe next - runStart
            // Four more bytes than the run: room for the character that an escape stands for.
            reserveScratch(count + runCount + 4, keeping: count)
            unsafe (scratch + count).update(from: runStart, count: runCount)
            count += runCount
            guard unsafe next < end else { throw failure(.unexpectedEnd) }
            switch unsafe next.pointee {
            case UInt8(ascii: "\""):
                unsafe next += 1
                return unsafe WireBytes(start: scratch, count: count)
            case UInt8(ascii: "\\"):
                let character = try readEscape()
                for byte in UTF8.encode(character)! {
                    unsafe scratch[count] = byte
                    count += 1
                }
            default: throw failure(.invalidString)
            }
            unsafe runStart = next
            skipPlainCharacters()
        }
    }

    private mutating func reserveScratch(_ capacity: Int, keeping count: Int) {
        guard capacity > scratchCapacity else { return }
        scratchCapacity = max(capacity, scratchCapacity * 2)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: scratchCapacity)
        unsafe larger.update(from: scratch, count: count)
        unsafe scratch.deallocate()
        unsafe scratch = larger
    }

    private mutating func readEscape() throws(JSONFailure) -> Unicode.Scalar {
        guard remaining >= 2 else { throw JSONFailure(code: .unexpectedEnd, offset: offset + remaining) }
        let letter = unsafe next[1]
        if letter == UInt8(ascii: "u") { return try readUnicodeEscape() }
        let character: Unicode.Scalar
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): character = Unicode.Scalar(letter)
        case UInt8(ascii: "b"): character = "\u{8}"
        case UInt8(ascii: "f"): character = "\u{c}"
        case UInt8(ascii: "n"): character = "\n"
        case UInt8(ascii: "r"): character = "\r"
        case UInt8(ascii: "t"): character = "\t"
        default: throw failure(.invalidString)
        }
        unsafe next += 2
        return character
    }

    private mutating func readUnicodeEscape() throws(JSONFailure) -> Unicode.Scalar {
        let high = try readCodeUnit()
        if let character = Unicode.Scalar(high) { return character }
        let isHigh = high < 0xdc00
        guard isHigh, remaining >= 2, unsafe next[0] == UInt8(ascii: "\\"), unsafe next[1] == UInt8(ascii: "u") else {
            return "\u{fffd}"
        }
        let afterHigh = unsafe next
        let low = try readCodeUnit()
        guard low >= 0xdc00, low < 0xe000 else {
            // Not the other half: a character of its own, read again.
            unsafe next = afterHigh
            return "\u{fffd}"
        }
        return Unicode.Scalar(0x10000 + UInt32(high & 0x3ff) << 10 + UInt32(low & 0x3ff))!
    }

    /// Reads `\uXXXX`, of which the backslash and the `u` are known to be there.
    private mutating func readCodeUnit() throws(JSONFailure) -> UInt16 {
        guard remaining >= 6 else { throw JSONFailure(code: .unexpectedEnd, offset: offset + remaining) }
        var unit: UInt16 = 0
        for index in 2..<6 {
            guard let digit = unsafe JSONReader.hexDigit(next[index]) else { throw failure(.invalidString) }
            unit = unit << 4 | UInt16(digit)
        }
        unsafe next += 6
        return unit
    }

    /// The value of a hexadecimal digit of either case, or nil.
    static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
