import LogTestSupport
import TestSupport
import Testing

@testable import WriteAheadLog

/// Records come back from disk as they were appended, however long they are.
@Suite struct LongRecordTests {
    private static func open(_ directory: TemporaryDirectory, epoch: UInt64) throws -> DiskLog {
        try DiskLog.open(
            DiskLogConfiguration(directory: directory.path, segmentBytes: 2 << 20, tailBytesMax: 0),
            fileSystem: PosixFileSystem(), epoch: epoch)
    }

    /// Sizes around those at which a payload is read in another way, in random order.
    private static func payloads(_ random: inout SeededRandom) -> [[UInt8]] {
        (0..<60).map { number in
            let near = [20, 4 << 10, 64 << 10, 256 << 10][random.int(in: 0...3)]
            var payload: [UInt8] = []
            payload.append(integer: UInt64(number))
            let count = max(8, near + random.int(in: -90...90))
            return payload + (8..<count).map { UInt8(truncatingIfNeeded: $0 &* (number + 3) >> 3) }
        }
    }

    /// Scenario: records of all sizes, read in order and again by their ranges; some bytes of one are changed, and the
    /// log is opened again.
    /// Guarantees: the payloads that were appended, all but the one that was changed.
    @Test(arguments: Seeds.regression.prefix(2) + Seeds.fresh(count: 2))
    func comeBackFromDisk(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        let directory = try TemporaryDirectory()
        let payloads = Self.payloads(&random)
        var log = try Self.open(directory, epoch: 1)
        do {
            let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
            let records = payloads.map { LogRecord(payload: $0, itemCount: 1, receivedAtUnixNanos: 1) }
            for result in await LogHarness.append(records, to: log) { _ = try result.get() }
            let read = try Self.readAll(consumer)
            #expect(read.map(\.payload) == payloads)
            let ranges = read.map { ItemRange(sequence: $0.sequence, items: $0.items) }.shuffled(using: &random)
            let again = try consumer.read(ranges)
            #expect(again.map(\.payload) == ranges.map { range in payloads[read.firstIndex { $0.sequence == range.sequence }!] })
        }
        await log.close()

        let victim = random.int(in: 0...payloads.count - 1)
        try Self.change(payloads[victim], in: directory)
        log = try Self.open(directory, epoch: 2)
        let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        let rest = try Self.readAll(consumer)
        #expect(rest.map(\.payload) == payloads.enumerated().filter { $0.offset != victim }.map(\.element))
        #expect(log.status.corruptRecords == 1)
        await log.close()
    }

    private static func readAll(_ consumer: any LogConsumer) throws -> [StoredRecord] {
        var records: [StoredRecord] = []
        while true {
            let next = try consumer.next(maxRecords: 7, maxBytes: .max)
            if next.isEmpty { return records }
            records += next
        }
    }

    /// Changes the payload's last byte where the payload stands in a segment.
    private static func change(_ payload: [UInt8], in directory: TemporaryDirectory) throws {
        let fileSystem = PosixFileSystem()
        for name in try fileSystem.list(directory.path) where name.hasSuffix(".wal") {
            let file = try fileSystem.open("\(directory.path)/\(name)", .readWrite)
            let bytes = try file.read(0..<(try file.byteCount()))
            guard let start = bytes.firstRange(of: payload)?.lowerBound else { continue }
            try file.writeAll([payload[payload.count - 1] ^ 1], at: start + payload.count - 1)
            return
        }
        Issue.record("the payload is in no segment")
    }
}
