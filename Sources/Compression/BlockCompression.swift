import CLZ4
import CZstd

/// The largest LZ4 block that `count` bytes can become.
package func lz4BlockBound(_ count: Int) -> Int { Int(LZ4_compressBound(Int32(clamping: count))) }

/// Compresses `source` into one raw LZ4 block at `destination`, which must have `lz4BlockBound(source.count)` bytes.
///
/// - Returns: bytes written; nil when the destination is too small or the source above LZ4's 2 GB.
package func lz4CompressBlock(
    _ source: UnsafeRawBufferPointer, into destination: UnsafeMutableRawBufferPointer
) -> Int? {
    guard source.count <= Int(Int32.max), let target = destination.baseAddress else { return nil }
    // An empty block is one token byte; LZ4 wants a valid address for it all the same.
    let address = unsafe source.baseAddress ?? UnsafeRawPointer(target)
    let written = unsafe LZ4_compress_default(
        address.assumingMemoryBound(to: CChar.self), target.assumingMemoryBound(to: CChar.self), Int32(source.count),
        Int32(clamping: destination.count))
    return written > 0 ? Int(written) : nil
}

/// Expands one raw LZ4 block of known size.
package func lz4DecompressBlock(_ source: [UInt8], size: Int) throws(CompressionError) -> [UInt8] {
    try unsafe expand(source, size: size, name: "LZ4") { source, target in
        let count = unsafe LZ4_decompress_safe(
            source.baseAddress?.assumingMemoryBound(to: CChar.self),
            target.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(clamping: source.count),
            Int32(clamping: target.count))
        return Int(count)
    }
}

/// Expands one zstd frame of known size.
package func zstdDecompressBlock(_ source: [UInt8], size: Int) throws(CompressionError) -> [UInt8] {
    try unsafe expand(source, size: size, name: "zstd") { source, target in
        let count = unsafe ZSTD_decompress(target.baseAddress, target.count, source.baseAddress, source.count)
        return ZSTD_isError(count) == 0 ? count : -1
    }
}

private func expand(
    _ source: [UInt8], size: Int, name: String,
    _ decompress: (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) -> Int
) throws(CompressionError) -> [UInt8] {
    var count = 0
    let result = unsafe [UInt8](unsafeUninitializedCapacity: size) { target, initialized in
        count = unsafe source.withUnsafeBytes { unsafe decompress($0, UnsafeMutableRawBufferPointer(target)) }
        initialized = max(0, min(count, size))
    }
    guard count == size else { throw .corrupt(reason: "broken \(name) block") }
    return result
}
