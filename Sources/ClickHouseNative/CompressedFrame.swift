import Compression

/// How the blocks that a client sends are compressed.
package enum BlockCompression: Sendable, Hashable {
    /// Blocks go bare, without frames.
    case none
    case lz4
    /// With zstd's level.
    case zstd(level: Int)

    package var isFramed: Bool { self != .none }
}

/// The frame around a compressed block.
///
/// ```
/// 0   16  CityHash128 (1.0.2) of everything after it: low half, high half, little-endian
/// 16   1  method: 0x02 none, 0x82 LZ4 block, 0x90 zstd frame
/// 17   4  size of what starts at 16 (9 + payload), little-endian
/// 21   4  size of the payload when expanded
/// 25      payload
/// ```
/// A block may span several frames.
package enum CompressedFrame {
    package static let headerBytes = 25
    /// Block bytes a frame carries at most; the size at which the server cuts its own.
    package static let blockBytesMax = 1 << 20
    /// A server's frame that claims more is refused before anything is allocated.
    package static let frameBytesMax = 128 << 20

    /// Appends `block` to `output`, in as many frames as it needs.
    static func append(
        _ block: borrowing GrowableBytes, compression: BlockCompression, to output: inout GrowableBytes
    ) throws(CompressionError) {
        guard compression.isFramed else { return output.append(block) }
        var start = 0
        repeat {
            let end = min(start + blockBytesMax, block.count)
            try appendFrame(block, start..<end, compression: compression, to: &output)
            start = end
        } while start < block.count
    }

    private static func appendFrame(
        _ block: borrowing GrowableBytes, _ range: Range<Int>, compression: BlockCompression,
        to output: inout GrowableBytes
    ) throws(CompressionError) {
        let start = output.count
        output.append(zeros: headerBytes)
        let method: UInt8
        switch compression {
        case .none: preconditionFailure("bare blocks have no frame")
        case .lz4:
            method = 0x82
            try output.append(lz4Of: block, range)
        case .zstd(let level):
            method = 0x90
            output.append(contentsOf: try compress(block.array(range), encoding: .zstd, level: level))
        }
        output.store(method, at: start + 16)
        output.store(UInt32(output.count - start - 16), at: start + 17)
        output.store(UInt32(range.count), at: start + 21)
        let hash = unsafe output.withBytes { bytes in
            unsafe cityHash128(UnsafeRawBufferPointer(rebasing: bytes[(start + 16)...]))
        }
        output.store(hash.low, at: start)
        output.store(hash.high, at: start + 8)
    }

    /// Reads one frame and expands it.
    ///
    /// - Throws: `.incomplete` until the whole frame is there; `.malformed` for a wrong checksum, size or method.
    package static func read(from reader: inout NativeReader) throws(NativeProtocolError) -> [UInt8] {
        let low: UInt64 = try reader.readFixed()
        let high: UInt64 = try reader.readFixed()
        var header = reader
        let method = try header.readByte()
        let size: UInt32 = try header.readFixed()
        let expandedBytes: UInt32 = try header.readFixed()
        guard size >= 9, size <= frameBytesMax, expandedBytes <= frameBytesMax else {
            throw .malformed("a frame of \(size) bytes that expands to \(expandedBytes)")
        }
        let sealed = try reader.readBytes(Int(size))
        let hash = unsafe sealed.withUnsafeBytes { unsafe cityHash128($0) }
        guard hash == CityHash128Value(low: low, high: high) else { throw .malformed("a frame's checksum is wrong") }
        let payload = Array(sealed.dropFirst(9))
        do {
            switch method {
            case 0x02:
                guard payload.count == Int(expandedBytes) else { throw CompressionError.corrupt(reason: "wrong size") }
                return payload
            case 0x82: return try lz4DecompressBlock(payload, size: Int(expandedBytes))
            case 0x90: return try zstdDecompressBlock(payload, size: Int(expandedBytes))
            default: throw CompressionError.corrupt(reason: "unknown compression method \(method)")
            }
        } catch let error as CompressionError {
            throw .malformed(error.description)
        } catch {
            throw .malformed("\(error)")
        }
    }
}

extension GrowableBytes {
    /// Appends the LZ4 block that bytes of `source` become.
    fileprivate mutating func append(
        lz4Of source: borrowing GrowableBytes, _ range: Range<Int>
    ) throws(CompressionError) {
        let written = unsafe source.withBytes { source in
            // LZ4 wants room for what does not compress.
            unsafe append(countMax: lz4BlockBound(range.count)) { room in
                unsafe lz4CompressBlock(UnsafeRawBufferPointer(rebasing: source[range]), into: room)
            }
        }
        guard written else { throw .corrupt(reason: "LZ4 could not compress a block") }
    }
}
