/// The wire types of protobuf that OTLP uses (https://protobuf.dev/programming-guides/encoding/).
@frozen
public enum WireType: UInt8, Sendable {
    case varint = 0
    case fixed64 = 1
    case lengthDelimited = 2
    case fixed32 = 5
}

/// A borrowed run of bytes inside a request.
///
/// Shape: address and count; trivially copyable. Ownership: the bytes belong to whoever opened the enclosing
/// `withUnsafeBytes` scope; a `WireBytes` must not outlive that scope. Every access is checked against `count`.
@safe @frozen
public struct WireBytes {
    public let start: UnsafePointer<UInt8>
    public let count: Int

    @inlinable
    public init(start: UnsafePointer<UInt8>, count: Int) {
        unsafe self.start = start
        self.count = count
    }

    @inlinable public var isEmpty: Bool { count == 0 }

    @inlinable
    public subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count, "WireBytes index out of range")
        return unsafe start[index]
    }

    /// The same bytes as a buffer pointer, for C functions and bulk copies.
    @inlinable
    public var buffer: UnsafeBufferPointer<UInt8> { unsafe UnsafeBufferPointer(start: start, count: count) }

    @inlinable
    public func slice(_ range: Range<Int>) -> WireBytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "WireBytes slice out of range")
        return unsafe WireBytes(start: start + range.lowerBound, count: range.count)
    }

    /// A copy of the bytes.
    @inlinable public var array: [UInt8] { unsafe Array(buffer) }

    /// The bytes as text; each invalid UTF-8 sequence becomes U+FFFD.
    @inlinable public var string: String { unsafe String(decoding: buffer, as: UTF8.self) }

    @inlinable
    public func equals(_ other: WireBytes) -> Bool {
        guard count == other.count else { return false }
        guard count >= 8 else {
            for index in 0..<count where unsafe start[index] != other.start[index] { return false }
            return true
        }
        // From the end, eight bytes at a time: names begin alike and differ in their last part.
        var offset = count - 8
        while true {
            guard word(at: offset) == other.word(at: offset) else { return false }
            if offset == 0 { return true }
            offset = max(0, offset - 8)
        }
    }

    /// Eight bytes from `offset` on; the caller has checked that they are there.
    @inlinable @inline(__always)
    func word(at offset: Int) -> UInt64 {
        unsafe UnsafeRawPointer(start + offset).loadUnaligned(as: UInt64.self)
    }

    @inlinable
    public func equals(_ other: StaticString) -> Bool {
        guard count == other.utf8CodeUnitCount else { return false }
        for index in 0..<count where unsafe start[index] != other.utf8Start[index] { return false }
        return true
    }
}

/// One field as the cursor found it.
@frozen
public struct WireField {
    public let number: UInt32
    public let type: WireType
    /// The varint, fixed64 or (zero-extended) fixed32 value; 0 for length-delimited fields.
    public let value: UInt64
    /// The payload of a length-delimited field; empty for the others.
    public let bytes: WireBytes
    /// Bytes from the cursor's start to the field's tag, and to the end of the field.
    public let range: Range<Int>

    @inlinable
    public init(number: UInt32, type: WireType, value: UInt64, bytes: WireBytes, range: Range<Int>) {
        self.number = number
        self.type = type
        self.value = value
        self.bytes = bytes
        self.range = range
    }
}

/// Reads the fields of one message, in order, from borrowed bytes.
///
/// This file and `WireWriter.swift` hold all raw reads and writes of protobuf: every read follows a bounds check.
/// Ownership: as `WireBytes`. Errors: `WireError`; after an error the cursor must not be used again.
@safe @frozen
public struct WireCursor {
    @usableFromInline let start: UnsafePointer<UInt8>
    @usableFromInline var next: UnsafePointer<UInt8>
    @usableFromInline let end: UnsafePointer<UInt8>

    @inlinable
    public init(_ bytes: WireBytes) {
        unsafe start = bytes.start
        unsafe next = bytes.start
        unsafe end = bytes.start + bytes.count
    }

    @inlinable public var isAtEnd: Bool { unsafe next == end }
    /// Bytes read so far.
    @inlinable public var offset: Int { unsafe next - start }

    /// The bytes that have not been read.
    @inlinable public var rest: WireBytes { unsafe WireBytes(start: next, count: end - next) }

    /// Whether a field of this tag comes next, a tag of one byte.
    @inlinable @inline(__always)
    public func isNext(tag: UInt8) -> Bool { unsafe next < end && next.pointee == tag }

