/// A run of bytes that grows and is reused: `removeAll` keeps the memory, unless far more was held than lately used.
///
/// This file holds the raw writes of all columns; each follows a `reserve`. Ownership: one owner, freed at its end.
@safe @frozen
public struct GrowableBytes: ~Copyable, @unchecked Sendable {
    @usableFromInline var start: UnsafeMutablePointer<UInt8>
    /// Bytes written so far.
    @usableFromInline var used: Int
    @usableFromInline var capacity: Int

    @inlinable public var count: Int { used }

    public init(capacity: Int = 256) {
        unsafe start = .allocate(capacity: capacity)
        used = 0
        self.capacity = capacity
    }

    deinit { unsafe start.deallocate() }

    public mutating func removeAll() {
        if capacity > Self.keptBytesMin, used < capacity / 8 { shrink() }
        used = 0
    }

    /// Below this, memory is not worth giving back.
    private static let keptBytesMin = 1 << 20

    private mutating func shrink() {
        capacity /= 2
        unsafe start.deallocate()
        unsafe start = .allocate(capacity: capacity)
    }

    /// Makes room for `additional` more bytes.
    @inlinable @inline(__always)
    public mutating func reserve(_ additional: Int) {
        if capacity - used < additional { grow(additional) }
    }

    @usableFromInline @inline(never)
    mutating func grow(_ additional: Int) {
        let wanted = max(capacity * 2, used + additional)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
        unsafe larger.update(from: start, count: used)
        unsafe start.deallocate()
        unsafe start = unsafe larger
        capacity = wanted
    }

