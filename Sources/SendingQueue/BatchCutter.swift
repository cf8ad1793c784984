import Component
import WriteAheadLog

/// Items of records that make the next batch, not cut from the log yet.
struct PlannedBatch: Sendable {
    enum Trigger: Sendable, Hashable {
        case size
        case timeout
        /// No batching, or everything is to go out at shutdown.
        case none
    }

    /// In log order; `items` of each is what the batch takes.
    var records: [StoredRecord]
    var itemCount: Int
    var trigger: Trigger

    var ranges: [ItemRange] { records.map { ItemRange(sequence: $0.sequence, items: $0.items) } }

    /// What `isKept` says is left of it; nil when nothing is.
    func keeping(_ isKept: (ItemRange) -> Bool) -> PlannedBatch? {
        var batch = self
        batch.records = records.filter { isKept(ItemRange(sequence: $0.sequence, items: $0.items)) }
        batch.itemCount = batch.records.reduce(0) { $0 + $1.items.count }
        return batch.records.isEmpty ? nil : batch
    }
}

/// Groups records into batches by size and age. Partitions are never mixed. No I/O, no clock.
struct BatchCutter: Sendable {
    private struct Partition {
        var id: UInt64
        /// Each with its time of arrival here; `items` is what no batch has taken yet.
        var records: [(record: StoredRecord, arrivedAt: Duration)] = []
        var itemCount = 0
        var payloadBytes = 0
    }

    /// Payload bytes held before the fullest partition is sent although it is neither full nor due.
    private static let heldBytesMax = 64 << 20
    /// Payload bytes of all batches in flight that are larger than the settings say because of a backlog. On its way
    /// out a batch takes some five times its payload.
    static let backlogBytesInFlightMax = 24 << 20
    /// Payload bytes of one of them. Larger ones fall out of the processor's caches, and cost more for each item.
    static let backlogBatchBytesMax = 6 << 20

    private let settings: BatchSettings?
    /// Payload bytes of one such batch.
    private let backlogBytesMax: Int
    /// In order of their oldest record.
    private var partitions: [Partition] = []
    private(set) var recordCount = 0
    private var heldBytes = 0

    /// - Parameters:
    ///   - settings: nil: each record is a batch of its own.
    ///   - batchesInFlightMax: batches that are sent at once.
    init(settings: BatchSettings?, batchesInFlightMax: Int = 1) {
        self.settings = settings
        backlogBytesMax = min(Self.backlogBatchBytesMax, Self.backlogBytesInFlightMax / max(1, batchesInFlightMax))
    }

    /// Items of one partition that would make a batch now; 0 when any record, or none, changes what is to be done.
    var missingItems: Int {
        guard let settings, settings.sendBatchSize > 0, settings.timeout > .zero,
            let most = partitions.map(\.itemCount).max()
        else { return 0 }
        return max(settings.sendBatchSize - most, 0)
    }

    /// Bytes that may come before the fullest partition is sent for its size.
    var missingBytes: Int { max(Self.heldBytesMax - heldBytes, 0) }

    var itemCount: Int { partitions.reduce(0) { $0 + $1.itemCount } }
    var isEmpty: Bool { recordCount == 0 }

    mutating func add(_ record: StoredRecord, now: Duration) {
        recordCount += 1
        heldBytes += record.payload.count
        let index = partitions.firstIndex { $0.id == record.partition } ?? partitions.count
        if index == partitions.count { partitions.append(Partition(id: record.partition)) }
        partitions[index].records.append((record, now))
        partitions[index].itemCount += record.items.count
        partitions[index].payloadBytes += record.payload.count
    }

    /// When the next waiting batch is due although it is not full; nil when nothing waits.
    var deadline: Duration? {
        guard let settings else { return nil }
        return partitions.compactMap { $0.records.first.map { $0.arrivedAt + settings.timeout } }.min()
    }

