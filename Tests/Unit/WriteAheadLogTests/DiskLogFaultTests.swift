import LogTestSupport
import Synchronization
import Testing

@testable import WriteAheadLog

/// What the log does when the disk is full, failing, removed or in use, and who gets out of the way.
@Suite struct DiskLogFaultTests {
    static func open(
        _ fileSystem: FaultyFileSystem, bytesMax: Int? = nil, freeBytesMin: Int = 0, epoch: UInt64 = 1,
        tailBytesMax: Int = 0, fsync: Bool = true
    ) throws -> DiskLog {
        try DiskLog.open(
            DiskLogConfiguration(
                directory: "log", segmentBytes: 16 << 10, fsync: fsync, bytesMax: bytesMax,
                freeBytesMin: freeBytesMin, tailBytesMax: tailBytesMax),
            fileSystem: fileSystem, epoch: epoch)
    }

    /// Appends a record of `size` bytes that says its tag.
    static func append(_ log: DiskLog, _ tag: UInt64, size: Int = 1000) async -> Result<UInt64, LogError> {
        var payload: [UInt8] = []
        payload.append(integer: tag)
        payload.append(contentsOf: [UInt8](repeating: UInt8(truncatingIfNeeded: tag), count: size))
        return await LogHarness.append(
            [LogRecord(payload: payload, itemCount: 1, receivedAtUnixNanos: tag)], to: log)[0]
    }

    static func tags(_ consumer: any LogConsumer) throws -> [UInt64] {
        var tags: [UInt64] = []
        while true {
            let records = try consumer.next(maxRecords: 7, maxBytes: 5000)
            if records.isEmpty { return tags }
            tags += records.map { LogHarness.tag($0.payload) }
        }
    }

    /// Takes everything that waits, and ends it.
    static func drain(_ consumer: any LogConsumer) async throws -> [UInt64] {
        var tags: [UInt64] = []
        while true {
            let records = try consumer.next(maxRecords: 3, maxBytes: .max)
            if records.isEmpty { return tags }
            tags += records.map { LogHarness.tag($0.payload) }
            let cut = try await consumer.cut(records.map { ItemRange(sequence: $0.sequence, items: $0.items) })
            consumer.done(cut.id, outcome: CutOutcome(delivered: cut.itemCount))
        }
    }

    /// Scenario: one fdatasync fails.
    /// Guarantees: that group is refused with `.io`, later ones are taken, and the refused record is not delivered.
    @Test("a failed sync refuses its group and goes on in another segment")
    func failedSync() async throws {
        let fileSystem = FaultyFileSystem(seed: 1)
        let log = try Self.open(fileSystem)
        let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        _ = try await Self.append(log, 1).get()
        fileSystem.setFaults { $0.failNextSync = true }
        guard case .failure(let error) = await Self.append(log, 2) else {
            Issue.record("a record that was not synced is acknowledged")
            return
        }
        #expect(error.code == .io)
        #expect(log.status.fault?.code == .io)
        _ = try await Self.append(log, 3).get()
        #expect(log.status.fault == nil)
        #expect(try Self.tags(consumer) == [1, 3])
        await log.close()
        fileSystem.powerFailure()
        let again = try Self.open(fileSystem, epoch: 2)
        #expect(try Self.tags(try again.openConsumer("a", options: ConsumerOptions(isDurable: true))) == [1, 3])
        await again.close()
    }

    enum Limit: CaseIterable { case size, device, floor }

