/// A consumer that is open: where it reads, and what it has in hand.
struct OpenConsumer: Sendable {
    /// A record that was handed out and is not cut completely.
    struct HandedOut: Sendable {
        var item: UInt64
        var itemCount: Int
        var byteCount: Int
        var payloadChecksum: UInt32
        var receivedAt: UInt64
        /// Items not cut yet; one empty range for a record without items.
        var rest: [Range<Int>]
    }

    /// Items taken out of a record that is handed out.
    struct Taken: Sendable {
        var placed: PlacedRange
        /// As it was before.
        var record: HandedOut
    }

    /// A task that sleeps until this much is there to be handed out.
    struct Waiter: Sendable {
        var continuation: CheckedContinuation<Void, Never>
        var items: Int
        var bytes: Int
    }

    var isDurable: Bool
    var limit: ConsumerLimit?
    /// The next record to hand out.
    var cursor: LogPosition
    /// Sequence and receive time of the record at the cursor, when it was met on disk.
    var nextReceivedAt: (sequence: UInt64, time: UInt64)?
    var handedOut: [UInt64: HandedOut] = [:]
    var handedOutItems = 0
    var handedOutBytes = 0
    /// Items of cuts that are on their way to the disk, and in nobody's hands.
    var cutting: [BatchID: Int] = [:]
    /// The place of a volatile consumer; not used for a durable one.
    var volatilePlace: ConsumerPlace
    /// What the account of a volatile consumer starts from.
    let opening: AccountOpening
    /// Of a volatile consumer with a limit: weight, items and bytes of each record from the cursor on.
    private var queue: [(weight: UInt64, items: Int, bytes: Int)] = []
    private var queueHead = 0
    private var queueBytes = 0
    private var waiter: Waiter?

    init(options: ConsumerOptions, cursor: LogPosition) {
        isDurable = options.isDurable
        limit = options.limit
        self.cursor = cursor
        volatilePlace = ConsumerPlace(floor: cursor.item)
        opening = AccountOpening(place: volatilePlace, end: cursor.item, waiting: 0)
    }

    /// Whether a task that waits for this much need not wait, in a log that ends at `end`.
    func hasNews(items: Int, bytes: Int, end: LogPosition) -> Bool {
        guard cursor.sequence < end.sequence else { return false }
        return end.item >= cursor.item + UInt64(items) || end.byte >= cursor.byte + UInt64(bytes)
    }

    /// Nobody may be waiting.
    mutating func wait(_ waiter: Waiter) {
        precondition(self.waiter == nil, "a waiting task would never get up")
        self.waiter = waiter
    }

    var hasWaiter: Bool { waiter != nil }

    mutating func takeWaiter() -> CheckedContinuation<Void, Never>? { waiter.take()?.continuation }

    /// The waiting task, if the records before `end` are enough for it.
    mutating func takeWaiter(end: LogPosition) -> CheckedContinuation<Void, Never>? {
        guard let waiter, hasNews(items: waiter.items, bytes: waiter.bytes, end: end) else { return nil }
        return takeWaiter()
    }

    /// Takes note of a new record, and skips the oldest ones that wait when the limit is passed.
    mutating func admit(_ entry: MemoryTail.Entry) {
        let bytes = entry.record.payload.count
        queue.append((entry.weight, entry.record.itemCount, bytes))
        queueBytes += bytes
        let end = entry.item + entry.weight
        while queueHead < queue.count, isOverLimit(end: end) { skipFirst() }
    }

    private func isOverLimit(end: UInt64) -> Bool {
        let records = queue.count - queueHead + handedOut.count
        // A record larger than the limit is taken when nothing else waits; it could never be taken otherwise.
        guard let limit, records > 1 else { return false }
        switch limit {
        case .records(let count): return records > count
        case .items(let count): return Int(end - cursor.item) + handedOutItems > count
        case .bytes(let count): return queueBytes + handedOutBytes > count
        }
    }

    private mutating func skipFirst() {
        let first = queue[queueHead]
        let span = cursor.item..<cursor.item + first.weight
        volatilePlace.covered.insert(span)
        volatilePlace.skippedItems += first.items
        advance(weight: first.weight, bytes: first.bytes)
    }

