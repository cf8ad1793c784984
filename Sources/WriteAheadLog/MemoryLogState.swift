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
        /// Records handed out and not finished.
        var handedOut: SequenceRing<HandedOut>
        var cuts: [BatchID: Cut] = [:]
        var backlog = ConsumerBacklog()
        /// From `cursor` on.
        var unread = Amount()
        var waiter: Waiter?

        init(name: String, options: ConsumerOptions, cursor: UInt64, itemsBefore: Int) {
            self.name = name
            self.options = options
            self.cursor = cursor
            self.itemsBefore = itemsBefore
            handedOut = SequenceRing(next: cursor)
        }
    }

    /// What of a record a consumer still has to do.
    struct HandedOut {
        /// Items that no *done* covers yet.
        var unfinished: Int
        /// Items that no cut covers yet.
        var uncut: Int
        /// Whether the record is not wholly cut; one without items is, once a cut names it.
        var isWaiting = true
    }

    struct Amount {
        var records = 0
        var items = 0
        var bytes = 0
    }

    /// A task that sleeps until this much is unread.
    struct Waiter {
        var continuation: CheckedContinuation<Void, Never>
        var items: Int
        var bytes: Int
    }

    let budget: MemoryBudget
    let recordBytesMax: Int
    var isClosed = false
    private(set) var status = LogStatus()
    private var entries = SequenceRing<Entry>(next: 1)
    /// By key; places of closed consumers are not used again.
    private var consumers: [Consumer] = []
    /// The keys of the open consumers.
    private var openKeys: [Int] = []
    private let epoch = UInt64.random(in: .min ... .max)
    private var cutsMade: UInt64 = 0

    init(budget: MemoryBudget, recordBytesMax: Int) {
        self.budget = budget
        self.recordBytesMax = recordBytesMax
        status.capacityBytes = budget.capacityBytes
    }

    /// The sequence that the next record gets.
    private var tail: UInt64 { entries.next }

    // MARK: Records

    mutating func append(_ record: LogRecord) throws(LogError) -> UInt64 {
        do {
            try admit(record)
        } catch {
            status.refusedItems += record.itemCount
            throw error
        }
        let sequence = tail
        status.appendedItems += record.itemCount
        guard !openKeys.isEmpty else {
            budget.release(record.payload.count)
            entries.appendGap()
            return sequence
        }
        status.records += 1
        status.items += record.itemCount
        status.bytes += record.payload.count
        entries.append(Entry(record: record, holders: openKeys.count))
        for key in openKeys {
            consumers[key].backlog.add(record)
            consumers[key].unread.add(record)
            // What was handed out cannot be skipped; then it is the new record that finds no room.
            while consumers[key].isOverLimit { skip(key) }
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
        if !openKeys.isEmpty, openKeys.allSatisfy({ !consumers[$0].hasRoom(for: record) }) {
            throw LogError(.full, "every consumer of the log is at its limit")
        }
        while !budget.reserve(bytes) {
            guard skipLaggards() else { throw LogError(.full, "the memory for logs is used up") }
        }
    }

    /// Skips the oldest waiting record for all that still have to read it, if somebody is ahead of them and nobody else
    /// needs it, so that its bytes come free.
    private mutating func skipLaggards() -> Bool {
        guard let oldest = openKeys.map({ consumers[$0].cursor }).min(), let entry = entries[oldest] else {
            return false
        }
        let laggards = openKeys.filter { consumers[$0].cursor == oldest }
        guard laggards.count < openKeys.count, laggards.count == entry.holders,
            laggards.allSatisfy({ consumers[$0].options.maySkip })
        else { return false }
        for key in laggards { skip(key) }
        return true
    }

    private mutating func skip(_ key: Int) {
        let sequence = consumers[key].cursor
        guard let record = entries[sequence]?.record else { preconditionFailure("a waiting record is not held") }
        consumers[key].cursor += 1
        consumers[key].handedOut.appendGap()
        consumers[key].unread.remove(record)
        consumers[key].backlog.remove(record)
        consumers[key].backlog.skippedItems += record.itemCount
        release(sequence)
    }

    private mutating func release(_ sequence: UInt64) {
        let holders = entries.update(sequence) { entry in
            entry.holders -= 1
            return entry.holders
        }
        guard holders == 0, let entry = entries.remove(sequence) else { return }
        status.records -= 1
        status.items -= entry.record.itemCount
        status.bytes -= entry.record.payload.count
        budget.release(entry.record.payload.count)
    }

    mutating func releaseEverything() {
        budget.release(status.bytes)
        entries = SequenceRing(next: tail)
        status.bytes = 0
    }

    // MARK: Consumers

    mutating func open(_ name: String, options: ConsumerOptions) throws(LogError) -> Int {
        if isClosed { throw LogError(.closed, "the log is closed") }
        if openKeys.contains(where: { consumers[$0].name == name }) {
            throw LogError(.inUse, "the consumer \(name) is open already")
        }
        let key = consumers.count
        consumers.append(Consumer(name: name, options: options, cursor: tail, itemsBefore: status.appendedItems))
        openKeys.append(key)
        return key
    }

    mutating func closeConsumer(_ key: Int) -> CheckedContinuation<Void, Never>? {
        openKeys.removeAll { $0 == key }
        for sequence in consumers[key].handedOut.sequences { release(sequence) }
        for sequence in consumers[key].cursor..<tail { release(sequence) }
        let waiter = takeWaiter(key)
        consumers[key] = Consumer(name: "", options: consumers[key].options, cursor: tail, itemsBefore: 0)
        return waiter
    }

    /// Whether a task that waits for this much need not wait.
    func hasNews(_ key: Int, items: Int, bytes: Int) -> Bool {
        let unread = consumers[key].unread
        return isClosed || (unread.records > 0 && (unread.items >= items || unread.bytes >= bytes))
    }

    var hasWaiter: Bool { openKeys.contains { consumers[$0].waiter != nil } }

    mutating func setWaiter(_ key: Int, _ waiter: Waiter) { consumers[key].waiter = waiter }

    mutating func takeWaiter(_ key: Int) -> CheckedContinuation<Void, Never>? {
        consumers[key].waiter.take()?.continuation
    }

    /// The tasks whose wait is over. Usually there is none, and nothing is allocated.
    mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
        var woken: [CheckedContinuation<Void, Never>] = []
        for key in openKeys {
            guard let waiter = consumers[key].waiter, hasNews(key, items: waiter.items, bytes: waiter.bytes) else {
                continue
            }
            woken.append(waiter.continuation)
            consumers[key].waiter = nil
        }
        return woken
    }

    mutating func next(_ key: Int, maxRecords: Int, maxBytes: Int) -> [StoredRecord] {
        var records: [StoredRecord] = []
        var bytes = 0
        var cursor = consumers[key].cursor
        while cursor < tail, records.count < maxRecords {
            guard let record = entries[cursor]?.record else { preconditionFailure("a waiting record is not held") }
            bytes += record.payload.count
            if bytes > maxBytes, !records.isEmpty { break }
            records.append(StoredRecord(record, sequence: cursor, items: 0..<record.itemCount))
            consumers[key].handedOut.append(HandedOut(unfinished: record.itemCount, uncut: record.itemCount))
            consumers[key].unread.remove(record)
            cursor += 1
        }
        consumers[key].cursor = cursor
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
        var itemCount = 0
        for (index, range) in ranges.enumerated() {
            guard take(range, key) else {
                for taken in ranges[..<index] { giveBack(taken, key) }
                throw LogError(.misuse, "record \(range.sequence) was not handed out, or is cut already")
            }
            itemCount += range.items.count
        }
        consumers[key].backlog.inFlightItems += itemCount
        return makeCut(key, ranges, itemCount: itemCount, progress: [])
    }

    /// Takes items out of what waits; false when they do not.
    private mutating func take(_ range: ItemRange, _ key: Int) -> Bool {
        guard let handedOut = consumers[key].handedOut[range.sequence], let record = entries[range.sequence]?.record,
            handedOut.isWaiting, handedOut.uncut >= range.items.count
        else { return false }
        let isLast = handedOut.uncut == range.items.count
        consumers[key].handedOut.update(range.sequence) { handedOut in
            handedOut.uncut -= range.items.count
            handedOut.isWaiting = !isLast
        }
        consumers[key].backlog.waitingItems -= range.items.count
        if isLast {
            consumers[key].backlog.waitingRecords -= 1
            consumers[key].backlog.waitingBytes -= record.payload.count
        }
        return true
    }

    /// Undoes `take`.
    private mutating func giveBack(_ range: ItemRange, _ key: Int) {
        guard let record = entries[range.sequence]?.record else { return }
        let wasWaiting = consumers[key].handedOut.update(range.sequence) { handedOut in
            defer { handedOut.isWaiting = true }
            handedOut.uncut += range.items.count
            return handedOut.isWaiting
        }
        consumers[key].backlog.waitingItems += range.items.count
        guard !wasWaiting else { return }
        consumers[key].backlog.waitingRecords += 1
        consumers[key].backlog.waitingBytes += record.payload.count
    }

    private mutating func makeCut(_ key: Int, _ ranges: [ItemRange], itemCount: Int, progress: [UInt8]) -> Cut {
        cutsMade += 1
        let id = BatchID(high: epoch, low: cutsMade)
        let cut = Cut(id: id, ranges: ranges, itemCount: itemCount, progress: progress)
        consumers[key].cuts[id] = cut
        return cut
    }

    mutating func split(_ key: Int, _ id: BatchID, into parts: [[ItemRange]]) throws(LogError) -> [Cut] {
        guard let parent = consumers[key].cuts[id] else { throw LogError(.misuse, "batch \(id) is not open") }
        let counts = parts.map { $0.reduce(0) { $0 + $1.items.count } }
        guard counts.reduce(0, +) == parent.itemCount else {
            throw LogError(.misuse, "the parts of batch \(id) do not cover it")
        }
        consumers[key].cuts[id] = nil
        var children: [Cut] = []
        for (ranges, count) in zip(parts, counts) {
            children.append(makeCut(key, ranges, itemCount: count, progress: parent.progress))
        }
        return children
    }

    mutating func saveProgress(_ key: Int, _ id: BatchID, _ progress: [UInt8]) {
        consumers[key].cuts[id]?.progress = progress
    }

    mutating func done(_ key: Int, _ id: BatchID, _ outcome: CutOutcome) {
        guard let cut = consumers[key].cuts.removeValue(forKey: id) else { return }
        assert(outcome.itemCount == cut.itemCount, "the outcome of a batch accounts for each of its items")
        consumers[key].backlog.inFlightItems -= cut.itemCount
        consumers[key].backlog.totals.add(outcome)
        for range in cut.ranges {
            // An empty range names no item, and may outlive its record.
            guard consumers[key].handedOut[range.sequence] != nil else { continue }
            let left = consumers[key].handedOut.update(range.sequence) { handedOut in
                handedOut.unfinished -= range.items.count
                return handedOut.unfinished
            }
            guard left == 0 else { continue }
            consumers[key].handedOut.remove(range.sequence)
            release(range.sequence)
        }
    }

    var accounts: [String: ConsumerAccount] {
        var accounts: [String: ConsumerAccount] = [:]
        for consumer in openKeys.map({ consumers[$0] }) {
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
        var backlog = consumers[key].backlog
        let oldest = consumers[key].handedOut.first ?? consumers[key].cursor
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

extension MemoryLogState.Amount {
    fileprivate mutating func add(_ record: LogRecord) {
        records += 1
        items += record.itemCount
        bytes += record.payload.count
    }

    fileprivate mutating func remove(_ record: LogRecord) {
        records -= 1
        items -= record.itemCount
        bytes -= record.payload.count
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
