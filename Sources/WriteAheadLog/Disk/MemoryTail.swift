/// The newest committed records, kept in memory for the consumers that keep up: payload arrays are shared, not copied.
///
/// Bounded by payload bytes; what falls out of it is read from disk.
struct MemoryTail: Sendable {
    struct Entry: Sendable {
        var item: UInt64
        var payloadChecksum: UInt32
        var record: LogRecord

        var weight: UInt64 { UInt64(max(record.itemCount, 1)) }
    }

    private let bytesMax: Int
    private let budget: TailBudget?
    /// Bytes taken from the budget beyond the share that every log has.
    private var reservedBytes = 0
    private(set) var byteCount = 0
    /// Sequence of the first entry; of the next record when there is none.
    private(set) var firstSequence: UInt64
    private var entries: [Entry?] = []
    /// Entries before this index are gone.
    private var head = 0

    init(bytesMax: Int, budget: TailBudget? = nil, nextSequence: UInt64) {
        self.bytesMax = bytesMax
        self.budget = budget
        firstSequence = nextSequence
    }

    subscript(sequence: UInt64) -> Entry? {
        guard sequence >= firstSequence, sequence - firstSequence < UInt64(entries.count - head) else { return nil }
        return entries[head + Int(sequence - firstSequence)]
    }

    mutating func append(_ entry: Entry) {
        entries.append(entry)
        byteCount += entry.record.payload.count
        while head < entries.count, byteCount > bytesMax || !isWithinBudget() { removeFirst() }
    }

    /// Whether the budget has room for what is held; takes from it, or gives back, what has changed.
    private mutating func isWithinBudget() -> Bool {
        guard let budget else { return true }
        let needed = max(byteCount - budget.shareBytes, 0)
        if needed > reservedBytes {
            guard budget.reserve(needed - reservedBytes) else { return false }
        } else {
            budget.release(reservedBytes - needed)
        }
        reservedBytes = needed
        return true
    }

    /// Forgets the records whose items are all before `place`.
    mutating func removeEntries(before place: UInt64) {
        while head < entries.count, let entry = entries[head], entry.item + entry.weight <= place { removeFirst() }
        if reservedBytes > 0 { _ = isWithinBudget() }
    }

    mutating func removeAll() {
        while head < entries.count { removeFirst() }
        if reservedBytes > 0 { _ = isWithinBudget() }
    }

    private mutating func removeFirst() {
        guard let entry = entries[head] else { preconditionFailure("an entry of the tail is gone before its time") }
        entries[head] = nil
        head += 1
        firstSequence += 1
        byteCount -= entry.record.payload.count
        // Amortised: as many entries move as have gone since the last time.
        if head > 32, head * 2 > entries.count {
            entries.removeFirst(head)
            head = 0
        }
    }
}
