/// A column of byte strings in any of the types that hold text.
///
/// | type | wire form of n rows |
/// |---|---|
/// | String | n × (varint length, bytes) |
/// | LowCardinality(String) | prefix u64 1; u64 0x600 + width code, u64 dictionary size, entries, u64 n, n indexes |
/// | Nullable(String) | n zero bytes (nothing is NULL), then the strings |
/// | LowCardinality(Nullable(String)) | as LowCardinality; entry 0 is NULL's place |
/// | FixedString(k) | n × k bytes, filled with zeros; a longer text is a fault |
@safe @frozen
public struct TextColumn: EncodedColumn, ~Copyable {
    @frozen
    public enum Encoding: Sendable, Hashable {
        case plain
        case nullable
        case lowCardinality
        case lowCardinalityNullable
        case fixed(Int)
    }

    public private(set) var encoding: Encoding
    public var hasDictionary: Bool
    @usableFromInline var data: GrowableBytes
    @usableFromInline var dictionary: StringDictionary
    public var rowCount: Int
    /// Bytes of the longest text that a FixedString could not hold; 0 when all fit.
    @usableFromInline var tooLongByteCount = 0

    public init(_ encoding: Encoding = .plain) {
        self.encoding = encoding
        hasDictionary = Self.hasDictionary(encoding)
        data = GrowableBytes()
        dictionary = StringDictionary()
        rowCount = 0
        reset()
    }

    private static func hasDictionary(_ encoding: Encoding) -> Bool {
        encoding == .lowCardinality || encoding == .lowCardinalityNullable
    }

    public mutating func prepare(for type: ColumnType) -> Bool {
        guard let wanted = Self.encoding(of: type) else { return false }
        encoding = wanted
        hasDictionary = Self.hasDictionary(wanted)
        removeAll()
        return true
    }

    public var fault: String? { tooLongByteCount == 0 ? nil : "a text of \(tooLongByteCount) bytes" }

    /// The encoding for `type`; nil when the type does not hold text.
    public static func encoding(of type: ColumnType) -> Encoding? {
        switch type {
        case .string: .plain
        case .nullable(.string): .nullable
        case .lowCardinality(.string): .lowCardinality
        case .lowCardinality(.nullable(.string)): .lowCardinalityNullable
        case .fixedString(let count) where count > 0: .fixed(count)
        default: nil
        }
    }

    public mutating func removeAll() {
        data.removeAll()
        dictionary.removeAll()
        rowCount = 0
        tooLongByteCount = 0
        reset()
    }

    private mutating func reset() {
        guard encoding == .lowCardinalityNullable else { return }
        // Entry 0 stands for NULL, entry 1 is the default, by custom the empty string; neither is looked up by index 0.
        unsafe dictionary.wire.append(string: data.start, count: 0)
    }

    @inlinable @inline(__always)
    public mutating func append(_ bytes: UnsafePointer<UInt8>, count byteCount: Int) {
        if hasDictionary {
            let index = unsafe dictionary.index(of: bytes, count: byteCount)
            data.append(fixed: index)
        } else if case .fixed(let width) = encoding {
            unsafe appendFixed(bytes, count: byteCount, width: width)
        } else {
            unsafe data.append(string: bytes, count: byteCount)
        }
        rowCount += 1
    }

    /// Appends a text of at most `countMax` bytes, fewer than 128, that `write` writes. Mostly it is written in place.
    ///
    /// - Parameter write: gets room for `countMax` bytes, and returns how many it wrote.
    @inlinable @inline(__always)
    public mutating func append(countMax: Int, write: (UnsafeMutablePointer<UInt8>) -> Int) {
        precondition(countMax < 0x80, "a text that is not short")
        if encoding == .plain || encoding == .nullable {
            data.reserve(countMax + 1)
            let byteCount = unsafe write(data.start + data.used + 1)
            precondition(byteCount >= 0 && byteCount <= countMax, "more bytes written than there was room for")
            unsafe data.start[data.used] = UInt8(truncatingIfNeeded: byteCount)
            data.used += 1 + byteCount
            rowCount += 1
        } else {
            unsafe appendCopy(countMax: countMax, write: write)
        }
    }

