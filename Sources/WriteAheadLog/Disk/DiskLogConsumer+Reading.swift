import Synchronization

/// Where a consumer reads on disk.
struct DiskReading: Sendable {
    var segmentNumber: UInt64 = 0
    var reader: SegmentReader?
    /// What the next record read should be.
    var position = LogPosition.start
    /// Read, but too large for what was asked for.
    var lookahead: DiskRecord?
    /// Bytes that could not be read since the last good record.
    var damage: Range<Int>?
}

/// A record read from disk, and the damage found before it.
struct DiskRecord: Sendable {
    var header: RecordHeader
    var payload: [UInt8]
    /// Where it starts.
    var position: LogPosition

    var end: LogPosition {
        LogPosition(
            sequence: header.sequence + 1, item: header.item + header.weight,
            byte: position.byte + UInt64(header.payloadByteCount))
    }
}

extension DiskLogConsumer {
    func next(maxRecords: Int, maxBytes: Int) throws(LogError) -> [StoredRecord] {
        guard maxRecords > 0 else { return [] }
        while true {
            switch log.state.withLock({ $0.nextFromMemory(name, maxRecords, maxBytes) }) {
            case .records(let records): return records
            case .moved: continue
            case .onDisk(let segment, let cursor):
                defer { log.endReading(segment) }
                let records = try reading.withLock { (reading) throws(LogError) in
                    try nextFromDisk(&reading, segment, cursor, maxRecords, maxBytes)
                }
                if !records.isEmpty { return records }
            }
        }
    }

    /// Reads on in `segment` from `cursor`. Empty when all that was left of it is lost, or was done before; the cursor
    /// has moved then.
    private func nextFromDisk(
        _ reading: inout DiskReading, _ segment: Segment, _ cursor: LogPosition, _ maxRecords: Int, _ maxBytes: Int
    ) throws(LogError) -> [StoredRecord] {
        var found: [DiskRecord] = []
        var lost: [DamagedRegion] = []
        var bytes = 0
        do {
            try prepare(&reading, segment, cursor)
            while let record = try nextRecord(&reading, segment, &lost) {
                bytes += record.payload.count
                if found.count == maxRecords || (bytes > maxBytes && !found.isEmpty) {
                    reading.lookahead = record
                    break
                }
                found.append(record)
            }
        } catch let error where error.isMissing {
            // Somebody removed the file: its records are lost like rotten ones, and the log goes on.
            reading = DiskReading()
            lost = [
                DamagedRegion(
                    offsets: 0..<0, sequences: cursor.sequence..<segment.end.sequence,
                    items: cursor.item..<segment.end.item)
            ]
            reading.position = segment.end
        } catch {
            reading = DiskReading()
            throw LogError(error)
        }
        for region in lost { log.noteDamage(region, segment: segment.number) }
        let end = reading.lookahead?.position ?? reading.position
        let nextReceivedAt = reading.lookahead?.header.receivedAt
        return log.state.withLock { state in
            let records = state.handOut(name, found, lost: lost, from: cursor, to: end)
            if let nextReceivedAt, state.openConsumers[name]?.cursor == end {
                state.openConsumers[name]!.nextReceivedAt = (end.sequence, nextReceivedAt)
            }
            return records
        }
    }

    /// Brings the reader to the record at `cursor`.
    private func prepare(
        _ reading: inout DiskReading, _ segment: Segment, _ cursor: LogPosition
    ) throws(FileSystemError) {
        let next = reading.lookahead?.position.sequence ?? reading.position.sequence
        if reading.segmentNumber == segment.number, next == cursor.sequence, let reader = reading.reader {
            if reader.endOffset != segment.endOffset { reading.reader = reader.extended(to: segment.endOffset) }
            return
        }
        let file = try log.fileSystem.open(log.path(segment.fileName), .read)
        let reader = SegmentReader(
            file: file, header: segment.header, endOffset: segment.endOffset, readAhead: DiskLog.readAheadBytes)
        reading = DiskReading()
        reading.segmentNumber = segment.number
        reading.position = segment.first
        reading.reader = reader
        // A damaged header on the way there is met as damage again, by whoever had to read it.
        while reading.position.sequence < cursor.sequence {
            let before = reading.reader
            guard case .record(let header, _, _)? = try reading.reader?.next(.headers) else { break }
            if header.kind != .data { continue }
            if header.sequence >= cursor.sequence {
                reading.reader = before
                break
            }
            reading.position.sequence = header.sequence + 1
            reading.position.item = header.item + header.weight
        }
        reading.position = cursor
    }

