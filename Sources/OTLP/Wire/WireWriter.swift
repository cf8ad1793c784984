import Glibc

/// Appends protobuf to a growable run of memory.
///
/// Shape: minimal varints throughout, so what is written is canonical. Ownership: the memory belongs to the writer,
/// which cannot be copied; pass it `inout`, take the result with `bytes` or `withWireBytes`, and `removeAll()` to use
/// the same memory again. Lengths of messages are patched in by `endMessage`.
@safe @frozen
package struct WireWriter: ~Copyable {
    @usableFromInline var start: UnsafeMutablePointer<UInt8>
    @usableFromInline var capacity: Int
    /// Bytes written so far.
    @usableFromInline package private(set) var count: Int

    /// A message that has been begun: where its payload starts, and the bytes kept free for its length.
    @frozen
    package struct Mark {
        @usableFromInline let payloadStart: Int
        @usableFromInline let lengthByteCount: Int

        @inlinable
        init(payloadStart: Int, lengthByteCount: Int) {
            self.payloadStart = payloadStart
            self.lengthByteCount = lengthByteCount
        }
    }

    /// - Parameter capacity: bytes that can be written before the memory grows.
    package init(capacity: Int = 1024) {
        self.capacity = max(capacity, 16)
        unsafe start = UnsafeMutablePointer<UInt8>.allocate(capacity: self.capacity)
        count = 0
    }

    deinit {
        unsafe start.deallocate()
    }

    /// A copy of what has been written.
    package var bytes: [UInt8] {
        unsafe Array(UnsafeBufferPointer(start: start, count: count))
    }

    /// Lends what has been written to `body`, which must not keep it.
    @inlinable
    package func withWireBytes<Result, Failure: Error>(
        _ body: (WireBytes) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(WireBytes(start: start, count: count))
    }

    /// Forgets what has been written; the memory is kept.
    @inlinable
    package mutating func removeAll() {
        count = 0
    }

    /// Forgets everything after the first `newCount` bytes.
    @inlinable
    package mutating func truncate(to newCount: Int) {
        precondition(newCount >= 0 && newCount <= count, "WireWriter cannot be truncated to more than it holds")
        count = newCount
    }

    /// Makes room for `additional` more bytes.
    @inlinable
    package mutating func reserve(_ additional: Int) {
        if capacity - count < additional { grow(additional) }
    }

    @usableFromInline @inline(never)
    mutating func grow(_ additional: Int) {
        precondition(additional >= 0, "WireWriter cannot reserve a negative number of bytes")
        let newCapacity = max(capacity * 2, count + additional)
        let newStart = UnsafeMutablePointer<UInt8>.allocate(capacity: newCapacity)
        unsafe newStart.update(from: start, count: count)
        unsafe start.deallocate()
        unsafe start = newStart
        capacity = newCapacity
    }
}

// Numbers and raw bytes.
extension WireWriter {
    /// The bytes a varint takes, 1 to 10.
    @inlinable
    package static func varintByteCount(_ value: UInt64) -> Int {
        // Seven bits to a byte: (significant bits * 9 + 64) / 64 is ceil(bits / 7) for 1...64 bits.
        (9 * (64 - (value | 1).leadingZeroBitCount) + 64) >> 6
    }

    @inlinable
    package mutating func writeByte(_ byte: UInt8) {
        reserve(1)
        unsafe start[count] = byte
        count += 1
    }

    @inlinable
    package mutating func writeVarint(_ value: UInt64) {
        reserve(10)
        var rest = value
        while rest >= 0x80 {
            unsafe start[count] = UInt8(truncatingIfNeeded: rest) | 0x80
            count += 1
            rest >>= 7
        }
        unsafe start[count] = UInt8(truncatingIfNeeded: rest)
        count += 1
    }

    /// The eight bytes of a fixed64, sfixed64 or double, without a tag.
    @inlinable
    package mutating func writeFixed64(_ value: UInt64) {
        reserve(8)
        unsafe UnsafeMutableRawPointer(start + count).storeBytes(of: value.littleEndian, as: UInt64.self)
        count += 8
    }

    /// The four bytes of a fixed32, without a tag.
    @inlinable
    package mutating func writeFixed32(_ value: UInt32) {
        reserve(4)
        unsafe UnsafeMutableRawPointer(start + count).storeBytes(of: value.littleEndian, as: UInt32.self)
        count += 4
    }

    @inlinable
    package mutating func writeTag(_ field: UInt32, _ type: WireType) {
        writeVarint(UInt64(field) << 3 | UInt64(type.rawValue))
    }

    /// The bytes as they are, without tag or length; they must not be the writer's own.
    @inlinable
    package mutating func append(_ bytes: WireBytes) {
        reserve(bytes.count)
        unsafe (start + count).update(from: bytes.start, count: bytes.count)
        count += bytes.count
    }

    /// The bytes as they are, without tag or length.
    @inlinable
    package mutating func append(_ bytes: [UInt8]) {
        reserve(bytes.count)
        unsafe bytes.withUnsafeBufferPointer { buffer in
            guard let source = buffer.baseAddress else { return }
            unsafe (start + count).update(from: source, count: buffer.count)
        }
        count += bytes.count
    }
}

// Whole fields.
extension WireWriter {
    /// A varint field: bool, enum, uint32, uint64, or int32 and int64 as sign-extended two's complement.
    @inlinable
    package mutating func writeVarint(_ field: UInt32, _ value: UInt64) {
        writeTag(field, .varint)
        writeVarint(value)
    }

