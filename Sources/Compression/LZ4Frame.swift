import CLZ4

/// liblz4's decompression state for frames.
///
/// Made for each attempt: `LZ4F_resetDecompressionContext` keeps the content size that an abandoned frame announced, and the
/// next frame that announces none would be refused for it.
@safe
private struct LZ4FrameDecompressor: ~Copyable {
    let handle: OpaquePointer

    init() {
        var handle: OpaquePointer?
        let result = unsafe LZ4F_createDecompressionContext(&handle, UInt32(LZ4F_VERSION))
        guard LZ4F_isError(result) == 0, let handle = unsafe handle else { fatalError("out of memory") }
        unsafe self.handle = unsafe handle
    }

    deinit { _ = unsafe LZ4F_freeDecompressionContext(handle) }
}

/// What telemetry usually needs (4), with room.
private let usualRatio = 8
private let levelMax = 12

func lz4FrameDecompress(_ bytes: [UInt8], limit: Int) throws(CompressionError) -> [UInt8] {
    try unsafe decompressGrowing(expected: bytes.count * usualRatio, limit: limit) { output in
        unsafe bytes.withUnsafeBytes { unsafe decompressFrames($0, into: output) }
    }
}

private func decompressFrames(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
) -> DecompressionAttempt {
    let decompressor = LZ4FrameDecompressor()
    var read = 0
    var written = 0
    // What liblz4 would like to read next: 0 only between frames.
    var wanted = 1
    while read < input.count {
        var stepRead = input.count - read
        var stepWritten = output.count - written
        let result = unsafe LZ4F_decompress(
            decompressor.handle, output.baseAddress.map { unsafe $0 + written }, &stepWritten,
            input.baseAddress.map { unsafe $0 + read }, &stepRead, nil)
        guard LZ4F_isError(result) == 0 else {
            return .failed(.corrupt(reason: unsafe "invalid lz4 data: \(String(cString: LZ4F_getErrorName(result)))"))
        }
        read += stepRead
        written += stepWritten
        wanted = result
        if stepRead == 0, stepWritten == 0 { return .bufferTooSmall }
    }
    if wanted == 0 { return .finished(written) }
    // All input is taken, yet the frame goes on: either decoded bytes wait for room, or the input was cut short.
    return written == output.count ? .bufferTooSmall : .failed(.corrupt(reason: "truncated lz4 data"))
}

func lz4FrameCompress(_ bytes: [UInt8], level: Int?) throws(CompressionError) -> [UInt8] {
    let level = level ?? 0
    guard (0...levelMax).contains(level) else { throw .invalidLevel(level) }
    var preferences = LZ4F_preferences_t()
    preferences.compressionLevel = Int32(level)
    preferences.frameInfo.contentSize = UInt64(bytes.count)
    return unsafe bytes.withUnsafeBytes { input in
        let bound = unsafe LZ4F_compressFrameBound(input.count, &preferences)
        return unsafe [UInt8](unsafeUninitializedCapacity: bound) { output, count in
            count = unsafe LZ4F_compressFrame(output.baseAddress, bound, input.baseAddress, input.count, &preferences)
            precondition(LZ4F_isError(count) == 0, "lz4 wrote more than its own bound")
        }
    }
}