    /// Appends a text of at most 32 bytes: the first ones of `words`, lowest first.
    @inlinable @inline(__always)
    public mutating func append(words: SIMD4<UInt64>, count byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= 32, "a text longer than its words")
        if encoding == .plain {
            data.reserve(33)
            let target = unsafe data.start + data.used
            unsafe target[0] = UInt8(truncatingIfNeeded: byteCount)
            unsafe UnsafeMutableRawPointer(target + 1).storeBytes(of: words, as: SIMD4<UInt64>.self)
            data.used += 1 + byteCount
            rowCount += 1
        } else {
            append(copyOf: words, count: byteCount)
        }
    }

    @usableFromInline @inline(never)
    mutating func append(copyOf words: SIMD4<UInt64>, count byteCount: Int) {
        unsafe withUnsafeBytes(of: words) { bytes in
            unsafe append(bytes.baseAddress!.assumingMemoryBound(to: UInt8.self), count: byteCount)
        }
    }

    @usableFromInline
    mutating func appendCopy(countMax: Int, write: (UnsafeMutablePointer<UInt8>) -> Int) {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: countMax + 1) { text in
            let start = text.baseAddress!
            let byteCount = unsafe write(start)
            unsafe append(start, count: byteCount)
        }
    }

    @usableFromInline
    mutating func appendFixed(_ bytes: UnsafePointer<UInt8>, count byteCount: Int, width: Int) {
        if byteCount > width { tooLongByteCount = max(tooLongByteCount, byteCount) }
        let kept = min(width, byteCount)
        unsafe data.append(bytes, count: kept)
        data.append(zeros: width - kept)
    }

    /// Appends a text that the next `rows` rows have: encoded for the first of them, copied for the others.
    @inlinable
    public mutating func append(_ bytes: UnsafePointer<UInt8>, count byteCount: Int, rows: Int) {
        guard rows > 0 else { return }
        let start = data.count
        unsafe append(bytes, count: byteCount)
        repeatRows(start..<data.count, rowCount: 1, times: rows - 1)
    }

    /// Appends `rowCount` rows again, that lie at `encoded` in the column's data.
    @inlinable
    mutating func repeatRows(_ encoded: Range<Int>, rowCount repeated: Int, times: Int) {
        data.append(copiesOf: encoded, count: times)
        rowCount += repeated * times
    }

    public mutating func append(_ text: StaticString) {
        unsafe append(text.utf8Start, count: text.utf8CodeUnitCount)
    }

    /// Repeats a value whose dictionary index is known (`lowCardinality` columns only).
    @inlinable @inline(__always)
    public mutating func append(index: UInt32) {
        data.append(fixed: index)
        rowCount += 1
    }

    /// The index of a value in the dictionary, which it joins (`lowCardinality` columns only).
    @inlinable
    public mutating func index(of bytes: UnsafePointer<UInt8>, count byteCount: Int) -> UInt32 {
        unsafe dictionary.index(of: bytes, count: byteCount)
    }

    public borrowing func appendPrefix(to output: inout BlockOutput) {
        if hasDictionary { output.append(fixed: UInt64(1)) }
    }

    public borrowing func appendData(to output: inout BlockOutput) {
        switch encoding {
        case .plain, .fixed: output.append(data)
        case .nullable:
            output.append(zeros: rowCount)
            output.append(data)
        case .lowCardinality: appendDictionary(to: &output, shift: 0)
        case .lowCardinalityNullable: appendDictionary(to: &output, shift: 1)
        }
    }

    private borrowing func appendDictionary(to output: inout BlockOutput, shift: UInt32) {
        guard rowCount > 0 else { return }
        let entryCount = dictionary.count + Int(shift)
        let widthCode: UInt64 = entryCount <= 1 << 8 ? 0 : entryCount <= 1 << 16 ? 1 : 2
        output.append(fixed: UInt64(0x600) | widthCode)
        output.append(fixed: UInt64(entryCount))
        dictionary.appendEntries(to: &output)
        output.append(fixed: UInt64(rowCount))
        switch widthCode {
        case 0: output.append(narrowed: data, adding: shift, to: UInt8.self)
        case 1: output.append(narrowed: data, adding: shift, to: UInt16.self)
        default: output.append(narrowed: data, adding: shift, to: UInt32.self)
        }
    }
}
