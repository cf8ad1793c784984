import LogTestSupport
import Testing

@testable import WriteAheadLog

/// The log agrees with a plain model over random operations, and loses nothing it acknowledged, whatever stops it.
@Suite struct DiskLogModelTests {
    /// Scenario: random appends, reads, cuts, splits and ends, with clean restarts between.
    /// Guarantees: contents, open batches, ids, progress and backlogs are exactly the model's.
    @Test("clean restarts change nothing", arguments: logSeeds(12))
    func cleanRestarts(seed: UInt64) async throws {
        let harness = LogHarness(seed: seed, LogHarness.Options())
        try harness.open()
        for _ in 0..<4 {
            for _ in 0..<80 { try await harness.step() }
            await harness.log.close()
            try harness.reopen(isClean: true)
        }
        await harness.log.close()
    }

    /// Scenario: the process dies at any moment; what it wrote survives.
    /// Guarantees: every acknowledged item is waiting, in a batch of the same id, or done.
    @Test("a killed process loses nothing", arguments: logSeeds(12))
    func processDeath(seed: UInt64) async throws {
        var options = LogHarness.Options()
        options.hasFaults = true
        options.fsync = seed % 2 == 0
        let harness = LogHarness(seed: seed, options)
        try harness.open()
        for _ in 0..<6 {
            harness.fileSystem.stop(afterOperations: harness.random.int(1..<400))
            for _ in 0..<60 { try await harness.step() }
            await harness.log.close()
            harness.fileSystem.processDeath()
            try harness.reopen(isClean: false)
        }
        await harness.log.close()
    }

    /// Scenario: the power fails at any operation; unsynced writes are lost, torn and reordered.
    /// Guarantees: with fsync every acknowledged item is waiting, in a batch of the same id, or done.
    @Test("a power failure loses nothing that was acknowledged", arguments: logSeeds(40))
    func powerFailure(seed: UInt64) async throws {
        var options = LogHarness.Options()
        options.hasFaults = true
        if seed % 3 == 0 { options.payloadBytesMax = 400 }
        let harness = LogHarness(seed: seed, options)
        try harness.open()
        for _ in 0..<6 {
            harness.fileSystem.stop(afterOperations: harness.random.int(1..<400))
            for _ in 0..<60 { try await harness.step() }
            await harness.log.close()
            harness.fileSystem.powerFailure()
            try harness.reopen(isClean: false)
        }
        await harness.log.close()
    }

    /// Scenario: writes and syncs fail at random, writes are short, and then the power fails.
    /// Guarantees: as above; a refused group never takes an acknowledged one with it.
    @Test("failing writes and syncs lose nothing that was acknowledged", arguments: logSeeds(20))
    func failingDisk(seed: UInt64) async throws {
        var options = LogHarness.Options()
        options.hasFaults = true
        let harness = LogHarness(seed: seed, options)
        try harness.open()
        for _ in 0..<4 {
            harness.fileSystem.setFaults {
                $0.writeErrorOneIn = 30
                $0.syncErrorOneIn = 20
                $0.shortWriteOneIn = 5
            }
            for _ in 0..<60 { try await harness.step() }
            harness.fileSystem.setFaults { $0 = FaultyFileSystem.Faults() }
            for _ in 0..<5 { try await harness.step() }
            await harness.log.close()
            harness.fileSystem.powerFailure()
            try harness.reopen(isClean: false)
        }
        await harness.log.close()
    }
}
