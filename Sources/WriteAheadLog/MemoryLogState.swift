/// What a `MemoryLog` holds, as a value: records, consumers, and the rules of who skips and who is refused. No lock, no
/// I/O.
struct MemoryLogState: ~Copyable {
    struct Entry {
        var record: LogRecord
        /// Consumers that are not done with the record.
        var holders: Int
    }

    struct Consumer {
        var name: String
        var options: ConsumerOptions
        /// The next sequence to hand out; every record from here on is held by this consumer.
        var cursor: UInt64
        /// Items that the log had been given when the consumer was opened.
        var itemsBefore: Int
        /// Records handed out and not finished: items that no *done* covers yet.
        var unfinished: [UInt64: Int] = [:]
        /// Records handed out and not cut: items that no cut covers yet.
        var uncut: [UInt64: Int] = [:]
        var cuts: [BatchID: Cut] = [:]
        var backlog = ConsumerBacklog()
        var waiter: CheckedContinuation<Void, Never>?
    }

    let budget: MemoryBudget
    let recordBytesMax: Int
    var isClosed = false
    private(set) var status = LogStatus()
    private var entries: [UInt64: Entry] = [:]
    private var tail: UInt64 = 1
    private var consumers: [Int: Consumer] = [:]
    private var nextKey = 0
    private let epoch = UInt64.random(in: .min ... .max)
    private var cutsMade: UInt64 = 0

    init(budget: MemoryBudget, recordBytesMax: Int) {
        self.budget = budget
        self.recordBytesMax = recordBytesMax
        status.capacityBytes = budget.capacityBytes
    }

    // MARK: Records

    mutating func append(_ record: LogRecord) throws(LogError) -> UInt64 {
        do {
            try admit(record)
        } catch {
            status.refusedItems += record.itemCount
            throw error
        }
        let sequence = tail
        tail += 1
        status.appendedItems += record.itemCount
        guard !consumers.isEmpty else {
            budget.release(record.payload.count)
            return sequence
        }
        status.records += 1
        status.items += record.itemCount
        status.bytes += record.payload.count
        entries[sequence] = Entry(record: record, holders: consumers.count)
        for key in consumers.keys {
            consumers[key]!.backlog.add(record)
            // What was handed out cannot be skipped; then it is the new record that finds no room.
            while consumers[key]!.isOverLimit { skip(key) }
        }
        return sequence
    }

    /// Makes room for `record`, or throws with nothing changed but what laggards skipped.
    private mutating func admit(_ record: LogRecord) throws(LogError) {
        if isClosed { throw LogError(.closed, "the log is closed") }
        let bytes = record.payload.count
        if bytes > recordBytesMax {
            throw LogError(.recordTooLarge, "a record of \(bytes) bytes exceeds the log's limit of \(recordBytesMax)")
        }
        if !consumers.isEmpty, consumers.values.allSatisfy({ !$0.hasRoom(for: record) }) {
            throw LogError(.full, "every consumer of the log is at its limit")
        }
        while !budget.reserve(bytes) {
            guard skipLaggards() else { throw LogError(.full, "the memory for logs is used up") }
        }
    }

    /// Skips the oldest waiting record for all that still have to read it, if somebody is ahead of them and nobody else
    /// needs it, so that its bytes come free.
    private mutating func skipLaggards() -> Bool {
        guard let oldest = consumers.values.map(\.cursor).min(), let entry = entries[oldest],
            consumers.values.contains(where: { $0.cursor > oldest })
        else { return false }
        let laggards = consumers.filter { $0.value.cursor == oldest }
        guard laggards.count == entry.holders, laggards.values.allSatisfy({ $0.options.maySkip }) else { return false }
        for key in laggards.keys { skip(key) }
        return true
    }

    private mutating func skip(_ key: Int) {
        let sequence = consumers[key]!.cursor
        guard let record = entries[sequence]?.record else { preconditionFailure("a waiting record is not held") }
        consumers[key]!.cursor += 1
        consumers[key]!.backlog.remove(record)
        consumers[key]!.backlog.skippedItems += record.itemCount
        release(sequence)
    }

    private mutating func release(_ sequence: UInt64) {
        entries[sequence]!.holders -= 1
        guard entries[sequence]!.holders == 0, let entry = entries.removeValue(forKey: sequence) else { return }
        status.records -= 1
        status.items -= entry.record.itemCount
        status.bytes -= entry.record.payload.count
        budget.release(entry.record.payload.count)
    }