    /// Passes over bytes that the caller has read from `rest`.
    @inlinable
    public mutating func skip(_ count: Int) {
        precondition(unsafe count >= 0 && count <= end - next, "a WireCursor cannot pass its end")
        unsafe next += count
    }

    /// The next field, or nil at the end of the message.
    ///
    /// Always inlined: a field that is taken apart in place costs half of one that is handed over in memory.
    @inlinable @inline(__always)
    public mutating func nextField() throws(WireError) -> WireField? {
        guard unsafe next < end else { return nil }
        let fieldStart = offset
        let tag = try readVarint()
        let number = tag >> 3
        guard number != 0, number < 1 << 29 else { throw .invalidFieldNumber }
        guard let type = WireType(rawValue: UInt8(truncatingIfNeeded: tag & 7)) else {
            throw .unsupportedWireType(UInt8(truncatingIfNeeded: tag & 7))
        }
        var value: UInt64 = 0
        var bytes = unsafe WireBytes(start: next, count: 0)
        switch type {
        case .varint: value = try readVarint()
        case .fixed64: value = try readFixed64()
        case .fixed32: value = UInt64(try readFixed32())
        case .lengthDelimited: bytes = try readBytes()
        }
        return WireField(
            number: UInt32(truncatingIfNeeded: number), type: type, value: value, bytes: bytes,
            range: fieldStart..<offset)
    }

    /// The payload of the next field if its tag is `tag`, a byte of a length-delimited field; nil otherwise, and
    /// nothing is read then. Spares a loop over many fields of one number the look at all others.
    @inlinable @inline(__always)
    public mutating func nextPayload(ifTag tag: UInt8) throws(WireError) -> WireBytes? {
        guard unsafe end - next >= 2, unsafe next[0] == tag else { return nil }
        let count = unsafe Int(next[1])
        guard count < 0x80, unsafe count <= end - next - 2 else {
            unsafe next += 1
            return try readBytes()
        }
        let bytes = unsafe WireBytes(start: next + 2, count: count)
        unsafe next += count + 2
        return bytes
    }

    @inlinable
    public mutating func readVarint() throws(WireError) -> UInt64 {
        guard unsafe next < end else { throw .truncated }
        let first = unsafe next.pointee
        if first < 0x80 {
            unsafe next += 1
            return UInt64(first)
        }
        return try readLongVarint()
    }

    @inlinable @inline(never)
    mutating func readLongVarint() throws(WireError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while unsafe next < end {
            let byte = unsafe next.pointee
            unsafe next += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
            if shift > 63 { throw .malformedVarint }
        }
        throw .truncated
    }

    @inlinable
    public mutating func readFixed64() throws(WireError) -> UInt64 {
        guard unsafe end - next >= 8 else { throw .truncated }
        let value = unsafe UnsafeRawPointer(next).loadUnaligned(as: UInt64.self)
        unsafe next += 8
        return UInt64(littleEndian: value)
    }

    @inlinable
    public mutating func readFixed32() throws(WireError) -> UInt32 {
        guard unsafe end - next >= 4 else { throw .truncated }
        let value = unsafe UnsafeRawPointer(next).loadUnaligned(as: UInt32.self)
        unsafe next += 4
        return UInt32(littleEndian: value)
    }

    @inlinable
    public mutating func readBytes() throws(WireError) -> WireBytes {
        let count: UInt64
        if unsafe end - next >= 2, unsafe next[0] >= 0x80, unsafe next[1] < 0x80 {
            // Two bytes, as the lengths of most spans are: worth not leaving the loop for.
            count = unsafe UInt64(next[0] & 0x7f) | UInt64(next[1]) << 7
            unsafe next += 2
        } else {
            count = try readVarint()
        }
        let remaining = unsafe end - next
        guard count <= UInt64(remaining) else { throw .truncated }
        let bytes = unsafe WireBytes(start: next, count: Int(count))
        unsafe next += Int(count)
        return bytes
    }
}

extension [UInt8] {
    /// Lends the array's bytes to `body` as `WireBytes`, which must not escape it.
    public func withWireBytes<Result, Failure: Error>(
        _ body: (WireBytes) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe withUnsafeBufferPointer { (buffer) throws(Failure) -> Result in
            guard let start = buffer.baseAddress else {
                return try unsafe body(WireBytes(start: UnsafePointer(bitPattern: 8)!, count: 0))
            }
            return try unsafe body(WireBytes(start: start, count: buffer.count))
        }
    }
}
