/// Records that go to the disk in one write.
///
/// Headers and small payloads are copied together; large payloads stay where they are and are written from there.
struct RecordGroup: Sendable {
    /// Bytes of a payload from which on a piece of its own costs less than its copy.
    private static let largePayloadBytes = 16 << 10
    /// What was copied is kept for the next group up to this size.
    private static let keptBytesMax = 1 << 20

    private var copied: [UInt8] = []
    /// Large payloads, each with how much of `copied` comes before it.
    private var large: [(offset: Int, payload: [UInt8])] = []
    /// Bytes of all records.
    private(set) var byteCount = 0

    mutating func removeAll() {
        copied.removeAll(keepingCapacity: copied.capacity <= RecordGroup.keptBytesMax)
        large.removeAll(keepingCapacity: true)
        byteCount = 0
    }

    /// Adds a record; `seed` is the segment's, for the header's checksum.
    mutating func append(_ header: RecordHeader, _ payload: [UInt8], seed: UInt32) {
        header.encode(into: &copied, seed: seed)
        if payload.count < RecordGroup.largePayloadBytes {
            copied.append(contentsOf: payload)
        } else {
            large.append((copied.count, payload))
        }
        let padding = header.recordByteCount - RecordHeader.byteCount - payload.count
        copied.append(contentsOf: repeatElement(0, count: padding))
        byteCount += header.recordByteCount
    }

    /// The bytes of all records in order. What is copied is shared until the pieces are gone.
    var pieces: [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        for (offset, payload) in large {
            pieces.append(copied[start..<offset])
            pieces.append(payload[...])
            start = offset
        }
        pieces.append(copied[start...])
        return pieces.filter { !$0.isEmpty }
    }
}
