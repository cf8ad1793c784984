import Compression

/// Takes a block's bytes as its columns are written, and makes the frames that are sent.
///
/// What is short is collected; what is long is compressed where it lies. So no block is ever in memory as a whole, and
/// nearly every byte is compressed while it is in the processor's cache. Reused: `removeAll` keeps the memory.
@safe
public struct BlockOutput: ~Copyable, Sendable {
    /// The revision of the protocol; 0 for the format alone, outside the protocol.
    package let revision: UInt64
    private let compression: BlockCompression
    /// Bytes that are in no frame yet.
    private var pending = GrowableBytes()
    private var sealed = GrowableBytes()
    private var error: ClickHouseError?

    /// Collected bytes that make a frame: LZ4 finds little more in longer ones, and these stay in a core's cache.
    private static let frameBytes = 128 << 10
    /// As much is not worth collecting.
    private static let longBytes = 32 << 10

    package init(revision: UInt64, compression: BlockCompression) {
        self.revision = revision
        self.compression = compression
    }

    package mutating func removeAll() {
        pending.removeAll()
        sealed.removeAll()
        error = nil
    }

    // MARK: Writing

    /// Appends bytes that stand outside of frames. The block before them must have ended.
    package mutating func append(unframed bytes: [UInt8]) {
        precondition(pending.count == 0, "a part of a block is in no frame yet")
        sealed.append(contentsOf: bytes)
    }

    package mutating func append(_ bytes: [UInt8]) {
        pending.append(contentsOf: bytes)
        sealIfFull()
    }

    mutating func append(fixed value: UInt64) { pending.append(fixed: value) }

    mutating func append(zeros count: Int) {
        pending.append(zeros: count)
        sealIfFull()
    }

    mutating func append(_ bytes: borrowing GrowableBytes) {
        if bytes.count >= Self.longBytes {
            seal()
            frame(bytes)
        } else {
            pending.append(bytes)
            sealIfFull()
        }
    }

    mutating func append<Narrow: FixedWidthInteger>(
        narrowed numbers: borrowing GrowableBytes, adding shift: UInt32, to type: Narrow.Type
    ) {
        pending.append(narrowed: numbers, adding: shift, to: type)
        sealIfFull()
    }

    /// Ends a block.
    ///
    /// - Throws: `.encoding` where its bytes could not be compressed.
    package mutating func endBlock() throws(ClickHouseError) {
        seal()
        if let error { throw error }
    }

    // MARK: Frames

    private mutating func sealIfFull() {
        if pending.count >= Self.frameBytes { seal() }
    }

    private mutating func seal() {
        guard pending.count > 0 else { return }
        var collected = GrowableBytes(capacity: 0)
        swap(&collected, &pending)
        frame(collected)
        swap(&collected, &pending)
        pending.removeAll()
    }

    private mutating func frame(_ bytes: borrowing GrowableBytes) {
        guard error == nil else { return }
        do {
            try CompressedFrame.append(bytes, compression: compression, to: &sealed)
        } catch {
            self.error = .encoding(error.description)
        }
    }

    // MARK: Result

    /// Bytes of the frames so far, and of what stands between them.
    package var byteCount: Int { sealed.count }

    package func bytes(_ range: Range<Int>) -> [UInt8] { sealed.array(range) }

    package var bytes: [UInt8] { sealed.array }
}