    /// Scenario: the log's limit, the device or the floor of free space is reached, and the consumer then drains the
    /// log.
    /// Guarantees: appends fail with `.full`; cutting and ending still work; then appends are taken again, without
    /// restart.
    @Test("a full disk refuses, drains and recovers", arguments: Limit.allCases)
    func fullDisk(limit: Limit) async throws {
        let fileSystem = FaultyFileSystem(seed: 1)
        if limit != .size { fileSystem.setFaults { $0.capacity = 200_000 } }
        let log = try Self.open(
            fileSystem, bytesMax: limit == .size ? 160_000 : nil, freeBytesMin: limit == .floor ? 60_000 : 0)
        let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        var appended: [UInt64] = []
        for round in UInt64(0)..<4 {
            var tag = round * 1000
            var refusal: LogError?
            while refusal == nil, tag < round * 1000 + 500 {
                tag += 1
                switch await Self.append(log, tag) {
                case .success: appended.append(tag)
                case .failure(let error): refusal = error
                }
            }
            #expect(refusal?.code == .full)
            #expect(log.status.fault?.code == .full)
            if limit == .size { #expect(log.fileBytes <= 160_000) }
            #expect(try await Self.drain(consumer) == appended)
            appended = []
        }
        #expect(log.status.fault == nil)
        await log.close()
    }

    /// Scenario: the disk is full; one consumer is stuck and another makes batches and ends them, thousands of times.
    /// Guarantees: control records never run out of room.
    @Test("a full disk takes control records for ever")
    func reserve() async throws {
        let fileSystem = FaultyFileSystem(seed: 1)
        let log = try Self.open(fileSystem, bytesMax: 100_000)
        _ = try log.openConsumer("stuck", options: ConsumerOptions(isDurable: true))
        let consumer = try log.openConsumer("busy", options: ConsumerOptions(isDurable: true))
        for tag in UInt64(1)...200 { if case .failure = await Self.append(log, tag, size: 100) { break } }
        _ = try Self.tags(consumer)
        let record = try #require(try consumer.read([ItemRange(sequence: 1, items: 0..<1)]).first)
        let cut = try await consumer.cut([ItemRange(sequence: record.sequence, items: record.items)])
        for _ in 0..<3000 { consumer.saveProgress(cut.id, [UInt8](repeating: 1, count: 100)) }
        for sequence in UInt64(2)...20 { _ = try await consumer.cut([ItemRange(sequence: sequence, items: 0..<1)]) }
        #expect(log.fileBytes <= 100_000)
        await log.close()
    }

    /// Scenario: the log is full of what a consumer holds that is no longer configured.
    /// Guarantees: its oldest records are dropped and counted, and appends go on.
    @Test("an orphan gives way when space is needed")
    func orphan() async throws {
        let fileSystem = FaultyFileSystem(seed: 1)
        var log = try Self.open(fileSystem)
        _ = try log.openConsumer("gone", options: ConsumerOptions(isDurable: true))
        for tag in UInt64(1)...40 { _ = try await Self.append(log, tag).get() }
        await log.close()
        log = try Self.open(fileSystem, bytesMax: 120_000, epoch: 2)
        let consumer = try log.openConsumer("new", options: ConsumerOptions(isDurable: true))
        for tag in UInt64(41)...100 {
            _ = try await Self.append(log, tag).get()
            _ = try await Self.drain(consumer)
        }
        #expect(log.status.evictedItems > 0)
        let orphan = try log.openConsumer("gone", options: ConsumerOptions(isDurable: true))
        let left = try Self.tags(orphan)
        #expect(left == Array((100 - UInt64(left.count) + 1)...100))
        #expect(orphan.backlog.evictedItems == 100 - left.count)
        #expect(orphan.backlog.evictedItems == log.status.evictedItems)
        await log.close()
    }

    /// Scenario: a log that is full of what its consumer has not done is closed, or its process killed, and opened
    /// again; the consumer opens after the log, as consumers do.
    /// Guarantees: nothing is dropped to make room before it is known who is there; the log drains and takes records.
    @Test("a full log survives a restart", arguments: logSeeds(12), Limit.allCases)
    func restartWhenFull(seed: UInt64, limit: Limit) async throws {
        let fileSystem = FaultyFileSystem(seed: seed)
        var random = LogRandom(seed: seed)
        let capacity = 180_000 + random.int(0..<40_000)
        var appended: [UInt64] = []
        for opening in UInt64(1)...4 {
            if limit != .size { fileSystem.setFaults { $0.capacity = capacity } }
            let log = try Self.open(
                fileSystem, bytesMax: limit == .size ? capacity : nil, freeBytesMin: limit == .floor ? 60_000 : 0,
                epoch: opening)
            let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
            #expect(try Self.tags(consumer) == appended, "opening \(opening), seed \(seed)")
            #expect(log.status.evictedItems == 0)
            var tag = opening * 1000
            while true {
                tag += 1
                guard case .success = await Self.append(log, tag, size: random.int(10..<3000)) else { break }
                appended.append(tag)
            }
            #expect(log.status.fault?.code == .full)
            #expect(log.status.corruptRecords == 0)
            let ends = random.oneIn(2)
            if ends { await log.close() }
            fileSystem.setFaults { $0.isDead = true }
            await log.close()
            fileSystem.processDeath()
        }
    }

    /// Scenario: the log is full; an orphan holds the oldest records, and the consumer that is there has ended batches
    /// in them, of which the log has written nothing yet. Space is made, and the power fails at any operation.
    /// Guarantees: what is dropped and what is done counts as that after the restart, never as corrupt.
    @Test("making room is on record before anything goes", arguments: logSeeds(40))
    func evictionIsDurable(seed: UInt64) async throws {
        let fileSystem = FaultyFileSystem(seed: seed)
        var random = LogRandom(seed: seed)
        var log = try Self.open(fileSystem, bytesMax: 160_000)
        var consumers: [any LogConsumer] = [
            try log.openConsumer("gone", options: ConsumerOptions(isDurable: true)),
            try log.openConsumer("here", options: ConsumerOptions(isDurable: true)),
        ]
        var tag: UInt64 = 0
        var acknowledged: [UInt64] = []
        repeat {
            tag += 1
            guard case .success = await Self.append(log, tag) else { break }
            acknowledged.append(tag)
        } while tag < 1000
        consumers = []
        await log.close()
        log = try Self.open(fileSystem, bytesMax: 160_000, epoch: 2)
        consumers = [try log.openConsumer("here", options: ConsumerOptions(isDurable: true))]
        let cuts = try await Self.cutAll(consumers[0])
        fileSystem.stop(afterOperations: random.int(1..<60))
        for cut in cuts {
            consumers[0].done(cut.id, outcome: CutOutcome(delivered: cut.itemCount))
            tag += 1
            if case .success = await Self.append(log, tag) { acknowledged.append(tag) }
        }
        consumers = []
        await log.close()
        fileSystem.powerFailure()
        log = try Self.open(fileSystem, bytesMax: 160_000, epoch: 3)
        #expect(log.status.corruptRecords == 0, "seed \(seed)")
        let orphan = try log.openConsumer("gone", options: ConsumerOptions(isDurable: true))
        let here = try log.openConsumer("here", options: ConsumerOptions(isDurable: true))
        let left = try Self.tags(orphan)
        #expect(orphan.backlog.evictedItems + left.count >= acknowledged.count, "seed \(seed)")
        #expect(orphan.backlog.lostItems + here.backlog.lostItems == 0, "seed \(seed)")
        #expect(log.status.corruptRecords == 0, "seed \(seed)")
        for cut in here.recoveredCuts { #expect(try here.read(cut.ranges).count == cut.ranges.count) }
        await log.close()
    }

    static func cutAll(_ consumer: any LogConsumer) async throws -> [Cut] {
        var cuts: [Cut] = []
        while true {
            let records = try consumer.next(maxRecords: 10, maxBytes: .max)
            if records.isEmpty { return cuts }
            cuts.append(try await consumer.cut(records.map { ItemRange(sequence: $0.sequence, items: $0.items) }))
        }
    }

    /// Scenario: the directory is deleted while the log is open.
    /// Guarantees: appends are refused with `.io`, never acknowledged into a file without a name, and soon taken again.
    @Test("a removed directory is made again")
    func removedDirectory() async throws {
        let fileSystem = FaultyFileSystem(seed: 1)
        let log = try Self.open(fileSystem)
        let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        _ = try await Self.append(log, 1).get()
        fileSystem.removeTree("log")
        guard case .failure(let error) = await Self.append(log, 2) else {
            Issue.record("a record in a removed file is acknowledged")
            return
        }
        #expect(error.code == .io)
        var taken: [UInt64] = []
        for tag in UInt64(3)...8 { if case .success = await Self.append(log, tag) { taken.append(tag) } }
        #expect(taken.last == 8)
        let last = taken
        #expect(try Self.tags(consumer).suffix(last.count) == last[...])
        await log.close()
        let again = try Self.open(fileSystem, epoch: 2)
        let reopened = try again.openConsumer("a", options: ConsumerOptions(isDurable: true))
        #expect(try Self.tags(reopened) == taken)
        await again.close()
    }

    /// Scenario: the file system becomes read-only for a while.
    /// Guarantees: appends are refused with `.io` meanwhile and taken afterwards; nothing is lost.
    @Test("a read-only file system refuses, and recovers")
    func readOnly() async throws {
        let fileSystem = FaultyFileSystem(seed: 1)
        let log = try Self.open(fileSystem)
        let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        _ = try await Self.append(log, 1).get()
        fileSystem.setFaults { $0.isReadOnly = true }
        for tag in UInt64(2)...4 {
            guard case .failure(let error) = await Self.append(log, tag) else {
                Issue.record("acknowledged on a read-only file system")
                return
            }
            #expect(error.code == .io)
        }
        fileSystem.setFaults { $0.isReadOnly = false }
        _ = try await Self.append(log, 5).get()
        #expect(try Self.tags(consumer) == [1, 5])
        await log.close()
    }

    /// Scenario: a log is opened twice, then once more after it was closed.
    /// Guarantees: the second is refused, naming the process; the third works.
    @Test("a log is open once")
    func exclusive() async throws {
        let fileSystem = FaultyFileSystem(seed: 1)
        let log = try Self.open(fileSystem)
        let error = #expect(throws: LogError.self) { _ = try Self.open(fileSystem, epoch: 2) }
        #expect(error?.code == .inUse)
        #expect(error?.message.contains("process \(processID())") == true)
        await log.close()
        let again = try Self.open(fileSystem, epoch: 3)
        await again.close()
    }

    /// Scenario: a log goes through its segments many times, and then loses power.
    /// Guarantees: files are recycled, not made anew, and no record of an earlier life of a file is ever delivered.
    @Test("a recycled segment never yields old records", arguments: logSeeds(6), [true, false])
    func recycling(seed: UInt64, fsync: Bool) async throws {
        let fileSystem = FaultyFileSystem(seed: seed)
        var random = LogRandom(seed: seed)
        var log = try Self.open(fileSystem, fsync: fsync)
        var tag: UInt64 = 0
        var waiting: [UInt64] = []
        for opening in UInt64(2)...4 {
            let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
            #expect(try await Self.drain(consumer).suffix(waiting.count) == waiting[...])
            waiting = []
            for _ in 0..<random.int(60..<120) {
                tag += 1
                _ = try await Self.append(log, tag).get()
                waiting.append(tag)
                if random.oneIn(3) {
                    _ = try await Self.drain(consumer)
                    waiting = []
                }
            }
            #expect(fileSystem.paths.count < 20)
            await log.close()
            fileSystem.powerFailure()
            log = try Self.open(fileSystem, epoch: opening, fsync: fsync)
        }
        await log.close()
    }

    /// Scenario: the ends of batches make segments free, and the power fails at once.
    /// Guarantees: a batch that a restart brings back still has its records.
    @Test("a segment goes only after what made it free is durable", arguments: logSeeds(20), [true, false])
    func release(seed: UInt64, fsync: Bool) async throws {
        let fileSystem = FaultyFileSystem(seed: seed)
        let log = try Self.open(fileSystem, fsync: fsync)
        let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        for tag in UInt64(1)...60 { _ = try await Self.append(log, tag).get() }
        var cuts: [Cut] = []
        while true {
            let records = try consumer.next(maxRecords: 10, maxBytes: .max)
            if records.isEmpty { break }
            cuts.append(try await consumer.cut(records.map { ItemRange(sequence: $0.sequence, items: $0.items) }))
        }
        let before = log.status.records
        for cut in cuts { consumer.done(cut.id, outcome: CutOutcome(delivered: cut.itemCount)) }
        while log.status.records == before { await Task.yield() }
        fileSystem.setFaults { $0.isDead = true }
        await log.close()
        fileSystem.powerFailure()
        let again = try Self.open(fileSystem, epoch: 2)
        let reopened = try again.openConsumer("a", options: ConsumerOptions(isDurable: true))
        for cut in reopened.recoveredCuts {
            #expect(try reopened.read(cut.ranges).count == cut.ranges.count)
        }
        #expect(again.status.corruptRecords == 0)
        await again.close()
    }

    /// Scenario: a volatile consumer with a limit lags while a durable one keeps up.
    /// Guarantees: it skips its oldest records, exactly those beyond its limit, counted; the durable one misses
    /// nothing.
    @Test("a volatile consumer skips forward", arguments: [ConsumerLimit.records(5), .items(5), .bytes(5500)])
    func volatileSkip(limit: ConsumerLimit) async throws {
        let log = try Self.open(FaultyFileSystem(seed: 1))
        let durable = try log.openConsumer("durable", options: ConsumerOptions(isDurable: true))
        let volatile = try log.openConsumer("volatile", options: ConsumerOptions(isDurable: false, limit: limit))
        for tag in UInt64(1)...60 { _ = try await Self.append(log, tag).get() }
        #expect(volatile.backlog.skippedItems == 55)
        #expect(volatile.backlog.waitingItems == 5)
        #expect(try Self.tags(volatile) == [56, 57, 58, 59, 60])
        #expect(try await Self.drain(durable) == Array(1...60))
        await log.close()
    }

    /// Scenario: two volatile consumers without limits on a log without durable ones; one never reads.
    /// Guarantees: when space is needed it is skipped forward and the other one gets everything.
    @Test("a volatile consumer pins nothing")
    func volatilePinsNothing() async throws {
        let log = try Self.open(FaultyFileSystem(seed: 1), bytesMax: 100_000)
        let idle = try log.openConsumer("idle", options: ConsumerOptions(isDurable: false))
        let reader = try log.openConsumer("reader", options: ConsumerOptions(isDurable: false))
        var tags: [UInt64] = []
        for tag in UInt64(1)...300 {
            _ = try await Self.append(log, tag).get()
            if tag % 10 == 0 { tags += try await Self.drain(reader) }
        }
        #expect(tags == Array(1...300))
        let left = try Self.tags(idle)
        #expect(idle.backlog.skippedItems == 300 - left.count)
        #expect(left == Array((300 - UInt64(left.count) + 1)...300))
        await log.close()
    }

    /// Scenario: logs with backlogs of 20 and of 200 segments are opened.
    /// Guarantees: opening takes a fixed number of operations a segment, and reads no payload but the last segment's.
    @Test("opening does not read the backlog")
    func recoveryCost() async throws {
        var cost: [Int] = []
        for count in [UInt64(20), 200] {
            let fileSystem = FaultyFileSystem(seed: 1)
            var log = try Self.open(fileSystem)
            _ = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
            for tag in 1...count { _ = try await Self.append(log, tag, size: 11_000).get() }
            await log.close()
            let before = fileSystem.operationCount
            log = try Self.open(fileSystem, epoch: 2)
            cost.append((fileSystem.operationCount - before) / Int(count))
            await log.close()
        }
        #expect(cost[1] <= 6, "operations a segment: \(cost)")
    }

    /// Scenario: records larger than a segment, up to the limit and beyond it.
    /// Guarantees: one that fits the limit is stored and read back after a restart; a larger one is refused by name.
    @Test("a record larger than a segment gets one of its own")
    func largeRecords() async throws {
        let fileSystem = FaultyFileSystem(seed: 1)
        var log = try Self.open(fileSystem)
        var consumer: (any LogConsumer)? = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        for tag in UInt64(1)...5 { _ = try await Self.append(log, tag, size: tag == 3 ? 65_000 : 2000).get() }
        guard case .failure(let error) = await Self.append(log, 6, size: 65_536) else {
            Issue.record("a record over the limit is stored")
            return
        }
        #expect(error.code == .recordTooLarge)
        consumer = nil
        _ = consumer
        await log.close()
        fileSystem.powerFailure()
        log = try Self.open(fileSystem, epoch: 2)
        let reopened = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        #expect(try await Self.drain(reopened) == [1, 2, 3, 4, 5])
        await log.close()
    }
}
