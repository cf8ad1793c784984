/// A log of opaque records that several consumers read, each at its own pace.
///
/// Two implementations: `MemoryLog` (a bounded ring in memory) and `DiskLog` (segments on disk, the write-ahead log).
/// The log knows nothing of telemetry: a record is a payload, a count of items inside it, and a time.
///
/// Life of a record: `append` → committed (durable, on disk) → visible to consumers → each consumer *cuts* it, whole or in
/// item ranges, into batches → each cut ends in *done*. The space is free when every durable consumer is done with it.
package protocol Log: AnyObject, Sendable {
    /// Appends one record. `completion` is called exactly once, on any thread and perhaps before `append` returns: with the
    /// record's sequence number once the record is committed, or with the reason why nothing was kept.
    func append(_ record: LogRecord, completion: @escaping @Sendable (Result<UInt64, LogError>) -> Void)

    /// Opens the consumer `name`. One open consumer a name.
    ///
    /// A durable consumer that the log knows goes on where it stopped (its open cuts are in `LogConsumer.recoveredCuts`);
    /// one the log does not know starts at the tail. A volatile consumer always starts at the tail and pins nothing.
    func openConsumer(_ name: String, options: ConsumerOptions) throws(LogError) -> any LogConsumer

    /// The largest payload that `append` takes.
    var recordBytesMax: Int { get }

    /// Sizes and counts at this moment, one consistent snapshot.
    var status: LogStatus { get }

    /// The accounts of all consumers that are open or durable, by name, read in one moment. Records without items are not
    /// accounted for.
    var accounts: [String: ConsumerAccount] { get }

    /// Commits what was appended, then closes. Appends after this fail with `.closed`.
    func close() async
}

/// One reader of a log: takes records in order, groups them into cuts, and says when a cut is done.
///
/// One task at a time calls `next`; all else may be called from several. Cuts that are made at the same time share writes
/// and syncs.
package protocol LogConsumer: AnyObject, Sendable {
    var name: String { get }

    /// Cuts that were durable but not done when the log was last closed or the process died, oldest first.
    var recoveredCuts: [Cut] { get }

    /// The next committed records that no cut of this consumer covers yet, in order; each is handed out once by this open
    /// consumer. Empty when there is nothing new. At most `maxRecords` records and, from the second record on, `maxBytes` of payload.
    ///
    /// When a restart left a record partly cut, its `items` says which items are still to be cut.
    func next(maxRecords: Int, maxBytes: Int) throws(LogError) -> [StoredRecord]

    /// Returns when records that `next` has not handed out are there, when the log closes, or when the task is cancelled.
    func waitForRecords() async

    /// As `waitForRecords()`, but may leave the caller asleep until these records have together `items` items, or `bytes`
    /// bytes of payload: whoever gathers batches is not woken for each record.
    func waitForRecords(items: Int, bytes: Int) async

    /// Reads the given ranges again, in order, for a retry. The payload is the whole record's; `items` is the range's.
    func read(_ ranges: [ItemRange]) throws(LogError) -> [StoredRecord]

    /// Makes a batch of `ranges`, which must have been handed out by `next`. Durable when it returns (durable consumers).
    func cut(_ ranges: [ItemRange]) async throws(LogError) -> Cut

    /// Replaces an open cut by smaller ones that cover the same items and inherit its progress: what is delivered of the
    /// whole is delivered of its parts. Durable when it returns.
    func split(_ id: BatchID, into parts: [[ItemRange]]) async throws(LogError) -> [Cut]

    /// Keeps what of an open cut is already delivered (opaque to the log), best effort.
    func saveProgress(_ id: BatchID, _ progress: [UInt8])

    /// Ends an open cut. Written, but not waited for: a lost *done* only means that the same batch id is sent again.
    func done(_ id: BatchID, outcome: CutOutcome)

    /// What waits for this consumer.
    var backlog: ConsumerBacklog { get }

    /// Whether `range` is in this consumer's hands: handed out, not cut, and not taken back by the log.
    func holds(_ range: ItemRange) -> Bool

    /// Whether a cut is neither done nor taken back by the log.
    func isOpen(_ id: BatchID) -> Bool
}

/// A log that takes nothing back.
extension LogConsumer {
    package func holds(_ range: ItemRange) -> Bool { true }
    package func isOpen(_ id: BatchID) -> Bool { true }
}

extension LogConsumer {
    package func waitForRecords() async { await waitForRecords(items: 0, bytes: 0) }
    package func waitForRecords(items: Int, bytes: Int) async { await waitForRecords() }
}

/// What a caller appends.
package struct LogRecord: Sendable {
    package var payload: [UInt8]
    package var itemCount: Int
    /// When the record's content arrived, nanoseconds since 1970.
    package var receivedAtUnixNanos: UInt64
    /// Records of different partitions never share a batch; 0 is the usual one.
    package var partition: UInt64

    package init(payload: [UInt8], itemCount: Int, receivedAtUnixNanos: UInt64, partition: UInt64 = 0) {
        self.payload = payload
        self.itemCount = itemCount
        self.receivedAtUnixNanos = receivedAtUnixNanos
        self.partition = partition
    }
}

