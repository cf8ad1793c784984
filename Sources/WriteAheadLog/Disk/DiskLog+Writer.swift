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

    var committed: LogPosition { state.withLock { $0.committed } }
    var lowWater: UInt64 { state.withLock { $0.lowWater } }
    var fileBytes: Int { state.withLock { $0.fileBytes } }

    /// The newest segment; nil when there is none.
    var lastSegment: Segment? { state.withLock { $0.segments.last } }
    var hasData: Bool { state.withLock { state in state.segments.contains { !$0.isEmpty } } }

    /// The file of a segment was cut.
    func cut(_ number: UInt64, to byteCount: Int) {
        state.withLock { state in
            guard let index = state.segmentIndex(number: number) else { return }
            state.fileBytes -= state.segments[index].fileByteCount - byteCount
            state.segments[index].fileByteCount = byteCount
        }
    }

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
            for record in group {
                sequences.append(state.committed.sequence)
                if record.isData {
                    state.publish(record.content, checksum: record.checksum)
                    oldest = min(oldest, record.content.receivedAtUnixNanos)
                } else if case .apply(let control, _) = record.effect {
                    control.apply(to: &state.places, floor: state.oldest.item)
                    state.reopenAccounts(after: control)
                }
            }
            let last = state.segments.count - 1
            state.segments[last].end = state.committed
            state.segments[last].endOffset = endOffset
            state.segments[last].oldestReceivedAt = min(state.segments[last].oldestReceivedAt, oldest)
            state.trimTail()
            let hasData = oldest != .max || group.contains { $0.isData }
            let hasRecovered = hasData && state.fault != nil
            if hasRecovered { state.fault = nil }
            return (sequences, hasData ? state.takeWaiters() : [], hasRecovered)
        }
        for waiter in waiters { waiter.resume() }
        for (record, sequence) in zip(group, sequences) {
            switch record.effect {
            case .append(let completion): completion(.success(sequence))
            case .apply(_, let completion): completion(.success(()))
            case .none: break
            }
        }
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

    /// Makes the oldest segment free that only consumers hold which may be skipped: volatile ones, and durable ones
    /// that nobody has opened since the log was. False when there is none, or an open consumer needs it.
    func evictOldestSegment() -> Bool {
        let (isFree, evictions) = state.withLock { state -> (Bool, [DiskLogEvent]) in
            guard let segment = state.segments.dropLast().first(where: { !$0.isEmpty }) else { return (false, []) }
            let end = segment.end.item
            let isNeeded = state.seenConsumers.contains { (state.places[$0]?.lowWater ?? .max) < end }
            if isNeeded { return (false, []) }
            var evictions: [DiskLogEvent] = []
            for name in state.places.keys.sorted() where !state.seenConsumers.contains(name) {
                let items = state.places[name]!.skip(to: end)
                if items == 0 { continue }
                state.ledger.evictedItems += items
                evictions.append(.evicted(consumer: name, items: items))
            }
            state.skipVolatile(to: segment.end)
            return (true, evictions)
        }
        for eviction in evictions { report(eviction) }
        return isFree
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
