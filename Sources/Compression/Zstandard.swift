import CZstd

/// libzstd's decompression state. The pool lends it to one caller at a time, hence `@unchecked`.
@safe
private final class ZstandardDecompressor: @unchecked Sendable {
    let handle: OpaquePointer

    init() {
        guard let handle = unsafe ZSTD_createDCtx() else { fatalError("out of memory") }
        unsafe self.handle = unsafe handle
    }

    deinit { _ = unsafe ZSTD_freeDCtx(handle) }
}

/// libzstd's compression state, lent like the decompressor; serves every level.
@safe
private final class ZstandardCompressor: @unchecked Sendable {
    let handle: OpaquePointer

    init() {
        guard let handle = unsafe ZSTD_createCCtx() else { fatalError("out of memory") }
        unsafe self.handle = unsafe handle
    }

    deinit { _ = unsafe ZSTD_freeCCtx(handle) }
}

private let decompressors = HandlePool { ZstandardDecompressor() }
private let compressors = HandlePool { ZstandardCompressor() }

/// What telemetry usually needs (5 to 6), with room.
private let usualRatio = 8

func zstdDecompress(_ bytes: [UInt8], limit: Int) throws(CompressionError) -> [UInt8] {
    guard !bytes.isEmpty else { throw .corrupt(reason: "empty zstd data") }
    // Whole-buffer decompression, since streaming would let the sender choose the size of a window beside the output.
    return try decompressors.withHandle { decompressor throws(CompressionError) in
        let claimed = unsafe bytes.withUnsafeBytes { unsafe ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        // The two highest values mean "not told" and "not a frame".
        let expected = claimed >= UInt64.max - 1 ? bytes.count * usualRatio : Int(clamping: claimed)
        return try unsafe decompressGrowing(expected: expected, limit: limit) { output in
            let result = unsafe bytes.withUnsafeBytes { input in
                unsafe ZSTD_decompressDCtx(
                    decompressor.handle, output.baseAddress, output.count, input.baseAddress, input.count)
            }
            guard ZSTD_isError(result) != 0 else { return .finished(result) }
            guard ZSTD_getErrorCode(result) != ZSTD_error_dstSize_tooSmall else { return .bufferTooSmall }
            return .failed(.corrupt(reason: unsafe "invalid zstd data: \(String(cString: ZSTD_getErrorName(result)))"))
        }
    }
}

func zstdCompress(_ bytes: [UInt8], level: Int?) throws(CompressionError) -> [UInt8] {
    let level = level ?? 1
    guard level >= ZSTD_minCLevel(), level <= ZSTD_maxCLevel() else { throw .invalidLevel(level) }
    return compressors.withHandle { compressor in
        unsafe bytes.withUnsafeBytes { input in
            let bound = ZSTD_compressBound(input.count)
            return unsafe [UInt8](unsafeUninitializedCapacity: bound) { output, count in
                count = unsafe ZSTD_compressCCtx(
                    compressor.handle, output.baseAddress, bound, input.baseAddress, input.count, Int32(level))
                precondition(ZSTD_isError(count) == 0, "zstd wrote more than its own bound")
            }
        }
    }
}