    @inlinable @inline(__always)
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe start[used] = byte
        used += 1
    }

    @inlinable @inline(__always)
    public mutating func append<Value: FixedWidthInteger>(fixed value: Value) {
        let width = MemoryLayout<Value>.size
        reserve(width)
        unsafe UnsafeMutableRawPointer(start + used).storeBytes(of: value.littleEndian, as: Value.self)
        used += width
    }

    @inlinable @inline(__always)
    public mutating func append(_ bytes: UnsafePointer<UInt8>, count byteCount: Int) {
        reserve(byteCount)
        unsafe (start + used).update(from: bytes, count: byteCount)
        used += byteCount
    }

    /// A ClickHouse String: byte count as varint, bytes.
    @inlinable @inline(__always)
    public mutating func append(string bytes: UnsafePointer<UInt8>, count byteCount: Int) {
        reserve(byteCount + 10)
        if byteCount < 0x80 {
            unsafe start[used] = UInt8(truncatingIfNeeded: byteCount)
            used += 1
        } else {
            appendVarint(UInt64(byteCount))
        }
        unsafe Self.copy(bytes, to: start + used, count: byteCount)
        used += byteCount
    }

    /// Most texts are short, and these are copied by two overlapping moves without a call.
    @inlinable @inline(__always)
    static func copy(_ source: UnsafePointer<UInt8>, to target: UnsafeMutablePointer<UInt8>, count byteCount: Int) {
        if byteCount > 32 {
            unsafe target.update(from: source, count: byteCount)
        } else if byteCount >= 16 {
            unsafe move(source, to: target, SIMD16<UInt8>.self)
            let last = byteCount - 16
            unsafe move(source + last, to: target + last, SIMD16<UInt8>.self)
        } else if byteCount >= 8 {
            unsafe move(source, to: target, UInt64.self)
            let last = byteCount - 8
            unsafe move(source + last, to: target + last, UInt64.self)
        } else if byteCount >= 4 {
            unsafe move(source, to: target, UInt32.self)
            let last = byteCount - 4
            unsafe move(source + last, to: target + last, UInt32.self)
        } else if byteCount > 0 {
            unsafe target[0] = source[0]
            unsafe target[byteCount / 2] = source[byteCount / 2]
            unsafe target[byteCount - 1] = source[byteCount - 1]
        }
    }

    @inlinable @inline(__always)
    static func move<Word: BitwiseCopyable>(
        _ source: UnsafePointer<UInt8>, to target: UnsafeMutablePointer<UInt8>, _ type: Word.Type
    ) {
        unsafe UnsafeMutableRawPointer(target).storeBytes(
            of: UnsafeRawPointer(source).loadUnaligned(as: Word.self), as: Word.self)
    }

    public mutating func appendVarint(_ value: UInt64) {
        reserve(10)
        var rest = value
        while rest >= 0x80 {
            unsafe start[used] = UInt8(truncatingIfNeeded: rest) | 0x80
            used += 1
            rest >>= 7
        }
        unsafe start[used] = UInt8(truncatingIfNeeded: rest)
        used += 1
    }

    /// Appends bytes that are already in here `copyCount` times more.
    @inlinable
    public mutating func append(copiesOf range: Range<Int>, count copyCount: Int) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "GrowableBytes range out of bounds")
        let total = range.count * copyCount
        guard total > 0 else { return }
        reserve(total)
        let target = unsafe start + used
        unsafe Self.copy(start + range.lowerBound, to: target, count: range.count)
        // Each copy doubles what the next one copies: many rows take few calls.
        var done = range.count
        while done < total {
            let step = min(done, total - done)
            unsafe Self.copy(target, to: target + done, count: step)
            done += step
        }
        used += total
    }

    public mutating func append(contentsOf bytes: [UInt8]) {
        unsafe bytes.withUnsafeBufferPointer { source in
            if let address = source.baseAddress { unsafe append(address, count: source.count) }
        }
    }

    public mutating func append(zeros zeroCount: Int) {
        reserve(zeroCount)
        unsafe (start + used).update(repeating: 0, count: zeroCount)
        used += zeroCount
    }

    /// Appends all of `other`.
    public mutating func append(_ other: borrowing GrowableBytes) {
        unsafe append(UnsafePointer(other.start), count: other.count)
    }

    /// Appends the 32-bit numbers that `numbers` holds, each with `shift` added, cut to a narrower width.
    mutating func append<Narrow: FixedWidthInteger>(
        narrowed numbers: borrowing GrowableBytes, adding shift: UInt32, to type: Narrow.Type
    ) {
        let width = MemoryLayout<Narrow>.size
        let numberCount = numbers.count / 4
        reserve(numberCount * width)
        let source = unsafe UnsafeRawPointer(numbers.start)
        let target = unsafe UnsafeMutableRawPointer(start + used)
        for index in 0..<numberCount {
            let number = unsafe source.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self) &+ shift
            unsafe target.storeBytes(
                of: Narrow(truncatingIfNeeded: number).littleEndian, toByteOffset: index * width, as: Narrow.self)
        }
        used += numberCount * width
    }

    /// Appends what `write` writes into room for `countMax` bytes: as many as it returns.
    ///
    /// - Returns: false where it returned nil, and nothing was appended.
    mutating func append(countMax: Int, write: (UnsafeMutableRawBufferPointer) -> Int?) -> Bool {
        reserve(countMax)
        let room = unsafe UnsafeMutableRawBufferPointer(start: start + used, count: countMax)
        guard let written = unsafe write(room) else { return false }
        precondition(written >= 0 && written <= countMax, "more bytes written than there was room for")
        used += written
        return true
    }

    /// Writes a number over bytes that are there.
    mutating func store<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
        precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= used, "GrowableBytes offset out of bounds")
        unsafe UnsafeMutableRawPointer(start + offset).storeBytes(of: value.littleEndian, as: Value.self)
    }

    /// The bytes as an array.
    public var array: [UInt8] { array(0..<used) }

    func array(_ range: Range<Int>) -> [UInt8] {
        precondition(range.lowerBound >= 0 && range.upperBound <= used, "GrowableBytes range out of bounds")
        return unsafe Array(UnsafeBufferPointer(start: start + range.lowerBound, count: range.count))
    }

    /// Lends the bytes to `body`, which must not keep them.
    public borrowing func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: start, count: count))
    }
}
