import LogTestSupport
import Synchronization
import Testing

@testable import WriteAheadLog

/// A time of day that a test sets.
private final class SetTime: Sendable {
    private let value: Mutex<UInt64>
    init(_ now: UInt64) { value = Mutex(now) }
    var now: UInt64 {
        get { value.withLock { $0 } }
        set { value.withLock { $0 = newValue } }
    }
}

/// Records go before they are done only where the configuration says so, and each item that goes is counted.
@Suite struct DiskLogGiveWayTests {
    static func open(
        _ fileSystem: FaultyFileSystem, bytesMax: Int? = nil, onFull: DiskLogConfiguration.OnFull = .refuse,
        retention: Duration? = nil, epoch: UInt64 = 1, now: @escaping @Sendable () -> UInt64 = { 0 }
    ) throws -> DiskLog {
        try DiskLog.open(
            DiskLogConfiguration(
                directory: "log", segmentBytes: 16 << 10, bytesMax: bytesMax, onFull: onFull, retention: retention,
                tailBytesMax: 0),
            fileSystem: fileSystem, epoch: epoch, wallClock: now)
    }

    /// Scenario: with `evict_oldest`, far more is appended than the log may hold while its consumer holds batches,
    /// records in hand and uncut ones; the power fails at any operation.
    /// Guarantees: nothing is refused; the newest records stay; each item is waiting, in a batch that can be read, or
    /// counted as evicted, before and after the restart; nothing counts as corrupt.
    @Test("evict_oldest drops the oldest records, counted", arguments: logSeeds(30))
    func evictsOldest(seed: UInt64) async throws {
        let fileSystem = FaultyFileSystem(seed: seed)
        var random = LogRandom(seed: seed)
        var log = try Self.open(fileSystem, bytesMax: 160_000, onFull: .evictOldest)
        let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        var acknowledged: UInt64 = 0
        let stopsEarly = random.oneIn(2)
        if stopsEarly { fileSystem.stop(afterOperations: random.int(1..<900)) }
        for tag in UInt64(1)...500 {
            guard case .success = await DiskLogFaultTests.append(log, tag) else {
                #expect(stopsEarly, "refused with \(String(describing: log.status.fault)), seed \(seed)")
                break
            }
            acknowledged = tag
            let account = try #require(log.accounts["a"])
            #expect(account.balance == 0, "\(account), seed \(seed)")
            if random.oneIn(7), let records = try? consumer.next(maxRecords: 3, maxBytes: .max), random.oneIn(2) {
                let held = records.map { ItemRange(sequence: $0.sequence, items: $0.items) }.filter(consumer.holds)
                if !held.isEmpty { _ = try? await consumer.cut(held) }
            }
        }
        if !stopsEarly {
            #expect(log.status.evictedItems > 300)
            #expect(consumer.backlog.evictedItems == log.status.evictedItems)
        }
        fileSystem.setFaults { $0.isDead = true }
        await log.close()
        fileSystem.powerFailure()
        log = try Self.open(fileSystem, epoch: 2)
        let again = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        var found: Set<UInt64> = []
        for cut in again.recoveredCuts {
            let records = try again.read(cut.ranges)
            #expect(records.count == cut.ranges.count, "seed \(seed)")
            found.formUnion(records.map { LogHarness.tag($0.payload) })
        }
        found.formUnion(try DiskLogFaultTests.tags(again))
        let missing = acknowledged == 0 ? 0 : (1...acknowledged).count { !found.contains($0) }
        #expect(missing <= again.backlog.evictedItems, "seed \(seed)")
        #expect(acknowledged == 0 || found.contains(acknowledged), "the newest is gone, seed \(seed)")
        #expect(log.status.corruptRecords == 0, "seed \(seed)")
        #expect(again.backlog.lostItems == 0, "seed \(seed)")
        #expect(log.accounts["a"]?.balance == 0)
        await log.close()
    }

    /// Scenario: a log is opened again with a limit far below what it holds, and without its reserve files.
    /// Guarantees: nothing goes; appends are refused until the consumer has drained the log, which it can, then they are
    /// taken.
    @Test("a log over its limit drains", arguments: [true, false])
    func overLimit(losesReserve: Bool) async throws {
        let fileSystem = FaultyFileSystem(seed: 1)
        var log = try Self.open(fileSystem)
        _ = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        for tag in UInt64(1)...200 { _ = try await DiskLogFaultTests.append(log, tag).get() }
        await log.close()
        for path in fileSystem.paths where losesReserve && !path.hasSuffix(".wal") { fileSystem.setContents(path, nil) }
        log = try Self.open(fileSystem, bytesMax: 100_000, epoch: 2)
        let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        guard case .failure(let error) = await DiskLogFaultTests.append(log, 999) else {
            Issue.record("a log over its limit takes records")
            return
        }
        #expect(error.code == .full)
        #expect(try await DiskLogFaultTests.drain(consumer) == Array(1...200))
        for tag in UInt64(201)...230 { _ = try await DiskLogFaultTests.append(log, tag).get() }
        #expect(log.status.fault == nil)
        #expect(log.fileBytes <= 100_000)
        await log.close()
    }

