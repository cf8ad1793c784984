import Component
import Logging
import OTLP
import Synchronization
import Testing
import WriteAheadLog

@testable import SendingQueue

/// After a restart open batches go out first, under their old ids and with what they had done; log faults lose nothing.
@Suite(.timeLimit(.minutes(30))) struct RecoveryTests {
    @Test("recovered batches go first, with id and progress")
    func recovered() async throws {
        let rig = Rig()
        let exporter = rig.exporter { (_) throws(ExportError) in .complete }
        rig.add(exporter, isDurable: true) { $0.queue.numConsumers = 1 }
        let inner = try rig.log.openConsumer("inner", options: ConsumerOptions(isDurable: true))
        for id in 0..<4 { rig.log.append(record(id)) { _ in } }
        let records = try inner.next(maxRecords: 2, maxBytes: 100)
        var cuts: [Cut] = []
        for stored in records {
            var cut = try await inner.cut([ItemRange(sequence: stored.sequence, items: stored.items)])
            cut.progress = [UInt8(cuts.count + 7)]
            cuts.append(cut)
        }
        let consumer = FaultyConsumer(inner, recoveredCuts: cuts)
        try await rig.start(log: ReopenedLog(rig.log, consumer: consumer))
        await rig.until("all") { exporter.delivered.count == 4 }
        #expect(exporter.attempts.map(\.items) == [[0], [1], [2], [3]])
        #expect(exporter.attempts.prefix(2).map(\.batch) == cuts.map(\.id))
        #expect(exporter.attempts.map(\.progress) == [[7], [8], [], []])
        _ = await rig.stop()
    }

    @Test("a log that fails to read, cut or split for a while delays, and loses nothing", arguments: UInt64(1)...8)
    func faults(seed: UInt64) async throws {
        let rig = Rig(letters: DeadLetterBox())
        let exporter = rig.exporter { (attempt) throws(ExportError) in
            if attempt.items.contains(5) { throw .payload(reason: "bad") }
            if attempt.number == 1 { throw .retry(after: nil, progress: [], reason: "busy") }
            return .complete
        }
        rig.add(exporter, isDurable: true)
        let inner = try rig.log.openConsumer("inner", options: ConsumerOptions(isDurable: true))
        let consumer = FaultyConsumer(inner, recoveredCuts: [], seed: seed)
        try await rig.start(
            batch: BatchSettings(sendBatchSize: 4, sendBatchMaxSize: 4, timeout: .seconds(1)),
            log: ReopenedLog(rig.log, consumer: consumer))
        for start in stride(from: 0, to: 18, by: 3) { try await rig.send(telemetry(start..<(start + 3))).get() }
        await rig.run("all ended") { rig.log.status.records == 0 }
        #expect(exporter.delivered.sorted() == (0..<18).filter { $0 != 5 })
        #expect(rig.letters?.letters.flatMap { itemIDs($0.payload) } == [5])
        #expect(consumer.faults > 0)
        _ = await rig.stop()
    }

    @Test("a batch whose bytes are gone is dropped, counted, and does not stop the others")
    func corrupt() async throws {
        let rig = Rig(letters: DeadLetterBox())
        let exporter = rig.exporter { (_) throws(ExportError) in .complete }
        rig.add(exporter, isDurable: true)
        let inner = try rig.log.openConsumer("inner", options: ConsumerOptions(isDurable: true))
        for id in 0..<3 { rig.log.append(record(id)) { _ in } }
        let stored = try inner.next(maxRecords: 1, maxBytes: 100)[0]
        let cut = try await inner.cut([ItemRange(sequence: stored.sequence, items: stored.items)])
        let consumer = FaultyConsumer(inner, recoveredCuts: [cut], isRotten: true)
        try await rig.start(log: ReopenedLog(rig.log, consumer: consumer))
        await rig.until("all ended") { rig.log.status.records == 0 }
        #expect(exporter.delivered.sorted() == [1, 2])
        #expect(inner.backlog.totals == CutOutcome(delivered: 2, dropped: 1))
        let labels: MetricLabels = ["exporter": "scripted", "data_type": "logs", "reason": "corrupt"]
        #expect(rig.metric("otelcol_swift_exporter_dropped_items", labels) == 1)
        _ = await rig.stop()
    }

    @Test("of a batch that can be read in part the rest is delivered, and what is missing is counted")
    func corruptInPart() async throws {
        let rig = Rig()
        let exporter = rig.exporter { (_) throws(ExportError) in .complete }
        rig.add(exporter, isDurable: true)
        let inner = try rig.log.openConsumer("inner", options: ConsumerOptions(isDurable: true))
        for id in 0..<3 { rig.log.append(record(id)) { _ in } }
        let stored = try inner.next(maxRecords: 3, maxBytes: 100)
        let cut = try await inner.cut(stored.map { ItemRange(sequence: $0.sequence, items: $0.items) })
        let consumer = FaultyConsumer(inner, recoveredCuts: [cut], unreadable: [stored[1].sequence])
        try await rig.start(log: ReopenedLog(rig.log, consumer: consumer))
        await rig.until("all ended") { rig.log.status.records == 0 }
        #expect(exporter.delivered == [0, 2])
        #expect(inner.backlog.totals == CutOutcome(delivered: 2, dropped: 1))
        #expect(rig.metric("otelcol_exporter_sent_log_records", ["exporter": "scripted"]) == 2)
        let labels: MetricLabels = ["exporter": "scripted", "data_type": "logs", "reason": "corrupt"]
        #expect(rig.metric("otelcol_swift_exporter_dropped_items", labels) == 1)
        _ = await rig.stop()
    }

    @Test("batches cut inside real requests hold the items meant, each once")
    func realRequests() async throws {
        let rig = Rig()
        let taken = Mutex<[[UInt8]]>([])
        let exporter = PayloadKeeper { payloads in taken.withLock { $0 += payloads } }
        rig.add(exporter)
        try await rig.start(
            batch: BatchSettings(sendBatchSize: 4, sendBatchMaxSize: 4, timeout: .seconds(1)),
            services: SendingServices(workers: rig.workers, metrics: rig.registry, timeline: rig.timeline))
        // resource_logs { scope_logs { log_records { severity_number: n } … } }
        func wrap(_ body: [UInt8], field: UInt8) -> [UInt8] { [field << 3 | 2, UInt8(body.count)] + body }
        for start in [UInt8(0), 5] {
            let records = (start..<(start + 5)).flatMap { wrap([2 << 3, $0 + 1], field: 2) }
            let bytes = wrap(wrap(records, field: 2), field: 1)
            try await rig.send(
                Telemetry(signal: .logs, bytes: bytes, itemCount: 5, receivedAtUnixNanos: 1)
            ).get()
        }
        await rig.run("all") { rig.log.status.records == 0 }
        let payloads = taken.withLock { $0 }
        #expect(try payloads.map { try OTLPRequest.itemCount(of: $0, signal: .logs) }.sorted() == [1, 2, 3, 4])
        let severities = payloads.flatMap { payload in
            payload.indices.filter { payload[$0] == 2 << 3 && $0 > 4 }.map { payload[$0 + 1] }
        }
        #expect(severities.sorted() == Array(1...10))
        _ = await rig.stop()
    }

    /// Scenario: the disk takes its time to write cuts.
    /// Guarantees: as many cuts are on their way as there are consumers, and nothing is sent before its cut is durable.
    @Test("cuts share the time of a sync, and none is sent before it")
    func cutsAtOnce() async throws {
        let rig = Rig()
        let exporter = rig.exporter { (_) throws(ExportError) in .complete }
        rig.add(exporter, isDurable: true) { $0.queue.numConsumers = 6 }
        let inner = try rig.log.openConsumer("inner", options: ConsumerOptions(isDurable: true))
        let gate = Gate()
        let consumer = FaultyConsumer(inner, recoveredCuts: [], cutGate: gate)
        try await rig.start(log: ReopenedLog(rig.log, consumer: consumer))
        for id in 0..<20 { try await rig.send(telemetry(id..<id + 1)).get() }
        await rig.until("six cuts are on their way") { consumer.waitingCuts == 6 }
        #expect(exporter.attempts.isEmpty)
        #expect(rig.sender.ledger.isBalanced)
        gate.open()
        await rig.until("all ended") { rig.log.status.records == 0 }
        #expect(exporter.delivered.sorted() == Array(0..<20))
        _ = await rig.stop()
    }

    private func record(_ id: Int) -> LogRecord {
        LogRecord(payload: request(id..<(id + 1)), itemCount: 1, receivedAtUnixNanos: 1)
    }
}

