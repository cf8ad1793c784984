import LogTestSupport
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
