import Glibc

/// Appends JSON to a growable run of memory.
///
/// This file and its extensions hold all raw writes of JSON: every write follows a reservation. Ownership: the memory
/// belongs to the writer, which cannot be copied.
@safe
struct JSONWriter: ~Copyable {
    var start: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// Bytes written so far.
    var count = 0

    /// - Parameter capacity: bytes that can be written before the memory grows.
    init(capacity: Int) {
        self.capacity = max(capacity, 64)
        unsafe start = JSONWriter.memory(unsafe realloc(nil, self.capacity))
    }

    deinit {
        unsafe free(start)
    }

    private static func memory(_ address: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<UInt8> {
        guard let address = unsafe address else { fatalError("no memory for the JSON form of a request") }
        return unsafe address.assumingMemoryBound(to: UInt8.self)
    }

    /// Adds what has been written to the end of `output`.
    func flush(to output: inout [UInt8]) {
        unsafe output.append(contentsOf: UnsafeBufferPointer(start: start, count: count))
    }

    /// Lends what has been written to `body`, which must not keep it.
    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Forgets what has been written. The memory is kept unless it is larger than `capacityMax`.
    mutating func removeAll(keepingCapacityUpTo capacityMax: Int) {
        count = 0
        guard capacity > capacityMax else { return }
        unsafe free(start)
        capacity = 64
        unsafe start = JSONWriter.memory(unsafe realloc(nil, capacity))
    }

    /// A copy of what has been written.
    var bytes: [UInt8] { unsafe Array(UnsafeBufferPointer(start: start, count: count)) }

    /// Makes room for `additional` more bytes.
    @inline(__always)
    mutating func reserve(_ additional: Int) {
        if capacity - count < additional { grow(additional) }
    }

    @inline(never)
    private mutating func grow(_ additional: Int) {
        capacity = max(capacity * 2, count + additional)
        // The system moves large runs by their pages, without copying.
        unsafe start = JSONWriter.memory(unsafe realloc(start, capacity))
    }

    @inline(__always)
    mutating func write(_ text: StaticString) {
        reserve(text.utf8CodeUnitCount)
        unsafe memcpy(start + count, text.utf8Start, text.utf8CodeUnitCount)
        count += text.utf8CodeUnitCount
    }

    /// Writes a text whose length the compiler does not know, mostly of 32 bytes at most.
    @inline(__always)
    mutating func write(short text: StaticString) {
        reserve(text.utf8CodeUnitCount)
        unsafe ShortCopy.copy(text.utf8Start, to: start + count, count: text.utf8CodeUnitCount)
        count += text.utf8CodeUnitCount
    }

    @inline(__always)
    mutating func write(byte: UInt8) {
        reserve(1)
        unsafe start[count] = byte
        count += 1
    }
}

// Numbers.
extension JSONWriter {
    /// The hundred pairs of decimal digits, "00" to "99".
    private static let digitPairs: StaticString = """
        0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849505152\
        5354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
        """

    mutating func write(decimal value: Int64) {
        if value < 0 { write("-") }
        write(decimal: value.magnitude)
    }

    mutating func write(decimal value: UInt64) {
        reserve(20)
        let digitCount = JSONWriter.digitCount(value)
        var position = count + digitCount
        count = position
        var rest = value
        while rest >= 100 {
            let pair = Int(rest % 100) * 2
            rest /= 100
            position -= 2
            unsafe start[position] = JSONWriter.digitPairs.utf8Start[pair]
            unsafe start[position + 1] = JSONWriter.digitPairs.utf8Start[pair + 1]
        }
        if rest >= 10 {
            unsafe start[position - 2] = UInt8(ascii: "0") + UInt8(rest / 10)
        }
        unsafe start[position - 1] = UInt8(ascii: "0") + UInt8(rest % 10)
    }

    private static func digitCount(_ value: UInt64) -> Int {
        var count = 1
        var rest = value
        while rest >= 10_000 {
            rest /= 10_000
            count += 4
        }
        return count + (rest >= 10 ? 1 : 0) + (rest >= 100 ? 1 : 0) + (rest >= 1000 ? 1 : 0)
    }
}

// Bytes.
extension JSONWriter {
    /// Writes two hexadecimal digits, lower case, for each byte.
    mutating func write(hex bytes: WireBytes) {
        reserve(bytes.count * 2)
        var index = 0
        while bytes.count - index >= 4 {
            let four = unsafe UnsafeRawPointer(bytes.start + index).loadUnaligned(as: UInt32.self)
            unsafe UnsafeMutableRawPointer(start + count).storeBytes(
                of: JSONWriter.hexDigits(of: UInt32(littleEndian: four)).littleEndian, as: UInt64.self)
            count += 8
            index += 4
        }
        while index < bytes.count {
            let digits = JSONWriter.hexDigits(of: UInt32(bytes[index]))
            unsafe start[count] = UInt8(truncatingIfNeeded: digits)
            unsafe start[count + 1] = UInt8(truncatingIfNeeded: digits >> 8)
            count += 2
            index += 1
        }
    }

    /// The eight digits of four bytes, first byte lowest, all at once.
    static func hexDigits(of four: UInt32) -> UInt64 {
        var spread = UInt64(four)
        spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff
        spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff
        let nibbles = (spread >> 4 & 0x000f_000f_000f_000f) | (spread & 0x000f_000f_000f_000f) << 8
        // Adding 6 carries into bit 4 where the nibble is a letter, which stands 0x27 further on than after "9".
        let letters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
    }

    /// Writes standard base64 with padding.
    mutating func write(base64 bytes: WireBytes) {
        let alphabet = unsafe Base64.alphabet.utf8Start
        reserve((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let available = min(bytes.count - index, 3)
            var bits: UInt32 = 0
            for offset in 0..<3 { bits = bits << 8 | (offset < available ? UInt32(bytes[index + offset]) : 0) }
            for digit in 0..<4 {
                let value = Int(bits >> UInt32(18 - 6 * digit) & 63)
                unsafe start[count] = digit <= available ? alphabet[value] : UInt8(ascii: "=")
                count += 1
            }
            index += 3
        }
    }
}
