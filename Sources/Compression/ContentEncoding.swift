/// The compressions of HTTP bodies and gRPC messages, named as `Content-Encoding` and `grpc-encoding` name them.
package enum ContentEncoding: String, Sendable, Hashable, CaseIterable {
    case identity = ""
    case gzip
    /// In the zlib format (RFC 1950), as HTTP has it.
    case deflate
    /// Another name of `deflate`.
    case zlib
    case zstd
    /// LZ4's frame format.
    case lz4
}

/// Why bytes could not be compressed or decompressed.
package enum CompressionError: Error, Sendable, Hashable {
    /// The result would have more than `limit` bytes.
    case tooLarge(limit: Int)
    /// The input is not what its encoding says, or ends early.
    case corrupt(reason: String)
    /// The encoding has no such level.
    case invalidLevel(Int)
}

extension CompressionError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLarge(let limit): "decompressed size exceeds the limit of \(limit) bytes"
        case .corrupt(let reason): reason
        case .invalidLevel(let level): "invalid compression level: \(level)"
        }
    }
}

/// Decompresses a whole body.
///
/// Several gzip members, zstd frames or LZ4 frames in a row are one body. Bytes after the end are an error.
///
/// - Parameter limit: the most bytes the result may have; a hostile body costs no more memory than this.
/// - Throws: `.tooLarge` or `.corrupt`; truncated input is corrupt.
/// - Complexity: O(input + output). One allocation where the input tells its decompressed size, a few where it does
///   not.
package func decompress(
    _ bytes: [UInt8], encoding: ContentEncoding, limit: Int
) throws(CompressionError) -> [UInt8] {
    switch encoding {
    case .identity:
        guard bytes.count <= limit else { throw .tooLarge(limit: limit) }
        return bytes
    case .gzip: return try inflate(bytes, format: .gzip, limit: limit)
    case .deflate, .zlib: return try inflate(bytes, format: .zlib, limit: limit)
    case .zstd: return try zstdDecompress(bytes, limit: limit)
    case .lz4: return try lz4FrameDecompress(bytes, limit: limit)
    }
}

/// Compresses a whole body.
///
/// - Parameter level: nil is the fast end of each encoding (gzip, deflate and zstd 1, LZ4 0). gzip and deflate know
///   0 (stored) to 12, zstd its own range with negative levels, LZ4 0 to 12.
/// - Throws: `.invalidLevel`.
package func compress(
    _ bytes: [UInt8], encoding: ContentEncoding, level: Int? = nil
) throws(CompressionError) -> [UInt8] {
    switch encoding {
    case .identity: return bytes
    case .gzip: return try deflate(bytes, format: .gzip, level: level)
    case .deflate, .zlib: return try deflate(bytes, format: .zlib, level: level)
    case .zstd: return try zstdCompress(bytes, level: level)
    case .lz4: return try lz4FrameCompress(bytes, level: level)
    }
}
