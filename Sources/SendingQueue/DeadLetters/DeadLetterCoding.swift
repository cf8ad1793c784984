import Component
import OTLP
import WriteAheadLog

/// How a dead letter is written, as the payload of a record of the dead-letter log.
///
///     offset size
///          0    4  `odl\n`
///          4    1  version (1)
///          5    1  signal: 1 traces, 2 metrics, 3 logs
///          6    2  zero
///          8   16  batch id: high, low
///         24    8  when it was given up, nanoseconds since 1970
///         32    4  items
///         36    4  attempts
///         40    4  bytes of the words that follow
///         44       exporter, pipeline, cause, reason: two bytes of length and UTF-8 each
///                  the request in protobuf, to the end
///
/// Little endian; docs/formats/dead-letters.md.
enum DeadLetterCoding {
    private static let magic = Array("odl\n".utf8)
    private static let version: UInt8 = 1
    private static let fixedByteCount = 44
    private static let signals: [Signal] = [.traces, .metrics, .logs]
    /// Longer reasons are cut: a peer that answers with a page must not fill the log.
    private static let wordBytesMax = 1024

    /// The most bytes that a letter takes besides its request.
    static let overheadBytesMax = fixedByteCount + 4 * (2 + wordBytesMax)

    static func encode(_ letter: DeadLetter) -> [UInt8] {
        let words = [
            letter.exporter.description, letter.pipeline, letter.cause.rawValue, letter.reason,
        ].map { Array($0.utf8.prefix(wordBytesMax)) }
        let wordBytes = words.reduce(0) { $0 + 2 + $1.count }
        var bytes = magic
        bytes.reserveCapacity(fixedByteCount + wordBytes + letter.payload.count)
        bytes.append(version)
        bytes.append(UInt8(1 + (signals.firstIndex(of: letter.signal) ?? 0)))
        bytes.append(UInt16(0))
        bytes.append(letter.batchID.high)
        bytes.append(letter.batchID.low)
        bytes.append(letter.givenUpAtUnixNanos)
        bytes.append(UInt32(clamping: letter.itemCount))
        bytes.append(UInt32(clamping: letter.attempts))
        bytes.append(UInt32(wordBytes))
        for word in words {
            bytes.append(UInt16(word.count))
            bytes += word
        }
        return bytes + letter.payload
    }

    /// - Throws: `.unsupportedFormat` for another version, `.corrupt` for what is no letter.
    static func decode(_ bytes: [UInt8]) throws(LogError) -> DeadLetter {
        var (letter, payload) = try decodeHeader(bytes)
        letter.payload = Array(bytes[payload])
        return letter
    }

    /// All but the request, and where in `bytes` that is.
    static func decodeHeader(_ bytes: [UInt8]) throws(LogError) -> (letter: DeadLetter, payload: Range<Int>) {
        guard bytes.count >= fixedByteCount, bytes.starts(with: magic) else { throw corrupt }
        guard bytes[4] == version else {
            throw LogError(
                .unsupportedFormat, "a dead letter has version \(bytes[4]); this program reads version \(version)")
        }
        let wordsEnd = fixedByteCount + Int(bytes.integer(UInt32.self, at: 40))
        guard (1...signals.count).contains(Int(bytes[5])), wordsEnd <= bytes.count else { throw corrupt }
        var words: [String] = []
        var offset = fixedByteCount
        while offset + 2 <= wordsEnd {
            let end = offset + 2 + Int(bytes.integer(UInt16.self, at: offset))
            guard end <= wordsEnd else { throw corrupt }
            words.append(String(decoding: bytes[offset + 2..<end], as: UTF8.self))
            offset = end
        }
        guard words.count == 4, offset == wordsEnd, let cause = GiveUpCause(rawValue: words[2]) else { throw corrupt }
        let parts = words[0].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let letter = DeadLetter(
            exporter: ComponentID(type: String(parts[0]), name: parts.count > 1 ? String(parts[1]) : ""),
            signal: signals[Int(bytes[5]) - 1], pipeline: words[1],
            batchID: BatchID(
                high: bytes.integer(UInt64.self, at: 8), low: bytes.integer(UInt64.self, at: 16)),
            itemCount: Int(bytes.integer(UInt32.self, at: 32)), cause: cause, reason: words[3],
            attempts: Int(bytes.integer(UInt32.self, at: 36)),
            givenUpAtUnixNanos: bytes.integer(UInt64.self, at: 24), payload: [])
        return (letter, wordsEnd..<bytes.count)
    }

    private static var corrupt: LogError { LogError(.corrupt, "a record of the dead-letter log is no dead letter") }
}

extension [UInt8] {
    fileprivate mutating func append<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) {
        for shift in 0..<Value.bitWidth / 8 { append(UInt8(truncatingIfNeeded: value >> Value(8 * shift))) }
    }

    fileprivate func integer<Value: FixedWidthInteger & UnsignedInteger>(_ type: Value.Type, at offset: Int) -> Value {
        (0..<Value.bitWidth / 8).reduce(0) { $0 | Value(self[offset + $1]) << Value(8 * $1) }
    }
}
