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
        (0..<24).map { number in
            let near = [20, 4 << 10, 64 << 10, 256 << 10][random.int(in: 0...3)]
            var payload: [UInt8] = []
            payload.append(integer: UInt64(number))
            let count = max(8, near + random.int(in: -90...90))
            return payload + random.bytes(count - 8)
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
            try #require(read.count == payloads.count)
            for (record, payload) in zip(read, payloads) { Self.expectSame(record.payload, payload) }
            let again = Array(zip(read, payloads)).shuffled(using: &random)
            let ranges = again.map { ItemRange(sequence: $0.0.sequence, items: $0.0.items) }
            for (record, expected) in zip(try consumer.read(ranges), again) {
                Self.expectSame(record.payload, expected.1)
            }
        }
        await log.close()

        let victim = random.int(in: 0...payloads.count - 1)
        try Self.changePayload(of: victim, in: directory)
        log = try Self.open(directory, epoch: 2)
        let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        let rest = try Self.readAll(consumer).map { LogHarness.tag($0.payload) }
        #expect(rest == payloads.indices.filter { $0 != victim }.map(UInt64.init))
        await log.close()
    }

    /// Without either in the message: they are long.
    private static func expectSame(_ payload: [UInt8], _ expected: [UInt8]) {
        let isSame = payload == expected
        #expect(isSame, "of record \(LogHarness.tag(expected))")
    }

    private static func readAll(_ consumer: any LogConsumer) throws -> [StoredRecord] {
        var records: [StoredRecord] = []
        while true {
            let next = try consumer.next(maxRecords: 7, maxBytes: .max)
            if next.isEmpty { return records }
            records += next
        }
    }

    /// Changes the last byte of a record's payload where it stands in its segment.
    private static func changePayload(of tag: Int, in directory: TemporaryDirectory) throws {
        let fileSystem = PosixFileSystem()
        for name in try fileSystem.list(directory.path) where name.hasSuffix(".wal") {
            let file = try fileSystem.open("\(directory.path)/\(name)", .readWrite)
            let end = try file.byteCount()
            guard case .segment(let header) = SegmentHeader.read(try file.read(0..<min(end, 64 << 10))) else {
                continue
            }
            var reader = SegmentReader(file: file, header: header, endOffset: end, readAhead: 64 << 10)
            while case .record(let header, let offset, let payload?) = try reader.next(.payloads) {
                guard header.kind == .data, LogHarness.tag(payload) == tag else { continue }
                let last = offset + RecordHeader.byteCount + payload.count - 1
                return try file.writeAll([payload[payload.count - 1] ^ 1], at: last)
            }
        }
        Issue.record("record \(tag) is in no segment")
    }
}