    /// The next data record of `segment`; nil at its end. Lost records on the way are added to `lost`.
    private func nextRecord(
        _ reading: inout DiskReading, _ segment: Segment, _ lost: inout [DamagedRegion]
    ) throws(FileSystemError) -> DiskRecord? {
        if let record = reading.lookahead {
            reading.lookahead = nil
            reading.position = record.end
            return record
        }
        while reading.position.sequence < segment.end.sequence {
            guard let step = try reading.reader?.next(.payloads) else { break }
            switch step {
            case .end:
                let region = reading.gap(upTo: segment.end.sequence, segment.end.item)
                lost.append(contentsOf: region)
                reading.position = segment.end
            case .damage(let offsets):
                reading.damage = (reading.damage?.lowerBound ?? offsets.lowerBound)..<offsets.upperBound
            case .record(let header, _, let payload):
                guard header.kind == .data, let payload, header.sequence >= reading.position.sequence else { continue }
                guard header.sequence < segment.end.sequence else { continue }
                lost.append(contentsOf: reading.gap(upTo: header.sequence, header.item))
                reading.position.sequence = header.sequence
                reading.position.item = header.item
                let record = DiskRecord(header: header, payload: payload, position: reading.position)
                reading.position = record.end
                return record
            }
        }
        return nil
    }

    // MARK: Retries

    /// Records that cannot be read any more are left out; `.corrupt` when none is left.
    func read(_ ranges: [ItemRange]) throws(LogError) -> [StoredRecord] {
        var records: [StoredRecord] = []
        var reading = DiskReading()
        for range in ranges {
            switch try log.state.withLock({ (state) throws(LogError) in try state.find(range) }) {
            case .gone: continue
            case .inMemory(let record): records.append(record)
            case .onDisk(let segment):
                defer { log.endReading(segment) }
                if let record = try record(range, in: segment, &reading) { records.append(record) }
            }
        }
        if records.isEmpty, !ranges.isEmpty {
            throw LogError(.corrupt, "no record of the batch can be read any more", path: log.configuration.directory)
        }
        return records
    }

    private func record(
        _ range: ItemRange, in segment: Segment, _ reading: inout DiskReading
    ) throws(LogError) -> StoredRecord? {
        do {
            // Ranges mostly ascend, so that one pass over the segment finds all of them.
            if reading.segmentNumber != segment.number || reading.position.sequence > range.sequence {
                let file = try log.fileSystem.open(log.path(segment.fileName), .read)
                reading = DiskReading()
                reading.segmentNumber = segment.number
                reading.position = segment.first
                reading.reader = SegmentReader(
                    file: file, header: segment.header, endOffset: segment.endOffset, readAhead: 64 << 10)
            }
            while reading.position.sequence <= range.sequence {
                let before = reading.reader
                guard let step = try reading.reader?.next(.headers) else { return nil }
                switch step {
                case .end: return nil
                case .damage: continue
                case .record(let header, let offset, _):
                    guard header.kind == .data else { continue }
                    if header.sequence > range.sequence {
                        reading.reader = before
                        return nil
                    }
                    reading.position.sequence = header.sequence + (header.sequence == range.sequence ? 0 : 1)
                    if header.sequence < range.sequence { continue }
                    defer { reading.reader = before }
                    return try stored(range, header, offset, segment, &reading)
                }
            }
            return nil
        } catch let error where error.isMissing {
            return nil
        } catch {
            throw LogError(error)
        }
    }

