import Component
import Synchronization
import Testing
import WriteAheadLog

@testable import SendingQueue

/// What the log takes back from an exporter is counted once, and the rest is delivered.
@Suite(.timeLimit(.minutes(30))) struct GiveWayTests {
    /// Scenario: with `on_full: evict_oldest` a backend is down while three times as much comes as the log may hold; then it
    /// comes back.
    /// Guarantees: no client is refused; every item is delivered, once, or counted as evicted, in ledger and metrics; the
    /// newest ones are delivered.
    @Test("evict_oldest costs the oldest items alone", arguments: [1, 10])
    func evictOldest(numConsumers: Int) async throws {
        let directory = LogDirectory()
        let log = try DiskLog.open(
            DiskLogConfiguration(
                directory: directory.path, segmentBytes: 32 << 10, fsync: false, bytesMax: 300_000,
                onFull: .evictOldest, spareSegments: 0))
        let rig = Rig()
        let isUp = Mutex(false)
        let exporter = ScriptedExporter(rig.timeline) { (_) throws(ExportError) in
            if !isUp.withLock({ $0 }) { throw .retry(after: nil, progress: [], reason: "down") }
            return .complete
        }
        rig.add(exporter, isDurable: true) { $0.queue.numConsumers = numConsumers }
        try await rig.start(
            batch: BatchSettings(sendBatchSize: 300, sendBatchMaxSize: 300, timeout: .seconds(1)), log: log)
        for request in 0..<1200 {
            try await rig.send(telemetry(request * 200..<(request + 1) * 200)).get()
            if request % 20 == 0 {
                rig.clock.advanceToNextSleeper()
                for _ in 0..<50 { await Task.yield() }
                #expect(rig.sender.ledger.isBalanced, "\(rig.sender.ledger)")
            }
        }
        isUp.withLock { $0 = true }
        await rig.run("drained") {
            let backlog = rig.sender.states[0].backlog
            return backlog.waitingItems == 0 && backlog.inFlightItems == 0
        }
        let backlog = rig.sender.states[0].backlog
        #expect(backlog.evictedItems > 100_000)
        #expect(Set(exporter.delivered).count == exporter.delivered.count, "an item twice")
        #expect(exporter.delivered.count + backlog.evictedItems == 240_000)
        #expect(exporter.delivered.max() == 239_999)
        #expect(
            rig.metric(
                "otelcol_swift_exporter_dropped_items",
                ["exporter": "scripted", "data_type": "logs", "reason": "evicted"]) == Double(backlog.evictedItems))
        _ = await rig.stop()
        await log.close()
    }
}
