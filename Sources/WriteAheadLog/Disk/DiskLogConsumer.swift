import Synchronization

/// A reader of a `DiskLog`. Letting go of it closes it; a durable one keeps its place.
final class DiskLogConsumer: LogConsumer {
    let log: DiskLog
    let name: String
    private let isDurable: Bool
    let recoveredCuts: [Cut]
    /// What reads ahead for `next`; held while it reads, which only `next` does.
    let reading = Mutex(DiskReading())

    init(log: DiskLog, name: String, options: ConsumerOptions) throws(LogError) {
        self.log = log
        self.name = name
        isDurable = options.isDurable
        let (floor, cuts) = try log.state.withLock { (state) throws(LogError) in
            try state.open(name, options)
        }
        recoveredCuts = cuts
        log.wakeUp.signal()
        if options.isDurable {
            let cursor = try log.locate(item: floor)
            log.state.withLock { state in
                state.openConsumers[name]?.cursor = cursor
                // What came before the oldest record that is left cannot be had any more.
                if floor < cursor.item { state.lose(floor..<cursor.item, of: name) }
            }
        }
    }

    deinit {
        let waiter = log.state.withLock { state in
            let waiter = state.openConsumers[name]?.takeWaiter()
            state.openConsumers[name] = nil
            state.trimTail()
            return waiter
        }
        waiter?.resume()
    }

    func waitForRecords(items: Int, bytes: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumed = log.state.withLock { state -> [CheckedContinuation<Void, Never>] in
                    // The previous waiter, if any, gets up: one task at a time waits.
                    let previous = state.openConsumers[name]?.takeWaiter()
                    // A task cancelled before this point has run its handler already, and found nobody to wake.
                    guard !state.isClosed, !Task.isCancelled, let consumer = state.openConsumers[name],
                        !consumer.hasNews(items: items, bytes: bytes, end: state.committed)
                    else { return [previous, continuation].compactMap { $0 } }
                    state.openConsumers[name]!.wait(
                        OpenConsumer.Waiter(continuation: continuation, items: items, bytes: bytes))
                    return [previous].compactMap { $0 }
                }
                for waiter in resumed { waiter.resume() }
            }
        } onCancel: {
            let waiter = log.state.withLock { $0.openConsumers[name]?.takeWaiter() }
            waiter?.resume()
        }
    }

    // MARK: Cuts

    func cut(_ ranges: [ItemRange]) async throws(LogError) -> Cut {
        let (open, taken) = try log.state.withLock { (state) throws(LogError) in
            try state.prepareCut(of: name, ranges, epoch: log.epoch)
        }
        guard isDurable else {
            log.state.withLock { _ = $0.updatePlace(of: name) { $0.open(open) } }
            return open.cut
        }
        do {
            try await log.commit(.cut(name, open))
        } catch {
            log.state.withLock { state in
                state.openConsumers[name]?.cutting[open.id] = nil
                for part in taken.reversed() { state.openConsumers[name]?.giveBack(part) }
            }
            throw error
        }
        return open.cut
    }

    func split(_ id: BatchID, into parts: [[ItemRange]]) async throws(LogError) -> [Cut] {
        let children = try log.state.withLock { (state) throws(LogError) in
            try state.prepareSplit(of: name, id, into: parts)
        }
        if isDurable {
            try await log.commit(.split(name, id, children))
        } else {
            log.state.withLock { _ = $0.updatePlace(of: name) { $0.split(id, into: children) } }
        }
        return children.map(\.cut)
    }

    func saveProgress(_ id: BatchID, _ progress: [UInt8]) {
        write(.progress(name, id, progress)) { [name] state in
            _ = state.updatePlace(of: name) { $0.saveProgress(id, progress) }
        }
    }

    func done(_ id: BatchID, outcome: CutOutcome) {
        write(.done(name, id, outcome)) { [name] state in
            _ = state.updatePlace(of: name) { $0.finish(id, outcome) }
            state.trimTail()
        }
    }

    /// Makes `change`, and hands its record to the writer. Nobody waits for that: a closed log does not need it, and a lost
    /// one only means that a batch is sent again.
    private func write(_ record: ControlRecord, with change: (inout DiskLogState) -> Void) {
        if isDurable {
            _ = log.enqueue(PendingRecord(record, effect: .none), with: change)
        } else {
            log.state.withLock { change(&$0) }
        }
    }

    var backlog: ConsumerBacklog { log.state.withLock { $0.backlog(of: name) } }

    func holds(_ range: ItemRange) -> Bool {
        log.state.withLock { $0.openConsumers[name]?.holds(range) ?? false }
    }

    func isOpen(_ id: BatchID) -> Bool {
        log.state.withLock { state in
            guard let consumer = state.openConsumers[name] else { return false }
            return state.place(of: name, consumer).cuts[id] != nil
        }
    }
}

extension DiskLogState {
    /// Opens a consumer. Returns where it starts, and its open cuts. One that the log did not know is on record before
    /// anything that is appended from now on.
    fileprivate mutating func open(
        _ name: String, _ options: ConsumerOptions
    ) throws(LogError) -> (floor: UInt64, cuts: [Cut]) {
        if isClosing { throw LogError(.closed, "the log is closed") }
        if openConsumers[name] != nil { throw LogError(.inUse, "the consumer \(name) is open already") }
        openConsumers[name] = OpenConsumer(options: options, cursor: committed)
        guard options.isDurable else { return (committed.item, []) }
        seenConsumers.insert(name)
        if let place = places[name] { return (place.covered.floor, place.cutsByAge.map(\.cut)) }
        // When control records were lost, it may have been known: what it had is then all that is left.
        let floor = historyIsComplete ? committed.item : oldest.item
        let place = ConsumerPlace(floor: floor)
        places[name] = place
        openings[name] = AccountOpening(place: place, end: committed.item, waiting: Int(committed.item - floor))
        let record = PendingRecord(.consumer(name, floor: floor), effect: .none)
        pending.append(record)
        pendingBytes += record.byteCount
        return (floor, [])
    }

