import Component
import Synchronization
import Testing
import WriteAheadLog

@testable import SendingQueue

/// The end of sending loses nothing unsaid: memory drains or counts, storage keeps.
@Suite(.timeLimit(.minutes(30))) struct ShutdownTests {
    @Test("memory is drained, with the batch that was waiting to fill")
    func drains() async throws {
        let rig = Rig()
        let exporter = rig.exporter { (_) throws(ExportError) in .complete }
        rig.add(exporter) { $0.queue.numConsumers = 2 }
        try await rig.start(batch: BatchSettings(sendBatchSize: 10, sendBatchMaxSize: 0, timeout: .seconds(60)))
        for id in 0..<95 { try await rig.send(telemetry(id..<(id + 1))).get() }
        #expect(await rig.stop() == StopReport())
        #expect(exporter.delivered.sorted() == Array(0..<95))
        #expect(refusal(await rig.send(telemetry(0..<1)))?.isRetryable == true)
    }

    @Test("what fails gets one more try, and is then dropped and counted; on disk it stays")
    func lastTry() async throws {
        for isDurable in [false, true] {
            let rig = Rig()
            let exporter = rig.exporter { (_) throws(ExportError) in
                throw .retry(after: nil, progress: [], reason: "down")
            }
            rig.add(exporter, isDurable: isDurable)
            try await rig.start()
            for id in 0..<30 { try await rig.send(telemetry(id..<(id + 1))).get() }
            await rig.until("parked") { rig.sender.states[0].parkedBatches >= 4 }
            let before = exporter.attempts.count
            let report = await rig.stop()
            let dropped: MetricLabels = ["exporter": "scripted", "data_type": "logs", "reason": "shutdown"]
            if isDurable {
                #expect(report == StopReport(waitingItems: 30))
                #expect(exporter.attempts.count - before <= 10)
                #expect(rig.metric("otelcol_swift_exporter_dropped_items", dropped) == 0)
            } else {
                #expect(report == StopReport(droppedItems: 30))
                #expect(exporter.attempts.count == before + 30)
                #expect(rig.metric("otelcol_swift_exporter_dropped_items", dropped) == 30)
            }
        }
    }

    @Test("at the deadline attempts are cancelled; an exporter that does not end is left behind, and counted")
    func deadline() async throws {
        for isStubborn in [false, true] {
            let rig = Rig()
            let gate = Gate()
            let exporter = rig.exporter { (_) throws(ExportError) in
                if isStubborn {
                    await gate.wait()
                } else {
                    try? await rig.timeline.sleep(until: .seconds(5000))
                }
                throw .retry(after: nil, progress: [], reason: "cancelled")
            }
            rig.add(exporter) { $0.queue.numConsumers = 2 }
            try await rig.start()
            for id in 0..<7 { try await rig.send(telemetry(id..<(id + 1))).get() }
            await rig.until("two hang") { exporter.attempts.count == 2 }
            let done = Mutex<StopReport?>(nil)
            async let stopping: Void = {
                let report = await rig.stop(after: .seconds(4))
                done.withLock { $0 = report }
            }()
            await rig.run("stopped") { done.withLock { $0 } != nil }
            await stopping
            #expect(done.withLock { $0 } == StopReport(droppedItems: 7))
            #expect(rig.clock.now.offset >= .seconds(3.9))
            #expect(rig.clock.now.offset <= .seconds(isStubborn ? 6.1 : 4.1))
            gate.open()
        }
    }
}