    mutating func releaseEverything() {
        budget.release(status.bytes)
        entries = [:]
        status.bytes = 0
    }

    // MARK: Consumers

    mutating func open(_ name: String, options: ConsumerOptions) throws(LogError) -> Int {
        if isClosed { throw LogError(.closed, "the log is closed") }
        if consumers.values.contains(where: { $0.name == name }) {
            throw LogError(.inUse, "the consumer \(name) is open already")
        }
        nextKey += 1
        consumers[nextKey] = Consumer(
            name: name, options: options, cursor: tail, itemsBefore: status.appendedItems)
        return nextKey
    }

    mutating func closeConsumer(_ key: Int) -> CheckedContinuation<Void, Never>? {
        guard let consumer = consumers.removeValue(forKey: key) else { return nil }
        for sequence in consumer.unfinished.keys { release(sequence) }
        for sequence in consumer.cursor..<tail { release(sequence) }
        return consumer.waiter
    }

    func hasNews(_ key: Int) -> Bool { isClosed || consumers[key]!.cursor < tail }

    mutating func setWaiter(_ key: Int, _ waiter: CheckedContinuation<Void, Never>) {
        consumers[key]!.waiter = waiter
    }

    mutating func takeWaiter(_ key: Int) -> CheckedContinuation<Void, Never>? {
        consumers[key]?.waiter.take()
    }

    mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
        consumers.keys.compactMap { takeWaiter($0) }
    }

    mutating func next(_ key: Int, maxRecords: Int, maxBytes: Int) -> [StoredRecord] {
        var records: [StoredRecord] = []
        var bytes = 0
        var cursor = consumers[key]!.cursor
        while cursor < tail, records.count < maxRecords {
            guard let record = entries[cursor]?.record else { preconditionFailure("a waiting record is not held") }
            bytes += record.payload.count
            if bytes > maxBytes, !records.isEmpty { break }
            records.append(StoredRecord(record, sequence: cursor, items: 0..<record.itemCount))
            consumers[key]!.unfinished[cursor] = record.itemCount
            consumers[key]!.uncut[cursor] = record.itemCount
            cursor += 1
        }
        consumers[key]!.cursor = cursor
        return records
    }

    func read(_ ranges: [ItemRange]) throws(LogError) -> [StoredRecord] {
        var records: [StoredRecord] = []
        records.reserveCapacity(ranges.count)
        for range in ranges {
            guard let record = entries[range.sequence]?.record, range.items.upperBound <= record.itemCount else {
                throw LogError(.misuse, "record \(range.sequence) is not held")
            }
            records.append(StoredRecord(record, sequence: range.sequence, items: range.items))
        }
        return records
    }

    // MARK: Cuts

    mutating func cut(_ key: Int, _ ranges: [ItemRange]) throws(LogError) -> Cut {
        var taken: [UInt64: Int] = [:]
        for range in ranges { taken[range.sequence, default: 0] += range.items.count }
        for (sequence, count) in taken where count > consumers[key]!.uncut[sequence] ?? -1 {
            throw LogError(.misuse, "record \(sequence) was not handed out, or is cut already")
        }
        var itemCount = 0
        for (sequence, count) in taken {
            let left = consumers[key]!.uncut[sequence]! - count
            consumers[key]!.uncut[sequence] = left == 0 ? nil : left
            itemCount += count
            if left == 0, let record = entries[sequence]?.record {
                consumers[key]!.backlog.waitingRecords -= 1
                consumers[key]!.backlog.waitingBytes -= record.payload.count
            }
        }
        consumers[key]!.backlog.waitingItems -= itemCount
        consumers[key]!.backlog.inFlightItems += itemCount
        return makeCut(key, ranges, itemCount: itemCount, progress: [])
    }

    private mutating func makeCut(_ key: Int, _ ranges: [ItemRange], itemCount: Int, progress: [UInt8]) -> Cut {
        cutsMade += 1
        let id = BatchID(high: epoch, low: cutsMade)
        let cut = Cut(id: id, ranges: ranges, itemCount: itemCount, progress: progress)
        consumers[key]!.cuts[id] = cut
        return cut
    }

    mutating func split(_ key: Int, _ id: BatchID, into parts: [[ItemRange]]) throws(LogError) -> [Cut] {
        guard let parent = consumers[key]!.cuts[id] else { throw LogError(.misuse, "batch \(id) is not open") }
        let counts = parts.map { $0.reduce(0) { $0 + $1.items.count } }
        guard counts.reduce(0, +) == parent.itemCount else {
            throw LogError(.misuse, "the parts of batch \(id) do not cover it")
        }
        consumers[key]!.cuts[id] = nil
        var children: [Cut] = []
        for (ranges, count) in zip(parts, counts) {
            children.append(makeCut(key, ranges, itemCount: count, progress: parent.progress))
        }
        return children
    }

    mutating func saveProgress(_ key: Int, _ id: BatchID, _ progress: [UInt8]) {
        consumers[key]!.cuts[id]?.progress = progress
    }

    mutating func done(_ key: Int, _ id: BatchID, _ outcome: CutOutcome) {
        guard let cut = consumers[key]!.cuts.removeValue(forKey: id) else { return }
        assert(outcome.itemCount == cut.itemCount, "the outcome of a batch accounts for each of its items")
        consumers[key]!.backlog.inFlightItems -= cut.itemCount
        consumers[key]!.backlog.totals.add(outcome)
        for range in cut.ranges {
            // An empty range names no item, and may outlive its record.
            guard let unfinished = consumers[key]!.unfinished[range.sequence] else { continue }
            let left = unfinished - range.items.count
            consumers[key]!.unfinished[range.sequence] = left == 0 ? nil : left
            if left == 0, consumers[key]!.uncut[range.sequence] == nil { release(range.sequence) }
        }
    }

    var accounts: [String: ConsumerAccount] {
        var accounts: [String: ConsumerAccount] = [:]
        for consumer in consumers.values {
            var account = ConsumerAccount(isDurable: consumer.options.isDurable)
            account.appended = status.appendedItems - consumer.itemsBefore
            account.outcome = consumer.backlog.totals
            account.skipped = consumer.backlog.skippedItems
            account.waiting = consumer.backlog.waitingItems
            account.inFlight = consumer.backlog.inFlightItems
            accounts[consumer.name] = account
        }
        return accounts
    }

    func backlog(_ key: Int) -> ConsumerBacklog {
        let consumer = consumers[key]!
        var backlog = consumer.backlog
        let oldest = consumer.unfinished.keys.min() ?? consumer.cursor
        backlog.oldestReceivedAtUnixNanos = entries[oldest]?.record.receivedAtUnixNanos
        return backlog
    }
}

