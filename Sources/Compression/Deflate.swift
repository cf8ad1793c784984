import CDeflate

enum DeflateFormat {
    /// RFC 1952.
    case gzip
    /// RFC 1950.
    case zlib
}

// MARK: Handles

/// libdeflate's decompressor. The pool lends it to one caller at a time, hence `@unchecked`.
@safe
private final class DeflateDecompressor: @unchecked Sendable {
    let handle: OpaquePointer

    init() {
        guard let handle = unsafe libdeflate_alloc_decompressor() else { fatalError("out of memory") }
        unsafe self.handle = unsafe handle
    }

    deinit { unsafe libdeflate_free_decompressor(handle) }
}

/// libdeflate's compressor for one level, lent like the decompressor.
@safe
private final class DeflateCompressor: @unchecked Sendable {
    let handle: OpaquePointer

    init(level: Int) {
        guard let handle = unsafe libdeflate_alloc_compressor(Int32(level)) else { fatalError("out of memory") }
        unsafe self.handle = unsafe handle
    }

    deinit { unsafe libdeflate_free_compressor(handle) }
}

private let decompressors = HandlePool { DeflateDecompressor() }
/// By level.
private let compressors = (0...12).map { level in HandlePool { DeflateCompressor(level: level) } }

// MARK: Decompression

/// Smallest possible gzip member: header 10, empty deflate block 2, trailer 8.
private let gzipMemberBytesMin = 20
/// DEFLATE makes at most 1032 bytes of one.
private let deflateRatioMax = 1032
/// What telemetry usually needs (5 to 6), with room.
private let usualRatio = 8

func inflate(_ bytes: [UInt8], format: DeflateFormat, limit: Int) throws(CompressionError) -> [UInt8] {
    try decompressors.withHandle { decompressor throws(CompressionError) in
        try unsafe decompressGrowing(expected: expectedSize(of: bytes, format: format), limit: limit) { output in
            unsafe bytes.withUnsafeBytes { input in
                switch format {
                case .gzip: unsafe inflateMembers(input, into: output, with: decompressor)
                case .zlib: unsafe inflateStream(input, into: output, with: decompressor)
                }
            }
        }
    }
}

/// gzip tells the size of its last member, usually the only one, in its last four bytes.
private func expectedSize(of bytes: [UInt8], format: DeflateFormat) -> Int {
    guard format == .gzip, bytes.count >= gzipMemberBytesMin else { return bytes.count * usualRatio }
    let claimed = bytes.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    return min(claimed, bytes.count * deflateRatioMax)
}

private func inflateMembers(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, with decompressor: DeflateDecompressor
) -> DecompressionAttempt {
    var read = 0
    var written = 0
    repeat {
        var memberRead = 0
        var memberWritten = 0
        let result = unsafe libdeflate_gzip_decompress_ex(
            decompressor.handle, input.baseAddress.map { unsafe $0 + read }, input.count - read,
            output.baseAddress.map { unsafe $0 + written }, output.count - written, &memberRead, &memberWritten)
        switch result {
        case LIBDEFLATE_SUCCESS: break
        case LIBDEFLATE_INSUFFICIENT_SPACE: return .bufferTooSmall
        default: return .failed(.corrupt(reason: "invalid or truncated gzip data"))
        }
        read += memberRead
        written += memberWritten
    } while read < input.count
    return .finished(written)
}

private func inflateStream(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, with decompressor: DeflateDecompressor
) -> DecompressionAttempt {
    var read = 0
    var written = 0
    let result = unsafe libdeflate_zlib_decompress_ex(
        decompressor.handle, input.baseAddress, input.count, output.baseAddress, output.count, &read, &written)
    switch result {
    case LIBDEFLATE_SUCCESS where read == input.count: return .finished(written)
    case LIBDEFLATE_SUCCESS: return .failed(.corrupt(reason: "bytes after the end of the zlib data"))
    case LIBDEFLATE_INSUFFICIENT_SPACE: return .bufferTooSmall
    default: return .failed(.corrupt(reason: "invalid or truncated zlib data"))
    }
}

// MARK: Compression

func deflate(_ bytes: [UInt8], format: DeflateFormat, level: Int?) throws(CompressionError) -> [UInt8] {
    let level = level ?? 1
    guard compressors.indices.contains(level) else { throw .invalidLevel(level) }
    return compressors[level].withHandle { compressor in
        unsafe bytes.withUnsafeBytes { input in
            let bound =
                switch format {
                case .gzip: unsafe libdeflate_gzip_compress_bound(compressor.handle, input.count)
                case .zlib: unsafe libdeflate_zlib_compress_bound(compressor.handle, input.count)
                }
            return unsafe [UInt8](unsafeUninitializedCapacity: bound) { output, count in
                count =
                    switch format {
                    case .gzip:
                        unsafe libdeflate_gzip_compress(
                            compressor.handle, input.baseAddress, input.count, output.baseAddress, bound)
                    case .zlib:
                        unsafe libdeflate_zlib_compress(
                            compressor.handle, input.baseAddress, input.count, output.baseAddress, bound)
                    }
                precondition(count > 0, "libdeflate wrote more than its own bound")
            }
        }
    }
}
