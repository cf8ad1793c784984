internal import Glibc

/// Memory for the header fields of the requests that came together; it is kept for those that come next.
///
/// Blocks arrive one after the other, and are read by their range until `clear`. Ownership: of its memory.
///
/// Layout of a block: `nameCount: Int | valueCount: Int | name[nameCount] | value[valueCount]`, repeated, unaligned.
@safe struct HTTP2HeaderStore: ~Copyable {
    /// The memory that is kept at most.
    private static let keptBytesMax = 64 << 10

    private var base: UnsafeMutableRawPointer
    private var capacity = 4096
    private var count = 0
    /// Where the block begins that is arriving.
    private var start = 0
    /// Of the block that is arriving, as SETTINGS_MAX_HEADER_LIST_SIZE counts it: the bytes of all names and values,
    /// kept or not, and 32 for each field.
    private(set) var listSize = 0

    /// Bit n is set when fields are kept whose names have n bytes, or more than 63 for the last one.
    private let keptNameCounts: UInt64

    /// - Parameter keptFields: the names of the fields that `header` has at least; nil: of all.
    init(keptFields: [String]?) {
        keptNameCounts =
            keptFields.map { names in
                names.reduce(0) { $0 | 1 << UInt64(min($1.utf8.count, 63)) }
            } ?? .max
        unsafe base = .allocate(byteCount: capacity, alignment: 1)
    }

    deinit {
        unsafe base.deallocate()
    }

    /// A block begins; what came of one that was never completed is forgotten.
    mutating func begin() {
        count = start
        listSize = 0
    }

    mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        listSize += name.count + value.count + 32
        guard keptNameCounts >> UInt64(min(name.count, 63)) & 1 != 0 else { return }
        reserve(HTTP2Header.fieldPrefixCount + name.count + value.count)
        unsafe base.storeBytes(of: name.count, toByteOffset: count, as: Int.self)
        unsafe base.storeBytes(of: value.count, toByteOffset: count + MemoryLayout<Int>.size, as: Int.self)
        count += HTTP2Header.fieldPrefixCount
        unsafe appendReserved(name)
        unsafe appendReserved(value)
    }

    private mutating func appendReserved(_ text: UnsafeRawBufferPointer) {
        guard let source = text.baseAddress else { return }
        unsafe (base + count).copyMemory(from: source, byteCount: text.count)
        count += text.count
    }

    /// The block that has arrived.
    mutating func complete() -> Range<Int> {
        defer { start = count }
        return start..<count
    }

    /// Forgets all blocks; the one that is arriving keeps its fields.
    mutating func clear() {
        if start > 0 { unsafe base.copyMemory(from: base + start, byteCount: count - start) }
        count -= start
        start = 0
        guard capacity > Self.keptBytesMax, count <= Self.keptBytesMax else { return }
        reallocate(Self.keptBytesMax)
    }

    /// The fields of a block.
    func header(_ block: Range<Int>) -> HTTP2Header {
        precondition(block.upperBound <= count, "the header was cleared")
        return unsafe HTTP2Header(start: base + block.lowerBound, count: block.count)
    }

    private mutating func reserve(_ byteCount: Int) {
        if capacity - count < byteCount { reallocate(max(2 * capacity, count + byteCount)) }
    }

    private mutating func reallocate(_ newCapacity: Int) {
        let new = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 1)
        unsafe new.copyMemory(from: base, byteCount: count)
        unsafe base.deallocate()
        unsafe base = new
        capacity = newCapacity
    }
}

/// The fields of one HEADERS frame with its CONTINUATIONs, pseudo header fields first, names in lower case.
///
/// Ownership: the bytes belong to a `HTTP2HeaderStore`; they are there while the header's event is handled.
@safe struct HTTP2Header {
    struct Field {
        fileprivate var start: Int
        fileprivate var nameCount: Int
        fileprivate var valueCount: Int
    }

    fileprivate static let fieldPrefixCount = 2 * MemoryLayout<Int>.size

    private let start: UnsafeRawPointer
    private let count: Int

    fileprivate init(start: UnsafeRawPointer, count: Int) {
        unsafe self.start = start
        self.count = count
    }

    var byteCount: Int { count }

    /// A copy of all of it, for `equals`.
    var bytes: [UInt8] { unsafe Array(UnsafeRawBufferPointer(start: start, count: count)) }

    /// Whether all fields are those of the header whose `bytes` are given, in the same order.
    func equals(_ bytes: [UInt8]) -> Bool {
        unsafe bytes.withUnsafeBytes { other in
            guard let base = other.baseAddress, other.count == count else { return other.count == count }
            return unsafe memcmp(base, start, count) == 0
        }
    }

    /// The first field `name`.
    func firstField(_ name: StaticString) -> Field? {
        var offset = 0
        while let field = field(at: offset) {
            if field.nameCount == name.utf8CodeUnitCount,
                unsafe memcmp(start + field.start, name.utf8Start, field.nameCount) == 0
            {
                return field
            }
            offset = field.start + field.nameCount + field.valueCount
        }
        return nil
    }

    /// The first value of `name`; invalid UTF-8 is replaced.
    func first(_ name: StaticString) -> String? { firstField(name).map(value(of:)) }

    /// Whether the value of `field` is `text`; no string is made to find out.
    func hasValue(_ text: String, in field: Field) -> Bool {
        var text = text
        return text.withUTF8 { text in
            guard text.count == field.valueCount, let base = text.baseAddress else { return false }
            return unsafe memcmp(start + field.start + field.nameCount, base, text.count) == 0
        }
    }

    /// Invalid UTF-8 is replaced.
    func value(of field: Field) -> String { text(at: field.start + field.nameCount, field.valueCount) }

    /// All fields as text.
    var pairs: [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        var offset = 0
        while let field = field(at: offset) {
            pairs.append((text(at: field.start, field.nameCount), value(of: field)))
            offset = field.start + field.nameCount + field.valueCount
        }
        return pairs
    }

    private func field(at offset: Int) -> Field? {
        guard offset < count else { return nil }
        return unsafe Field(
            start: offset + HTTP2Header.fieldPrefixCount,
            nameCount: start.loadUnaligned(fromByteOffset: offset, as: Int.self),
            valueCount: start.loadUnaligned(fromByteOffset: offset + MemoryLayout<Int>.size, as: Int.self))
    }

    private func text(at offset: Int, _ count: Int) -> String {
        unsafe String(decoding: UnsafeRawBufferPointer(start: start + offset, count: count), as: UTF8.self)
    }
}
