import Synchronization

/// What the writer asks of the log, and tells it. Called on the writer's thread.
extension DiskLog {
    enum Work {
        /// Records to write, and the place before which everything is done once they are durable.
        case records([PendingRecord], lowWater: UInt64)
        case idle
        case close
    }

    func takeWork() -> Work {
        state.withLock { state in
            if state.pending.isEmpty { return state.isClosing ? .close : .idle }
            let records = state.pending
            state.pending = []
            state.pendingBytes = 0
            return .records(records, lowWater: state.lowWater)
        }
    }

    /// Takes records back from the writer, to hand them to it first.
    func putBack(_ records: [PendingRecord]) {
        state.withLock { state in
            state.pending.insert(contentsOf: records, at: 0)
            state.pendingBytes += records.reduce(0) { $0 + $1.byteCount }
        }
    }

    /// Whether room could be made if it were not for cuts that are on their way to the disk.
    var waitsForCuts: Bool {
        configuration.onFull == .evictOldest
            && state.withLock { state in state.openConsumers.values.contains { !$0.cutting.isEmpty } }
    }

    var committed: LogPosition { state.withLock { $0.committed } }
    var lowWater: UInt64 { state.withLock { $0.lowWater } }
    var fileBytes: Int { state.withLock { $0.fileBytes } }

    /// The newest segment; nil when there is none.
    var lastSegment: Segment? { state.withLock { $0.segments.last } }
    var placeCount: Int { state.withLock { $0.places.count } }
    var hasData: Bool { state.withLock { state in state.segments.contains { !$0.isEmpty } } }

    /// The file of a segment was cut.
    func cut(_ number: UInt64, to byteCount: Int) {
        state.withLock { state in
            guard let index = state.segmentIndex(number: number) else { return }
            state.fileBytes -= state.segments[index].fileByteCount - byteCount
            state.segments[index].fileByteCount = byteCount
        }
    }

    func note(reserveBytes: Int) { state.withLock { $0.reserveBytes = reserveBytes } }

    func addFileBytes(_ count: Int) {
        state.withLock { $0.fileBytes += count }
    }

    /// The state that the next segment opens with, where it starts, and what of the log can go once it is durable.
    func checkpoint() -> (payload: [UInt8], first: LogPosition, lowWater: UInt64) {
        let (checkpoint, first, lowWater) = state.withLock { state in
            state.missing.forget(before: state.oldest)
            let checkpoint = Checkpoint(ledger: state.ledger, missing: state.missing, places: state.places)
            return (checkpoint, state.committed, state.lowWater)
        }
        return (checkpoint.encoded(), first, lowWater)
    }

    func add(_ segment: Segment) {
        state.withLock { $0.segments.append(segment) }
    }

    func segment(_ number: UInt64) -> Segment? {
        state.withLock { state in state.segmentIndex(number: number).map { state.segments[$0] } }
    }

    func endSegment(_ number: UInt64, at offset: Int) {
        state.withLock { state in
            guard let index = state.segmentIndex(number: number) else { return }
            state.segments[index].endOffset = offset
        }
    }

    /// Makes a committed group visible, then tells those who wait, in order.
    func publish(_ group: [PendingRecord], endOffset: Int, latencyNanos: UInt64, bytes: Int) {
        let (sequences, waiters, hasRecovered) = state.withLock { state in
            var sequences: [UInt64] = []
            var oldest = UInt64.max
            var newest: UInt64 = 0
            for record in group {
                sequences.append(state.committed.sequence)
                if record.isData {
                    state.publish(record.content, checksum: record.checksum)
                    oldest = min(oldest, record.content.receivedAtUnixNanos)
                    newest = max(newest, record.content.receivedAtUnixNanos)
                } else if case .apply(let control, _) = record.effect {
                    control.apply(to: &state.places, floor: state.oldest.item)
                    if case .cut(let name, let cut) = control { state.openConsumers[name]?.cutting[cut.id] = nil }
                    state.reopenAccounts(after: control)
                }
            }
            let last = state.segments.count - 1
            state.segments[last].end = state.committed
            state.segments[last].endOffset = endOffset
            state.segments[last].oldestReceivedAt = min(state.segments[last].oldestReceivedAt, oldest)
            state.segments[last].newestReceivedAt = max(state.segments[last].newestReceivedAt, newest)
            state.trimTail()
            let hasData = oldest != .max || group.contains { $0.isData }
            let hasRecovered = hasData && state.fault != nil
            if hasRecovered { state.fault = nil }
            return (sequences, hasData ? state.takeWaiters() : [], hasRecovered)
        }
        for (record, sequence) in zip(group, sequences) {
            switch record.effect {
            case .append(let completion): completion(.success(sequence))
            case .apply(_, let completion): completion(.success(()))
            case .none: break
            }
        }
        // After the clients' answers: what is woken here has more to do than they.
        for waiter in waiters { waiter.resume() }
        if hasRecovered { report(.recovered) }
        report(.committed(latencyNanos: latencyNanos, records: group.count, bytes: bytes))
    }

