package import Compression

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
    package static func append(
        _ block: [UInt8], compression: BlockCompression, to output: inout [UInt8]
    ) throws(CompressionError) {
        guard compression.isFramed else {
            output.append(contentsOf: block)
            return
        }
        var start = 0
        repeat {
            let end = min(start + blockBytesMax, block.count)
            try appendFrame(block, start..<end, compression: compression, to: &output)
            start = end
        } while start < block.count
    }

    private static func appendFrame(
        _ block: [UInt8], _ range: Range<Int>, compression: BlockCompression, to output: inout [UInt8]
    ) throws(CompressionError) {
        var frame: [UInt8]
        let method: UInt8
        switch compression {
        case .none: preconditionFailure("bare blocks have no frame")
        case .lz4:
            method = 0x82
            frame = try lz4Frame(block, range)
        case .zstd(let level):
            method = 0x90
            frame = Array(repeating: 0, count: headerBytes)
            frame += try compress(Array(block[range]), encoding: .zstd, level: level)
        }
        seal(&frame, method: method, expandedBytes: range.count)
        output += frame
    }

    /// A frame whose header is still to be filled in.
    private static func lz4Frame(_ block: [UInt8], _ range: Range<Int>) throws(CompressionError) -> [UInt8] {
        let capacity = headerBytes + lz4BlockBound(range.count)
        var isWritten = false
        // LZ4 wants room for what does not compress: a megabyte that is not worth clearing first.
        let frame = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { target, count in
            unsafe target[..<headerBytes].initialize(repeating: 0)
            let payload = unsafe UnsafeMutableRawBufferPointer(
                rebasing: UnsafeMutableRawBufferPointer(target)[headerBytes...])
            let written = unsafe block.withUnsafeBytes { source in
                unsafe lz4CompressBlock(UnsafeRawBufferPointer(rebasing: source[range]), into: payload)
            }
            isWritten = written != nil
            count = headerBytes + (written ?? 0)
        }
        guard isWritten else { throw .corrupt(reason: "LZ4 could not compress a block") }
        return frame
    }

    private static func seal(_ frame: inout [UInt8], method: UInt8, expandedBytes: Int) {
        frame[16] = method
        store(UInt32(frame.count - 16), in: &frame, at: 17)
        store(UInt32(expandedBytes), in: &frame, at: 21)
        let hash = unsafe frame.withUnsafeBytes {
            unsafe cityHash128(UnsafeRawBufferPointer(rebasing: $0[16...]))
        }
        store(hash.low, in: &frame, at: 0)
        store(hash.high, in: &frame, at: 8)
    }

    private static func store<Value: FixedWidthInteger>(_ value: Value, in output: inout [UInt8], at offset: Int) {
        for index in 0..<(Value.bitWidth / 8) {
            output[offset + index] = UInt8(truncatingIfNeeded: value >> Value(8 * index))
        }
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
