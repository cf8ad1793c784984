/// Gives each distinct byte string a number, in order of first appearance: the dictionary of a LowCardinality column.
///
/// Open addressing over a power-of-two table; entries lie in wire form (varint length, bytes), ready to be sent. Keys of
/// attributes mostly follow each other as they did before: the string that came after the last one is tried ahead of the
/// table.
@safe @frozen
public struct StringDictionary: ~Copyable {
    @frozen @usableFromInline
    struct Entry {
        @usableFromInline var hash: UInt64
        /// Where the string's bytes start in `wire`.
        @usableFromInline var offset: Int
        @usableFromInline var count: UInt32
        /// The number of the string that came next, the last time.
        @usableFromInline var successor: UInt32
    }

    /// How right the guesses are: each right one counts one, each wrong one two. Below zero there are no more, so that
    /// an order without rules does not pay for them.
    @frozen @usableFromInline
    enum Trust {
        @inlinable static var initial: Int { 16 }
        @inlinable static var max: Int { 64 }
        @inlinable static var lossPerMiss: Int { 2 }
    }

    @usableFromInline var wire: GrowableBytes
    @usableFromInline var entries: UnsafeMutablePointer<Entry>
    @usableFromInline var entryCapacity: Int
    public var count: Int
    /// Entry number plus one; 0 is free.
    @usableFromInline var table: UnsafeMutablePointer<UInt32>
    @usableFromInline var mask: Int
    /// The number of the last string, and of the one that is likely to be next.
    @usableFromInline var last: Int
    @usableFromInline var guess: Int
    @usableFromInline var trust: Int
    @usableFromInline let secret: HashSecret

    public init() {
        wire = GrowableBytes()
        entryCapacity = 32
        unsafe entries = .allocate(capacity: 32)
        count = 0
        mask = 63
        unsafe table = .allocate(capacity: 64)
        last = 0
        guess = 0
        trust = 0
        secret = HashSecret.ofProcess
        removeAll()
    }

    deinit {
        unsafe entries.deallocate()
        unsafe table.deallocate()
    }

    public mutating func removeAll() {
        wire.removeAll()
        count = 0
        unsafe table.update(repeating: 0, count: mask + 1)
        last = 0
        guess = 0
        trust = Trust.initial
        // Ahead of the first string, the guess is one that no string is equal to.
        unsafe entries[0] = Entry(hash: 0, offset: 0, count: .max, successor: 0)
    }

    /// The number of the string, which is added if it is new. It has less than 4 GiB.
    @inlinable @inline(__always)
    public mutating func index(of bytes: UnsafePointer<UInt8>, count byteCount: Int) -> UInt32 {
        guard trust >= 0 else { return unsafe find(bytes, byteCount) }
        let entry = unsafe entries[guess]
        guard entry.count == byteCount, unsafe Self.equal(wire.start + entry.offset, bytes, byteCount) else {
            return unsafe findUnguessed(bytes, byteCount)
        }
        last = guess
        guess = Int(entry.successor)
        if trust < Trust.max { trust += 1 }
        return UInt32(truncatingIfNeeded: last)
    }

    @usableFromInline @inline(never)
    mutating func findUnguessed(_ bytes: UnsafePointer<UInt8>, _ byteCount: Int) -> UInt32 {
        let countBefore = count
        let found = unsafe find(bytes, byteCount)
        unsafe entries[last].successor = found
        last = Int(found)
        guess = unsafe Int(entries[last].successor)
        // What is new could not be guessed.
        if count == countBefore { trust -= Trust.lossPerMiss }
        return found
    }

    @usableFromInline @inline(never)
    mutating func find(_ bytes: UnsafePointer<UInt8>, _ byteCount: Int) -> UInt32 {
        let hash = unsafe hash(bytes, byteCount)
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
        let number = UInt32(count)
        unsafe wire.append(string: bytes, count: byteCount)
        // Where one string is all there is, it follows itself.
        unsafe entries[count] = Entry(
            hash: hash, offset: wire.count - byteCount, count: UInt32(byteCount), successor: number)
        count += 1
        unsafe table[slot] = UInt32(count)
        if count * 2 > mask { growTable() }
        return number
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

    /// Mixes sixteen bytes at a time by multiplication; the last ones overlap those before them.
    @inline(__always)
    private func hash(_ bytes: UnsafePointer<UInt8>, _ byteCount: Int) -> UInt64 {
        var hash = UInt64(truncatingIfNeeded: byteCount) &* 0x9e37_79b9_7f4a_7c15
        if byteCount >= 8 {
            var offset = 0
            while offset + 16 < byteCount {
                hash = unsafe secret.mix(hash ^ Self.word(bytes, offset), Self.word(bytes, offset + 8))
                offset += 16
            }
            if offset + 8 < byteCount { hash = unsafe secret.mix(hash, Self.word(bytes, offset)) }
            hash = unsafe secret.mix(hash, Self.word(bytes, byteCount - 8))
        } else if byteCount >= 4 {
            hash = unsafe secret.mix(hash, Self.half(bytes, 0) << 32 | Self.half(bytes, byteCount - 4))
        } else if byteCount > 0 {
            let ends = unsafe UInt64(bytes[0]) << 16 | UInt64(bytes[byteCount - 1])
            hash = unsafe secret.mix(hash, ends | UInt64(bytes[byteCount / 2]) << 8)
        }
        return hash ^ (hash &>> 32)
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

/// Two random words that go into each hash: without them nobody can make many strings with one hash, which would be
/// compared with each other one by one.
@frozen @usableFromInline
struct HashSecret: Sendable {
    private let first: UInt64
    private let second: UInt64

    static let ofProcess = HashSecret()

    private init() {
        first = .random(in: .min ... .max)
        second = .random(in: .min ... .max)
    }

    @inline(__always)
    func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = (left ^ first).multipliedFullWidth(by: right ^ second)
        return product.high ^ product.low
    }
}