    func refuse(_ group: [PendingRecord], _ error: LogError) {
        note(fault: error)
        let items = group.reduce(0) { $0 + $1.content.itemCount }
        if items > 0 { state.withLock { $0.ledger.refusedItems += items } }
        for record in group { record.refuse(error) }
    }

    func note(fault: LogError) {
        let isNew = state.withLock { state in
            defer { state.fault = fault }
            return state.fault?.code != fault.code
        }
        if isNew { report(.faulted(fault)) }
    }

    // MARK: Space

    func hasReleasable(below place: UInt64) -> Bool {
        state.withLock { state in state.segments.dropLast().contains { $0.isEmpty || $0.end.item <= place } }
    }

    /// Takes the segments out of the index that nobody needs; volatile consumers that have not read them skip them.
    func takeReleasable(below place: UInt64) -> [Segment] {
        state.withLock { state in
            let released = state.segments.dropLast().filter { $0.isEmpty || $0.end.item <= place }
            let numbers = Set(released.map(\.number))
            state.segments.removeAll { numbers.contains($0.number) }
            if let last = released.last(where: { !$0.isEmpty }) { state.skipVolatile(to: last.end) }
            state.trimTail()
            // If it is not enough, the next record says so again.
            if state.fault?.code == .full { state.fault = nil }
            return released
        }
    }

    /// Makes the oldest segment free, if those that still need it give way: volatile consumers, and durable ones that
    /// nobody has opened since the log was; with `evict_oldest` all others too. False when nothing was made free.
    func evictOldestSegment() -> Bool {
        let oldest = state.withLock { state in state.segments.dropLast().first { !$0.isEmpty }?.end }
        guard let oldest else { return false }
        return giveWay(to: oldest, .evicted, mayTakeFromOpen: configuration.onFull == .evictOldest)
    }

    /// Where the last segment ends whose records were all received before `time`; nil when there is none.
    func endOfSegments(receivedBefore time: UInt64) -> LogPosition? {
        state.withLock { state in
            state.segments.dropLast().prefix { $0.isEmpty || $0.newestReceivedAt < time }.last { !$0.isEmpty }?.end
        }
    }

    /// Takes everything before `end` from all consumers, and counts it.
    ///
    /// - Parameter mayTakeFromOpen: whether durable consumers that somebody has opened give way as well. Not while a cut
    ///   is on its way to the disk: its items are in nobody's hands.
    /// - Returns: false when somebody needs it who does not give way.
    func giveWay(to end: LogPosition, _ reason: GiveWayReason, mayTakeFromOpen: Bool) -> Bool {
        let drops = state.withLock { state -> [DiskLogEvent]? in
            let needing = state.seenConsumers.filter { (state.places[$0]?.lowWater ?? .max) < end.item }
            for name in needing {
                guard mayTakeFromOpen, state.openConsumers[name]?.cutting.isEmpty ?? true else { return nil }
            }
            var drops: [DiskLogEvent] = []
            for name in state.places.keys.sorted() {
                if state.openConsumers[name]?.isDurable == true { state.openConsumers[name]!.giveWay(to: end) }
                let items = state.places[name]!.giveWay(to: end.item, reason)
                if items == 0 { continue }
                switch reason {
                case .evicted: state.ledger.evictedItems += items
                case .expired: state.ledger.expiredItems += items
                }
                drops.append(.dropped(consumer: name, items: items, reason))
            }
            state.skipVolatile(to: end)
            return drops
        }
        for drop in drops ?? [] { report(drop) }
        return drops != nil
    }

    // MARK: Damage

    /// Counts records that cannot be read, once, and sets a copy of their bytes aside.
    func noteDamage(_ region: DamagedRegion, segment number: UInt64?) {
        let (lost, segment) = state.withLock { state in
            (state.lose(region), number.flatMap { state.segmentIndex(number: $0) }.map { state.segments[$0] })
        }
        // A region without data records held control records; it is met once, at start.
        guard lost.records > 0 || region.sequences.isEmpty else { return }
        if let segment { quarantine.copy(region.offsets, of: segment) }
        let file = number.map { path(Segment.fileName($0)) } ?? configuration.directory
        report(.damaged(file: file, records: lost.records, items: lost.items))
    }
}