extension MemoryLogState.Consumer {
    var isOverLimit: Bool {
        // A record larger than the whole limit is taken when nothing else waits; it could never be taken otherwise.
        guard let limit = options.limit, backlog.waitingRecords > 1 else { return false }
        return limit.isExceeded(
            records: backlog.waitingRecords, items: backlog.waitingItems, bytes: backlog.waitingBytes)
    }

    func hasRoom(for record: LogRecord) -> Bool {
        guard let limit = options.limit, backlog.waitingRecords > 0 else { return true }
        return !limit.isExceeded(
            records: backlog.waitingRecords + 1, items: backlog.waitingItems + record.itemCount,
            bytes: backlog.waitingBytes + record.payload.count)
    }
}

extension ConsumerOptions {
    fileprivate var maySkip: Bool { !isDurable && limit != nil }
}

extension ConsumerLimit {
    fileprivate func isExceeded(records: Int, items: Int, bytes: Int) -> Bool {
        switch self {
        case .records(let limit): records > limit
        case .items(let limit): items > limit
        case .bytes(let limit): bytes > limit
        }
    }
}

extension ConsumerBacklog {
    fileprivate mutating func add(_ record: LogRecord) {
        waitingRecords += 1
        waitingItems += record.itemCount
        waitingBytes += record.payload.count
    }

    fileprivate mutating func remove(_ record: LogRecord) {
        waitingRecords -= 1
        waitingItems -= record.itemCount
        waitingBytes -= record.payload.count
    }
}

extension CutOutcome {
    fileprivate mutating func add(_ other: CutOutcome) {
        delivered += other.delivered
        rejectedByPeer += other.rejectedByPeer
        deadLettered += other.deadLettered
        dropped += other.dropped
    }
}

extension StoredRecord {
    fileprivate init(_ record: LogRecord, sequence: UInt64, items: Range<Int>) {
        self.init(
            sequence: sequence, items: items, itemCount: record.itemCount,
            receivedAtUnixNanos: record.receivedAtUnixNanos, partition: record.partition, payload: record.payload)
    }
}
