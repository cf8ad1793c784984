import Glibc

/// Copies of few bytes, whose number the compiler does not know, without a call.
enum ShortCopy {
    /// Copies `count` bytes: up to 32 of them by their two ends, which overlap.
    @inline(__always)
    static func copy(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int) {
        switch count {
        case 16...32: unsafe copyEnds(source, to: target, count, of: SIMD2<UInt64>.self)
        case 8...15: unsafe copyEnds(source, to: target, count, of: UInt64.self)
        case 4...7: unsafe copyEnds(source, to: target, count, of: UInt32.self)
        case 2...3: unsafe copyEnds(source, to: target, count, of: UInt16.self)
        default: unsafe memcpy(target, source, count)
        }
    }

    @inline(__always)
    private static func copyEnds<Word: BitwiseCopyable>(
        _ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, _ count: Int, of type: Word.Type
    ) {
        let distance = count - MemoryLayout<Word>.size
        let first = unsafe source.loadUnaligned(as: type)
        let last = unsafe (source + distance).loadUnaligned(as: type)
        unsafe target.storeBytes(of: first, as: type)
        unsafe (target + distance).storeBytes(of: last, as: type)
    }
}
