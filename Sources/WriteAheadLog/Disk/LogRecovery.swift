/// What a start found in a log's directory.
struct RecoveredLog: Sendable {
    /// Readable segments, in order.
    var segments: [Segment] = []
    /// Behind the last record.
    var end = LogPosition.start
    var checkpoint = Checkpoint()
    /// False when control records may have been lost.
    var historyIsComplete = true
    var pool: SegmentPool
    var nextNumber: UInt64 = 1
    var fileBytes = 0
    /// Damage found, with the segment's number; nil where a whole file is missing.
    var damage: [(number: UInt64?, region: DamagedRegion)] = []

    init(_ configuration: DiskLogConfiguration) { pool = SegmentPool(configuration) }
}

/// Opens a log's directory after a stop of any kind.
///
/// Reads headers and footers of all segments, and all records from the last readable checkpoint on, which is normally
/// at the start of the last segment. Damage never fails it: a torn tail is cut off, rot is set aside and counted, a
/// segment that makes no sense is moved to `quarantine/`. Only files of another format version and a directory that
/// cannot be read are errors.
struct LogRecovery {
    let fileSystem: any FileSystem
    let configuration: DiskLogConfiguration
    let quarantine: Quarantine
    private var log: RecoveredLog

    init(fileSystem: any FileSystem, configuration: DiskLogConfiguration) {
        self.fileSystem = fileSystem
        self.configuration = configuration
        quarantine = Quarantine(fileSystem: fileSystem, configuration: configuration)
        log = RecoveredLog(configuration)
    }

    mutating func run() throws(LogError) -> RecoveredLog {
        let names: [String]
        do {
            names = try fileSystem.list(configuration.directory).sorted()
        } catch {
            throw LogError(error)
        }
        for name in names { try take(name) }
        log.segments.sort { $0.number < $1.number }
        setAsideDisorder()
        findEnds()
        KillPoint.pass(.midRecovery)
        try replay()
        noteNewest()
        noteGaps()
        return log
    }

    private func path(_ name: String) -> String { "\(configuration.directory)/\(name)" }

    // MARK: Files

    private mutating func take(_ name: String) throws(LogError) {
        if let number = SegmentPool.Spare.number(inFileName: name) {
            log.nextNumber = max(log.nextNumber, number + 1)
            takeSpare(name)
        } else if let number = Segment.number(inFileName: name) {
            log.nextNumber = max(log.nextNumber, number + 1)
            try takeSegment(name, number: number)
        }
    }

    private mutating func takeSpare(_ name: String) {
        let byteCount = (try? fileSystem.open(path(name), .read).byteCount()) ?? 0
        let spare = SegmentPool.Spare(
            name: name, byteCount: byteCount, isReserve: name.hasSuffix(".reserve"), writtenByteCount: byteCount)
        log.pool.adopt(spare, configuration)
        log.fileBytes += byteCount
    }

    private mutating func takeSegment(_ name: String, number: UInt64) throws(LogError) {
        do {
            let file = try fileSystem.open(path(name), .read)
            let byteCount = try file.byteCount()
            let footer = try footer(file, byteCount)
            let first: LogPosition
            let epoch: UInt64
            switch SegmentHeader.read(try file.read(0..<SegmentHeader.byteCount)) {
            case .segment(let header) where header.number == number: (first, epoch) = (header.first, header.epoch)
            case .otherVersion(let version):
                throw LogError(
                    .unsupportedFormat,
                    "the file has format version \(version); this program reads version \(SegmentHeader.formatVersion)",
                    path: path(name))
            case .segment, .unreadable:
                guard let footer, footer.number == number else { return setAside(name) }
                (first, epoch) = (footer.first, footer.epoch)
            }
            let header = SegmentHeader(capacity: byteCount, epoch: epoch, number: number, first: first)
            var segment = Segment(header: header, end: first, endOffset: byteCount, fileByteCount: byteCount)
            segment.oldestReceivedAt = .max
            if let footer, footer.number == number, footer.epoch == epoch, footer.end.sequence >= first.sequence {
                segment.end = footer.end
                segment.endOffset = min(footer.endOffset, byteCount)
                segment.oldestReceivedAt = footer.oldestReceivedAt
                segment.isSealed = true
            }
            log.segments.append(segment)
            log.fileBytes += byteCount
        } catch let error as FileSystemError {
            try refuseReadError(error)
            setAside(name)
        } catch let error as LogError {
            throw error
        } catch {
            preconditionFailure("an error of another kind: \(error)")
        }
    }

    /// A device that cannot be read now may be read later: guessing would lose what is there.
    private func refuseReadError(_ error: FileSystemError) throws(LogError) {
        if error.isDeviceError { throw LogError(error) }
    }