    private func stored(
        _ range: ItemRange, _ header: RecordHeader, _ offset: Int, _ segment: Segment, _ reading: inout DiskReading
    ) throws(FileSystemError) -> StoredRecord? {
        guard let payload = try reading.reader?.payload(of: header, at: offset) else {
            let region = DamagedRegion(
                offsets: offset..<offset + header.recordByteCount, sequences: header.sequence..<header.sequence + 1,
                items: header.item..<header.item + header.weight)
            log.noteDamage(region, segment: segment.number)
            return nil
        }
        return StoredRecord(
            sequence: range.sequence, items: range.items, itemCount: header.itemCount,
            receivedAtUnixNanos: header.receivedAt, partition: header.partition, payload: payload)
    }
}

extension DiskReading {
    /// What is missing between the expected position and a record that starts there; nothing when nothing is.
    fileprivate mutating func gap(upTo sequence: UInt64, _ item: UInt64) -> [DamagedRegion] {
        defer { damage = nil }
        guard sequence > position.sequence else { return [] }
        return [
            DamagedRegion(
                offsets: damage ?? 0..<0, sequences: position.sequence..<sequence,
                items: position.item..<max(item, position.item))
        ]
    }
}

extension DiskLog {
    /// Gives back a segment that `DiskLogState.reading` lent out.
    fileprivate func endReading(_ segment: Segment) {
        state.withLock { state in
            guard let index = state.segmentIndex(number: segment.number) else { return }
            state.segments[index].readers -= 1
        }
    }

    /// Where the record starts that holds the item at `place`.
    func locate(item place: UInt64) throws(LogError) -> LogPosition {
        let segment = state.withLock { state -> Segment? in
            guard place < state.committed.item else { return nil }
            let index = state.segments.partitioningIndex { $0.end.item > place }
            return index < state.segments.count ? state.lend(index) : nil
        }
        guard let segment else { return committed }
        defer { endReading(segment) }
        var position = segment.first
        guard position.item < place else { return position }
        do {
            let file = try fileSystem.open(path(segment.fileName), .read)
            var reader = SegmentReader(
                file: file, header: segment.header, endOffset: segment.endOffset, readAhead: 64 << 10)
            while true {
                switch try reader.next(.headers) {
                case .end: return position
                case .damage: continue
                case .record(let header, _, _):
                    guard header.kind == .data else { continue }
                    if header.item + header.weight > place {
                        // What is missing before it, if anything, is met again when it is read.
                        return position
                    }
                    position.sequence = header.sequence + 1
                    position.item = header.item + header.weight
                    position.byte += UInt64(header.payloadByteCount)
                }
            }
        } catch let error where error.isMissing {
            return position
        } catch {
            throw LogError(error)
        }
    }
}

extension DiskLogState {
    fileprivate enum Next {
        case records([StoredRecord])
        /// Nothing to hand out there, but the cursor went on.
        case moved
        case onDisk(Segment, LogPosition)
    }

    fileprivate enum Place {
        case inMemory(StoredRecord)
        case onDisk(Segment)
        case gone
    }

    /// The segment at `index`, whose file is not written over until it is given back.
    fileprivate mutating func lend(_ index: Int) -> Segment {
        segments[index].readers += 1
        return segments[index]
    }

