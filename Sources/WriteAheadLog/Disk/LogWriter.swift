/// The one writer of a log: lives on the log's thread, owns the open segment and the spare files.
///
/// A group is whatever came in while the last one was being synced: one write, one fdatasync. Nothing is tried again on
/// a file after it failed: the group is refused, the segment ends behind its last committed record, and the next group
/// goes into a new segment, whose checkpoint holds everything that is known.
struct LogWriter: Sendable {
    /// Mean bytes of a group from which on the first write of blocks costs less than writing them twice.
    static let largeGroupBytes = 128 << 10
    /// Bytes of a group from which on no record is added to it.
    static let groupBytesMax = 4 << 20
    /// How often in a row records wait for cuts before they are refused.
    private static let deferralsMax = 1000

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
    /// Control records were refused, so that a restart would know less than the log does; the next checkpoint mends it.
    private var hasLostRecords = false
    /// Everything before this place is done, and what says so is written; durable once the open segment is synced.
    var safeLowWater: UInt64
    /// The same, and durable.
    private var durableLowWater: UInt64 = 0
    var nextNumber: UInt64
    /// Groups that went into the open segment.
    var groupCount = 0
    /// When the open segment was opened, and whether the size of its successors has been thought over.
    var openedAt: UInt64 = 0
    var hasAdapted = false
    private var group = RecordGroup()
    private var deferrals = 0
    /// Somebody gave way since this was last set to false.
    var hasEvicted = false
    /// How long records are kept, and when that was last looked after.
    let retention: UInt64?
    var expiredAt: UInt64 = 0

    init(log: DiskLog, recovered: RecoveredLog) {
        self.log = log
        pool = recovered.pool
        nextNumber = recovered.nextNumber
        header = SegmentHeader(capacity: 0, epoch: log.epoch, number: 0, first: recovered.end)
        safeLowWater = 0
        retention = log.configuration.retention.map { UInt64(clamping: Int64($0 / .nanoseconds(1))) }
    }

    mutating func run() {
        while true {
            switch log.takeWork() {
            case .records(let records, let lowWater):
                write(records)
                if !hasLostRecords { safeLowWater = max(safeLowWater, lowWater) }
                release()
                expire()
            case .idle:
                expire()
                if prepareSpare() { continue }
                if let retention {
                    log.wakeUp.wait(seconds: Int(min(max(retention / 16_000_000_000, 1), 60)))
                } else {
                    log.wakeUp.wait()
                }
            case .close:
                seal()
                file = nil
                log.closed()
                return
            }
        }
    }

    /// Writes `records`. With `evict_oldest`, data for which nothing could give way because a cut was on its way waits for
    /// that, behind the cut.
    private mutating func write(_ records: [PendingRecord]) {
        var waiting = writeGroups(records)
        if !waiting.isEmpty { waiting = writeGroups(waiting) }
        deferrals = waiting.isEmpty ? 0 : deferrals + 1
        if !waiting.isEmpty { log.putBack(waiting) }
    }

    /// Writes `records` in as many groups as it takes. Returns what is to be tried again.
    private mutating func writeGroups(_ records: [PendingRecord]) -> [PendingRecord] {
        var waiting: [PendingRecord] = []
        var index = 0
        while index < records.count {
            do {
                try makeRoom(for: records[index])
            } catch {
                if records[index].isData, error.code == .full, deferrals < LogWriter.deferralsMax, log.waitsForCuts {
                    waiting.append(records[index])
                } else {
                    refuse([records[index]], error)
                }
                index += 1
                continue
            }
            let start = index
            group.removeAll()
            var place = log.committed
            repeat {
                append(records[index], at: &place)
                index += 1
            } while index < records.count && group.byteCount < LogWriter.groupBytesMax && takes(records[index])
            commit(Array(records[start..<index]))
        }
        return waiting
    }

