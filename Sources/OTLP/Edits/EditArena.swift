import Glibc

/// Memory for the bytes that edits insert. What has been written never moves, so that `WireBytes` into it stay valid.
///
/// Ownership: everything is freed with the arena. A piece is begun with its greatest size, written and ended.
@safe
struct EditArena: ~Copyable {
    private static let firstChunkByteCount = 4096
    private static let chunkByteCountMax = 1 << 20

    private var chunks: [UnsafeMutablePointer<UInt8>] = unsafe []
    private var next: UnsafeMutablePointer<UInt8>
    private var remaining = 0
    private var pieceStart: UnsafeMutablePointer<UInt8>
    private var chunkByteCount = EditArena.firstChunkByteCount

    init() {
        // Never written to: the first piece makes the first chunk.
        unsafe next = UnsafeMutablePointer(bitPattern: 8)!
        unsafe pieceStart = next
    }

    deinit {
        for index in unsafe chunks.indices { unsafe chunks[index].deallocate() }
    }

    /// Begins a piece of at most `byteCountMax` bytes.
    mutating func begin(_ byteCountMax: Int) {
        if remaining < byteCountMax {
            let count = max(byteCountMax, chunkByteCount)
            unsafe next = .allocate(capacity: count)
            unsafe chunks.append(next)
            remaining = count
            chunkByteCount = min(chunkByteCount * 2, EditArena.chunkByteCountMax)
        }
        unsafe pieceStart = next
    }

    /// The bytes written since `begin`.
    func end() -> WireBytes {
        unsafe WireBytes(start: UnsafePointer(pieceStart), count: next - pieceStart)
    }

    mutating func writeByte(_ byte: UInt8) {
        precondition(remaining > 0, "an edit is longer than announced")
        unsafe next.pointee = byte
        unsafe next += 1
        remaining -= 1
    }

    mutating func writeVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            writeByte(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeByte(UInt8(truncatingIfNeeded: rest))
    }

    mutating func append(_ bytes: WireBytes) {
        precondition(remaining >= bytes.count, "an edit is longer than announced")
        unsafe next.update(from: bytes.start, count: bytes.count)
        unsafe next += bytes.count
        remaining -= bytes.count
    }

    /// A length-delimited field of a number below 16.
    mutating func writeField(_ number: UInt32, _ bytes: WireBytes) {
        writeByte(UInt8(truncatingIfNeeded: number << 3 | 2))
        writeVarint(UInt64(bytes.count))
        append(bytes)
    }

    /// A KeyValue in a field of a number below 16, if it takes less than 128 bytes; false otherwise, and nothing is
    /// written then.
    mutating func writeShortAttribute(_ number: UInt32, _ key: WireBytes, _ value: WireBytes) -> Bool {
        let byteCount = key.count + value.count + 4
        guard byteCount < 0x80 else { return false }
        precondition(remaining >= byteCount + 2, "an edit is longer than announced")
        unsafe next[0] = UInt8(truncatingIfNeeded: number << 3 | 2)
        unsafe next[1] = UInt8(truncatingIfNeeded: byteCount)
        unsafe next[2] = UInt8(KeyValueField.key << 3 | 2)
        unsafe next[3] = UInt8(truncatingIfNeeded: key.count)
        unsafe ShortCopy.copy(key.start, to: next + 4, count: key.count)
        let valueField = unsafe next + (4 + key.count)
        unsafe valueField[0] = UInt8(KeyValueField.value << 3 | 2)
        unsafe valueField[1] = UInt8(truncatingIfNeeded: value.count)
        unsafe ShortCopy.copy(value.start, to: valueField + 2, count: value.count)
        unsafe next += byteCount + 2
        remaining -= byteCount + 2
        return true
    }

    /// A copy of `bytes` that lives as long as the arena.
    mutating func copy(_ bytes: [UInt8]) -> WireBytes {
        begin(bytes.count)
        bytes.withWireBytes { append($0) }
        return end()
    }

    /// A string as an AnyValue.
    mutating func stringValue(_ text: WireBytes) -> WireBytes {
        begin(text.count + 11)
        writeField(AnyValueField.stringValue, text)
        return end()
    }
}
