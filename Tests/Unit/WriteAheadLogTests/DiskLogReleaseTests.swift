import LogTestSupport
import Testing

@testable import WriteAheadLog

/// No segment is freed on the word of something that may be lost.
@Suite struct DiskLogReleaseTests {
    /// Scenario: while the ends of batches make segments free, syncs fail; then the disk stops, and the power fails.
    /// Guarantees: a batch that a restart brings back still has its records.
    @Test("a sync that fails frees nothing", arguments: logSeeds(80))
    func failedSync(seed: UInt64) async throws {
        let fileSystem = FaultyFileSystem(seed: seed)
        var random = LogRandom(seed: seed)
        let log = try DiskLogFaultTests.open(fileSystem)
        let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        for tag in UInt64(1)...60 { _ = try await DiskLogFaultTests.append(log, tag).get() }
        var cuts: [Cut] = []
        while true {
            let records = try consumer.next(maxRecords: 10, maxBytes: .max)
            if records.isEmpty { break }
            cuts.append(try await consumer.cut(records.map { ItemRange(sequence: $0.sequence, items: $0.items) }))
        }
        fileSystem.setFaults { $0.syncErrorOneIn = 2 }
        for cut in cuts {
            consumer.done(cut.id, outcome: CutOutcome(delivered: cut.itemCount))
            // The writer has dealt with it once it answers, in whatever way.
            if random.oneIn(2) { _ = await DiskLogFaultTests.append(log, 100) }
        }
        fileSystem.stop(afterOperations: random.int(0..<20))
        await log.close()
        fileSystem.setFaults { $0 = FaultyFileSystem.Faults() }
        fileSystem.powerFailure()

        let again = try DiskLogFaultTests.open(fileSystem, epoch: 2)
        let reopened = try again.openConsumer("a", options: ConsumerOptions(isDurable: true))
        for cut in reopened.recoveredCuts {
            #expect(try reopened.read(cut.ranges).count == cut.ranges.count, "seed \(seed)")
        }
        #expect(again.status.corruptRecords == 0)
        await again.close()
    }
}