    private func footer(_ file: any OpenFile, _ byteCount: Int) throws(FileSystemError) -> SegmentFooter? {
        guard byteCount >= SegmentHeader.byteCount + SegmentFooter.byteCount else { return nil }
        return SegmentFooter.read(try file.read(byteCount - SegmentFooter.byteCount..<byteCount))
    }

    private mutating func setAside(_ name: String) {
        log.historyIsComplete = false
        quarantine.setAside(file: name)
    }

    /// Positions only grow from one segment to the next; a segment that says otherwise is not one of this log's.
    private mutating func setAsideDisorder() {
        var kept: [Segment] = []
        for segment in log.segments {
            if let last = kept.last,
                segment.first.sequence < last.first.sequence || segment.first.item < last.first.item
            {
                log.fileBytes -= segment.fileByteCount
                setAside(segment.fileName)
            } else {
                kept.append(segment)
            }
        }
        log.segments = kept
    }

    // MARK: Positions

    /// A segment ends at the latest where the next one starts: what is behind that was refused when it was written.
    private mutating func findEnds() {
        for index in log.segments.indices.dropLast() {
            let next = log.segments[index + 1].first
            if !log.segments[index].isSealed || log.segments[index].end.sequence > next.sequence {
                log.segments[index].end = next
            }
        }
        log.end = log.segments.last?.first ?? .start
    }

    /// Footers do not say when a segment's newest record came: not after the oldest one of the next segment, about.
    private mutating func noteNewest() {
        var next = UInt64.max
        for index in log.segments.indices.reversed() where !log.segments[index].isEmpty {
            if log.segments[index].newestReceivedAt == 0 { log.segments[index].newestReceivedAt = next }
            next = min(next, log.segments[index].oldestReceivedAt)
        }
    }

    // MARK: Control records

    /// Finds the last readable checkpoint, and applies what follows it.
    private mutating func replay() throws(LogError) {
        guard !log.segments.isEmpty else { return }
        var start = log.segments.count - 1
        var found: Checkpoint?
        while true {
            found = try checkpoint(at: start)
            if found != nil || start == 0 { break }
            start -= 1
        }
        if let found { log.checkpoint = found } else { log.historyIsComplete = false }
        if start < log.segments.count - 1 { log.historyIsComplete = false }
        for index in start..<log.segments.count { try scan(index) }
        // Sequences that were given out are never given out again, whatever was lost.
        for place in log.checkpoint.places.values { raiseEnd(to: place) }
    }

    private func checkpoint(at index: Int) throws(LogError) -> Checkpoint? {
        let segment = log.segments[index]
        do {
            let file = try fileSystem.open(path(segment.fileName), .read)
            var reader = SegmentReader(
                file: file, header: segment.header, endOffset: segment.endOffset, readAhead: 64 << 10)
            guard case .record(let header, offset: SegmentHeader.byteCount, let payload?) = try reader.next(.headers),
                header.kind == .checkpoint
            else { return nil }
            return Checkpoint(payload)
        } catch {
            try refuseReadError(error)
            return nil
        }
    }

    /// Reads all records of a segment: applies the control records, and finds the end of the last segment.
    private mutating func scan(_ index: Int) throws(LogError) {
        let isLast = index == log.segments.count - 1
        let segment = log.segments[index]
        var scan = SegmentScan(segment)
        do {
            let file = try fileSystem.open(path(segment.fileName), .read)
            var reader = SegmentReader(
                file: file, header: segment.header, endOffset: segment.endOffset, readAhead: 1 << 20)
            reading: while true {
                // Of the last segment all is verified: its torn tail, if any, is to be found.
                switch try reader.next(isLast ? .payloads : .headers) {
                case .end: break reading
                case .damage(let offsets): scan.damaged(offsets)
                case .record(let header, let offset, let payload):
                    if !isLast, header.sequence > segment.end.sequence { break reading }
                    scan.read(header, at: offset)
                    if let payload, header.kind != .data { apply(header.kind, payload, &scan) }
                }
            }
        } catch {
            try refuseReadError(error)
            log.historyIsComplete = false
        }
        if isLast {
            if segment.isSealed { scan.finish(at: segment.end, offset: segment.endOffset) }
            log.segments[index].end = scan.end
            log.segments[index].endOffset = scan.endOffset
            log.segments[index].oldestReceivedAt = scan.oldestReceivedAt
            log.segments[index].newestReceivedAt = scan.newestReceivedAt
            log.end = scan.end
        }
        log.checkpoint.ledger.appendedItems += scan.newItems
        for region in scan.torn { log.checkpoint.missing.noteTorn(region) }
        for region in scan.rot {
            log.historyIsComplete = false
            log.damage.append((segment.number, region))
        }
    }

