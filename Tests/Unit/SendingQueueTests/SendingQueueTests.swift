import Component
import Synchronization
import Testing
import WriteAheadLog

@testable import SendingQueue

/// What is acknowledged reaches the exporter in the batches asked for, and failures of every kind end as documented.
@Suite(.timeLimit(.minutes(30))) struct SendingQueueTests {
    @Test("requests arrive in batches of the pipeline's size, split inside a request, payloads concatenable")
    func batches() async throws {
        let rig = Rig()
        let exporter = rig.exporter { (_) throws(ExportError) in .complete }
        rig.add(exporter)
        try await rig.start(batch: BatchSettings(sendBatchSize: 10, sendBatchMaxSize: 10, timeout: .seconds(1)))
        for start in stride(from: 0, to: 24, by: 6) { try await rig.send(telemetry(start..<(start + 6))).get() }
        await rig.until("two full batches") { exporter.delivered.count == 20 }
        #expect(rig.clock.now.offset == .zero)
        await rig.run("the rest by timeout") { exporter.delivered.count == 24 }
        #expect(rig.clock.now.offset == .seconds(1))
        #expect(exporter.delivered.sorted() == Array(0..<24))
        #expect(exporter.attempts.map(\.items.count).sorted() == [4, 10, 10])
        let labels: MetricLabels = ["processor": "batch"]
        await rig.until("accounted") { rig.metric("otelcol_exporter_sent_log_records", ["exporter": "scripted"]) == 24 }
        #expect(rig.metric("otelcol_processor_batch_batch_size_trigger_send", labels) == 2)
        #expect(rig.metric("otelcol_processor_batch_timeout_trigger_send", labels) == 1)
        #expect(await rig.stop() == StopReport())
    }

    @Test("each request that fills no batch goes out when it is due, however many came before")
    func batchesThatAreNeverFull() async throws {
        let rig = Rig()
        let exporter = rig.exporter()
        rig.add(exporter)
        try await rig.start(batch: BatchSettings(sendBatchSize: 10, sendBatchMaxSize: 0, timeout: .seconds(1)))
        for id in 0..<20 {
            try await rig.send(telemetry(id..<(id + 1))).get()
            await rig.run("delivered") { exporter.delivered.count == id + 1 }
        }
        #expect(exporter.attempts.map(\.items) == (0..<20).map { [$0] })
        _ = await rig.stop()
    }

    @Test("a retry comes after the interval, keeps the batch id, counts attempts and brings the progress back")
    func retryTiming() async throws {
        let rig = Rig()
        let exporter = rig.exporter { (attempt) throws(ExportError) in
            switch attempt.number {
            case 1: throw .retry(after: nil, progress: [9], reason: "busy")
            case 2: throw .retry(after: .seconds(20), progress: [], reason: "throttled")
            case 3: throw .misconfigured(reason: "no table")
            default: return .complete
            }
        }
        rig.add(exporter)
        try await rig.start()
        try await rig.send(telemetry(0..<3)).get()
        await rig.run("delivered") { exporter.delivered.count == 3 }
        #expect(exporter.attempts.map(\.at) == [.zero, .seconds(5), .seconds(25), .seconds(55)])
        #expect(exporter.attempts.map(\.number) == [1, 2, 3, 4])
        #expect(Set(exporter.attempts.map(\.batch)).count == 1)
        #expect(exporter.attempts.map(\.progress) == [[], [9], [9], [9]])
        await rig.until("healthy again") { rig.sender.states[0].health == .healthy }
        #expect(await rig.stop() == StopReport())
    }

    @Test("in memory a batch is given up after max_elapsed_time; with storage only if that was written")
    func maxElapsedTime() async throws {
        for (isDurable, isWritten, isGivenUp) in [(false, false, true), (true, true, true), (true, false, false)] {
            let rig = Rig(letters: isDurable ? DeadLetterBox() : nil)
            let exporter = rig.exporter { (attempt) throws(ExportError) in
                if attempt.at > .seconds(1000) { return .complete }
                throw .retry(after: nil, progress: [], reason: "down")
            }
            rig.add(exporter, isDurable: isDurable) { $0.retry.isMaxElapsedTimeWritten = isWritten }
            try await rig.start()
            try await rig.send(telemetry(0..<3)).get()
            await rig.run("ended") {
                !exporter.delivered.isEmpty
                    || rig.metric("otelcol_exporter_send_failed_log_records", ["exporter": "scripted"]) == 3
            }
            #expect(exporter.delivered.isEmpty == isGivenUp)
            if isGivenUp { #expect(exporter.attempts.last?.at ?? .zero <= .seconds(300)) }
            let dropped: MetricLabels = ["exporter": "scripted", "data_type": "logs", "reason": "retry_exhausted"]
            #expect(rig.metric("otelcol_swift_exporter_dropped_items", dropped) == (isDurable ? 0 : 3))
            #expect(rig.letters?.letters.map(\.cause) ?? [] == (isDurable && isWritten ? [.retryExhausted] : []))
            _ = await rig.stop()
        }
    }

    @Test("with retry disabled memory drops, storage keeps a dead letter")
    func retryDisabled() async throws {
        for isDurable in [false, true] {
            let rig = Rig(letters: DeadLetterBox())
            let exporter = rig.exporter { (_) throws(ExportError) in
                throw .retry(after: nil, progress: [], reason: "down")
            }
            rig.add(exporter, isDurable: isDurable) { $0.retry.isEnabled = false }
            try await rig.start()
            try await rig.send(telemetry(0..<3)).get()
            await rig.until("given up") {
                rig.metric("otelcol_exporter_send_failed_log_records", ["exporter": "scripted"]) == 3
            }
            #expect(exporter.attempts.count == 1)
            #expect(rig.letters?.letters.flatMap { itemIDs($0.payload) } == (isDurable ? [0, 1, 2] : []))
            _ = await rig.stop()
        }
    }

    @Test("of a refused batch only the bad items become dead letters")
    func bisects() async throws {
        let bad: Set<Int> = [7, 70, 71]
        let rig = Rig(letters: DeadLetterBox())
        let exporter = rig.exporter { (attempt) throws(ExportError) in
            if !bad.isDisjoint(with: attempt.items) { throw .payload(reason: "bad item") }
            return .complete
        }
        rig.add(exporter, isDurable: true)
        try await rig.start(batch: BatchSettings(sendBatchSize: 100, sendBatchMaxSize: 100, timeout: .seconds(1)))
        for start in stride(from: 0, to: 100, by: 20) { try await rig.send(telemetry(start..<(start + 20))).get() }
        await rig.until("all ended") { rig.log.status.records == 0 }
        #expect(exporter.delivered.sorted() == (0..<100).filter { !bad.contains($0) })
        let letters = rig.letters?.letters ?? []
        #expect(Set(letters.flatMap { itemIDs($0.payload) }) == bad)
        #expect(letters.allSatisfy { $0.cause == .permanentError && $0.reason == "bad item" && $0.itemCount == 1 })
        #expect(rig.sender.states[0].backlog.totals == CutOutcome(delivered: 97, deadLettered: 3))
        _ = await rig.stop()
    }

    @Test("what waited while the backend was busy goes out in one large batch")
    func backlog() async throws {
        let rig = Rig()
        let gate = Mutex(false)
        let exporter = rig.exporter { (_) throws(ExportError) in
            while !gate.withLock({ $0 }) { await Task.yield() }
            return .complete
        }
        exporter.prefer(backlogItems: 1000)
        rig.add(exporter) { $0.queue.numConsumers = 1 }
        try await rig.start(batch: BatchSettings(sendBatchSize: 10, sendBatchMaxSize: 10, timeout: .seconds(1)))
        try await rig.send(telemetry(0..<10)).get()
        await rig.until("the first is on its way") { exporter.attempts.count == 1 }
        for start in stride(from: 10, to: 2000, by: 10) { try await rig.send(telemetry(start..<(start + 10))).get() }
        gate.withLock { $0 = true }
        await rig.until("all ended") { exporter.delivered.count == 2000 }
        #expect(exporter.delivered == Array(0..<2000))
        let sizes = exporter.attempts.map(\.items.count)
        #expect(sizes.contains(1000), "\(sizes)")
        #expect(sizes.count <= 6, "\(sizes)")
        _ = await rig.stop()
    }

    @Test("while dead letters cannot be kept the batch stays in the log")
    func fullDeadLetters() async throws {
        let rig = Rig(letters: DeadLetterBox(refusals: 2))
        let exporter = rig.exporter { (_) throws(ExportError) in throw .payload(reason: "bad") }
        rig.add(exporter, isDurable: true)
        try await rig.start()
        try await rig.send(telemetry(0..<1)).get()
        await rig.run("kept at last") { rig.letters?.letters.count == 1 }
        #expect(exporter.attempts.map(\.at) == [.zero, .seconds(30), .seconds(60)])
        await rig.until("ended") { rig.log.status.records == 0 }
        _ = await rig.stop()
    }

    @Test("a batch that keeps failing while others succeed is halved until only its bad item fails")
    func poison() async throws {
        let rig = Rig()
        let exporter = rig.exporter { (attempt) throws(ExportError) in
            if attempt.items.contains(2) { throw .retry(after: nil, progress: [], reason: "internal error") }
            return .complete
        }
        rig.add(exporter, isDurable: true)
        try await rig.start()
        try await rig.send(telemetry(0..<4)).get()
        // Only what is delivered after the first failure speaks against the batch.
        await rig.until("the first failure") { rig.sender.states[0].parkedBatches == 1 }
        for start in 4..<20 { try await rig.send(telemetry(start..<(start + 1))).get() }
        await rig.run("all but the bad item") {
            exporter.delivered.count == 19 && rig.sender.states[0].backlog.inFlightItems == 1
        }
        #expect(!exporter.delivered.contains(2))
        #expect(await rig.stop(after: .zero) == StopReport(waitingItems: 1))
    }

    @Test("a slow exporter delays no other, and lags alone")
    func slowExporter() async throws {
        let rig = Rig()
        let gate = Gate()
        let slow = rig.exporter { (_) throws(ExportError) in
            await gate.wait()
            return .complete
        }
        let fast = rig.exporter { (_) throws(ExportError) in .complete }
        rig.add(slow, name: "slow") {
            $0.queue.numConsumers = 1
            $0.queue.queueSize = 5
        }
        rig.add(fast, name: "fast")
        try await rig.start()
        for id in 0..<50 {
            try await rig.send(telemetry(id..<(id + 1))).get()
            await rig.until("fast") { fast.delivered.count == id + 1 }
        }
        #expect(slow.delivered.isEmpty)
        gate.open()
        await rig.until("slow ended what it kept") { rig.log.status.records == 0 }
        let skipped = Int(
            rig.metric(
                "otelcol_swift_exporter_dropped_items",
                ["exporter": "scripted/slow", "data_type": "logs", "reason": "queue_full"]))
        #expect(skipped > 0)
        #expect(slow.delivered.count + skipped == 50)
        #expect(rig.metric("otelcol_exporter_enqueue_failed_log_records", ["exporter": "scripted/slow"]) > 0)
        #expect(rig.metric("otelcol_exporter_enqueue_failed_log_records", ["exporter": "scripted/fast"]) == 0)
        _ = await rig.stop()
    }

    @Test("never more sends in flight than num_consumers; when everything fails, one probe at a time")
    func concurrency() async throws {
        let rig = Rig()
        let gate = Gate()
        let isDown = Mutex(true)
        let exporter = rig.exporter { (_) throws(ExportError) in
            await gate.wait()
            if isDown.withLock({ $0 }) { throw .retry(after: nil, progress: [], reason: "down") }
            return .complete
        }
        rig.add(exporter) { $0.queue.numConsumers = 6 }
        try await rig.start()
        for id in 0..<100 { try await rig.send(telemetry(id..<(id + 1))).get() }
        await rig.until("six wait") { exporter.attempts.count == 6 }
        #expect(exporter.peak == 6)
        gate.open()
        await rig.until("all parked") {
            rig.sender.states[0].parkedBatches >= 6 && rig.sender.states[0].inFlightBatches == 0
        }
        #expect(rig.sender.states[0].parkedBatches < 10)
        let before = exporter.attempts.count
        await rig.run("some probes") { exporter.attempts.count >= before + 20 }
        #expect(exporter.peak == 6)
        #expect(exporter.attempts.dropFirst(before).allSatisfy { $0.at >= .seconds(5) && $0.running == 1 })
        #expect(rig.sender.states[0].parkedBatches < 40)
        isDown.withLock { $0 = false }
        await rig.run("everything") { exporter.delivered.count == 100 }
        #expect(exporter.delivered.sorted() == Array(0..<100))
        _ = await rig.stop()
    }

    @Test("an attempt is cancelled at its timeout and tried again")
    func timeout() async throws {
        let rig = Rig()
        let exporter = rig.exporter { (attempt) throws(ExportError) in
            guard attempt.number == 1 else { return .complete }
            do {
                try await rig.timeline.sleep(until: .seconds(500))
                return .complete
            } catch {
                throw .retry(after: nil, progress: [], reason: "request is cancelled or timed out")
            }
        }
        rig.add(exporter) { $0.timeout = .seconds(3) }
        try await rig.start()
        try await rig.send(telemetry(0..<1)).get()
        await rig.run("delivered") { exporter.delivered == [0] }
        #expect(exporter.attempts.map(\.at) == [.zero, .seconds(8)])
        _ = await rig.stop()
    }

    @Test("a partial success is counted and not sent again")
    func partialSuccess() async throws {
        let rig = Rig()
        let exporter = rig.exporter { (_) throws(ExportError) in Delivery(rejectedItems: 2, reason: "too old") }
        rig.add(exporter)
        try await rig.start()
        try await rig.send(telemetry(0..<5)).get()
        await rig.until("ended") { rig.log.status.records == 0 }
        #expect(rig.sender.states[0].backlog.totals == CutOutcome(delivered: 3, rejectedByPeer: 2))
        #expect(rig.metric("otelcol_exporter_sent_log_records", ["exporter": "scripted"]) == 3)
        #expect(exporter.attempts.count == 1)
        _ = await rig.stop()
    }

    @Test("partitions by metadata are never mixed, and too many are refused for good")
    func partitions() async throws {
        let rig = Rig()
        let exporter = rig.exporter { (_) throws(ExportError) in .complete }
        rig.add(exporter)
        try await rig.start(
            batch: BatchSettings(
                sendBatchSize: 100, sendBatchMaxSize: 0, timeout: .seconds(1), metadataKeys: ["tenant"],
                metadataCardinalityLimit: 2))
        func client(_ tenant: String) -> ClientInfo { ClientInfo(address: "", metadata: [("tenant", tenant)]) }
        try await rig.send(telemetry(0..<2, client: client("a"))).get()
        try await rig.send(telemetry(2..<4, client: client("b"))).get()
        try await rig.send(telemetry(4..<6, client: client("a"))).get()
        #expect(
            refusal(await rig.send(telemetry(6..<8, client: client("c"))))
                == RefusalError(isRetryable: false, reason: "too many batcher metadata-value combinations"))
        await rig.run("both") { exporter.delivered.count == 6 }
        #expect(Set(exporter.attempts.map(\.items)) == [[0, 1, 4, 5], [2, 3]])
        #expect(rig.metric("otelcol_processor_batch_metadata_cardinality", ["processor": "batch"]) == 2)
        _ = await rig.stop()
    }
}

/// A door that tests open.
final class Gate: Sendable {
    private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}

func refusal(_ result: Result<Void, RefusalError>) -> RefusalError? {
    if case .failure(let refusal) = result { refusal } else { nil }
}
