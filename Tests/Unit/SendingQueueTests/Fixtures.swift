import Component
import Logging
import OTLP
import Synchronization
import Testing
import WriteAheadLog

@testable import SendingQueue

/// Takes items out of a test request, in which each item is a number of four bytes: items can be followed to the
/// backend.
func slicePerByte(_ range: Range<Int>, _ request: [UInt8], _ signal: Signal) throws(WireError) -> [UInt8] {
    guard range.upperBound * 4 <= request.count else { throw .truncated }
    return Array(request[(range.lowerBound * 4)..<(range.upperBound * 4)])
}

/// The request that holds the items `ids`.
func request(_ ids: Range<Int>) -> [UInt8] {
    ids.flatMap { id in (0..<4).map { UInt8(truncatingIfNeeded: id >> (8 * $0)) } }
}

func itemIDs(_ payload: [UInt8]) -> [Int] {
    stride(from: 0, to: payload.count, by: 4).map { start in
        (0..<4).reduce(0) { $0 | Int(payload[start + $1]) << (8 * $1) }
    }
}

func telemetry(_ ids: Range<Int>, client: ClientInfo? = nil) -> Telemetry {
    Telemetry(signal: .logs, bytes: request(ids), itemCount: ids.count, receivedAtUnixNanos: 1, client: client)
}

/// A backend that answers as its script says and remembers what it took.
final class ScriptedExporter: Exporter {
    struct Attempt: Sendable {
        var at: Duration
        var number: Int
        var batch: BatchID
        var items: [Int]
        var progress: [UInt8]
        /// Attempts under way, with this one.
        var running = 0
    }

    typealias Script = @Sendable (Attempt) async throws(ExportError) -> Delivery

    private let timeline: Timeline
    private let script: Script
    private let log = Mutex<(attempts: [Attempt], delivered: [Int], running: Int, peak: Int)>(([], [], 0, 0))
    private let preference = Mutex<Int?>(nil)
    var preferredBacklogItems: Int? { preference.withLock { $0 } }

    init(_ timeline: Timeline, script: @escaping Script = { (_) throws(ExportError) in .complete }) {
        self.timeline = timeline
        self.script = script
    }

    func start() async throws {}
    func stop() async {}
    func prefer(backlogItems: Int) { preference.withLock { $0 = backlogItems } }

    func export(_ batch: Batch) async throws(ExportError) -> Delivery {
        var attempt = Attempt(
            at: timeline.now, number: batch.attempt, batch: batch.id, items: batch.payloads.flatMap(itemIDs),
            progress: batch.progress)
        attempt.running = log.withLock { log in
            log.running += 1
            log.peak = max(log.peak, log.running)
            return log.running
        }
        log.withLock { [attempt] in $0.attempts.append(attempt) }
        defer { log.withLock { $0.running -= 1 } }
        let delivery = try await script(attempt)
        log.withLock { [items = attempt.items] in $0.delivered += items }
        return delivery
    }

    var attempts: [Attempt] { log.withLock { $0.attempts } }
    var delivered: [Int] { log.withLock { $0.delivered } }
    var peak: Int { log.withLock { $0.peak } }
}

final class DeadLetterBox: DeadLetterSink {
    private let kept = Mutex<[DeadLetter]>([])
    private let refusals: Mutex<Int>

    /// - Parameter refusals: letters refused before the first is taken.
    init(refusals: Int = 0) { self.refusals = Mutex(refusals) }

    func accept(_ letter: DeadLetter) throws(LogError) {
        let isRefused = refusals.withLock { left in
            left -= 1
            return left >= 0
        }
        if isRefused { throw LogError(.full, "dead letters are full") }
        kept.withLock { $0.append(letter) }
    }

    var letters: [DeadLetter] { kept.withLock { $0 } }
}

/// One pipeline over a memory log, on a manual clock.
final class Rig: Sendable {
    let clock = ManualClock()
    let timeline: Timeline
    let log: MemoryLog
    let registry = MetricRegistry()
    let workers = WorkerPool(threadCount: 2)
    let letters: DeadLetterBox?
    private let made = Mutex<PipelineSender?>(nil)
    private let bindings = Mutex<[ExporterBinding]>([])

