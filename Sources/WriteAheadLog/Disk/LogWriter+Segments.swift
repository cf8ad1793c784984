extension LogWriter {
    /// Seals the open segment and opens a new one that has room for a record of `byteCount` bytes. What fails leaves no
    /// open segment, so that the next record tries again.
    mutating func roll(toHold byteCount: Int, isData: Bool) throws(LogError) {
        if isData { adaptSegmentSize(toHold: byteCount) }
        var (checkpoint, first, lowWater) = log.checkpoint()
        // What giving way adds to it: a few bytes for each consumer.
        let roomForCheckpoint = checkpoint.count + 256 + 32 * log.placeCount
        // The new file is found before the old one is let go, so that a full log keeps its segment for control records.
        hasEvicted = false
        let spare = try takeFile(
            of: SegmentHeader.byteCount + RecordHeader.recordByteCount(payload: roomForCheckpoint) + byteCount
                + SegmentFooter.byteCount, isData: isData)
        // Finding it may have moved consumers, which must not be forgotten again. Apart from that, what was to be said
        // before is still right: what changed since is in records that are yet to be written.
        let later = log.checkpoint()
        if later.payload.count <= roomForCheckpoint {
            (checkpoint, first, lowWater) = later
        } else if hasEvicted {
            pool.keep(spare)
            throw LogError(.full, "the log is making room", path: log.configuration.directory)
        }
        seal()
        file = nil
        do {
            try open(spare, first: first, checkpoint: checkpoint)
        } catch {
            giveBack(spare, after: error)
            log.note(fault: LogError(error))
            throw LogError(error)
        }
        noteDurable(lowWater: lowWater)
        release()
    }

    /// Segments that are filled within seconds get larger successors, those that last for long get smaller ones: little
    /// traffic takes little space.
    private mutating func adaptSegmentSize(toHold byteCount: Int) {
        if byteCount > pool.segmentBytes / 4 { pool.grow(toHold: 4 * byteCount, log) }
        guard file != nil, !isReserve, !hasAdapted, offset > header.capacity / 2 else { return }
        hasAdapted = true
        switch monotonicNanos() - openedAt {
        case ..<10_000_000_000: pool.grow(toHold: 2 * pool.segmentBytes, log)
        case 600_000_000_000...: pool.shrink(log)
        default: break
        }
    }

    /// Deals with a file that could not be made a segment. Only one of the reserve is worth keeping.
    private mutating func giveBack(_ spare: SegmentPool.Spare, after error: FileSystemError) {
        if error.isMissing {
            log.addFileBytes(-spare.byteCount)
            pool.forgetAll(log)
            return
        }
        let name = Segment.fileName(nextNumber - 1)
        if (try? log.fileSystem.rename(log.path(name), to: log.path(spare.name))) == nil, !spare.isReserve {
            pool.discard(spare, log)
        } else if spare.isReserve {
            pool.reserves.append(spare)
        } else {
            pool.discard(spare, log)
        }
    }

    /// Makes `spare` the open segment: its header and checkpoint are durable before it gets its name.
    private mutating func open(
        _ spare: SegmentPool.Spare, first: LogPosition, checkpoint: [UInt8]
    ) throws(FileSystemError) {
        let newHeader = SegmentHeader(
            capacity: spare.byteCount, epoch: log.epoch, number: nextNumber, first: first)
        nextNumber += 1
        var bytes = newHeader.encoded()
        append(checkpoint: checkpoint, at: first, committed: bytes.count, seed: newHeader.seed, to: &bytes)

        let newFile = try log.fileSystem.open(log.path(spare.name), .readWrite)
        try newFile.writeAll(bytes, at: 0)
        KillPoint.pass(.midCheckpoint)
        try newFile.synchronize()
        try log.fileSystem.rename(log.path(spare.name), to: log.path(Segment.fileName(newHeader.number)))
        KillPoint.pass(.segmentNamed)
        try log.fileSystem.synchronizeDirectory(log.configuration.directory)
        header = newHeader
        file = newFile
        isReserve = spare.isReserve
        offset = bytes.count
        committedOffset = offset
        isDirty = false
        groupCount = 0
        openedAt = monotonicNanos()
        hasAdapted = false
        log.add(Segment(header: newHeader, end: first, endOffset: offset, fileByteCount: spare.byteCount))
    }

    private func append(
        checkpoint: [UInt8], at place: LogPosition, committed: Int, seed: UInt32, to bytes: inout [UInt8]
    ) {
        RecordHeader(
            kind: .checkpoint, payloadByteCount: checkpoint.count, sequence: place.sequence, item: place.item,
            receivedAt: 0, partition: 0, itemCount: 0, payloadChecksum: checkpoint.checksum, committed: committed
        ).encode(into: &bytes, seed: seed)
        bytes.append(contentsOf: checkpoint)
        bytes.padToEight()
    }

    /// Writes the footer and syncs the file. A segment without one is read as far as its successor says, so that errors
    /// here cost nothing but time at the next start.
    mutating func seal() {
        guard let file, let segment = log.segment(header.number) else { return }
        KillPoint.pass(.beforeSeal)
        let footer = SegmentFooter(
            epoch: header.epoch, number: header.number, endOffset: offset, first: header.first, end: segment.end,
            oldestReceivedAt: segment.oldestReceivedAt)
        do {
            try file.writeAll(footer.encoded(), at: header.capacity - SegmentFooter.byteCount)
            try synchronize(file)
        } catch {
            giveUp()
        }
    }

    /// A file for a new segment: a spare, a new one if the limits allow it, what can be freed for data, or the reserve
    /// for control records.
    private mutating func takeFile(of byteCount: Int, isData: Bool) throws(LogError) -> SegmentPool.Spare {
        while true {
            let failure: LogError
            do {
                return try pool.take(byteCount, log, &nextNumber)
            } catch {
                failure = error
            }
            if !isData, byteCount <= log.configuration.reserveBytes {
                // A log that has lost its reserve, or got a lower limit, must be able to drain all the same.
                if pool.reserves.isEmpty, !isReserve, failure.code == .full {
                    try? pool.addReserve(log, &nextNumber, ignoresLimits: true)
                }
                if let reserve = pool.reserves.popLast() { return reserve }
            }
            guard failure.code == .full, makeSpace(mayEvict: isData) else {
                log.note(fault: failure)
                throw failure
            }
        }
    }

    /// Brings the reserve to its size; data is refused while that fails.
    ///
    /// - Parameter mayEvict: whether consumers may be made to give way for it.
    mutating func refillReserve(mayEvict: Bool) throws(LogError) {
        while !(pool.reserves.count + (isReserve ? 1 : 0) >= SegmentPool.reserveCount) {
            do {
                try pool.addReserve(log, &nextNumber)
            } catch {
                guard error.code == .full, makeSpace(mayEvict: mayEvict) else {
                    log.note(fault: error)
                    throw error
                }
            }
        }
        noteReserve()
    }

    /// Frees the oldest segment: one that is done, else one that only consumers hold that give way.
    private mutating func makeSpace(mayEvict: Bool) -> Bool {
        let bytes = log.fileBytes
        release()
        if log.fileBytes < bytes || pool.hasSpare { return true }
        guard mayEvict, log.evictOldestSegment() else { return false }
        do {
            // Who gave way, and which batches have ended so far, is on record before what they held goes: else a
            // restart would look for it, and take it for lost.
            try checkpoint()
        } catch {
            log.note(fault: error)
            return false
        }
        hasEvicted = true
        release()
        return log.fileBytes < bytes || pool.hasSpare
    }

    /// Drops records that are older than the log keeps them, in whole segments. What is dropped is on record first.
    ///
    /// A segment that little traffic leaves open is ended when its oldest record has come to a quarter of the time.
    mutating func expire() {
        guard let retention else { return }
        let interval = min(max(retention / 16, 50_000_000), 60_000_000_000)
        let ticks = monotonicNanos()
        guard ticks - expiredAt >= interval else { return }
        expiredAt = ticks
        let now = log.wallClock()
        if let last = log.lastSegment, !last.isEmpty, last.end.item > log.lowWater,
            last.oldestReceivedAt < now - min(now, retention / 4)
        {
            try? roll(toHold: 0, isData: false)
        }
        guard let end = log.endOfSegments(receivedBefore: now - min(now, retention)),
            log.giveWay(to: end, .expired, mayTakeFromOpen: true)
        else { return }
        do {
            try checkpoint()
        } catch {
            log.note(fault: error)
            return
        }
        release()
    }

    /// Makes all that is known of the consumers durable: in the open segment, else as the start of a reserve one.
    private mutating func checkpoint() throws(LogError) {
        let (payload, first, lowWater) = log.checkpoint()
        let byteCount = RecordHeader.recordByteCount(payload: payload.count) + SegmentFooter.byteCount
        do throws(FileSystemError) {
            if let file, offset + byteCount <= header.capacity {
                var bytes: [UInt8] = []
                append(checkpoint: payload, at: first, committed: committedOffset, seed: header.seed, to: &bytes)
                try write([bytes[...]], to: file, isSynced: true)
                committedOffset = offset
                log.endSegment(header.number, at: offset)
            } else {
                try openReserve(first: first, checkpoint: payload, byteCount: SegmentHeader.byteCount + byteCount)
            }
        } catch {
            giveUp()
            throw LogError(error)
        }
        noteDurable(lowWater: lowWater)
    }

    private mutating func openReserve(
        first: LogPosition, checkpoint: [UInt8], byteCount: Int
    ) throws(FileSystemError) {
        guard byteCount <= log.configuration.reserveBytes, let reserve = pool.reserves.popLast() else {
            throw FileSystemError.noSpace(log.configuration.directory)
        }
        seal()
        file = nil
        do {
            try open(reserve, first: first, checkpoint: checkpoint)
        } catch {
            giveBack(reserve, after: error)
            throw error
        }
    }

    /// Frees the segments that nobody needs any more. What makes them so is durable first.
    mutating func release() {
        guard log.hasReleasable(below: safeLowWater) else { return }
        if isDirty, let file {
            do {
                try synchronize(file)
            } catch {
                giveUp()
                return
            }
        }
        for segment in log.takeReleasable(below: safeLowWater) {
            pool.recycle(segment, reservesInUse: isReserve ? 1 : 0, log)
        }
    }

    /// Writes zeros over the next piece of a spare, so that records will overwrite written blocks. False when there is
    /// nothing to prepare: spares are made when the open segment is half full, and large groups write new blocks
    /// themselves.
    mutating func prepareSpare() -> Bool {
        guard file != nil, !isReserve, log.configuration.spareSegments > 0 else { return false }
        adaptSegmentSize(toHold: 0)
        if !pool.hasSpare, offset > header.capacity / 2 { try? pool.addSpare(log, &nextNumber) }
        return !writesLargeGroups && pool.writeZeros(log)
    }

    private var writesLargeGroups: Bool { groupCount > 0 && offset >= groupCount * LogWriter.largeGroupBytes }
}