    /// Scenario: records wait for longer than `retention`; some are in a batch, one consumer is not configured any more.
    /// Guarantees: the old ones go, of all consumers, counted as expired, also while nothing is appended; new ones stay.
    @Test("records older than the retention time go")
    func retention() async throws {
        let fileSystem = FaultyFileSystem(seed: 1)
        let tick: UInt64 = 10_000_000
        let time = SetTime(1000 * tick)
        var log = try Self.open(fileSystem, retention: .seconds(1), now: { time.now })
        var orphan: (any LogConsumer)? = try log.openConsumer("gone", options: ConsumerOptions(isDurable: true))
        _ = orphan
        orphan = nil
        let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        for tag in UInt64(1)...40 {
            let record = LogRecord(
                payload: [UInt8](repeating: UInt8(tag), count: 1000), itemCount: 1,
                receivedAtUnixNanos: 1000 * tick + tag)
            _ = try await LogHarness.append([record], to: log)[0].get()
        }
        let records = try consumer.next(maxRecords: 5, maxBytes: .max)
        let cut = try await consumer.cut(records.map { ItemRange(sequence: $0.sequence, items: $0.items) })
        time.now = 1050 * tick
        // A segment ends when its oldest record has come to a quarter of the time.
        while log.lastSegment?.isEmpty == false { await Task.yield() }
        for tag in UInt64(1)...3 {
            let record = LogRecord(
                payload: [UInt8](repeating: 200, count: 1000), itemCount: 1, receivedAtUnixNanos: 1050 * tick + tag)
            _ = try await LogHarness.append([record], to: log)[0].get()
        }
        #expect(log.status.expiredItems == 0)
        #expect(consumer.isOpen(cut.id))
        time.now = 1120 * tick
        // The log looks by itself, once a second at most.
        while log.status.expiredItems < 80 { await Task.yield() }
        #expect(consumer.backlog.expiredItems == 40)
        #expect(!consumer.isOpen(cut.id))
        #expect(consumer.backlog.waitingItems == 3)
        #expect(log.accounts["a"]?.balance == 0 && log.accounts["gone"]?.balance == 0)
        #expect(try consumer.next(maxRecords: 9, maxBytes: .max).map { $0.payload[0] } == [200, 200, 200])
        fileSystem.setFaults { $0.isDead = true }
        await log.close()
        fileSystem.powerFailure()
        log = try Self.open(fileSystem, epoch: 2)
        #expect(log.status.corruptRecords == 0)
        let again = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        #expect(again.backlog.expiredItems == 40 && again.backlog.waitingItems == 3)
        await log.close()
    }

    /// Scenario: a log without records, with a few, and with much in a short time.
    /// Guarantees: it takes 1 MiB, then the reserve on top, and then segments as large as the configuration says; a
    /// restart finds all records.
    @Test("segments grow with the traffic")
    func segmentsGrow() async throws {
        let fileSystem = FaultyFileSystem(seed: 1)
        let configuration = DiskLogConfiguration(directory: "log", segmentBytes: 4 << 20, tailBytesMax: 0)
        var log = try DiskLog.open(configuration, fileSystem: fileSystem, epoch: 1)
        _ = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        while log.status.bytes == 0 { await Task.yield() }
        #expect(log.status.fileBytes == 1 << 20)
        _ = try await DiskLogFaultTests.append(log, 1).get()
        #expect(log.status.fileBytes <= 10 << 20)
        #expect(log.status.reserveBytes == 8 << 20)
        for tag in UInt64(2)...48 { _ = try await DiskLogFaultTests.append(log, tag, size: 256 << 10).get() }
        let largest = fileSystem.paths.compactMap { fileSystem.contents($0)?.count }.max()
        #expect(largest == 4 << 20)
        await log.close()
        log = try DiskLog.open(configuration, fileSystem: fileSystem, epoch: 2)
        let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        #expect(try DiskLogFaultTests.tags(consumer) == Array(1...48))
        await log.close()
    }

    /// Scenario: four logs with consumers that read nothing share a budget.
    /// Guarantees: all tails together stay within it, each log keeps its newest record in memory, and what fell out is
    /// read from disk.
    @Test("the tails of all logs share a budget")
    func tailBudget() async throws {
        let budget = TailBudget(capacityBytes: 64 << 10)
        var logs: [DiskLog] = []
        var consumers: [any LogConsumer] = []
        for index in UInt64(0)..<4 {
            let log = try DiskLog.open(
                DiskLogConfiguration(directory: "log", segmentBytes: 1 << 20, tailBudget: budget),
                fileSystem: FaultyFileSystem(seed: index), epoch: 1)
            consumers.append(try log.openConsumer("a", options: ConsumerOptions(isDurable: true)))
            logs.append(log)
        }
        for tag in UInt64(1)...40 {
            for log in logs { _ = try await DiskLogFaultTests.append(log, tag, size: 2000).get() }
            let held = logs.reduce(0) { $0 + $1.state.withLock { $0.tail.byteCount } }
            #expect(held <= 64 << 10)
        }
        for consumer in consumers { #expect(try DiskLogFaultTests.tags(consumer) == Array(1...40)) }
        for log in logs { await log.close() }
    }
}
