/// Gives each distinct byte string a number, in order of first appearance: the dictionary of a LowCardinality column.
///
/// Open addressing over a power-of-two table; entries lie in wire form (varint length, bytes), ready to be sent.
@safe @frozen
public struct StringDictionary: ~Copyable {
    @frozen @usableFromInline
    struct Entry {
        @usableFromInline var hash: UInt64
        /// Where the string's bytes start in `wire`.
        @usableFromInline var offset: Int
        @usableFromInline var count: Int
    }

    @usableFromInline var wire: GrowableBytes
    @usableFromInline var entries: UnsafeMutablePointer<Entry>
    @usableFromInline var entryCapacity: Int
    public var count: Int
    /// Entry number plus one; 0 is free.
    @usableFromInline var table: UnsafeMutablePointer<UInt32>
    @usableFromInline var mask: Int

    public init() {
        wire = GrowableBytes()
        entryCapacity = 32
        unsafe entries = .allocate(capacity: 32)
        count = 0
        mask = 63
        unsafe table = .allocate(capacity: 64)
        unsafe table.update(repeating: 0, count: 64)
    }

    deinit {
        unsafe entries.deallocate()
        unsafe table.deallocate()
    }

    public mutating func removeAll() {
        wire.removeAll()
        count = 0
        unsafe table.update(repeating: 0, count: mask + 1)
    }

    /// The number of the string, which is added if it is new.
    @inlinable
    public mutating func index(of bytes: UnsafePointer<UInt8>, count byteCount: Int) -> UInt32 {
        let hash = unsafe Self.hash(bytes, byteCount)
        var slot = Int(truncatingIfNeeded: hash) & mask
        while true {
            let found = unsafe table[slot]
            if found == 0 { return unsafe insert(bytes, byteCount, hash: hash, slot: slot) }
            let entry = unsafe entries[Int(found) - 1]
            if entry.hash == hash, entry.count == byteCount,
                unsafe Self.equal(wire.start + entry.offset, bytes, byteCount)
            {
                return found - 1
            }
            slot = (slot + 1) & mask
        }
    }

    @usableFromInline @inline(never)
    mutating func insert(_ bytes: UnsafePointer<UInt8>, _ byteCount: Int, hash: UInt64, slot: Int) -> UInt32 {
        if count == entryCapacity { growEntries() }
        unsafe wire.append(string: bytes, count: byteCount)
        unsafe entries[count] = Entry(hash: hash, offset: wire.count - byteCount, count: byteCount)
        count += 1
        unsafe table[slot] = UInt32(count)
        if count * 2 > mask { growTable() }
        return UInt32(count - 1)
    }

    private mutating func growEntries() {
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: entryCapacity * 2)
        unsafe larger.update(from: entries, count: count)
        unsafe entries.deallocate()
        unsafe entries = unsafe larger
        entryCapacity *= 2
    }

    private mutating func growTable() {
        let size = (mask + 1) * 2
        unsafe table.deallocate()
        unsafe table = .allocate(capacity: size)
        unsafe table.update(repeating: 0, count: size)
        mask = size - 1
        for number in 0..<count {
            var slot = unsafe Int(truncatingIfNeeded: entries[number].hash) & mask
            while unsafe table[slot] != 0 { slot = (slot + 1) & mask }
            unsafe table[slot] = UInt32(number + 1)
        }
    }

    /// Mixes sixteen bytes at a time by multiplication; the last ones overlap those before them. The values come from
    /// trusted clients' attribute keys and names, and a collision costs only a comparison.
    @inlinable @inline(__always)
    static func hash(_ bytes: UnsafePointer<UInt8>, _ byteCount: Int) -> UInt64 {
        var hash = UInt64(truncatingIfNeeded: byteCount) &* 0x9e37_79b9_7f4a_7c15
        if byteCount >= 8 {
            var offset = 0
            while offset + 16 < byteCount {
                hash = unsafe mix(hash ^ word(bytes, offset), word(bytes, offset + 8))
                offset += 16
            }
            if offset + 8 < byteCount { hash = unsafe mix(hash, word(bytes, offset)) }
            hash = unsafe mix(hash, word(bytes, byteCount - 8))
        } else if byteCount >= 4 {
            hash = unsafe mix(hash, half(bytes, 0) << 32 | half(bytes, byteCount - 4))
        } else if byteCount > 0 {
            let ends = unsafe UInt64(bytes[0]) << 16 | UInt64(bytes[byteCount - 1])
            hash = unsafe mix(hash, ends | UInt64(bytes[byteCount / 2]) << 8)
        }
        return hash ^ (hash &>> 32)
    }

    @inlinable @inline(__always)
    static func mix(_ first: UInt64, _ second: UInt64) -> UInt64 {
        let product = (first ^ 0xe703_7ed1_a0b4_28db).multipliedFullWidth(by: second ^ 0xa076_1d64_78bd_642f)
        return product.high ^ product.low
    }

    @inlinable @inline(__always)
    static func word(_ bytes: UnsafePointer<UInt8>, _ offset: Int) -> UInt64 {
        unsafe UnsafeRawPointer(bytes).loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    @inlinable @inline(__always)
    static func half(_ bytes: UnsafePointer<UInt8>, _ offset: Int) -> UInt64 {
        unsafe UInt64(UnsafeRawPointer(bytes).loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    @inlinable @inline(__always)
    static func equal(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, _ byteCount: Int) -> Bool {
        if byteCount >= 8 {
            var offset = 0
            while offset + 8 < byteCount {
                if unsafe word(left, offset) != word(right, offset) { return false }
                offset += 8
            }
            return unsafe word(left, byteCount - 8) == word(right, byteCount - 8)
        }
        if byteCount >= 4 {
            return unsafe half(left, 0) == half(right, 0)
                && half(left, byteCount - 4) == half(right, byteCount - 4)
        }
        for index in 0..<byteCount where unsafe left[index] != right[index] { return false }
        return true
    }

    /// Appends the entries' strings in wire form.
    public borrowing func appendEntries(to output: inout BlockOutput) { output.append(wire) }
}