    /// Takes `ranges` out of what the consumer was handed, and makes a cut of them.
    fileprivate mutating func prepareCut(
        of name: String, _ ranges: [ItemRange], epoch: UInt64
    ) throws(LogError) -> (cut: OpenCut, taken: [OpenConsumer.Taken]) {
        guard !ranges.isEmpty, openConsumers[name] != nil else { throw LogError(.misuse, "a cut of nothing") }
        var taken: [OpenConsumer.Taken] = []
        var hasher = BatchIDHasher()
        hasher.combine(epoch)
        hasher.combine(name)
        for range in ranges {
            guard let part = openConsumers[name]!.take(range) else {
                for part in taken.reversed() { openConsumers[name]!.giveBack(part) }
                throw LogError(.misuse, "items \(range.items) of record \(range.sequence) are not in hand")
            }
            taken.append(part)
            hasher.combine(range.sequence)
            hasher.combine(UInt64(range.items.lowerBound) << 32 | UInt64(range.items.upperBound))
            hasher.combine(UInt64(part.record.payloadChecksum))
        }
        let oldest = taken.map(\.record.receivedAt).min() ?? 0
        let cut = OpenCut(id: hasher.id, ranges: taken.map(\.placed), oldestReceivedAt: oldest)
        if openConsumers[name]!.isDurable { openConsumers[name]!.cutting[cut.id] = cut.itemCount }
        return (cut, taken)
    }

    /// The cuts that replace an open one. Their ids come from its id and their ranges.
    fileprivate func prepareSplit(
        of name: String, _ id: BatchID, into parts: [[ItemRange]]
    ) throws(LogError) -> [OpenCut] {
        guard let consumer = openConsumers[name], let parent = place(of: name, consumer).cuts[id] else {
            throw LogError(.misuse, "batch \(id) is not open")
        }
        var rest = parent.ranges
        var children: [OpenCut] = []
        for part in parts {
            var hasher = BatchIDHasher()
            hasher.combine(id.high)
            hasher.combine(id.low)
            var ranges: [PlacedRange] = []
            for range in part {
                guard let placed = rest.take(range) else {
                    throw LogError(.misuse, "items \(range.items) of record \(range.sequence) are not in batch \(id)")
                }
                ranges.append(placed)
                hasher.combine(range.sequence)
                hasher.combine(UInt64(range.items.lowerBound) << 32 | UInt64(range.items.upperBound))
            }
            children.append(
                OpenCut(
                    id: hasher.id, ranges: ranges, oldestReceivedAt: parent.oldestReceivedAt,
                    progress: parent.progress))
        }
        guard rest.isEmpty, children.allSatisfy({ !$0.ranges.isEmpty }) else {
            throw LogError(.misuse, "the parts of batch \(id) do not cover it")
        }
        return children
    }

    fileprivate func backlog(of name: String) -> ConsumerBacklog {
        var backlog = ConsumerBacklog()
        guard let consumer = openConsumers[name] else { return backlog }
        let place = place(of: name, consumer)
        backlog.waitingRecords = Int(committed.sequence - consumer.cursor.sequence) + consumer.handedOut.count
        backlog.waitingItems = waitingItems(place, consumer)
        backlog.waitingBytes = Int(committed.byte - min(committed.byte, consumer.cursor.byte)) + consumer.handedOutBytes
        backlog.inFlightItems = place.inFlightItems
        backlog.skippedItems = place.skippedItems
        backlog.evictedItems = place.evictedItems
        backlog.expiredItems = place.expiredItems
        backlog.lostItems = place.lostItems
        backlog.totals = place.totals
        var oldest = place.cuts.values.map(\.oldestReceivedAt).min() ?? .max
        oldest = min(oldest, consumer.handedOut.values.map(\.receivedAt).min() ?? .max)
        if let entry = tail[consumer.cursor.sequence] {
            oldest = min(oldest, entry.record.receivedAtUnixNanos)
        } else if let next = consumer.nextReceivedAt, next.sequence == consumer.cursor.sequence {
            oldest = min(oldest, next.time)
        } else if consumer.cursor.sequence < committed.sequence {
            // Its record is on disk; no record of its segment is older than this.
            oldest = min(
                oldest, segmentIndex(for: consumer.cursor.sequence).map { segments[$0].oldestReceivedAt } ?? .max)
        }
        backlog.oldestReceivedAtUnixNanos = oldest == .max ? nil : oldest
        return backlog
    }
}

extension [PlacedRange] {
    /// Takes `range` out of the one that holds it whole.
    fileprivate mutating func take(_ range: ItemRange) -> PlacedRange? {
        guard
            let index = firstIndex(where: {
                $0.sequence == range.sequence && $0.items.lowerBound <= range.items.lowerBound
                    && range.items.upperBound <= $0.items.upperBound
            })
        else { return nil }
        let whole = self[index]
        if whole.items == range.items { return remove(at: index) }
        func part(_ items: Range<Int>) -> PlacedRange {
            let start = whole.span.lowerBound + UInt64(items.lowerBound - whole.items.lowerBound)
            return PlacedRange(sequence: whole.sequence, items: items, span: start..<start + UInt64(items.count))
        }
        let rest = [
            whole.items.lowerBound..<range.items.lowerBound, range.items.upperBound..<whole.items.upperBound,
        ]
        replaceSubrange(index...index, with: rest.filter { !$0.isEmpty }.map(part))
        return part(range.items)
    }
}
