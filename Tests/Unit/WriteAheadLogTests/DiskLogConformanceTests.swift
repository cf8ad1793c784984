import LogTestSupport
import Synchronization
import Testing

@testable import WriteAheadLog

/// `DiskLog` does what every log does, reading from memory as well as from disk.
@Suite struct DiskLogConformanceTests {
    @Test("conforms", arguments: LogConformance.checks.indices, [0, 1 << 20])
    func conforms(index: Int, tailBytesMax: Int) async throws {
        try await LogConformance.checks[index].run {
            try DiskLog.open(
                DiskLogConfiguration(directory: "log", segmentBytes: 16 << 10, tailBytesMax: tailBytesMax),
                fileSystem: FaultyFileSystem(seed: 1))
        }
    }

    /// Scenario: the same on the operating system's files.
    /// Guarantees: `PosixFileSystem` is what the log takes it for, and two logs exclude each other.
    @Test("conforms on real files", arguments: LogConformance.checks.indices)
    func conformsOnRealFiles(index: Int) async throws {
        let directory = try TemporaryDirectory()
        try await LogConformance.checks[index].run {
            try DiskLog.open(DiskLogConfiguration(directory: directory.path + "/a/b", segmentBytes: 64 << 10))
        }
    }

    /// Scenario: a log on real files is written, closed and opened again, while a second opening is tried.
    /// Guarantees: the backlog survives; the second opening is refused; the directory holds only the log's files.
    @Test("survives on real files")
    func realFiles() async throws {
        let directory = try TemporaryDirectory()
        let configuration = DiskLogConfiguration(directory: directory.path + "/log", segmentBytes: 64 << 10)
        var log = try DiskLog.open(configuration)
        _ = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        let error = #expect(throws: LogError.self) { _ = try DiskLog.open(configuration) }
        #expect(error?.code == .inUse)
        for tag in UInt64(1)...300 { _ = try await DiskLogFaultTests.append(log, tag).get() }
        await log.close()
        log = try DiskLog.open(configuration)
        let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        #expect(try await DiskLogFaultTests.drain(consumer) == Array(1...300))
        await log.close()
        let names = try PosixFileSystem().list(configuration.directory)
        #expect(
            names.allSatisfy {
                $0 == "lock" || $0.hasSuffix(".wal") || $0.hasSuffix(".spare") || $0.hasSuffix(".reserve")
            })
    }
}

/// A reader that waits for an amount sleeps through less, and through nothing else.
@Suite struct DiskLogWaitingTests {
    private static func open(_ fileSystem: FaultyFileSystem) throws -> (DiskLog, any LogConsumer) {
        let log = try DiskLog.open(
            DiskLogConfiguration(directory: "log", segmentBytes: 64 << 10), fileSystem: fileSystem)
        return (log, try log.openConsumer("c", options: ConsumerOptions(isDurable: true)))
    }

    private static func append(_ log: DiskLog, items: Int, bytes: Int) async throws {
        let record = LogRecord(
            payload: [UInt8](repeating: 7, count: bytes), itemCount: items, receivedAtUnixNanos: 1)
        _ = try await withCheckedContinuation { continuation in
            log.append(record) { continuation.resume(returning: $0) }
        }.get()
    }

    private static func hasWaiter(_ log: DiskLog) -> Bool {
        log.state.withLock { $0.openConsumers["c"]?.hasWaiter ?? false }
    }

    /// Starts a wait for 10 items or 40 bytes, and returns when it sleeps.
    private static func sleep(_ log: DiskLog, _ consumer: any LogConsumer) async -> Task<Void, Never> {
        let task = Task { await consumer.waitForRecords(items: 10, bytes: 40) }
        while !hasWaiter(log) { await Task.yield() }
        return task
    }

    @Test("it is woken by that many items or bytes, and not before")
    func amount() async throws {
        let (log, consumer) = try Self.open(FaultyFileSystem(seed: 1))
        for (steps, items, bytes) in [(9, 1, 1), (3, 1, 10), (0, 10, 1)] {
            let task = await Self.sleep(log, consumer)
            for _ in 0..<steps {
                try await Self.append(log, items: items, bytes: bytes)
                #expect(Self.hasWaiter(log))
            }
            try await Self.append(log, items: items, bytes: bytes)
            #expect(!Self.hasWaiter(log))
            await task.value
            // What is there already is not waited for.
            await consumer.waitForRecords(items: 10, bytes: 40)
            #expect(try consumer.next(maxRecords: 99, maxBytes: .max).count == steps + 1)
        }
        await log.close()
    }

    @Test("it is woken by the end of its task, by another wait, and by the end of the log")
    func ends() async throws {
        let fileSystem = FaultyFileSystem(seed: 1)
        let (log, consumer) = try Self.open(fileSystem)
        try await Self.append(log, items: 1, bytes: 1)
        let cancelled = await Self.sleep(log, consumer)
        cancelled.cancel()
        await cancelled.value
        let replaced = await Self.sleep(log, consumer)
        await consumer.waitForRecords()
        await replaced.value
        let closing = await Self.sleep(log, consumer)
        await log.close()
        await closing.value
    }
}