    private mutating func apply(
        _ kind: RecordHeader.Kind, _ payload: [UInt8], _ scan: inout SegmentScan
    ) {
        if kind == .checkpoint {
            guard let checkpoint = Checkpoint(payload) else {
                log.historyIsComplete = false
                return
            }
            log.checkpoint = checkpoint
            scan.newItems = 0
            return
        }
        guard let record = ControlRecord(kind, payload) else {
            log.historyIsComplete = false
            return
        }
        record.apply(to: &log.checkpoint.places, floor: log.segments.first?.first.item ?? 0)
    }

    private mutating func raiseEnd(to place: ConsumerPlace) {
        let ranges = place.cuts.values.flatMap(\.ranges)
        log.end.sequence = max(log.end.sequence, (ranges.map(\.sequence).max() ?? 0) + 1)
        let item = max(place.covered.floor, place.covered.ranges.last?.upperBound ?? 0)
        if item > log.end.item {
            // At most one record for each item is missing.
            log.end.sequence += item - log.end.item
            log.end.item = item
        }
    }

    /// Counts what is missing before the first segment and between segments, as far as somebody still needed it.
    private mutating func noteGaps() {
        // A consumer passes what is known to be missing, a torn write for example, without a word in the log: that must
        // not count as need, or what was freed behind it would be taken for lost.
        let missing = log.checkpoint.missing.items
        let lowWater = log.checkpoint.places.values.map { $0.lowWater(without: missing) }.min()
        let needed = lowWater ?? (log.historyIsComplete ? .max : 0)
        let first = log.segments.first?.first ?? log.end
        if let lowWater, lowWater < first.item {
            // How many records held these items is not known; at most one each.
            let records = min(first.item - lowWater, first.sequence - 1)
            noteGap(sequences: first.sequence - records..<first.sequence, items: lowWater..<first.item)
        }
        for (segment, next) in zip(log.segments, log.segments.dropFirst())
        where segment.end.sequence < next.first.sequence && next.first.item > needed {
            noteGap(
                sequences: segment.end.sequence..<next.first.sequence,
                items: min(segment.end.item, next.first.item)..<next.first.item)
        }
    }

    private mutating func noteGap(sequences: Range<UInt64>, items: Range<UInt64>) {
        log.historyIsComplete = false
        log.damage.append((nil, DamagedRegion(offsets: 0..<0, sequences: sequences, items: items)))
    }
}

/// What a scan of one segment finds.
private struct SegmentScan {
    /// Where the next record is expected.
    var end: LogPosition
    /// Behind the last good record.
    var endOffset = SegmentHeader.byteCount
    var oldestReceivedAt = UInt64.max
    var newestReceivedAt: UInt64 = 0
    /// Items since the segment's checkpoint.
    var newItems = 0
    private var gaps: [DamagedRegion] = []
    private var damage: Range<Int>?
    private var committed = 0

    init(_ segment: Segment) { end = segment.first }

    /// What was committed and is missing.
    var rot: [DamagedRegion] { gaps.filter { $0.offsets.lowerBound < committed } }
    /// Gaps behind the last acknowledgement: torn writes, of which nobody was told.
    var torn: [DamagedRegion] { gaps.filter { $0.offsets.lowerBound >= committed } }

    /// Takes a footer's word for where the records end.
    mutating func finish(at end: LogPosition, offset: Int) {
        if end.sequence > self.end.sequence {
            gaps.append(
                DamagedRegion(
                    offsets: damage ?? endOffset..<offset, sequences: self.end.sequence..<end.sequence,
                    items: self.end.item..<max(end.item, self.end.item)))
            committed = offset
        }
        self.end = end
        endOffset = offset
    }

    mutating func damaged(_ offsets: Range<Int>) {
        damage = (damage?.lowerBound ?? offsets.lowerBound)..<offsets.upperBound
    }

    mutating func read(_ header: RecordHeader, at offset: Int) {
        committed = max(committed, header.committed)
        if damage != nil || header.sequence > end.sequence {
            gaps.append(
                DamagedRegion(
                    offsets: damage ?? offset..<offset, sequences: end.sequence..<max(header.sequence, end.sequence),
                    items: end.item..<max(header.item, end.item)))
            damage = nil
        }
        end.sequence = header.sequence
        end.item = header.item
        if header.kind == .data {
            end.sequence += 1
            end.item += header.weight
            end.byte += UInt64(header.payloadByteCount)
            oldestReceivedAt = min(oldestReceivedAt, header.receivedAt)
            newestReceivedAt = max(newestReceivedAt, header.receivedAt)
            newItems += header.itemCount
        }
        endOffset = offset + header.recordByteCount
    }
}
