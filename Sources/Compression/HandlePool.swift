import Synchronization

/// Keeps the state blocks of C codecs between calls, since making one costs more than a small body.
///
/// A handle belongs to one caller at a time, on any thread.
final class HandlePool<Handle: Sendable>: Sendable {
    /// More idle handles than this are freed: as many as ever compress at once on a large machine.
    private let idleCountMax = 32
    private let idle = Mutex<[Handle]>([])
    private let make: @Sendable () -> Handle

    init(make: @escaping @Sendable () -> Handle) { self.make = make }

    func withHandle<Result, Failure: Error>(_ body: (Handle) throws(Failure) -> Result) throws(Failure) -> Result {
        let handle = idle.withLock { $0.popLast() } ?? make()
        defer {
            idle.withLock { idle in
                if idle.count < idleCountMax { idle.append(handle) }
            }
        }
        return try body(handle)
    }
}

/// How one attempt to decompress into a buffer ended.
enum DecompressionAttempt {
    /// With this many bytes in the buffer.
    case finished(Int)
    case bufferTooSmall
    case failed(CompressionError)
}

/// Decompresses into a buffer that is enlarged, and the attempt repeated, until it fits or `limit` is reached.
///
/// Whole-buffer codecs are so much faster than streaming ones that a repetition now and then is the better bargain.
///
/// - Parameter expected: the size the input claims or suggests; not trusted.
func decompressGrowing(
    expected: Int, limit: Int, attempt: (UnsafeMutableRawBufferPointer) -> DecompressionAttempt
) throws(CompressionError) -> [UInt8] {
    // One byte at least, so that the codecs get an address.
    var capacity = max(1, min(expected, limit))
    while true {
        var outcome = DecompressionAttempt.finished(0)
        let output = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            outcome = unsafe attempt(
                UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<capacity]))
            if case .finished(let written) = outcome { count = written }
        }
        switch outcome {
        case .finished(let count):
            guard count <= limit else { throw .tooLarge(limit: limit) }
            return output
        case .failed(let error): throw error
        case .bufferTooSmall:
            guard capacity < limit else { throw .tooLarge(limit: limit) }
            capacity = min(limit, capacity > limit / 4 ? limit : capacity * 4)
        }
    }
}
