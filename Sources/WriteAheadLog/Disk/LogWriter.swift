/// The one writer of a log: lives on the log's thread, owns the open segment and the spare files.
///
/// A group is whatever came in while the last one was being synced: one write, one fdatasync. Nothing is tried again on a
/// file after it failed: the group is refused, the segment ends behind its last committed record, and the next group goes
/// into a new segment, whose checkpoint holds everything that is known.
struct LogWriter: Sendable {
    /// Bytes of a group from which on no record is added to it.
    static let groupBytesMax = 4 << 20

    let log: DiskLog
    var pool: SegmentPool
    /// The open segment's file; nil after a failure, until the next segment is made.
    var file: (any OpenFile)?
    var header: SegmentHeader
    /// Whether the open segment is one of the reserve, which takes no data.
    var isReserve = false
    /// Offset behind what is written.
    var offset = 0
    /// Offset behind what was acknowledged.
    var committedOffset = 0
    /// Something was written that no sync has covered yet.
    var isDirty = false
    /// Everything before this place is done, and what says so is written; durable once the open segment is synced.
    var safeLowWater: UInt64
    /// The same, and durable.
    private var durableLowWater: UInt64 = 0
    var nextNumber: UInt64
    private var slab: [UInt8] = []

    init(log: DiskLog, recovered: RecoveredLog) {
        self.log = log
        pool = recovered.pool
        nextNumber = recovered.nextNumber
        header = SegmentHeader(capacity: 0, epoch: log.epoch, number: 0, first: recovered.end)
        safeLowWater = 0
    }

    /// Opens the first segment. When that fails, each record tries again.
    mutating func start() {
        do {
            try roll(toHold: 0, isData: true)
            try refillReserve()
        } catch {
            log.note(fault: error)
        }
    }

    mutating func run() {
        while true {
            switch log.takeWork() {
            case .records(let records, let lowWater):
                // Without an open segment the last one was given up, perhaps with what it said of ended batches.
                if write(records), file != nil { safeLowWater = max(safeLowWater, lowWater) }
                release()
            case .idle:
                if !prepareSpare() { log.wakeUp.wait() }
            case .close:
                seal()
                file = nil
                log.closed()
                return
            }
        }
    }

    /// Writes `records` in as many groups as it takes. True when none was refused for an error of the disk.
    private mutating func write(_ records: [PendingRecord]) -> Bool {
        var isWhole = true
        var index = 0
        while index < records.count {
            do {
                try makeRoom(for: records[index])
            } catch {
                log.refuse([records[index]], error)
                if !records[index].isData { isWhole = false }
                index += 1
                continue
            }
            let start = index
            slab.removeAll(keepingCapacity: slab.capacity <= 2 * LogWriter.groupBytesMax)
            var place = log.committed
            repeat {
                append(records[index], at: &place)
                index += 1
            } while index < records.count && slab.count < LogWriter.groupBytesMax && takes(records[index])
            if !commit(Array(records[start..<index])) { isWhole = false }
        }
        return isWhole
    }

    /// Whether `record` can go into the open segment, behind what the slab holds.
    private func takes(_ record: PendingRecord) -> Bool {
        guard file != nil, offset + slab.count + record.byteCount + SegmentFooter.byteCount <= header.capacity
        else { return false }
        return !record.isData || (!isReserve && isReserveComplete)
    }

    /// Whether a full disk could still be drained if data took what is left of the open segment.
    private var isReserveComplete: Bool { pool.reserves.count + (isReserve ? 1 : 0) >= SegmentPool.reserveCount }

    private mutating func makeRoom(for record: PendingRecord) throws(LogError) {
        slab.removeAll(keepingCapacity: true)
        if record.isData, !isReserveComplete { try refillReserve() }
        if takes(record) { return }
        try roll(toHold: record.byteCount, isData: record.isData)
    }

    private mutating func append(_ record: PendingRecord, at place: inout LogPosition) {
        let content = record.content
        RecordHeader(
            kind: record.kind, payloadByteCount: content.payload.count, sequence: place.sequence, item: place.item,
            receivedAt: content.receivedAtUnixNanos, partition: content.partition, itemCount: content.itemCount,
            payloadChecksum: record.checksum, committed: committedOffset
        ).encode(into: &slab, seed: header.seed)
        slab.append(contentsOf: content.payload)
        slab.padToEight()
        if record.isData {
            place.sequence += 1
            place.item += UInt64(max(content.itemCount, 1))
        }
    }

    /// Writes the slab, syncs it if somebody waits for that, and publishes its records. False when it failed.
    private mutating func commit(_ group: [PendingRecord]) -> Bool {
        guard let file else { preconditionFailure("a group without a segment") }
        let start = monotonicNanos()
        let needsSync = group.contains { $0.needsSync }
        do throws(FileSystemError) {
            try file.writeAll(slab, at: offset)
            isDirty = true
            if needsSync, log.configuration.fsync { try synchronize(file) }
            // A removed file takes writes, and loses them when it is closed.
            guard try file.isLinked() else {
                pool.forgetAll(log)
                throw FileSystemError.missing(log.path(Segment.fileName(header.number)))
            }
        } catch {
            giveUp()
            log.refuse(group, LogError(error))
            return false
        }
        offset += slab.count
        if needsSync { committedOffset = offset }
        log.publish(group, endOffset: offset, latencyNanos: monotonicNanos() - start, bytes: slab.count)
        return true
    }

    mutating func synchronize(_ file: any OpenFile) throws(FileSystemError) {
        try file.synchronize()
        isDirty = false
        durableLowWater = safeLowWater
    }

    /// A checkpoint is durable that says that everything before `place` is done.
    mutating func noteDurable(lowWater place: UInt64) {
        safeLowWater = max(safeLowWater, place)
        durableLowWater = safeLowWater
    }

    /// Ends the open segment behind its last acknowledged record, without touching its file again. What it said of ended
    /// batches behind that goes with it; the next checkpoint says it again, and until then frees nothing.
    mutating func giveUp() {
        file = nil
        isDirty = false
        safeLowWater = durableLowWater
        log.endSegment(header.number, at: committedOffset)
    }
}