    /// Whether more records would make the batch larger that `next` cuts for an exporter that prefers batches of
    /// `backlogItems`.
    func wantsMore(backlogItems: Int?) -> Bool {
        backlogItems.map { itemCount < $0 && heldBytes < backlogBytesMax } ?? false
    }

    /// The next batch that is full or due, or with `flush` any. Nil: more records, or time, are needed.
    ///
    /// - Parameter backlogItems: what the exporter prefers while much waits: a partition that holds two batches or more
    ///   gives so many items at once, within its share of `backlogBytesInFlightMax`.
    mutating func next(now: Duration, flush: Bool = false, backlogItems: Int? = nil) -> PlannedBatch? {
        guard let settings else {
            if partitions.isEmpty { return nil }
            return take(0, itemsMin: backlogItems ?? 0, itemsMax: 0, bytesMax: backlogBytesMax, trigger: .none)
        }
        for index in partitions.indices {
            guard let trigger = trigger(partitions[index], settings: settings, now: now, flush: flush) else { continue }
            let usual = max(settings.sendBatchSize, settings.sendBatchMaxSize)
            if let backlogItems, backlogItems > usual, partitions[index].itemCount / 2 >= usual {
                return take(
                    index, itemsMin: backlogItems, itemsMax: backlogItems, bytesMax: backlogBytesMax,
                    usualItems: usual, trigger: trigger)
            }
            return take(
                index, itemsMin: settings.sendBatchSize == 0 ? .max : settings.sendBatchSize,
                itemsMax: settings.sendBatchMaxSize, trigger: trigger)
        }
        guard heldBytes > Self.heldBytesMax,
            let fullest = partitions.indices.max(by: { partitions[$0].payloadBytes < partitions[$1].payloadBytes })
        else { return nil }
        return take(fullest, itemsMin: .max, itemsMax: settings.sendBatchMaxSize, trigger: .size)
    }

    private func trigger(
        _ partition: Partition, settings: BatchSettings, now: Duration, flush: Bool
    ) -> PlannedBatch.Trigger? {
        if settings.sendBatchSize > 0, partition.itemCount >= settings.sendBatchSize { return .size }
        // Without a size or without a time to wait, whatever is there goes out at once.
        if settings.sendBatchSize == 0 || settings.timeout <= .zero { return .size }
        if let oldest = partition.records.first, oldest.arrivedAt + settings.timeout <= now { return .timeout }
        return flush ? PlannedBatch.Trigger.none : nil
    }

    /// Takes whole records until `itemsMin` items are there, and splits the last one at `itemsMax` (0: no bound). One
    /// that would exceed `bytesMax` is taken only as the first, or while there are fewer than `usualItems`.
    private mutating func take(
        _ index: Int, itemsMin: Int, itemsMax: Int, bytesMax: Int = .max, usualItems: Int = 0,
        trigger: PlannedBatch.Trigger
    ) -> PlannedBatch {
        var batch = PlannedBatch(records: [], itemCount: 0, trigger: trigger)
        var partition = partitions[index]
        var used = 0
        var byteCount = 0
        while used < partition.records.count {
            var record = partition.records[used].record
            byteCount += record.payload.count
            if used > 0, byteCount > bytesMax, batch.itemCount >= usualItems { break }
            let room = itemsMax > 0 ? itemsMax - batch.itemCount : .max
            if record.items.count > room {
                let middle = record.items.lowerBound + room
                partition.records[used].record.items = middle..<record.items.upperBound
                record.items = record.items.lowerBound..<middle
            } else {
                used += 1
                partition.payloadBytes -= record.payload.count
                heldBytes -= record.payload.count
            }
            batch.records.append(record)
            batch.itemCount += record.items.count
            if batch.itemCount >= itemsMin || (itemsMax > 0 && batch.itemCount >= itemsMax) { break }
        }
        partition.records.removeFirst(used)
        partition.itemCount -= batch.itemCount
        recordCount -= used
        if partition.records.isEmpty {
            partitions.remove(at: index)
        } else {
            partitions[index] = partition
        }
        return batch
    }
}
