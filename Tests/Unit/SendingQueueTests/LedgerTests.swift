import Component
import Testing
import WriteAheadLog

@testable import SendingQueue

/// Every item that a pipeline is given is in exactly one place of its ledger.
@Suite(.timeLimit(.minutes(30))) struct LedgerTests {
    @Test("what processors do to a request is told from what the log does")
    func pipeline() {
        let account = PipelineAccount()
        account.accepted(10)
        #expect(account.reading.pending == 10 && account.reading.balance == 0)
        account.processed(by: "filter", from: 10, to: 7)
        account.processed(by: "spanmetrics", from: 7, to: 9)
        account.processed(by: "attributes", from: 9, to: 9)
        account.ended(5, .success(()))
        account.ended(4, .failure(.queueFull))
        let counts = account.reading
        #expect(counts.filtered == ["filter": 3] && counts.created == 2)
        #expect(counts.appended == 5 && counts.refused == 4 && counts.pending == 0 && counts.balance == 0)
    }

    @Test("a ledger that misses an item says so")
    func imbalance() {
        var account = ConsumerAccount(isDurable: true)
        account.appended = 3
        account.waiting = 2
        #expect(account.balance == 1)
        #expect(!LedgerSnapshot(pipeline: "logs", counts: PipelineCounts(), exporters: ["a": account]).isBalanced)
    }

    @Test("delivered, rejected, dropped and waiting items stand under their exporter")
    func exporters() async throws {
        let rig = Rig()
        let rejecting = rig.exporter { (_) throws(ExportError) in Delivery(rejectedItems: 1) }
        let refusing = rig.exporter { (_) throws(ExportError) in throw .payload(reason: "no") }
        let dead = rig.exporter { (_) throws(ExportError) in throw .retry(after: nil, progress: [], reason: "down") }
        rig.add(rejecting, name: "rejecting")
        rig.add(refusing, name: "refusing")
        rig.add(dead, name: "dead")
        try await rig.start()
        for start in [0, 3, 6] { try await rig.send(telemetry(start..<(start + 3))).get() }
        await rig.until("two have ended") {
            let ledger = rig.sender.ledger.exporters
            return ["rejecting", "refusing"].allSatisfy { ledger["scripted/\($0)"]?.outcome.itemCount == 9 }
        }
        let ledger = rig.sender.ledger
        #expect(ledger.isBalanced)
        #expect(ledger.counts.accepted == 9 && ledger.counts.appended == 9)
        #expect(ledger.exporters["scripted/rejecting"]?.outcome == CutOutcome(delivered: 6, rejectedByPeer: 3))
        #expect(ledger.exporters["scripted/refusing"]?.outcome == CutOutcome(dropped: 9))
        let held = ledger.exporters["scripted/dead"]
        #expect((held?.waiting ?? 0) + (held?.inFlight ?? 0) == 9)
        _ = await rig.stop()
    }
}
