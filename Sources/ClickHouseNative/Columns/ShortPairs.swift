/// A map column's state in the hands of a loop that appends short pairs: one function's variables, which the compiler
/// keeps in registers, where the column's own are in memory.
///
/// Shape: keys are those that the dictionary guesses, values are texts of less than 128 bytes and numbers. Texts are
/// given in wire form: a byte with their length, then as many bytes. Ownership: borrows the column's memory from
/// `MapColumn.beginShortPairs` until `endShortPairs`.
@safe @frozen
public struct ShortPairs: ~Copyable {
    @usableFromInline let strings: UnsafePointer<UInt8>
    @usableFromInline let entries: UnsafePointer<StringDictionary.Entry>
    @usableFromInline var last: Int
    @usableFromInline var guess: Int
    @usableFromInline var keysEnd: UnsafeMutablePointer<UInt8>
    @usableFromInline var valuesEnd: UnsafeMutablePointer<UInt8>
    /// Up to where a pair may begin.
    @usableFromInline let keysLimit: UnsafeMutablePointer<UInt8>
    @usableFromInline let valuesLimit: UnsafeMutablePointer<UInt8>

    /// Bytes that a value may take, and be written beyond its end: it is written in words.
    @usableFromInline static var valueBytesMax: Int { 128 + 32 }

    @inlinable @inline(__always)
    init(_ keys: borrowing TextColumn, _ values: borrowing TextColumn) {
        unsafe strings = UnsafePointer(keys.dictionary.wire.start)
        unsafe entries = UnsafePointer(keys.dictionary.entries)
        last = keys.dictionary.last
        guess = keys.dictionary.guess
        unsafe keysEnd = keys.data.start + keys.data.used
        unsafe valuesEnd = values.data.start + values.data.used
        unsafe keysLimit = keys.data.start + (keys.data.capacity - 4)
        unsafe valuesLimit = values.data.start + (values.data.capacity - Self.valueBytesMax)
    }

    /// Bytes of the guessed key, if `text` begins with it, in wire form; nil where it is another, or there is no more
    /// room.
    ///
    /// - Parameter readable: how many bytes of `text` there are.
    @inlinable @inline(__always)
    public func guessedByteCount(_ text: UnsafePointer<UInt8>, readable: Int) -> Int? {
        let entry = unsafe entries[guess]
        let byteCount = Int(entry.count)
        guard byteCount < 0x80, byteCount < readable, unsafe keysEnd <= keysLimit, unsafe valuesEnd <= valuesLimit
        else { return nil }
        // The length is a byte in front of the text there, too.
        let known = unsafe strings + (entry.offset &- 1)
        return unsafe Self.equal(known, text, byteCount &+ 1) ? byteCount : nil
    }

    /// Whole words, the last ones overlapping those before them.
    @inlinable @inline(__always)
    static func equal(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, _ byteCount: Int) -> Bool {
        guard byteCount >= 8, byteCount <= 32 else { return unsafe StringDictionary.equal(left, right, byteCount) }
        let first = unsafe StringDictionary.word(left, 0) ^ StringDictionary.word(right, 0)
        let end = byteCount &- 8
        let last = unsafe StringDictionary.word(left, end) ^ StringDictionary.word(right, end)
        if byteCount <= 16 { return first | last == 0 }
        let second = unsafe StringDictionary.word(left, 8) ^ StringDictionary.word(right, 8)
        let third = unsafe StringDictionary.word(left, end &- 8) ^ StringDictionary.word(right, end &- 8)
        return first | last | second | third == 0
    }

    /// Appends the guessed key; its value must follow.
    @inlinable @inline(__always)
    public mutating func appendGuessed() {
        last = guess
        unsafe UnsafeMutableRawPointer(keysEnd).storeBytes(
            of: UInt32(truncatingIfNeeded: guess).littleEndian, as: UInt32.self)
        unsafe keysEnd += 4
        guess = unsafe Int(entries[guess].successor)
    }

