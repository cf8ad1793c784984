import Synchronization

/// The bounded log in memory: records are shared arrays, kept until every consumer is done with them or has skipped
/// them.
///
/// Nothing survives the process: "durable" options are honoured for as long as it runs (such a consumer is never
/// skipped forward). Completions are called before `append` returns. With no consumer open a record is committed and
/// forgotten.
///
/// When there is no room, by bytes or by a consumer's limit, consumers that lag skip forward for the sake of those that
/// keep up; a record that no consumer could take is refused with `.full`. A consumer without a limit never skips.
///
/// One lock; every operation is O(consumers), amortised, and no payload is copied.
package final class MemoryLog: Log {
    let state: Mutex<MemoryLogState>
    private let budget: MemoryBudget
    package let recordBytesMax: Int

    /// - Parameters:
    ///   - budget: the bytes this log shares with the other memory logs.
    ///   - recordBytesMax: the largest payload taken; nil: as large as the budget.
    package init(budget: MemoryBudget, recordBytesMax: Int? = nil) {
        let recordBytesMax = min(recordBytesMax ?? .max, budget.capacityBytes)
        self.recordBytesMax = recordBytesMax
        self.budget = budget
        state = Mutex(MemoryLogState(budget: budget, recordBytesMax: recordBytesMax))
    }

    package convenience init(capacityBytes: Int) {
        self.init(budget: MemoryBudget(capacityBytes: capacityBytes))
    }

    deinit {
        state.withLock { $0.releaseEverything() }
    }

    package func append(_ record: LogRecord, completion: @escaping @Sendable (Result<UInt64, LogError>) -> Void) {
        var woken: [CheckedContinuation<Void, Never>] = []
        let result: Result<UInt64, LogError> = state.withLock { state in
            let result = Result { () throws(LogError) in try state.append(record) }
            if case .success = result { woken = state.takeWaiters() }
            return result
        }
        for waiter in woken { waiter.resume() }
        completion(result)
    }

    package func openConsumer(_ name: String, options: ConsumerOptions) throws(LogError) -> any LogConsumer {
        let key = try state.withLock { (state) throws(LogError) in try state.open(name, options: options) }
        return MemoryLogConsumer(log: self, name: name, key: key)
    }

    package var status: LogStatus {
        var status = state.withLock { $0.status }
        status.roomBytes = budget.capacityBytes - budget.usedBytes
        return status
    }

    package var accounts: [String: ConsumerAccount] { state.withLock { $0.accounts } }

    package func close() async {
        let woken = state.withLock { state in
            state.isClosed = true
            return state.takeWaiters()
        }
        for waiter in woken { waiter.resume() }
    }
}

/// A reader of a `MemoryLog`. Letting go of it closes it, and frees what only it needed.
final class MemoryLogConsumer: LogConsumer {
    let name: String
    private let log: MemoryLog
    private let key: Int

    init(log: MemoryLog, name: String, key: Int) {
        self.log = log
        self.name = name
        self.key = key
    }

    deinit {
        let waiter = log.state.withLock { $0.closeConsumer(key) }
        waiter?.resume()
    }

    var recoveredCuts: [Cut] { [] }

    func next(maxRecords: Int, maxBytes: Int) throws(LogError) -> [StoredRecord] {
        log.state.withLock { $0.next(key, maxRecords: maxRecords, maxBytes: maxBytes) }
    }

    func waitForRecords(items: Int, bytes: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // The previous waiter, if any, gets up: one task at a time waits.
                let resumed = log.state.withLock { state -> [CheckedContinuation<Void, Never>] in
                    let previous = state.takeWaiter(key)
                    // A task cancelled before this point has run its handler already, and found nobody to wake.
                    if state.hasNews(key, items: items, bytes: bytes) || Task.isCancelled {
                        return [previous, continuation].compactMap { $0 }
                    }
                    state.setWaiter(key, .init(continuation: continuation, items: items, bytes: bytes))
                    return [previous].compactMap { $0 }
                }
                for waiter in resumed { waiter.resume() }
            }
        } onCancel: {
            let waiter = log.state.withLock { $0.takeWaiter(key) }
            waiter?.resume()
        }
    }

    func read(_ ranges: [ItemRange]) throws(LogError) -> [StoredRecord] {
        try log.state.withLock { (state) throws(LogError) in try state.read(ranges) }
    }

    func cut(_ ranges: [ItemRange]) async throws(LogError) -> Cut {
        try log.state.withLock { (state) throws(LogError) in try state.cut(key, ranges) }
    }

    func split(_ id: BatchID, into parts: [[ItemRange]]) async throws(LogError) -> [Cut] {
        try log.state.withLock { (state) throws(LogError) in try state.split(key, id, into: parts) }
    }

    func saveProgress(_ id: BatchID, _ progress: [UInt8]) {
        log.state.withLock { $0.saveProgress(key, id, progress) }
    }

    func done(_ id: BatchID, outcome: CutOutcome) {
        log.state.withLock { $0.done(key, id, outcome) }
    }

    var backlog: ConsumerBacklog { log.state.withLock { $0.backlog(key) } }
}