    init(capacityBytes: Int = 1 << 20, recordBytesMax: Int? = nil, letters: DeadLetterBox? = nil) {
        timeline = Timeline(clock)
        log = MemoryLog(budget: MemoryBudget(capacityBytes: capacityBytes), recordBytesMax: recordBytesMax)
        self.letters = letters
    }

    var sender: PipelineSender { made.withLock { $0! } }

    func exporter(
        _ script: @escaping ScriptedExporter.Script = { (_) throws(ExportError) in .complete }
    ) -> ScriptedExporter {
        ScriptedExporter(timeline, script: script)
    }

    func add(
        _ exporter: any Exporter, name: String = "", isDurable: Bool = false,
        config edit: (inout SendingConfig) -> Void = { _ in }
    ) {
        var config = SendingConfig()
        config.timeout = nil
        config.retry.randomizationFactor = 0
        edit(&config)
        let id = ComponentID(type: "scripted", name: name)
        let binding = ExporterBinding(
            id: id, signal: .logs, exporter: exporter, config: config, isDurable: isDurable,
            slots: SendingSlots(count: config.queue.numConsumers),
            metrics: ExporterMetrics(
                exporter: id, signal: .logs, queueCapacity: config.queue.queueSize, registry: registry))
        bindings.withLock { $0.append(binding) }
    }

    func start(
        batch: BatchSettings? = nil, log: (any Log)? = nil,
        services: SendingServices? = nil
    ) async throws {
        var logger = Logger(label: "test")
        logger.handler = SwiftLogNoOpLogHandler()
        let sender = PipelineSender(
            pipeline: "logs", signal: .logs, log: log ?? self.log,
            exporters: bindings.withLock { $0 },
            batch: batch.map { (ComponentID(type: "batch"), $0) },
            services: services
                ?? SendingServices(workers: workers, metrics: registry, timeline: timeline, slice: slicePerByte),
            deadLetters: letters, logger: logger)
        try await sender.start()
        made.withLock { $0 = sender }
    }

    /// Sends and returns the answer.
    func send(_ telemetry: Telemetry) async -> Result<Void, RefusalError> {
        sender.account.accepted(telemetry.itemCount)
        return await withCheckedContinuation { continuation in
            sender.consume(telemetry) { continuation.resume(returning: $0) }
        }
    }

    /// Lets the queues work, without moving the clock, until `condition` holds.
    func until(_ what: Comment = "", _ condition: () -> Bool) async {
        for _ in 0..<2_000_000 {
            if condition() { return }
            await Task.yield()
        }
        Issue.record("never came true: \(what)")
    }

    /// Lets the queues work until `condition` holds, and moves the clock to the next moment anybody waits for whenever
    /// nothing else has happened for a while.
    func run(_ what: Comment = "", until condition: () -> Bool) async {
        for round in 1..<4_000_000 {
            if condition() { return }
            await Task.yield()
            if round % 200 == 0 { clock.advanceToNextSleeper() }
        }
        Issue.record("never came true: \(what)")
    }

    func stop(after time: Duration = .seconds(10)) async -> StopReport {
        let ledger = sender.ledger
        #expect(ledger.isBalanced, "\(ledger)")
        return await sender.stop(deadline: .now + time)
    }

    /// The value of a counter or gauge, 0 when it is not shown.
    func metric(_ name: String, _ labels: MetricLabels) -> Double {
        for family in registry.snapshot() where family.name == name {
            for sample in family.samples where sample.labels == labels {
                if case .number(let value) = sample.value { return value }
            }
        }
        return 0
    }
}

struct SplitMix: RandomNumberGenerator, Sendable {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Names in the order in which they were added.
final class Granted: Sendable {
    private let added = Mutex<[String]>([])
    func add(_ name: String) { added.withLock { $0.append(name) } }
    var names: [String] { added.withLock { $0 } }
}