/// Keeps the payloads it is given.
private struct PayloadKeeper: Exporter {
    let keep: @Sendable ([[UInt8]]) -> Void
    func start() async throws {}
    func stop() async {}
    func export(_ batch: Batch) async throws(ExportError) -> Delivery {
        keep(batch.payloads)
        return .complete
    }
}

/// A log whose consumer exists already, as after a restart.
private final class ReopenedLog: Log {
    private let inner: MemoryLog
    private let consumer: FaultyConsumer

    init(_ inner: MemoryLog, consumer: FaultyConsumer) {
        self.inner = inner
        self.consumer = consumer
    }

    func append(_ record: LogRecord, completion: @escaping @Sendable (Result<UInt64, LogError>) -> Void) {
        inner.append(record, completion: completion)
    }

    func openConsumer(_ name: String, options: ConsumerOptions) throws(LogError) -> any LogConsumer { consumer }
    var recordBytesMax: Int { inner.recordBytesMax }
    var status: LogStatus { inner.status }
    var accounts: [String: ConsumerAccount] { inner.accounts }
    func close() async { await inner.close() }
}

/// A consumer that fails at random, or has lost its recovered batches' bytes.
private final class FaultyConsumer: LogConsumer {
    let recoveredCuts: [Cut]
    private let inner: any LogConsumer
    private let isRotten: Bool
    private let unreadable: Set<UInt64>
    private let cutGate: Gate?
    private let waiting = Atomic<Int>(0)
    private let state: Mutex<(random: SplitMix?, faults: Int)>

