import Component
import OTLP
import Synchronization
import WriteAheadLog

/// Appends requests to a pipeline's log, in records that fit, and waits for room where `block_on_overflow` asks for it.
final class PipelineLogWriter: Sendable {
    typealias Completion = @Sendable (Result<Void, RefusalError>) -> Void

    /// A consumer whose exporter wants clients to wait until there is room in its queue.
    struct Blocker: Sendable {
        var consumer: any LogConsumer
        var limit: ConsumerLimit
    }

    private struct Waiting {
        var record: LogRecord
        var completion: @Sendable (Result<Void, RefusalError>) -> Void
    }

    private struct State {
        var waiting = FIFO<Waiting>()
        var requests = WaitingRequests()
        /// How often the log refused a record that waits now, or has waited.
        var refusals = 0
        var isTimerSet = false
        var isClosed = false
    }

    /// Room may appear without a batch ending (a disk that was cleared); waiting requests look again after this long.
    private static let lookAgainInterval = Duration.milliseconds(100)

    private let log: any Log
    private let recordBytesMax: Int
    private let partitions: PartitionTable?
    private let slice: PayloadSlicer
    private let blockers: [Blocker]
    private let account: PipelineAccount
    private let workers: WorkerPool
    private let timeline: Timeline
    private let state = Mutex(State())

    init(
        log: any Log, recordBytesMax: Int, partitions: PartitionTable?, blockers: [Blocker],
        account: PipelineAccount, workers: WorkerPool, timeline: Timeline, slice: @escaping PayloadSlicer
    ) {
        self.log = log
        self.recordBytesMax = recordBytesMax
        self.partitions = partitions
        self.blockers = blockers
        self.account = account
        self.workers = workers
        self.timeline = timeline
        self.slice = slice
    }

    /// `completion` is called once, when all of the request is committed or some of it was refused.
    func append(_ telemetry: consuming Telemetry, completion: @escaping Completion) {
        let itemCount = telemetry.itemCount
        let records: [LogRecord]
        do throws(RefusalError) {
            records = try makeRecords(telemetry)
        } catch {
            account.refused(itemCount)
            completion(.failure(error))
            return
        }
        if records.count == 1 {
            appendCounted(records[0], completion: completion)
            return
        }
        let join = Join(records.count, completion: completion)
        for record in records { appendCounted(record) { join.end($0) } }
    }

    private func appendCounted(_ record: LogRecord, completion: @escaping Completion) {
        append(record, mayWait: true) { [account, itemCount = record.itemCount] result in
            account.ended(itemCount, result)
            completion(result)
        }
    }

    private func makeRecords(_ telemetry: Telemetry) throws(RefusalError) -> [LogRecord] {
        let partition = try partitions?.partition(of: telemetry.client) ?? 0
        let whole = LogRecord(
            payload: telemetry.bytes, itemCount: telemetry.itemCount,
            receivedAtUnixNanos: telemetry.receivedAtUnixNanos, partition: partition)
        var records: [LogRecord] = []
        try divide(whole, signal: telemetry.signal, into: &records)
        return records
    }

    /// Halves a record by its items until the parts fit into the log.
    private func divide(_ record: LogRecord, signal: Signal, into parts: inout [LogRecord]) throws(RefusalError) {
        guard record.payload.count > recordBytesMax else {
            parts.append(record)
            return
        }
        guard record.itemCount > 1 else {
            throw RefusalError(
                isRetryable: false,
                reason: "an item of \(record.payload.count) bytes exceeds the log's limit of \(recordBytesMax)")
        }
        let middle = record.itemCount / 2
        for range in [0..<middle, middle..<record.itemCount] {
            var part = record
            do {
                part.payload = try slice(range, record.payload, signal)
            } catch {
                throw RefusalError(isRetryable: false, reason: "cannot divide the request: \(error)")
            }
            part.itemCount = range.count
            try divide(part, signal: signal, into: &parts)
        }
    }

    private func append(_ record: LogRecord, mayWait: Bool, completion: @escaping Completion) {
        if !blockers.isEmpty, mayWait, !hasRoom(for: record) {
            wait(record, completion: completion)
            return
        }
        log.append(record) { [self] result in
            switch result {
            case .success: completion(.success(()))
            case .failure(let error) where error.code == .full && !blockers.isEmpty:
                state.withLock { $0.refusals += 1 }
                wait(record, completion: completion)
            case .failure(let error): completion(.failure(RefusalError(error)))
            }
        }
    }

    // MARK: Waiting for room

    private func hasRoom(for record: LogRecord) -> Bool {
        blockers.allSatisfy { blocker in
            let backlog = blocker.consumer.backlog
            if backlog.waitingRecords == 0 { return true }
            return switch blocker.limit {
            case .records(let limit): backlog.waitingRecords < limit
            case .items(let limit): backlog.waitingItems + record.itemCount <= limit
            case .bytes(let limit): backlog.waitingBytes + record.payload.count <= limit
            }
        }
    }

    private func wait(_ record: LogRecord, completion: @escaping Completion) {
        let refusal: RefusalError? = state.withLock { state in
            if state.isClosed { return .shuttingDown }
            guard state.requests.add(payloadBytes: record.payload.count) else { return .queueFull }
            state.waiting.append(Waiting(record: record, completion: completion))
            return nil
        }
        if let refusal {
            completion(.failure(refusal))
        } else {
            setTimer()
        }
    }

    /// Batches have ended: appends what waits, oldest first, as far as there is room.
    func madeRoom() {
        guard !blockers.isEmpty else { return }
        // What the log refuses again joins the end of the line, and the others wait on with it.
        let refusals = state.withLock { $0.refusals }
        for _ in 0..<state.withLock({ $0.waiting.count }) {
            guard state.withLock({ $0.refusals }) == refusals, let next = takeWaiting() else { return }
            append(next.record, mayWait: false, completion: next.completion)
        }
    }

    private func takeWaiting() -> Waiting? {
        state.withLock { state in
            guard let first = state.waiting.first, hasRoom(for: first.record), log.status.fault == nil else {
                return nil
            }
            state.requests.remove(payloadBytes: first.record.payload.count)
            return state.waiting.removeFirst()
        }
    }

    private func setTimer() {
        let isNeeded = state.withLock { state in
            if state.isTimerSet || state.waiting.isEmpty { return false }
            state.isTimerSet = true
            return true
        }
        guard isNeeded else { return }
        Task(executorPreference: workers) { [self] in
            try? await timeline.sleep(until: timeline.now + Self.lookAgainInterval)
            madeRoom()
            state.withLock { $0.isTimerSet = false }
            setTimer()
        }
    }

    /// Refuses what waits, and whatever would have to wait from now on.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer {
                state.waiting = FIFO()
                state.requests = WaitingRequests()
            }
            return state.waiting
        }
        var rest = waiting
        while let entry = rest.removeFirst() { entry.completion(.failure(.shuttingDown)) }
    }
}

extension RefusalError {
    static let queueFull = RefusalError(isRetryable: true, reason: "sending queue is full")
    static let shuttingDown = RefusalError(isRetryable: true, reason: "the collector is shutting down")

    /// What a client hears of a log that did not take its request.
    init(_ error: LogError) {
        switch error.code {
        case .full: self = .queueFull
        case .closed: self = .shuttingDown
        case .recordTooLarge: self.init(isRetryable: false, reason: error.message)
        case .io, .inUse, .unsupportedFormat, .corrupt, .misuse:
            self.init(isRetryable: true, reason: "cannot write the log: \(error.message)")
        }
    }
}
