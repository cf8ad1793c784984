/// The first work of an opening, on the log's own thread: recovery has only read.
extension LogWriter {
    /// Seals what the last process left open, and opens the first segment. When that fails, each record tries again.
    ///
    /// Of a full log that is one of the reserve: nobody gives way before it is known who reads the log. A log without
    /// data needs no reserve yet.
    mutating func start() {
        finishLast()
        KillPoint.pass(.lastSealed)
        pool.removeUnused(log)
        do {
            try roll(toHold: 0, isData: false)
            if log.hasData { try refillReserve(mayEvict: false) }
        } catch {
            log.note(fault: error)
        }
        noteReserve()
    }

    func noteReserve() {
        log.note(reserveBytes: (pool.reserves.count + (isReserve ? 1 : 0)) * log.configuration.reserveBytes)
    }

    /// Cuts the last segment to what it holds and seals it; the log goes on in a new one. An error changes nothing: the
    /// segment is then read as far as the next one says.
    private func finishLast() {
        guard let segment = log.lastSegment else { return }
        let byteCount = segment.endOffset + SegmentFooter.byteCount
        var fileByteCount = segment.fileByteCount
        do {
            let file = try log.fileSystem.open(log.path(segment.fileName), .readWrite)
            if !segment.isEmpty, segment.end.item > log.lowWater, byteCount < fileByteCount {
                try file.truncate(to: byteCount)
                fileByteCount = byteCount
                log.cut(segment.number, to: byteCount)
            }
            if fileByteCount >= byteCount {
                let footer = SegmentFooter(
                    epoch: segment.header.epoch, number: segment.number, endOffset: segment.endOffset,
                    first: segment.first, end: segment.end, oldestReceivedAt: segment.oldestReceivedAt)
                try file.writeAll(footer.encoded(), at: fileByteCount - SegmentFooter.byteCount)
            }
            try file.synchronize()
        } catch {
            // The next segment says how far this one is to be read. A disk that fails is noted when that one is opened.
        }
    }
}
