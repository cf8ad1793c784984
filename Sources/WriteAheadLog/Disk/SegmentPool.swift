/// The files of a log that are not segments now: spares for the next segments, and the reserve for control records.
struct SegmentPool: Sendable {
    /// Two, so that control records can go from one to the other and back while the disk is full.
    static let reserveCount = 2
    /// A piece of a spare that is prepared at once. Records that come meanwhile wait for it, hence no more than a disk
    /// writes in a fraction of a millisecond.
    private static let zeros = [UInt8](repeating: 0, count: 256 << 10)

    struct Spare: Sendable, Hashable {
        var name: String
        var byteCount: Int
        var isReserve = false
        /// Bytes that were written once.
        var writtenByteCount = 0

        static func number(inFileName name: String) -> UInt64? {
            for suffix in [".spare", ".reserve"] where name.hasSuffix(suffix) {
                return UInt64(name.dropLast(suffix.count), radix: 16)
            }
            return nil
        }
    }

    private(set) var spares: [Spare] = []
    var reserves: [Spare] = []
    /// Bytes of the segments to come.
    private(set) var segmentBytes: Int
    /// Found at start, and of no use.
    private var unused: [Spare] = []

    init(_ configuration: DiskLogConfiguration) { segmentBytes = configuration.firstSegmentBytes }

    var hasSpare: Bool { !spares.isEmpty }

    /// Takes over a file found at start.
    mutating func adopt(_ spare: Spare, _ configuration: DiskLogConfiguration) {
        if spare.isReserve, spare.byteCount == configuration.reserveBytes, reserves.count < SegmentPool.reserveCount {
            reserves.append(spare)
        } else if !spare.isReserve, spare.byteCount == segmentBytes, spares.count < configuration.spareSegments {
            spares.append(spare)
        } else {
            unused.append(spare)
        }
    }

    /// Takes back what was taken and not used.
    mutating func keep(_ spare: Spare) {
        if spare.isReserve { reserves.append(spare) } else { spares.append(spare) }
    }

    /// Removes what was found at start and has no use.
    mutating func removeUnused(_ log: DiskLog) {
        for spare in unused { discard(spare, log) }
        unused = []
    }

    /// Makes the segments to come large enough for `byteCount`, as far as the configuration allows.
    mutating func grow(toHold byteCount: Int, _ log: DiskLog) {
        let wished = segmentBytes
        let limit = log.configuration.effectiveSegmentBytes
        while segmentBytes < min(byteCount, limit) { segmentBytes = min(2 * segmentBytes, limit) }
        if segmentBytes != wished { discardSpares(log) }
    }

    /// Halves the segments to come, down to the size of the first ones.
    mutating func shrink(_ log: DiskLog) {
        let wished = max(segmentBytes / 2, log.configuration.firstSegmentBytes)
        guard wished < segmentBytes else { return }
        segmentBytes = wished / 4096 * 4096
        discardSpares(log)
    }

    private mutating func discardSpares(_ log: DiskLog) {
        for spare in spares { discard(spare, log) }
        spares = []
    }

    /// A spare, or a new file, of at least `byteCount` bytes.
    mutating func take(_ byteCount: Int, _ log: DiskLog, _ nextNumber: inout UInt64) throws(LogError) -> Spare {
        if byteCount <= segmentBytes, let spare = spares.popLast() { return spare }
        return try makeFile(max(segmentBytes, (byteCount + 4095) / 4096 * 4096), "spare", log, &nextNumber)
    }

    /// - Parameter ignoresLimits: whether only the device's own space counts.
    mutating func addReserve(
        _ log: DiskLog, _ nextNumber: inout UInt64, ignoresLimits: Bool = false
    ) throws(LogError) {
        var reserve = try makeFile(log.configuration.reserveBytes, "reserve", log, &nextNumber, ignoresLimits)
        reserve.isReserve = true
        reserves.append(reserve)
    }

    mutating func addSpare(_ log: DiskLog, _ nextNumber: inout UInt64) throws(LogError) {
        spares.append(try makeFile(segmentBytes, "spare", log, &nextNumber))
    }

    /// Makes a file whose space is allocated, within the log's limits.
    private func makeFile(
        _ byteCount: Int, _ suffix: String, _ log: DiskLog, _ nextNumber: inout UInt64, _ ignoresLimits: Bool = false
    ) throws(LogError) -> Spare {
        let configuration = log.configuration
        if !ignoresLimits, let limit = configuration.bytesMax, log.fileBytes + byteCount > limit {
            throw LogError(.full, "the log has reached its limit of \(limit) bytes", path: configuration.directory)
        }
        let name = "\(hexadecimal(nextNumber)).\(suffix)"
        nextNumber += 1
        let path = log.path(name)
        do throws(FileSystemError) {
            try log.ensureDirectory()
            let floor = ignoresLimits ? 0 : configuration.freeBytesMin
            if try log.fileSystem.availableBytes(configuration.directory) - byteCount < floor {
                throw FileSystemError.noSpace(path)
            }
            try log.fileSystem.open(path, .create).allocate(byteCount)
        } catch {
            try? log.fileSystem.remove(path)
            throw LogError(error)
        }
        log.addFileBytes(byteCount)
        return Spare(name: name, byteCount: byteCount)
    }

    /// Takes back a segment's file, or removes it when there are enough, or when somebody still reads it.
    ///
    /// - Parameter reservesInUse: those of the reserve that are segments now, and will come back.
    mutating func recycle(_ segment: Segment, reservesInUse: Int, _ log: DiskLog) {
        let configuration = log.configuration
        var spare = Spare(name: "", byteCount: segment.fileByteCount, writtenByteCount: segment.fileByteCount)
        if segment.readers == 0 {
            if reserves.count + reservesInUse < SegmentPool.reserveCount,
                segment.fileByteCount == configuration.reserveBytes
            {
                spare.name = "\(hexadecimal(segment.number)).reserve"
                spare.isReserve = true
            } else if spares.count < configuration.spareSegments,
                segment.fileByteCount == segmentBytes
            {
                spare.name = "\(hexadecimal(segment.number)).spare"
            }
        }
        if !spare.name.isEmpty {
            do {
                try log.fileSystem.rename(log.path(segment.fileName), to: log.path(spare.name))
                KillPoint.pass(.segmentRecycled)
                if spare.isReserve { reserves.append(spare) } else { spares.append(spare) }
                return
            } catch {}
        }
        discard(Spare(name: segment.fileName, byteCount: segment.fileByteCount), log)
    }

    /// Removes a file. One that is there after all is found, and dealt with, at the next start.
    func discard(_ spare: Spare, _ log: DiskLog) {
        try? log.fileSystem.remove(log.path(spare.name))
        log.addFileBytes(-spare.byteCount)
    }

    /// Forgets files that somebody removed.
    mutating func forgetAll(_ log: DiskLog) {
        log.addFileBytes(-(spares + reserves).reduce(0) { $0 + $1.byteCount })
        spares = []
        reserves = []
    }

    mutating func writeZeros(_ log: DiskLog) -> Bool {
        guard let index = spares.firstIndex(where: { $0.writtenByteCount < $0.byteCount }) else { return false }
        let start = spares[index].writtenByteCount
        let count = min(SegmentPool.zeros.count, spares[index].byteCount - start)
        do {
            let file = try log.fileSystem.open(log.path(spares[index].name), .readWrite)
            try file.writeAll(SegmentPool.zeros, 0..<count, at: start)
            try file.synchronize()
            spares[index].writtenByteCount += count
        } catch {
            discard(spares.remove(at: index), log)
        }
        return true
    }
}
