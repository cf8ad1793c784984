/// What the threads around a `DiskLog` share, under its one lock. No I/O.
struct DiskLogState: Sendable {
    /// Waits for the writer, in order.
    var pending: [PendingRecord] = []
    var pendingBytes = 0
    var isClosing = false
    var isClosed = false
    var closeWaiters: [CheckedContinuation<Void, Never>] = []

    /// Behind the last committed record.
    var committed: LogPosition
    var tail: MemoryTail
    /// In order of their numbers; the last one is being written unless the writer has given it up.
    var segments: [Segment]
    /// Bytes of all files of the log.
    var fileBytes = 0
    var reserveBytes = 0

    /// Durable consumers that the log knows, open or not.
    var places: [String: ConsumerPlace]
    var openConsumers: [String: OpenConsumer] = [:]
    /// What the accounts of durable consumers start from: as they were when the log was opened, or when they joined it.
    var openings: [String: AccountOpening]
    /// Durable consumers that were open at some time since the log was.
    var seenConsumers: Set<String> = []
    /// False when control records were lost: then a durable consumer that is not known may have been.
    var historyIsComplete: Bool
    var ledger: LogLedger
    var missing: MissingRecords
    var fault: LogError?

    init(_ recovered: RecoveredLog, tailBytesMax: Int, tailBudget: TailBudget? = nil) {
        committed = recovered.end
        tail = MemoryTail(bytesMax: tailBytesMax, budget: tailBudget, nextSequence: recovered.end.sequence)
        segments = recovered.segments
        places = recovered.checkpoint.places
        ledger = recovered.checkpoint.ledger
        missing = recovered.checkpoint.missing
        historyIsComplete = recovered.historyIsComplete
        fileBytes = recovered.fileBytes
        openings = recovered.checkpoint.places.mapValues { [end = recovered.end.item] in
            AccountOpening(place: $0, end: end, waiting: $0.uncoveredItems(before: end))
        }
    }

    var oldest: LogPosition { segments.first { !$0.isEmpty }?.first ?? committed }

    /// Everything before this place can go: all durable consumers are done with it. Without durable consumers the open
    /// volatile ones count; without any, nothing goes before its space is needed.
    var lowWater: UInt64 {
        if let low = places.values.map(\.lowWater).min() { return low }
        return openConsumers.values.map { min($0.cursor.item, $0.volatilePlace.lowWater) }.min() ?? oldest.item
    }

    /// The segment that holds, or held, the record `sequence`; else the next one that holds records.
    func segmentIndex(for sequence: UInt64) -> Int? {
        // Ends never fall from one segment to the next.
        var index = segments.partitioningIndex { $0.end.sequence > sequence }
        while index < segments.count, segments[index].isEmpty { index += 1 }
        return index < segments.count ? index : nil
    }

    func segmentIndex(number: UInt64) -> Int? {
        let index = segments.partitioningIndex { $0.number >= number }
        return index < segments.count && segments[index].number == number ? index : nil
    }

    /// Forgets what of the tail the consumers are done with that keep up. One that has fallen behind the tail reads from
    /// disk, until it has caught up: an exporter that is down holds no memory.
    mutating func trimTail() {
        var low = committed.item
        for (name, consumer) in openConsumers where consumer.cursor.sequence >= tail.firstSequence {
            low = min(low, consumer.cursor.item, place(of: name, consumer).lowWater)
        }
        tail.removeEntries(before: low)
    }

    func place(of name: String, _ consumer: OpenConsumer) -> ConsumerPlace {
        consumer.isDurable ? places[name] ?? consumer.volatilePlace : consumer.volatilePlace
    }

    mutating func updatePlace<Result>(of name: String, _ change: (inout ConsumerPlace) -> Result) -> Result? {
        guard let consumer = openConsumers[name] else { return nil }
        if consumer.isDurable {
            guard var place = places.removeValue(forKey: name) else { return nil }
            defer { places[name] = place }
            return change(&place)
        }
        return change(&openConsumers[name]!.volatilePlace)
    }

    /// Makes a committed record visible.
    mutating func publish(_ record: LogRecord, checksum: UInt32) {
        let entry = MemoryTail.Entry(item: committed.item, payloadChecksum: checksum, record: record)
        tail.append(entry)
        committed.sequence += 1
        committed.item += entry.weight
        committed.byte += UInt64(record.payload.count)
        ledger.appendedItems += record.itemCount
        for (name, consumer) in openConsumers where consumer.limit != nil && !consumer.isDurable {
            openConsumers[name]!.admit(entry)
        }
    }

    /// The tasks for which enough is committed by now.
    mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
        openConsumers.keys.compactMap { openConsumers[$0]?.takeWaiter(end: committed) }
    }

    mutating func takeAllWaiters() -> [CheckedContinuation<Void, Never>] {
        openConsumers.keys.compactMap { openConsumers[$0]?.takeWaiter() }
    }

    /// Notes records that cannot be read. Returns how many records and items were not known to be lost before.
    mutating func lose(_ region: DamagedRegion) -> (records: Int, items: Int) {
        let (records, items) = missing.note(region)
        ledger.corruptRecords += records
        ledger.corruptItems += items
        return (records, items)
    }

    /// Moves every volatile consumer that has not read up to `end` yet there: its records are about to go.
    mutating func skipVolatile(to end: LogPosition) {
        for (name, consumer) in openConsumers where !consumer.isDurable {
            openConsumers[name]!.skip(to: end)
        }
    }

    var status: LogStatus {
        var status = LogStatus()
        status.records = Int(committed.sequence - oldest.sequence)
        status.items = Int(committed.item - oldest.item)
        status.fileBytes = fileBytes
        status.bytes = segments.reduce(0) { $0 + $1.fileByteCount }
        status.appendedItems = ledger.appendedItems
        status.refusedItems = ledger.refusedItems
        status.corruptRecords = ledger.corruptRecords
        status.corruptItems = ledger.corruptItems
        status.evictedItems = ledger.evictedItems
        status.expiredItems = ledger.expiredItems
        status.reserveBytes = reserveBytes
        let oldestTime = segments.map(\.oldestReceivedAt).min() ?? .max
        status.oldestReceivedAtUnixNanos = oldestTime == .max ? nil : oldestTime
        status.fault = fault
        return status
    }
}