    /// Appends a text in wire form as a value.
    ///
    /// - Parameter readable: how many bytes of `text` there are, at least its own.
    @inlinable @inline(__always)
    public mutating func append(value text: UnsafePointer<UInt8>, readable: Int) {
        let byteCount = unsafe Int(text[0]) &+ 1
        precondition(byteCount <= 0x80 && byteCount <= readable, "a text that is not short, or not there")
        if byteCount &+ 31 <= readable {
            // In steps of 32 bytes, what is behind the text included: no branch depends on short lengths.
            var offset = 0
            repeat {
                unsafe GrowableBytes.move(text + offset, to: valuesEnd + offset, SIMD32<UInt8>.self)
                offset &+= 32
            } while offset < byteCount
        } else {
            unsafe GrowableBytes.copy(text, to: valuesEnd, count: byteCount)
        }
        unsafe valuesEnd += byteCount
    }

    /// Appends a number of less than nine digits as a value.
    @inlinable @inline(__always)
    public mutating func append(value number: UInt32) {
        precondition(number < 100_000_000, "a number of nine digits")
        let digits = Self.digits(of: number)
        // Leading zeros go, but for the last digit.
        let zeroCount = min(digits.trailingZeroBitCount / 8, 7)
        let text = (digits | 0x3030_3030_3030_3030) &>> UInt64(truncatingIfNeeded: 8 &* zeroCount)
        unsafe valuesEnd[0] = UInt8(truncatingIfNeeded: 8 &- zeroCount)
        unsafe UnsafeMutableRawPointer(valuesEnd + 1).storeBytes(of: text.littleEndian, as: UInt64.self)
        unsafe valuesEnd += 9 &- zeroCount
    }

    /// The eight digits of a number, the first in the lowest byte.
    @inlinable @inline(__always)
    static func digits(of number: UInt32) -> UInt64 {
        let fours = UInt64(number / 10_000) | UInt64(number % 10_000) << 32
        // Divisions by multiplication, exact for so few digits; no carry from one half to the other.
        let hundreds = ((fours &* 10_486) >> 20) & 0x0000_007f_0000_007f
        let twos = hundreds | (fours &- hundreds &* 100) << 16
        let tens = ((twos &* 103) >> 10) & 0x000f_000f_000f_000f
        return tens | (twos &- tens &* 10) << 8
    }
}

extension MapColumn {
    /// Whether short pairs can be appended: keys in a dictionary that can guess them, values as plain texts.
    @inlinable @inline(__always)
    public var takesShortPairs: Bool {
        keys.hasDictionary && keys.dictionary.trust >= 0 && values.encoding == .plain
    }

    /// Lends the column, with room for `pairCount` pairs whose values take `valueBytes`; where that is not enough, keys
    /// are not guessed any more. Nothing else is appended before `endShortPairs`.
    @inlinable @inline(__always)
    public mutating func beginShortPairs(pairCount: Int, valueBytes: Int) -> ShortPairs {
        keys.data.reserve(4 &* pairCount)
        values.data.reserve(valueBytes &+ ShortPairs.valueBytesMax)
        return ShortPairs(keys, values)
    }

    /// Takes the column back, with what was appended.
    @inlinable @inline(__always)
    public mutating func endShortPairs(_ pairs: consuming ShortPairs) {
        let keyBytes = unsafe pairs.keysEnd - keys.data.start
        let appended = (keyBytes &- keys.data.used) &>> 2
        keys.dictionary.last = pairs.last
        keys.dictionary.guess = pairs.guess
        keys.dictionary.trust = min(keys.dictionary.trust &+ appended, StringDictionary.Trust.max)
        keys.data.used = keyBytes
        keys.rowCount &+= appended
        unsafe values.data.used = pairs.valuesEnd - values.data.start
        values.rowCount &+= appended
    }
}
