/// The 56 bytes before each record's payload. Records start at multiples of eight bytes; zeros fill the gap.
///
///     offset size
///          0    4  CRC-32C of bytes 4 to 55, going on from the CRC-32C of the segment's epoch and number
///          4    4  bytes of the payload
///          8    8  sequence; of a control record, that of the next data record
///         16    8  items before this record
///         24    8  receive time, nanoseconds since 1970
///         32    8  partition
///         40    4  items in the payload
///         44    4  CRC-32C of the payload
///         48    4  committed: offset up to which the segment was acknowledged when this was written
///         52    1  kind
///         53    3  zero
///
/// Little endian; docs/formats/wal.md, "Record". `committed` tells a torn write, which nobody was promised, from rot.
struct RecordHeader: Sendable, Hashable {
    static let byteCount = 56
    static let sequenceOffset = 8

    /// What a record is. The numbers are on disk.
    enum Kind: UInt8, Sendable {
        case data = 1
        case checkpoint = 2
        case consumer = 3
        case cut = 4
        case done = 5
        case split = 6
        case progress = 7
        case adopt = 8
        case forget = 9
    }

    var kind: Kind
    var payloadByteCount: Int
    var sequence: UInt64
    var item: UInt64
    var receivedAt: UInt64
    var partition: UInt64
    var itemCount: Int
    var payloadChecksum: UInt32
    var committed: Int

    /// Items the record takes in the log's count of items.
    var weight: UInt64 { kind == .data ? UInt64(max(itemCount, 1)) : 0 }

    /// Header, payload and padding.
    var recordByteCount: Int { RecordHeader.recordByteCount(payload: payloadByteCount) }

    static func recordByteCount(payload: Int) -> Int { byteCount + (payload + 7) / 8 * 8 }

    /// Appends the header to `bytes`.
    func encode(into bytes: inout [UInt8], seed: UInt32) {
        let start = bytes.count
        bytes.append(integer: UInt32(0))
        bytes.append(integer: UInt32(payloadByteCount))
        bytes.append(integer: sequence)
        bytes.append(integer: item)
        bytes.append(integer: receivedAt)
        bytes.append(integer: partition)
        bytes.append(integer: UInt32(itemCount))
        bytes.append(integer: payloadChecksum)
        bytes.append(integer: UInt32(committed))
        bytes.append(integer: UInt32(kind.rawValue))
        let checksum = bytes.checksum(start + 4..<bytes.count, seed: seed)
        for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(index))) }
    }

    /// The header at `offset` of `bytes`; nil unless it is there whole and verifies.
    static func read(_ bytes: [UInt8], at offset: Int, seed: UInt32) -> RecordHeader? {
        guard offset >= 0, offset + byteCount <= bytes.count else { return nil }
        let word: UInt32 = bytes.integer(at: offset + 52)
        guard word <= UInt32(UInt8.max), let kind = Kind(rawValue: UInt8(word)),
            bytes.integer(at: offset) == bytes.checksum(offset + 4..<offset + byteCount, seed: seed)
        else { return nil }
        return RecordHeader(
            kind: kind, payloadByteCount: Int(bytes.integer(at: offset + 4, as: UInt32.self)),
            sequence: bytes.integer(at: offset + 8), item: bytes.integer(at: offset + 16),
            receivedAt: bytes.integer(at: offset + 24), partition: bytes.integer(at: offset + 32),
            itemCount: Int(bytes.integer(at: offset + 40, as: UInt32.self)),
            payloadChecksum: bytes.integer(at: offset + 44),
            committed: Int(bytes.integer(at: offset + 48, as: UInt32.self)))
    }
}