    /// Moves the cursor over one record.
    mutating func advance(weight: UInt64, bytes: Int) {
        cursor.sequence += 1
        cursor.item += weight
        cursor.byte += UInt64(bytes)
        popQueue(1)
    }

    /// Skips what waits before `end`, if anything does.
    mutating func skip(to end: LogPosition) {
        guard cursor.sequence < end.sequence else { return }
        volatilePlace.covered.insert(cursor.item..<end.item)
        volatilePlace.skippedItems += Int(end.item - cursor.item)
        popQueue(Int(end.sequence - cursor.sequence))
        cursor = end
    }

    /// Lets go of everything before `end`: the log takes it back.
    mutating func giveWay(to end: LogPosition) {
        for (sequence, record) in handedOut where sequence < end.sequence {
            handedOutItems -= record.rest.reduce(0) { $0 + $1.count }
            handedOutBytes -= record.byteCount
            handedOut[sequence] = nil
        }
        move(to: end)
    }

    func holds(_ range: ItemRange) -> Bool {
        handedOut[range.sequence]?.rest.contains {
            $0.lowerBound <= range.items.lowerBound && range.items.upperBound <= $0.upperBound
        } ?? false
    }

    /// Moves the cursor to `position`, past records that are handed out, done already, or lost.
    mutating func move(to position: LogPosition) {
        guard position.sequence > cursor.sequence else { return }
        popQueue(Int(position.sequence - cursor.sequence))
        cursor = position
    }

    private mutating func popQueue(_ count: Int) {
        let end = min(queueHead + count, queue.count)
        queueBytes -= queue[queueHead..<end].reduce(0) { $0 + $1.bytes }
        queueHead = end
        if queueHead > 32, queueHead * 2 > queue.count {
            queue.removeFirst(queueHead)
            queueHead = 0
        }
    }

    mutating func handOut(_ record: StoredRecord, item: UInt64, checksum: UInt32) {
        handedOutItems += record.items.count
        if handedOut[record.sequence] == nil {
            handedOutBytes += record.payload.count
            handedOut[record.sequence] = HandedOut(
                item: item, itemCount: record.itemCount, byteCount: record.payload.count, payloadChecksum: checksum,
                receivedAt: record.receivedAtUnixNanos, rest: [record.items])
        } else {
            handedOut[record.sequence]!.rest.append(record.items)
        }
    }

    /// Takes `range` out of what is handed out. Nil when it is not there whole.
    mutating func take(_ range: ItemRange) -> Taken? {
        guard let record = handedOut[range.sequence],
            let index = record.rest.firstIndex(where: {
                $0.lowerBound <= range.items.lowerBound && range.items.upperBound <= $0.upperBound
            })
        else { return nil }
        let rest = record.rest[index]
        var parts: [Range<Int>] = []
        if rest.lowerBound < range.items.lowerBound { parts.append(rest.lowerBound..<range.items.lowerBound) }
        if range.items.upperBound < rest.upperBound { parts.append(range.items.upperBound..<rest.upperBound) }
        handedOut[range.sequence]!.rest.replaceSubrange(index...index, with: parts)
        handedOutItems -= range.items.count
        if handedOut[range.sequence]!.rest.isEmpty {
            handedOutBytes -= record.byteCount
            handedOut[range.sequence] = nil
        }
        let start = record.item + UInt64(range.items.lowerBound)
        let length = record.itemCount == 0 ? 1 : UInt64(range.items.count)
        let placed = PlacedRange(sequence: range.sequence, items: range.items, span: start..<start + length)
        return Taken(placed: placed, record: record)
    }

    /// Undoes `take`.
    mutating func giveBack(_ taken: Taken) {
        let sequence = taken.placed.sequence
        handedOutItems += taken.placed.items.count
        if handedOut[sequence] == nil {
            handedOut[sequence] = taken.record
            handedOut[sequence]!.rest = []
            handedOutBytes += taken.record.byteCount
        }
        handedOut[sequence]!.rest.append(taken.placed.items)
        handedOut[sequence]!.rest = joined(handedOut[sequence]!.rest)
    }

    private func joined(_ ranges: [Range<Int>]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, last.upperBound == range.lowerBound {
                result[result.count - 1] = last.lowerBound..<range.upperBound
            } else {
                result.append(range)
            }
        }
        return result
    }
}
