extension JSONWriter {
    /// Writes a string in quotes, escaped as Go's encoder does.
    ///
    /// Quotes, backslashes and control characters are escaped, and `<`, `>`, `&`, U+2028 and U+2029, which would end a
    /// script in a web page; each byte that is not UTF-8 becomes `\ufffd`.
    mutating func write(string text: WireBytes) {
        write(byte: UInt8(ascii: "\""))
        var index = copyPlainWords(of: text, from: 0)
        while index < text.count {
            index = writeCharacters(of: text, from: index)
            index += copyPlainWords(of: text, from: index)
        }
        write(byte: UInt8(ascii: "\""))
    }

    /// Writes a string in quotes, escaped likewise.
    mutating func write(string text: String) {
        Array(text.utf8).withWireBytes { write(string: $0) }
    }

    /// Copies as long as whole words need no escape.
    ///
    /// - Returns: the bytes copied.
    @inline(__always)
    private mutating func copyPlainWords(of text: WireBytes, from first: Int) -> Int {
        let available = text.count - first
        reserve(available)
        let source = unsafe UnsafeRawPointer(text.start + first)
        let destination = unsafe UnsafeMutableRawPointer(start + count)
        if available < 8 { return unsafe copyPlainShort(source, to: destination, count: available) }
        var copied = 0
        while available - copied >= 16 {
            let first = unsafe (source + copied).loadUnaligned(as: UInt64.self)
            let second = unsafe (source + (copied + 8)).loadUnaligned(as: UInt64.self)
            guard JSONWriter.arePlain(first, second) else { break }
            unsafe (destination + copied).storeBytes(of: first, as: UInt64.self)
            unsafe (destination + (copied + 8)).storeBytes(of: second, as: UInt64.self)
            copied += 16
        }
        while available - copied >= 8 {
            let word = unsafe (source + copied).loadUnaligned(as: UInt64.self)
            guard JSONWriter.isPlain(word) else { break }
            unsafe (destination + copied).storeBytes(of: word, as: UInt64.self)
            copied += 8
        }
        if copied >= 8, available - copied < 8 {
            // The last eight bytes, some of them a second time.
            let word = unsafe (source + (available - 8)).loadUnaligned(as: UInt64.self)
            if JSONWriter.isPlain(word) {
                unsafe (destination + (available - 8)).storeBytes(of: word, as: UInt64.self)
                copied = available
            }
        }
        count += copied
        return copied
    }

    /// Copies fewer than eight bytes if all are plain: their ends, which overlap, fill one word for the test.
    ///
    /// - Returns: the bytes copied: all or none.
    @inline(__always)
    private mutating func copyPlainShort(
        _ source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, count byteCount: Int
    ) -> Int {
        if byteCount >= 4 {
            let first = unsafe source.loadUnaligned(as: UInt32.self)
            let last = unsafe (source + (byteCount - 4)).loadUnaligned(as: UInt32.self)
            guard JSONWriter.isPlain(UInt64(first) | UInt64(last) << 32) else { return 0 }
            unsafe destination.storeBytes(of: first, as: UInt32.self)
            unsafe (destination + (byteCount - 4)).storeBytes(of: last, as: UInt32.self)
        } else if byteCount >= 2 {
            let first = unsafe source.loadUnaligned(as: UInt16.self)
            let last = unsafe (source + (byteCount - 2)).loadUnaligned(as: UInt16.self)
            // Spaces, which are plain, fill the rest.
            guard JSONWriter.isPlain(0x2020_2020_0000_0000 | UInt64(first) | UInt64(last) << 16) else { return 0 }
            unsafe destination.storeBytes(of: first, as: UInt16.self)
            unsafe (destination + (byteCount - 2)).storeBytes(of: last, as: UInt16.self)
        } else {
            return 0
        }
        count += byteCount
        return byteCount
    }

    /// Whether all eight bytes of `word` are ASCII that JSON holds as it is.
    @inline(__always)
    private static func isPlain(_ word: UInt64) -> Bool {
        marks(word) & 0x8080_8080_8080_8080 == 0
    }