    var waitingCuts: Int { waiting.load(ordering: .relaxed) }

    init(
        _ inner: any LogConsumer, recoveredCuts: [Cut], seed: UInt64? = nil, isRotten: Bool = false,
        unreadable: Set<UInt64> = [], cutGate: Gate? = nil
    ) {
        self.cutGate = cutGate
        self.inner = inner
        self.unreadable = unreadable
        self.recoveredCuts = recoveredCuts
        self.isRotten = isRotten
        state = Mutex((seed.map { SplitMix($0) }, 0))
    }

    var faults: Int { state.withLock { $0.faults } }

    private func mayFail() throws(LogError) {
        let fails = state.withLock { state in
            guard state.random != nil, Int.random(in: 0..<3, using: &state.random!) == 0 else { return false }
            state.faults += 1
            return true
        }
        if fails { throw LogError(.io, "Input/output error") }
    }

    var name: String { inner.name }
    var backlog: ConsumerBacklog { inner.backlog }

    func next(maxRecords: Int, maxBytes: Int) throws(LogError) -> [StoredRecord] {
        try mayFail()
        return try inner.next(maxRecords: maxRecords, maxBytes: maxBytes)
    }

    func waitForRecords() async { await inner.waitForRecords() }

    func read(_ ranges: [ItemRange]) throws(LogError) -> [StoredRecord] {
        try mayFail()
        if isRotten { throw LogError(.corrupt, "checksum mismatch") }
        return try inner.read(ranges.filter { !unreadable.contains($0.sequence) })
    }

    func cut(_ ranges: [ItemRange]) async throws(LogError) -> Cut {
        try mayFail()
        if let cutGate {
            waiting.add(1, ordering: .relaxed)
            await cutGate.wait()
        }
        return try await inner.cut(ranges)
    }

    func split(_ id: BatchID, into parts: [[ItemRange]]) async throws(LogError) -> [Cut] {
        try mayFail()
        return try await inner.split(id, into: parts)
    }

    func saveProgress(_ id: BatchID, _ progress: [UInt8]) { inner.saveProgress(id, progress) }
    func done(_ id: BatchID, outcome: CutOutcome) { inner.done(id, outcome: outcome) }
}