    private mutating func refuse(_ group: [PendingRecord], _ error: LogError) {
        if group.contains(where: { !$0.isData }) { hasLostRecords = true }
        log.refuse(group, error)
    }

    /// Whether `record` can go into the open segment, behind what the group holds.
    private func takes(_ record: PendingRecord) -> Bool {
        guard file != nil, offset + group.byteCount + record.byteCount + SegmentFooter.byteCount <= header.capacity
        else { return false }
        return !record.isData || (!isReserve && isReserveComplete)
    }

    /// Whether a full disk could still be drained if data took what is left of the open segment.
    private var isReserveComplete: Bool { pool.reserves.count + (isReserve ? 1 : 0) >= SegmentPool.reserveCount }

    private mutating func makeRoom(for record: PendingRecord) throws(LogError) {
        group.removeAll()
        if record.isData, !isReserveComplete { try refillReserve(mayEvict: true) }
        if takes(record) { return }
        try roll(toHold: record.byteCount, isData: record.isData)
    }

    private mutating func append(_ record: PendingRecord, at place: inout LogPosition) {
        let content = record.content
        let header = RecordHeader(
            kind: record.kind, payloadByteCount: content.payload.count, sequence: place.sequence, item: place.item,
            receivedAt: content.receivedAtUnixNanos, partition: content.partition, itemCount: content.itemCount,
            payloadChecksum: record.checksum, committed: committedOffset)
        group.append(header, content.payload, seed: self.header.seed)
        if record.isData {
            place.sequence += 1
            place.item += UInt64(max(content.itemCount, 1))
        }
    }

    /// Writes the group, syncs it if somebody waits for that, and publishes its records.
    private mutating func commit(_ records: [PendingRecord]) {
        guard let file else { preconditionFailure("a group without a segment") }
        let start = monotonicNanos()
        let needsSync = records.contains { $0.needsSync }
        do throws(FileSystemError) {
            try write(group.pieces, to: file, isSynced: needsSync && log.configuration.fsync)
        } catch {
            giveUp()
            refuse(records, LogError(error))
            return
        }
        if needsSync { committedOffset = offset }
        groupCount += 1
        KillPoint.pass(records.contains { $0.kind == .cut } ? .cutWritten : nil)
        KillPoint.pass(records.contains { $0.kind == .done } ? .doneWritten : nil)
        log.publish(records, endOffset: offset, latencyNanos: monotonicNanos() - start, bytes: group.byteCount)
    }

    /// Writes records behind what is written. After an error the file is not to be used again.
    mutating func write(_ pieces: [ArraySlice<UInt8>], to file: any OpenFile, isSynced: Bool) throws(FileSystemError) {
        KillPoint.pass(.beforeWrite)
        try file.writeAll(pieces, at: offset)
        isDirty = true
        KillPoint.pass(.afterWrite)
        if isSynced { try synchronize(file) }
        // A removed file takes writes, and loses them when it is closed.
        guard try file.isLinked() else {
            pool.forgetAll(log)
            throw FileSystemError.missing(log.path(Segment.fileName(header.number)))
        }
        offset += pieces.reduce(0) { $0 + $1.count }
    }

    mutating func synchronize(_ file: any OpenFile) throws(FileSystemError) {
        try file.synchronize()
        KillPoint.pass(.afterSync)
        isDirty = false
        durableLowWater = safeLowWater
    }

    /// A checkpoint is durable that says that everything before `place` is done.
    mutating func noteDurable(lowWater place: UInt64) {
        hasLostRecords = false
        safeLowWater = max(safeLowWater, place)
        durableLowWater = safeLowWater
    }

    /// Ends the open segment behind its last acknowledged record, without touching its file again. What it said of ended
    /// batches behind that goes with it; the next checkpoint says it again, and until then frees nothing.
    mutating func giveUp() {
        file = nil
        isDirty = false
        hasLostRecords = true
        safeLowWater = durableLowWater
        log.endSegment(header.number, at: committedOffset)
    }
}
