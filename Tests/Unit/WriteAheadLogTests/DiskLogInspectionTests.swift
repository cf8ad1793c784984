import LogTestSupport
import Testing

@testable import WriteAheadLog

/// Operators see what a start would find and change nothing by looking; a consumer's place can be handed on or dropped.
@Suite struct DiskLogInspectionTests {
    private let fileSystem = FaultyFileSystem(seed: 3)
    private static let directory = "/log"

    private func open(epoch: UInt64) throws -> DiskLog {
        try DiskLog.open(
            DiskLogConfiguration(directory: Self.directory, segmentBytes: 16 << 10), fileSystem: fileSystem,
            epoch: epoch)
    }

    private func append(_ log: DiskLog, _ tags: Range<UInt8>) async throws {
        for tag in tags {
            let record = LogRecord(payload: [tag], itemCount: 2, receivedAtUnixNanos: UInt64(tag))
            _ = try await LogConformance.append(record, to: log)
        }
    }

    /// Ten records of two items; `a` is done with one, has one in flight, and has not seen the others.
    private func fill() async throws {
        let log = try open(epoch: 1)
        do {
            let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
            try await append(log, 1..<11)
            let records = try consumer.next(maxRecords: 2, maxBytes: .max)
            for (index, record) in records.enumerated() {
                let cut = try await consumer.cut([ItemRange(sequence: record.sequence, items: record.items)])
                if index == 0 { consumer.done(cut.id, outcome: CutOutcome(delivered: 2)) }
            }
        }
        await log.close()
    }

    private func tags(_ log: DiskLog, _ name: String) throws -> [UInt8] {
        let consumer = try log.openConsumer(name, options: ConsumerOptions(isDurable: true))
        let open = try consumer.recoveredCuts.flatMap { try consumer.read($0.ranges) }
        var waiting: [StoredRecord] = []
        while true {
            let records = try consumer.next(maxRecords: 100, maxBytes: .max)
            if records.isEmpty { break }
            waiting += records
        }
        return (open + waiting).flatMap(\.payload).sorted()
    }

    @Test("a look shows records and consumers, and leaves every file as it was")
    func inspection() async throws {
        try await fill()
        let before = fileSystem.paths.map { ($0, fileSystem.contents($0)) }
        let found = try DiskLog.inspect(Self.directory, fileSystem: fileSystem)
        #expect(found.status.records == 10)
        #expect(found.status.items == 20)
        #expect(found.status.oldestReceivedAtUnixNanos == 1)
        let consumer = try #require(found.consumers.first)
        #expect(found.consumers.count == 1)
        #expect(consumer.name == "a" && !consumer.isOpen && consumer.isDurable)
        #expect(consumer.waitingItems == 16)
        #expect(consumer.inFlightItems == 2 && consumer.inFlightBatches == 1)
        #expect(consumer.totals == CutOutcome(delivered: 2))
        let after = fileSystem.paths.map { ($0, fileSystem.contents($0)) }
        #expect(before.map(\.0) == after.map(\.0))
        #expect(zip(before, after).allSatisfy { $0.1 == $1.1 })
    }

    @Test("an open log says the same of its consumers, and cannot be inspected from outside")
    func openLog() async throws {
        try await fill()
        let outside = try DiskLog.inspect(Self.directory, fileSystem: fileSystem)
        let log = try open(epoch: 2)
        #expect(log.consumers == outside.consumers)
        let error = #expect(throws: LogError.self) {
            _ = try DiskLog.inspect(Self.directory, fileSystem: fileSystem)
        }
        #expect(error?.code == .inUse)
        await log.close()
        let missing = #expect(throws: LogError.self) { _ = try DiskLog.inspect("/else", fileSystem: fileSystem) }
        #expect(missing?.code == .unsupportedFormat)
    }

    @Test("an heir goes on where the other stopped, also after a restart", arguments: [false, true])
    func adopt(restarts: Bool) async throws {
        try await fill()
        var log = try open(epoch: 2)
        try await log.adopt("a", by: "b")
        if restarts {
            await log.close()
            log = try open(epoch: 3)
        }
        #expect(log.consumers.map(\.name) == ["b"])
        #expect(log.consumers[0].totals.delivered == 2)
        #expect(try tags(log, "b") == Array(2..<11))
        await log.close()
    }

    @Test("an heir with a place of its own meets what either has not done", arguments: [false, true])
    func adoptIntoPlace(restarts: Bool) async throws {
        try await fill()
        var log = try open(epoch: 2)
        do {
            let heir = try log.openConsumer("b", options: ConsumerOptions(isDurable: true))
            try await append(log, 11..<13)
            let record = try #require(try heir.next(maxRecords: 1, maxBytes: .max).first)
            let cut = try await heir.cut([ItemRange(sequence: record.sequence, items: record.items)])
            heir.done(cut.id, outcome: CutOutcome(delivered: 2))
            let refusal = await #expect(throws: LogError.self) { try await log.adopt("a", by: "b") }
            #expect(refusal?.code == .inUse)
        }
        try await log.adopt("a", by: "b")
        if restarts {
            await log.close()
            log = try open(epoch: 3)
        }
        #expect(log.consumers.map(\.name) == ["b"])
        #expect(log.consumers[0].totals.delivered == 4)
        // All that `a` had before it comes, with what `b` alone has sent.
        #expect(try tags(log, "b") == Array(2..<13))
        await log.close()
    }

    @Test("a consumer that is forgotten pins nothing", arguments: [false, true])
    func forget(restarts: Bool) async throws {
        try await fill()
        var log = try open(epoch: 2)
        let forgotten = try await log.forget("a")
        #expect(forgotten == 18)
        if restarts {
            await log.close()
            log = try open(epoch: 3)
        }
        #expect(log.consumers.isEmpty)
        let unknown = await #expect(throws: LogError.self) { _ = try await log.forget("a") }
        #expect(unknown?.code == .misuse)
        await log.close()
    }

    @Test("the items in both of two sets", arguments: 0..<200)
    func intersection(seed: Int) {
        var random = SeededGenerator(state: UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 | 1)
        var sets: [ItemSet] = []
        for _ in 0..<2 {
            var set = ItemSet(floor: UInt64.random(in: 0..<20, using: &random))
            for _ in 0..<Int.random(in: 0..<6, using: &random) {
                let start = UInt64.random(in: 0..<60, using: &random)
                set.insert(start..<start + UInt64.random(in: 1..<10, using: &random))
            }
            sets.append(set)
        }
        let common = sets[0].intersection(sets[1])
        func contains(_ set: ItemSet, _ item: UInt64) -> Bool { set.missing(from: item..<item + 1).isEmpty }
        for item in UInt64(0)..<80 {
            #expect(contains(common, item) == (contains(sets[0], item) && contains(sets[1], item)))
        }
    }
}

private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
