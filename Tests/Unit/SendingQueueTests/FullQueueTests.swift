import Component
import OTLP
import Synchronization
import Testing
import WriteAheadLog

@testable import SendingQueue

/// Clients hear OK only for what was kept (or, without a queue, delivered), and a full queue refuses, waits or skips as
/// set.
@Suite(.timeLimit(.minutes(30))) struct FullQueueTests {
    private func downRig(_ edit: (inout SendingConfig) -> Void) async throws -> (Rig, Gate, ScriptedExporter) {
        let rig = Rig()
        let gate = Gate()
        let exporter = rig.exporter { (_) throws(ExportError) in
            await gate.wait()
            return .complete
        }
        rig.add(exporter) {
            $0.queue.numConsumers = 1
            $0.queue.queueSize = 3
            edit(&$0)
        }
        try await rig.start()
        // One request is on its way, and holds the only slot; another is in the cutter's hand.
        try await rig.send(telemetry(0..<1)).get()
        await rig.until("on its way") { exporter.attempts.count == 1 }
        return (rig, gate, exporter)
    }

    @Test("a full queue refuses, retryably, and counts")
    func refuses() async throws {
        let (rig, gate, exporter) = try await downRig { _ in }
        for id in 1..<4 { try await rig.send(telemetry(id..<(id + 1))).get() }
        #expect(
            refusal(await rig.send(telemetry(4..<6)))
                == RefusalError(isRetryable: true, reason: "sending queue is full"))
        #expect(rig.metric("otelcol_exporter_enqueue_failed_log_records", ["exporter": "scripted"]) == 2)
        #expect(
            rig.metric("otelcol_exporter_queue_size", ["exporter": "scripted", "data_type": "logs"]) == 3)
        #expect(rig.metric("otelcol_exporter_queue_capacity", ["exporter": "scripted"]) == 3)
        gate.open()
        await rig.until("the rest") { exporter.delivered.count == 4 }
        try await rig.send(telemetry(6..<7)).get()
        _ = await rig.stop()
    }

    @Test("with block_on_overflow the client waits for room")
    func blocks() async throws {
        let (rig, gate, exporter) = try await downRig { $0.queue.blockOnOverflow = true }
        for id in 1..<4 { try await rig.send(telemetry(id..<(id + 1))).get() }
        let answers = Mutex(0)
        for id in 4..<9 {
            rig.sender.consume(telemetry(id..<(id + 1))) { result in
                if case .success = result { answers.withLock { $0 += 1 } }
            }
        }
        #expect(answers.withLock { $0 } == 0)
        gate.open()
        await rig.run("all answered and delivered") { answers.withLock { $0 } == 5 && exporter.delivered.count == 9 }
        #expect(exporter.delivered.sorted() == Array(0..<9))
        _ = await rig.stop()
    }

    @Test("who waits for room when the program stops is refused")
    func blockedAtStop() async throws {
        let (rig, gate, _) = try await downRig { $0.queue.blockOnOverflow = true }
        for id in 1..<4 { try await rig.send(telemetry(id..<(id + 1))).get() }
        async let answer = rig.send(telemetry(4..<5))
        async let report = rig.stop()
        #expect(refusal(await answer)?.isRetryable == true)
        gate.open()
        #expect(await report == StopReport())
    }

    @Test("requests above the log's record limit are divided, one item above it is refused for good")
    func divides() async throws {
        let rig = Rig(recordBytesMax: 40)
        let exporter = rig.exporter { (_) throws(ExportError) in .complete }
        rig.add(exporter)
        try await rig.start()
        try await rig.send(telemetry(0..<95)).get()
        await rig.until("delivered") { exporter.delivered.count == 95 }
        #expect(exporter.delivered.sorted() == Array(0..<95))
        #expect(exporter.attempts.allSatisfy { $0.items.count <= 10 })
        let large = Telemetry(signal: .logs, bytes: request(0..<11), itemCount: 1, receivedAtUnixNanos: 1)
        #expect(refusal(await rig.send(large))?.isRetryable == false)
        _ = await rig.stop()
    }

    @Test("without a queue, or with wait_for_result, the answer is the export's")
    func direct() async throws {
        for isEnabled in [false, true] {
            let rig = Rig()
            let exporter = rig.exporter { (attempt) throws(ExportError) in
                switch attempt.items[0] {
                case 1: throw .payload(reason: "bad")
                case 2 where attempt.number < 3: throw .retry(after: nil, progress: [], reason: "busy")
                case 3: throw .retry(after: nil, progress: [], reason: "down")
                default: return .complete
                }
            }
            let queued = rig.exporter { (_) throws(ExportError) in .complete }
            rig.add(exporter, name: "direct") {
                $0.queue.isEnabled = isEnabled
                $0.queue.waitForResult = true
            }
            rig.add(queued, name: "queued")
            try await rig.start()
            let answers = Mutex<[Int: RefusalError?]>([:])
            for id in 0..<4 {
                rig.sender.consume(telemetry(id..<(id + 1))) { result in
                    answers.withLock { $0[id] = .some(refusal(result)) }
                }
            }
            await rig.run("all answered") { answers.withLock { $0.count } == 4 }
            let got = answers.withLock { $0 }
            #expect(got[0] == .some(nil))
            #expect(got[1]??.isRetryable == false)
            #expect(got[2] == .some(nil))
            #expect(got[3]??.isRetryable == true)
            #expect(exporter.attempts.filter { $0.items == [2] }.map(\.at) == [.zero, .seconds(5), .seconds(12.5)])
            await rig.until("queued") { queued.delivered.count == 4 }
            _ = await rig.stop()
        }
    }

    @Test("an exporter without a queue makes every client wait, and refuses none", arguments: [false, true])
    func absentQueue(isBatched: Bool) async throws {
        let rig = Rig(capacityBytes: isBatched ? 400 : 1 << 20)
        let gate = Gate()
        let exporter = rig.exporter { (_) throws(ExportError) in
            await gate.wait()
            return .complete
        }
        rig.add(exporter) { $0.queue = .absent }
        let batch = BatchSettings(sendBatchSize: 2, sendBatchMaxSize: 0, timeout: .seconds(1))
        try await rig.start(batch: isBatched ? batch : nil)
        let answers = Mutex<[RefusalError?]>([])
        for id in 0..<1500 {
            rig.sender.account.accepted(1)
            rig.sender.consume(telemetry(id..<(id + 1))) { result in answers.withLock { $0.append(refusal(result)) } }
        }
        // Behind a log the first hundred, 400 bytes, are answered once they are in it.
        #expect(answers.withLock { $0.count } == (isBatched ? 100 : 0))
        gate.open()
        await rig.run("all answered and delivered") {
            answers.withLock { $0.count } == 1500 && exporter.delivered.count == 1500
        }
        #expect(answers.withLock { $0.allSatisfy { $0 == nil } })
        #expect(exporter.delivered.sorted() == Array(0..<1500))
        #expect(rig.metric("otelcol_exporter_enqueue_failed_log_records", ["exporter": "scripted"]) == 0)
        _ = await rig.stop()
    }

    @Test("an exporter without a queue reads the log where others of the pipeline do, and skips nothing")
    func absentQueueBesideOthers() async throws {
        let rig = Rig()
        let slow = rig.exporter { (_) throws(ExportError) in .complete }
        let other = rig.exporter { (_) throws(ExportError) in .complete }
        rig.add(slow, name: "absent") { $0.queue = .absent }
        rig.add(other, name: "queued")
        try await rig.start()
        for id in 0..<50 { try await rig.send(telemetry(id..<(id + 1))).get() }
        await rig.until("delivered") { slow.delivered.count == 50 && other.delivered.count == 50 }
        #expect(rig.sender.ledger.exporters.keys.sorted() == ["scripted/absent", "scripted/queued"])
        _ = await rig.stop()
    }

    @Test("without a queue of its own an exporter's failure is told at once, unless retries are asked for")
    func absentQueueFails() async throws {
        for repeats in [false, true] {
            let rig = Rig()
            let exporter = rig.exporter { (attempt) throws(ExportError) in
                if attempt.number < 2 { throw .retry(after: nil, progress: [], reason: "disk full") }
                return .complete
            }
            rig.add(exporter) {
                $0.queue = .absent
                $0.repeatsForClients = repeats
            }
            try await rig.start()
            let answer = Mutex<RefusalError??>(nil)
            rig.sender.account.accepted(1)
            rig.sender.consume(telemetry(0..<1)) { result in answer.withLock { $0 = .some(refusal(result)) } }
            await rig.run("answered") { answer.withLock { $0 } != nil }
            #expect(exporter.attempts.count == (repeats ? 2 : 1))
            #expect(answer.withLock { $0 }??.isRetryable == (repeats ? nil : true))
            _ = await rig.stop()
        }
    }

    @Test("an immediate exporter has delivered before the caller goes on")
    func immediate() async throws {
        let rig = Rig()
        rig.add(NothingExporter()) { $0.queue = .absent }
        try await rig.start()
        let answers = Mutex(0)
        rig.sender.account.accepted(3)
        rig.sender.consume(telemetry(0..<3)) { _ in answers.withLock { $0 += 1 } }
        #expect(answers.withLock { $0 } == 1)
        #expect(rig.metric("otelcol_exporter_sent_log_records", ["exporter": "scripted"]) == 3)
        #expect(rig.sender.ledger.counts.appended == 3)
        _ = await rig.stop()
    }

    private struct NothingExporter: ImmediateExporter {
        func start() async throws {}
        func export(_ batch: Batch) async throws(ExportError) -> Delivery { .complete }
        func deliver(_ request: borrowing Telemetry) -> Delivery { .complete }
        func stop() async {}
    }

    @Test("queue_size counts batches of the batch processor, as where the queue stands behind it")
    func limitInBatches() {
        let batch = BatchSettings(sendBatchSize: 100, sendBatchMaxSize: 0, timeout: .seconds(1))
        var config = QueueConfig()
        config.queueSize = 5
        #expect(config.limit(batch: batch) == .items(500))
        #expect(config.limit(batch: nil) == .records(5))
        var backlog = ConsumerBacklog()
        backlog.waitingItems = 101
        backlog.waitingRecords = 50
        backlog.waitingBytes = 7
        #expect(config.size(of: backlog, batch: batch) == 2)
        config.batch = batch
        #expect(config.limit(batch: batch) == .records(5))
        #expect(config.size(of: backlog, batch: batch) == 50)
        config.sizer = .bytes
        #expect(config.limit(batch: batch) == .bytes(5))
        #expect(config.size(of: backlog, batch: batch) == 7)
    }
}
