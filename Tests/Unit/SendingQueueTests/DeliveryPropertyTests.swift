import Component
import Synchronization
import Testing
import WriteAheadLog

@testable import SendingQueue

/// Under random failures of every kind each acknowledged item is delivered at least once or accounted for exactly once.
@Suite(.timeLimit(.minutes(30))) struct DeliveryPropertyTests {
    /// Scenario: two exporters of random settings over one log; random requests while attempts fail at random, some
    /// items are refused for good, and then a stop at a random moment.
    /// Guarantees: for each exporter delivered + rejected + dead + dropped + waiting = appended, an item is delivered
    /// unless it is in one of the other counts, and nothing is invented.
    @Test("accounts for every item", arguments: UInt64(1)...24)
    func accounts(seed: UInt64) async throws {
        let random = Mutex(SplitMix(seed))
        @Sendable func pick(_ range: ClosedRange<Int>) -> Int { random.withLock { Int.random(in: range, using: &$0) } }
        let rig = Rig(capacityBytes: 1 << 22, recordBytesMax: 120, letters: DeadLetterBox(refusals: pick(0...2)))
        let isHealed = Mutex(false)
        let failureRate = pick(0...80)
        let script: ScriptedExporter.Script = { (attempt) throws(ExportError) in
            for _ in 0..<pick(0...3) { await Task.yield() }
            if attempt.items.contains(where: { $0 % 97 == 13 }) { throw .payload(reason: "bad item") }
            if pick(0...99) < failureRate, !isHealed.withLock({ $0 }) {
                switch pick(0...5) {
                case 0: throw .misconfigured(reason: "denied")
                case 1: throw .retry(after: .seconds(pick(0...40)), progress: [1], reason: "busy")
                default: throw .retry(after: nil, progress: [], reason: "down")
                }
            }
            return .complete
        }
        let exporters = [rig.exporter(script), rig.exporter(script)]
        for (index, exporter) in exporters.enumerated() {
            rig.add(exporter, name: "\(index)", isDurable: index == 0 && pick(0...1) == 0) {
                $0.queue.numConsumers = pick(1...6)
                $0.queue.queueSize = pick(5...2000)
                $0.queue.blockOnOverflow = index == 1 && pick(0...3) == 0
                $0.retry.randomizationFactor = 0.5
                $0.retry.isMaxElapsedTimeWritten = pick(0...1) == 0
                $0.timeout = pick(0...1) == 0 ? .seconds(7) : nil
            }
        }
        let size = pick(1...40)
        try await rig.start(
            batch: pick(0...2) == 0
                ? nil
                : BatchSettings(
                    sendBatchSize: size, sendBatchMaxSize: pick(0...1) == 0 ? 0 : size + pick(0...9),
                    timeout: .seconds(1)))
        let acknowledged = Mutex<Set<Int>>([])
        let answered = Mutex(0)
        var next = 0
        let requests = pick(5...80)
        for _ in 0..<requests {
            let ids = next..<(next + pick(1...40))
            next = ids.upperBound
            rig.sender.consume(telemetry(ids)) { result in
                if case .success = result { acknowledged.withLock { $0.formUnion(ids) } }
                answered.withLock { $0 += 1 }
            }
            if pick(0...3) == 0 { rig.clock.advanceToNextSleeper() }
            for _ in 0..<pick(0...20) { await Task.yield() }
        }
        if pick(0...1) == 0 {
            isHealed.withLock { $0 = true }
            await rig.run("all delivered") { rig.log.status.records == 0 && answered.withLock { $0 } == requests }
        }
        let states = rig.sender.states
        let done = Mutex<StopReport?>(nil)
        async let stopping: Void = {
            let report = await rig.stop(after: .seconds(pick(0...20)))
            done.withLock { $0 = report }
        }()
        await rig.run("stopped") { done.withLock { $0 } != nil }
        await stopping
        #expect(answered.withLock { $0 } == requests)
        try check(rig, exporters, acknowledged: acknowledged.withLock { $0 }, sent: next, states, done)
    }

    private func check(
        _ rig: Rig, _ exporters: [ScriptedExporter], acknowledged: Set<Int>, sent: Int, _ states: [ExporterState],
        _ report: borrowing Mutex<StopReport?>
    ) throws {
        let appended = rig.log.status.appendedItems
        var left = 0
        for (index, exporter) in exporters.enumerated() {
            let labels: MetricLabels = ["exporter": "scripted/\(index)", "data_type": "logs"]
            let dropped = GiveUpCause.allCases.reduce(0) { sum, cause in
                sum
                    + Int(
                        rig.metric(
                            "otelcol_swift_exporter_dropped_items",
                            [
                                "exporter": "scripted/\(index)", "data_type": "logs", "reason": cause.rawValue,
                            ]))
            }
            let dead = Int(rig.metric("otelcol_swift_exporter_dead_lettered_items", labels))
            let delivered = Int(rig.metric("otelcol_exporter_sent_log_records", ["exporter": "scripted/\(index)"]))
            let waiting = appended - delivered - dead - dropped
            if !states[index].isDurable { #expect(waiting == 0) }
            #expect(waiting >= 0)
            left += waiting
            #expect(exporter.delivered.count == delivered, "each item of a delivered batch is counted once")
            let missing = acknowledged.subtracting(exporter.delivered)
            #expect(missing.count <= dead + dropped + waiting)
            #expect(Set(exporter.delivered).isSubset(of: 0..<sent))
            #expect(!exporter.delivered.contains { $0 % 97 == 13 })
        }
        #expect(try #require(report.withLock { $0 }).waitingItems == left)
    }
}
