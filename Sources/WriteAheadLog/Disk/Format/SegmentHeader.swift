/// A place in a log: what has been appended before it since the log was made.
struct LogPosition: Sendable, Hashable {
    /// Sequence of the next record.
    var sequence: UInt64
    /// Items so far; a record without items counts as one, so that each record has a place of its own.
    var item: UInt64
    /// Payload bytes so far.
    var byte: UInt64

    static let start = LogPosition(sequence: 1, item: 0, byte: 0)
}

/// The first 4096 bytes of a segment: the same 64 bytes twice, in different sectors.
///
///     offset size
///          0    8  magic "otelwal\n"
///          8    4  format version
///         12    4  capacity: bytes of the file
///         16    8  epoch: drawn at random each time the log is opened
///         24    8  number of the segment
///         32   24  position of its first record: sequence, items, payload bytes
///         56    4  zero
///         60    4  CRC-32C of bytes 0 to 59
///       2048   64  the same again
///
/// Little endian; docs/formats/wal.md, "Segment". Magic, version and CRC stay where they are in every version.
struct SegmentHeader: Sendable, Hashable {
    static let formatVersion: UInt32 = 1
    /// Bytes before the first record.
    static let byteCount = 4096
    private static let copyOffsets = [0, 2048]
    private static let copyByteCount = 64
    private static let magic = Array("otelwal\n".utf8)

    var capacity: Int
    var epoch: UInt64
    var number: UInt64
    var first: LogPosition

    /// What each record checksum of the segment goes on from: stale bytes of another life of the file never verify.
    var seed: UInt32 { SegmentHeader.seed(epoch: epoch, number: number) }

    static func seed(epoch: UInt64, number: UInt64) -> UInt32 {
        var bytes: [UInt8] = []
        bytes.append(integer: epoch)
        bytes.append(integer: number)
        return bytes.checksum
    }

    func encoded() -> [UInt8] {
        var copy = SegmentHeader.magic
        copy.append(integer: SegmentHeader.formatVersion)
        copy.append(integer: UInt32(capacity))
        copy.append(integer: epoch)
        copy.append(integer: number)
        copy.append(position: first)
        copy.append(integer: UInt32(0))
        copy.append(integer: copy.checksum)
        var bytes = [UInt8](repeating: 0, count: SegmentHeader.byteCount)
        for offset in SegmentHeader.copyOffsets { bytes.replaceSubrange(offset..<offset + copy.count, with: copy) }
        return bytes
    }

    /// What the first bytes of a file say of it.
    enum Reading: Hashable {
        case segment(SegmentHeader)
        /// Written by another version of this program.
        case otherVersion(UInt32)
        case unreadable
    }

    /// Reads the first copy that verifies. `bytes` may be shorter than a header.
    static func read(_ bytes: [UInt8]) -> Reading {
        for offset in copyOffsets where offset + copyByteCount <= bytes.count {
            let copy = Array(bytes[offset..<offset + copyByteCount])
            guard copy.starts(with: magic), copy.integer(at: 60) == copy.checksum(0..<60) else { continue }
            let version: UInt32 = copy.integer(at: 8)
            if version != formatVersion { return .otherVersion(version) }
            return .segment(
                SegmentHeader(
                    capacity: Int(copy.integer(at: 12, as: UInt32.self)), epoch: copy.integer(at: 16),
                    number: copy.integer(at: 24), first: copy.position(at: 32)))
        }
        return .unreadable
    }
}

/// The last 96 bytes of a sealed segment's file.
///
///     offset size
///          0    8  magic "otelend\n"
///          8    4  format version
///         12    4  end: offset behind the last record
///         16    8  epoch
///         24    8  number of the segment
///         32   24  position of its first record: sequence, items, payload bytes
///         56   24  position behind its last record
///         80    8  oldest receive time of its records, nanoseconds since 1970; all ones without records
///         88    4  zero
///         92    4  CRC-32C of bytes 0 to 91
///
/// It repeats what the header says, so that a segment whose header is lost is still readable.
struct SegmentFooter: Sendable, Hashable {
    static let byteCount = 96
    private static let magic = Array("otelend\n".utf8)

    var epoch: UInt64
    var number: UInt64
    var endOffset: Int
    var first: LogPosition
    var end: LogPosition
    var oldestReceivedAt: UInt64

    func encoded() -> [UInt8] {
        var bytes = SegmentFooter.magic
        bytes.append(integer: SegmentHeader.formatVersion)
        bytes.append(integer: UInt32(endOffset))
        bytes.append(integer: epoch)
        bytes.append(integer: number)
        bytes.append(position: first)
        bytes.append(position: end)
        bytes.append(integer: oldestReceivedAt)
        bytes.append(integer: UInt32(0))
        bytes.append(integer: bytes.checksum)
        return bytes
    }

    /// Nil unless `bytes` is a whole footer that verifies.
    static func read(_ bytes: [UInt8]) -> SegmentFooter? {
        guard bytes.count == byteCount, bytes.starts(with: magic), bytes.integer(at: 92) == bytes.checksum(0..<92),
            bytes.integer(at: 8) == SegmentHeader.formatVersion
        else { return nil }
        return SegmentFooter(
            epoch: bytes.integer(at: 16), number: bytes.integer(at: 24),
            endOffset: Int(bytes.integer(at: 12, as: UInt32.self)),
            first: bytes.position(at: 32), end: bytes.position(at: 56), oldestReceivedAt: bytes.integer(at: 80))
    }
}

extension [UInt8] {
    fileprivate mutating func append(position: LogPosition) {
        append(integer: position.sequence)
        append(integer: position.item)
        append(integer: position.byte)
    }

    fileprivate func position(at offset: Int) -> LogPosition {
        LogPosition(
            sequence: integer(at: offset), item: integer(at: offset + 8), byte: integer(at: offset + 16))
    }
}