    /// A fixed64 or (bit pattern of) sfixed64 field.
    @inlinable
    package mutating func writeFixed64(_ field: UInt32, _ value: UInt64) {
        writeTag(field, .fixed64)
        writeFixed64(value)
    }

    @inlinable
    package mutating func writeDouble(_ field: UInt32, _ value: Double) {
        writeFixed64(field, value.bitPattern)
    }

    @inlinable
    package mutating func writeFixed32(_ field: UInt32, _ value: UInt32) {
        writeTag(field, .fixed32)
        writeFixed32(value)
    }

    /// A length-delimited field: string, bytes, or a message already encoded.
    @inlinable
    package mutating func writeBytes(_ field: UInt32, _ bytes: WireBytes) {
        writeTag(field, .lengthDelimited)
        writeVarint(UInt64(bytes.count))
        append(bytes)
    }

    /// A length-delimited field: string, bytes, or a message already encoded.
    @inlinable
    package mutating func writeBytes(_ field: UInt32, _ bytes: [UInt8]) {
        writeTag(field, .lengthDelimited)
        writeVarint(UInt64(bytes.count))
        append(bytes)
    }

    @inlinable
    package mutating func writeString(_ field: UInt32, _ string: String) {
        var string = string
        writeTag(field, .lengthDelimited)
        string.withUTF8 { utf8 in
            writeVarint(UInt64(utf8.count))
            reserve(utf8.count)
            guard let source = utf8.baseAddress else { return }
            unsafe (start + count).update(from: source, count: utf8.count)
            count += utf8.count
        }
    }

    /// A KeyValue with a string value.
    ///
    /// Layout: `tag L 0a K key[K] 12 V 0a S string[S]`, lengths as varints.
    mutating func writeAttribute(_ field: UInt32, key: WireBytes, string: WireBytes) {
        let valueCount = 1 + WireWriter.varintByteCount(UInt64(string.count)) + string.count
        let keyValueCount =
            2 + WireWriter.varintByteCount(UInt64(key.count)) + key.count
            + WireWriter.varintByteCount(UInt64(valueCount)) + valueCount
        guard field < 16, keyValueCount < 0x80 else {
            writeTag(field, .lengthDelimited)
            writeVarint(UInt64(keyValueCount))
            writeBytes(KeyValueField.key, key)
            writeTag(KeyValueField.value, .lengthDelimited)
            writeVarint(UInt64(valueCount))
            return writeBytes(AnyValueField.stringValue, string)
        }
        reserve(keyValueCount + 2)
        let target = unsafe start + count
        unsafe target[0] = UInt8(truncatingIfNeeded: field << 3) | WireType.lengthDelimited.rawValue
        unsafe target[1] = UInt8(truncatingIfNeeded: keyValueCount)
        unsafe target[2] = 0x0a
        unsafe target[3] = UInt8(truncatingIfNeeded: key.count)
        unsafe ShortCopy.copy(key.start, to: target + 4, count: key.count)
        let value = unsafe target + 4 + key.count
        unsafe value[0] = 0x12
        unsafe value[1] = UInt8(truncatingIfNeeded: valueCount)
        unsafe value[2] = 0x0a
        unsafe value[3] = UInt8(truncatingIfNeeded: string.count)
        unsafe ShortCopy.copy(string.start, to: value + 4, count: string.count)
        count += keyValueCount + 2
    }

    /// The field as it was read, byte for byte but for its tag and length, which become minimal.
    @inlinable
    package mutating func writeField(_ field: WireField) {
        writeTag(field.number, field.type)
        switch field.type {
        case .varint: writeVarint(field.value)
        case .fixed64: writeFixed64(field.value)
        case .fixed32: writeFixed32(UInt32(truncatingIfNeeded: field.value))
        case .lengthDelimited:
            writeVarint(UInt64(field.bytes.count))
            append(field.bytes)
        }
    }

    /// Begins a message in `field`; what is written until the matching `endMessage` is its payload.
    ///
    /// - Parameter expectedByteCount: a guess at the payload's size. Where it needs as many length bytes as the real
    ///   one, `endMessage` moves nothing.
    @inlinable
    package mutating func beginMessage(_ field: UInt32, expectedByteCount: Int = 0) -> Mark {
        writeTag(field, .lengthDelimited)
        let lengthByteCount = WireWriter.varintByteCount(UInt64(expectedByteCount))
        reserve(lengthByteCount)
        count += lengthByteCount
        return Mark(payloadStart: count, lengthByteCount: lengthByteCount)
    }

    /// Ends the message begun last: patches its length in, minimal, moving the payload where the guess was off.
    @inlinable
    package mutating func endMessage(_ mark: Mark) {
        precondition(mark.payloadStart <= count, "messages end in the reverse order of their beginnings")
        let payloadCount = count - mark.payloadStart
        let needed = WireWriter.varintByteCount(UInt64(payloadCount))
        // Room for the longest length now: growing later, with `count` set back, would lose the payload.
        reserve(10)
        if needed != mark.lengthByteCount {
            unsafe memmove(
                start + mark.payloadStart - mark.lengthByteCount + needed, start + mark.payloadStart, payloadCount)
        }
        count = mark.payloadStart - mark.lengthByteCount
        writeVarint(UInt64(payloadCount))
        count += payloadCount
    }
}