    /// Whether all bytes of both words are.
    @inline(__always)
    private static func arePlain(_ first: UInt64, _ second: UInt64) -> Bool {
        (marks(first) | marks(second)) & 0x8080_8080_8080_8080 == 0
    }

    /// Has a byte's highest bit where one of the eight bytes, or one before it, is not plain ASCII.
    @inline(__always)
    private static func marks(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        // Two characters that differ in one bit take one test: `<` and `>`; `"` and `&`.
        let angles = (word | ones &* 0x02) ^ ones &* 0x3e
        let quotes = (word | ones &* 0x04) ^ ones &* 0x26
        let backslashes = word ^ ones &* 0x5c
        return word | (word &- ones &* 0x20) | (angles &- ones) & ~angles | (quotes &- ones) & ~quotes
            | (backslashes &- ones) & ~backslashes
    }

    /// Writes characters from `index` on, at most a word of plain ones.
    ///
    /// - Returns: the index after them.
    private mutating func writeCharacters(of text: WireBytes, from first: Int) -> Int {
        var index = first
        // Room for six bytes each, the longest escape.
        reserve(8 * 6)
        let stop = min(first + 8, text.count)
        while index < stop {
            let byte = text[index]
            if byte >= 0x80 {
                index += writeNonASCII(of: text, at: index)
            } else {
                writeASCII(byte)
                index += 1
            }
        }
        return index
    }

    /// The room has been made by the caller.
    private mutating func writeASCII(_ byte: UInt8) {
        let letter: UInt8
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): letter = byte
        case 0x08: letter = UInt8(ascii: "b")
        case 0x09: letter = UInt8(ascii: "t")
        case 0x0a: letter = UInt8(ascii: "n")
        case 0x0c: letter = UInt8(ascii: "f")
        case 0x0d: letter = UInt8(ascii: "r")
        case 0..<0x20, UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"):
            write("\\u00")
            let digits = JSONWriter.hexDigits(of: UInt32(byte))
            unsafe start[count] = UInt8(truncatingIfNeeded: digits)
            unsafe start[count + 1] = UInt8(truncatingIfNeeded: digits >> 8)
            count += 2
            return
        default:
            unsafe start[count] = byte
            count += 1
            return
        }
        unsafe start[count] = UInt8(ascii: "\\")
        unsafe start[count + 1] = letter
        count += 2
    }

    /// Writes one character, or the replacement of one byte; the room has been made by the caller.
    ///
    /// - Returns: the bytes read.
    private mutating func writeNonASCII(of text: WireBytes, at index: Int) -> Int {
        let length = UTF8Sequence.length(in: text, at: index)
        guard length > 0 else {
            write("\\ufffd")
            return 1
        }
        if length == 3, text[index] == 0xe2, text[index + 1] == 0x80, text[index + 2] & 0xfe == 0xa8 {
            write(text[index + 2] == 0xa8 ? "\\u2028" : "\\u2029")
            return 3
        }
        for offset in 0..<length {
            unsafe start[count] = text[index + offset]
            count += 1
        }
        return length
    }
}

/// Well-formed byte sequences of UTF-8 (Unicode, table 3-7).
private enum UTF8Sequence {
    /// The length of the well-formed sequence of two or more bytes at `index`, or 0.
    static func length(in text: WireBytes, at index: Int) -> Int {
        func isContinuation(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xbf) -> Bool {
            index + offset < text.count && range.contains(text[index + offset])
        }
        switch text[index] {
        case 0xc2...0xdf: return isContinuation(1) ? 2 : 0
        case 0xe0...0xef:
            let second: ClosedRange<UInt8> =
                switch text[index] {
                case 0xe0: 0xa0...0xbf
                case 0xed: 0x80...0x9f
                default: 0x80...0xbf
                }
            return isContinuation(1, second) && isContinuation(2) ? 3 : 0
        case 0xf0...0xf4:
            let second: ClosedRange<UInt8> =
                switch text[index] {
                case 0xf0: 0x90...0xbf
                case 0xf4: 0x80...0x8f
                default: 0x80...0xbf
                }
            return isContinuation(1, second) && isContinuation(2) && isContinuation(3) ? 4 : 0
        default: return 0
        }
    }
}