    fileprivate mutating func nextFromMemory(_ name: String, _ maxRecords: Int, _ maxBytes: Int) -> Next {
        guard var consumer = openConsumers[name], consumer.cursor.sequence < committed.sequence else {
            return .records([])
        }
        guard tail[consumer.cursor.sequence] != nil else {
            guard let index = segmentIndex(for: consumer.cursor.sequence) else {
                return skipMissing(name, to: committed)
            }
            let segment = segments[index]
            if consumer.cursor.sequence < segment.first.sequence { return skipMissing(name, to: segment.first) }
            return .onDisk(lend(index), consumer.cursor)
        }
        openConsumers[name] = nil
        let covered = place(of: name, consumer).covered
        var records: [StoredRecord] = []
        var bytes = 0
        while records.count < maxRecords, let entry = tail[consumer.cursor.sequence] {
            bytes += entry.record.payload.count
            if bytes > maxBytes, !records.isEmpty { break }
            let sequence = consumer.cursor.sequence
            consumer.advance(weight: entry.weight, bytes: entry.record.payload.count)
            for rest in covered.missing(from: entry.item..<entry.item + entry.weight) {
                let record = StoredRecord(entry.record, sequence, rest, from: entry.item)
                consumer.handOut(record, item: entry.item, checksum: entry.payloadChecksum)
                records.append(record)
            }
        }
        openConsumers[name] = consumer
        return records.isEmpty ? .moved : .records(records)
    }

    mutating func lose(_ span: Range<UInt64>, of name: String) {
        let torn = missing.torn
        _ = updatePlace(of: name) { $0.lose(span, torn: torn) }
    }

    /// Moves the cursor over records whose segment is gone.
    private mutating func skipMissing(_ name: String, to position: LogPosition) -> Next {
        guard let cursor = openConsumers[name]?.cursor else { return .records([]) }
        let region = DamagedRegion(
            offsets: 0..<0, sequences: cursor.sequence..<position.sequence, items: cursor.item..<position.item)
        _ = lose(region)
        lose(region.items, of: name)
        openConsumers[name]!.move(to: position)
        return .moved
    }

    /// Hands out what was read from disk, unless the consumer has been moved on in the meantime.
    fileprivate mutating func handOut(
        _ name: String, _ found: [DiskRecord], lost: [DamagedRegion], from cursor: LogPosition, to end: LogPosition
    ) -> [StoredRecord] {
        guard openConsumers[name]?.cursor == cursor else { return [] }
        for region in lost { lose(region.items, of: name) }
        guard var consumer = openConsumers.removeValue(forKey: name) else { return [] }
        let covered = place(of: name, consumer).covered
        var records: [StoredRecord] = []
        for record in found {
            let header = record.header
            let content = LogRecord(
                payload: record.payload, itemCount: header.itemCount, receivedAtUnixNanos: header.receivedAt,
                partition: header.partition)
            for rest in covered.missing(from: header.item..<header.item + header.weight) {
                let part = StoredRecord(content, header.sequence, rest, from: header.item)
                consumer.handOut(part, item: header.item, checksum: header.payloadChecksum)
                records.append(part)
            }
        }
        consumer.move(to: end)
        openConsumers[name] = consumer
        return records
    }

    fileprivate mutating func find(_ range: ItemRange) throws(LogError) -> Place {
        guard range.sequence < committed.sequence else {
            throw LogError(.misuse, "record \(range.sequence) is not in the log")
        }
        if let entry = tail[range.sequence] {
            guard range.items.upperBound <= entry.record.itemCount else {
                throw LogError(.misuse, "record \(range.sequence) has no items \(range.items)")
            }
            let start = entry.item + UInt64(range.items.lowerBound)
            let span = start..<start + UInt64(range.items.count)
            return .inMemory(StoredRecord(entry.record, range.sequence, span, from: entry.item))
        }
        guard let index = segmentIndex(for: range.sequence), segments[index].first.sequence <= range.sequence else {
            return .gone
        }
        return .onDisk(lend(index))
    }
}

extension StoredRecord {
    /// The items of `record` at `span`, of a record that starts at `item`.
    fileprivate init(_ record: LogRecord, _ sequence: UInt64, _ span: Range<UInt64>, from item: UInt64) {
        let items =
            min(Int(span.lowerBound - item), record.itemCount)..<min(Int(span.upperBound - item), record.itemCount)
        self.init(
            sequence: sequence, items: items, itemCount: record.itemCount,
            receivedAtUnixNanos: record.receivedAtUnixNanos, partition: record.partition, payload: record.payload)
    }
}