/// A committed record, or the part of it that `items` names.
package struct StoredRecord: Sendable {
    package var sequence: UInt64
    /// The items meant, as indexes into the record's items; all of them unless the record was cut before.
    package var items: Range<Int>
    /// Items in the whole record.
    package var itemCount: Int
    package var receivedAtUnixNanos: UInt64
    package var partition: UInt64
    /// The whole record's payload.
    package var payload: [UInt8]

    package init(
        sequence: UInt64, items: Range<Int>, itemCount: Int, receivedAtUnixNanos: UInt64, partition: UInt64,
        payload: [UInt8]
    ) {
        self.sequence = sequence
        self.items = items
        self.itemCount = itemCount
        self.receivedAtUnixNanos = receivedAtUnixNanos
        self.partition = partition
        self.payload = payload
    }
}

/// Some items of one record.
package struct ItemRange: Sendable, Hashable {
    package var sequence: UInt64
    package var items: Range<Int>

    package init(sequence: UInt64, items: Range<Int>) {
        self.sequence = sequence
        self.items = items
    }
}

/// Names a batch: the same for the same content over retries and restarts, so that a backend can recognise a repetition.
package struct BatchID: Sendable, Hashable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

extension BatchID: CustomStringConvertible {
    /// 32 hexadecimal digits.
    package var description: String {
        func hex(_ value: UInt64) -> String {
            let digits = String(value, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        return hex(high) + hex(low)
    }
}

/// A batch of one consumer: exact item ranges of one partition, in log order.
package struct Cut: Sendable, Hashable {
    package var id: BatchID
    package var ranges: [ItemRange]
    package var itemCount: Int
    /// What `saveProgress` kept; empty at first.
    package var progress: [UInt8]

    package init(id: BatchID, ranges: [ItemRange], itemCount: Int, progress: [UInt8] = []) {
        self.id = id
        self.ranges = ranges
        self.itemCount = itemCount
        self.progress = progress
    }
}

/// How a cut ended. The four counts add up to the cut's items; the log keeps their sums (`ConsumerBacklog.totals`).
package struct CutOutcome: Sendable, Hashable {
    package var delivered: Int
    package var rejectedByPeer: Int
    package var deadLettered: Int
    package var dropped: Int

    package init(delivered: Int = 0, rejectedByPeer: Int = 0, deadLettered: Int = 0, dropped: Int = 0) {
        self.delivered = delivered
        self.rejectedByPeer = rejectedByPeer
        self.deadLettered = deadLettered
        self.dropped = dropped
    }
}

/// How a consumer reads a log.
package struct ConsumerOptions: Sendable {
    /// A durable consumer keeps its place over restarts and pins what it has not done; a volatile one does neither.
    package var isDurable: Bool
    /// How far a volatile consumer may lag before it skips forward (its oldest uncut records are dropped and counted in
    /// `ConsumerBacklog.skippedItems`). Nil: no limit of its own.
    package var limit: ConsumerLimit?

    package init(isDurable: Bool, limit: ConsumerLimit? = nil) {
        self.isDurable = isDurable
        self.limit = limit
    }
}

package enum ConsumerLimit: Sendable, Hashable {
    case records(Int)
    case items(Int)
    case bytes(Int)
}

/// What waits for a consumer: from its oldest item that is not done to the tail.
package struct ConsumerBacklog: Sendable, Hashable {
    /// Not yet cut.
    package var waitingRecords = 0
    package var waitingItems = 0
    package var waitingBytes = 0
    /// In open cuts.
    package var inFlightItems = 0
    package var oldestReceivedAtUnixNanos: UInt64?
    /// Items that a limit made this consumer skip, since the log was made (durable) or opened (volatile).
    package var skippedItems = 0
    /// Items that the log took from this consumer to make room, and for their age, since the log was made.
    package var evictedItems = 0
    package var expiredItems = 0
    /// Items whose records could not be read back, counted once a consumer.
    package var lostItems = 0
    package var totals = CutOutcome()

    package init() {}
}

package struct LogStatus: Sendable {
    package var records = 0
    package var items = 0
    /// Payload bytes held; on disk, bytes of the segments in use.
    package var bytes = 0
    package var capacityBytes: Int?
    /// Bytes of all files, with those that are kept for the next segments; 0 in memory.
    package var fileBytes = 0
    /// Bytes that can be appended before the log is full, as far as can be told.
    package var roomBytes: Int?
    package var appendedItems = 0
    package var refusedItems = 0
    /// Records that were committed and could not be read back, and the items in them.
    package var corruptRecords = 0
    package var corruptItems = 0
    /// Items that were dropped to make room, and for their age, summed over consumers.
    package var evictedItems = 0
    package var expiredItems = 0
    /// Bytes of the files that only control records use, so that a full disk drains.
    package var reserveBytes = 0
    /// What could not be read, and was set aside: files and their bytes.
    package var quarantinedFiles = 0
    package var quarantinedBytes = 0
    package var oldestReceivedAtUnixNanos: UInt64?
    /// Why appends are refused at this moment, if they are: disk full, I/O error.
    package var fault: LogError?

    package init() {}
}
