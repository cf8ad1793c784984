import Compression

extension [UInt8] {
    /// Appends an integer, little endian.
    mutating func append<Value: FixedWidthInteger>(integer value: Value) {
        var value = value.littleEndian
        unsafe Swift.withUnsafeBytes(of: &value) { unsafe self.append(contentsOf: $0) }
    }

    /// Appends a number in seven bits a byte, the lowest first (LEB128).
    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    mutating func append(varint value: Int) { append(varint: UInt64(value)) }

    /// Appends a length and the bytes.
    mutating func append(counted bytes: some Collection<UInt8>) {
        append(varint: bytes.count)
        append(contentsOf: bytes)
    }

    /// Appends zeros up to a multiple of eight bytes.
    mutating func padToEight() {
        while count % 8 != 0 { append(0) }
    }

    /// The little endian integer at `offset`, which must be inside.
    func integer<Value: FixedWidthInteger>(at offset: Int, as type: Value.Type = Value.self) -> Value {
        precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= count, "an integer beyond its buffer")
        return unsafe withUnsafeBytes { Value(littleEndian: unsafe $0.loadUnaligned(fromByteOffset: offset, as: type)) }
    }

    /// The offset of the first of `count` little endian words, from `offset` on, that is in `range`.
    func firstWord(in range: ClosedRange<UInt64>, at offset: Int, count words: Int) -> Int? {
        precondition(offset >= 0 && words >= 0 && offset + words * 8 <= count, "words beyond their buffer")
        let (low, span) = (range.lowerBound, range.upperBound - range.lowerBound)
        return unsafe withUnsafeBytes { bytes in
            var index = offset
            while index < offset + words * 8 {
                let word = unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                if word &- low <= span { return index }
                index &+= 8
            }
            return nil
        }
    }

    /// CRC-32C of the bytes in `range`, going on from `seed`.
    func checksum(_ range: Range<Int>, seed: UInt32 = 0) -> UInt32 {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "a checksum beyond its buffer")
        return unsafe withUnsafeBytes { bytes in
            unsafe crc32c(UnsafeRawBufferPointer(rebasing: bytes[range]), seed: seed)
        }
    }

    var checksum: UInt32 { checksum(0..<count) }
}

/// Reads what `[UInt8].append(varint:)` and `append(counted:)` wrote. Each read is nil when the bytes end too early or
/// make no sense, and so is every read after it.
struct ByteReader {
    private let bytes: [UInt8]
    private var offset: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        offset = 0
    }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func byte() -> UInt8? {
        guard offset < bytes.count else { return nil }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard let byte = byte() else { return fail() }
            value |= UInt64(byte & 0x7f) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        return fail()
    }

    /// A varint that fits a count.
    mutating func count() -> Int? {
        guard let value = varint(), value <= UInt64(Int.max / 2) else { return fail() }
        return Int(value)
    }

    mutating func integer() -> UInt64? {
        guard offset + 8 <= bytes.count else { return fail() }
        defer { offset += 8 }
        return bytes.integer(at: offset)
    }

    mutating func counted() -> [UInt8]? {
        guard let count = count(), count <= bytes.count - offset else { return fail() }
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    mutating func string() -> String? { counted().map { String(decoding: $0, as: UTF8.self) } }

    private mutating func fail<Value>() -> Value? {
        offset = bytes.count
        return nil
    }
}
