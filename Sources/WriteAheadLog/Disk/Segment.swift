/// What the log knows of one of its segment files. An index of segments, not of records: about 200 bytes each.
struct Segment: Sendable {
    var header: SegmentHeader
    /// The place behind its last committed record.
    var end: LogPosition
    /// Offset behind its last committed record; of a segment whose footer was lost, where records may end at most.
    var endOffset: Int
    /// Bytes the file takes.
    var fileByteCount: Int
    /// Oldest receive time of its data records; all ones when there are none.
    var oldestReceivedAt = UInt64.max
    /// Newest receive time of its data records, as far as it is known; 0 when there are none.
    var newestReceivedAt: UInt64 = 0
    /// Its footer was there at start.
    var isSealed = false
    /// Readers that have the file open: such a file is removed, never written over.
    var readers = 0

    var number: UInt64 { header.number }
    var first: LogPosition { header.first }
    /// Holds no data: of use only until a later segment's checkpoint is durable.
    var isEmpty: Bool { first.sequence == end.sequence }

    var fileName: String { Segment.fileName(number) }

    static func fileName(_ number: UInt64) -> String { "\(hexadecimal(number)).wal" }

    /// The number in a segment's file name; nil for other files.
    static func number(inFileName name: String) -> UInt64? {
        guard name.hasSuffix(".wal"), name.utf8.count == 20 else { return nil }
        return UInt64(name.dropLast(4), radix: 16)
    }
}

func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}

/// Records that could not be read: where they were, and what is missing.
struct DamagedRegion: Sendable, Hashable {
    /// Offsets in the segment's file.
    var offsets: Range<Int>
    var sequences: Range<UInt64>
    /// Their places in the log's count of items.
    var items: Range<UInt64>
}
