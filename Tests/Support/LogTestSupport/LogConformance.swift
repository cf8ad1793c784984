package import WriteAheadLog

/// What every `Log` does, on disk or in memory: each function throws what is wrong. `makeLog` makes an empty log
/// without consumers that has room for a megabyte.
package enum LogConformance {
    package typealias MakeLog = @Sendable () throws -> any Log

    /// Why a log does not conform.
    package struct Violation: Error, CustomStringConvertible {
        package var description: String
    }

    /// Every check by name, for use as arguments of a parameterised test.
    package static let checks: [(name: String, run: @Sendable (MakeLog) async throws -> Void)] = [
        ("records come in order, whole and once", ordersRecords),
        ("next keeps to its limits", limitsNext),
        ("a cut covers exactly its ranges", cutsExactly),
        ("a cut of what is not in hand is refused", refusesMisuse),
        ("a split covers its parent", splits),
        ("backlogs and totals add up", addsUp),
        ("accounts balance at every step", balances),
        ("consumers are independent", separatesConsumers),
        ("a name is open once", opensOnce),
        ("a volatile consumer skips forward", skipsForward),
        ("a waiting consumer is woken", wakes),
        ("a closed log refuses", closes),
    ]

    static func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw Violation(description: message()) }
    }

    static func record(_ tag: UInt8, items: Int = 2, size: Int = 10, partition: UInt64 = 0) -> LogRecord {
        LogRecord(
            payload: [UInt8](repeating: tag, count: size), itemCount: items, receivedAtUnixNanos: UInt64(tag) * 100,
            partition: partition)
    }

    package static func append(_ record: LogRecord, to log: any Log) async throws -> UInt64 {
        try await withCheckedContinuation { continuation in
            log.append(record) { continuation.resume(returning: $0) }
        }.get()
    }

    static func ranges(_ records: [StoredRecord]) -> [ItemRange] {
        records.map { ItemRange(sequence: $0.sequence, items: $0.items) }
    }

    static func ordersRecords(_ makeLog: MakeLog) async throws {
        let log = try makeLog()
        let consumer = try log.openConsumer("c", options: ConsumerOptions(isDurable: true))
        var sequences: [UInt64] = []
        for tag in UInt8(1)...20 {
            sequences.append(try await append(record(tag, partition: UInt64(tag % 2)), to: log))
        }
        try expect(sequences == sequences.sorted() && Set(sequences).count == 20, "sequences: \(sequences)")
        let records = try consumer.next(maxRecords: 100, maxBytes: .max)
        try expect(records.map(\.sequence) == sequences, "handed out: \(records.map(\.sequence))")
        for (tag, stored) in zip(UInt8(1)...20, records) {
            let original = record(tag, partition: UInt64(tag % 2))
            try expect(stored.payload == original.payload, "another payload")
            try expect(stored.items == 0..<2 && stored.itemCount == 2, "other items")
            try expect(stored.receivedAtUnixNanos == original.receivedAtUnixNanos, "another time")
            try expect(stored.partition == original.partition, "another partition")
        }
        try expect(try consumer.next(maxRecords: 100, maxBytes: .max).isEmpty, "a record twice")
        await log.close()
    }

    static func limitsNext(_ makeLog: MakeLog) async throws {
        let log = try makeLog()
        let consumer = try log.openConsumer("c", options: ConsumerOptions(isDurable: true))
        for tag in UInt8(1)...6 { _ = try await append(record(tag, size: 100), to: log) }
        try expect(try consumer.next(maxRecords: 1, maxBytes: 1).count == 1, "the first record ignores maxBytes")
        try expect(try consumer.next(maxRecords: 9, maxBytes: 200).count == 2, "200 bytes hold two records")
        try expect(try consumer.next(maxRecords: 9, maxBytes: 299).count == 2, "299 bytes hold two records")
        try expect(try consumer.next(maxRecords: 9, maxBytes: 300).count == 1, "one record is left")
        await log.close()
    }

    static func cutsExactly(_ makeLog: MakeLog) async throws {
        let log = try makeLog()
        let consumer = try log.openConsumer("c", options: ConsumerOptions(isDurable: true))
        for tag in UInt8(1)...3 { _ = try await append(record(tag, items: 4), to: log) }
        let records = try consumer.next(maxRecords: 9, maxBytes: .max)
        let first = [
            ItemRange(sequence: records[0].sequence, items: 0..<4),
            ItemRange(sequence: records[1].sequence, items: 0..<1),
        ]
        let rest = [
            ItemRange(sequence: records[1].sequence, items: 1..<4),
            ItemRange(sequence: records[2].sequence, items: 0..<4),
        ]
        let a = try await consumer.cut(first)
        let b = try await consumer.cut(rest)
        try expect(a.ranges == first && a.itemCount == 5 && a.progress.isEmpty, "cut: \(a)")
        try expect(b.ranges == rest && b.itemCount == 7, "cut: \(b)")
        try expect(a.id != b.id, "one id for two batches")
        let again = try consumer.read(b.ranges)
        try expect(ranges(again) == rest, "read: \(ranges(again))")
        try expect(again.map(\.payload) == records.dropFirst().map(\.payload), "read another payload")
        await log.close()
    }

    static func refusesMisuse(_ makeLog: MakeLog) async throws {
        let log = try makeLog()
        let consumer = try log.openConsumer("c", options: ConsumerOptions(isDurable: true))
        let sequence = try await append(record(1, items: 4), to: log)
        let whole = [ItemRange(sequence: sequence, items: 0..<4)]
        try await misuse { _ = try await consumer.cut(whole) }
        _ = try consumer.next(maxRecords: 1, maxBytes: .max)
        let cut = try await consumer.cut(whole)
        try await misuse { _ = try await consumer.cut(whole) }
        try await misuse { _ = try await consumer.split(BatchID(high: 1, low: 1), into: [whole]) }
        try await misuse { _ = try await consumer.split(cut.id, into: [[ItemRange(sequence: sequence, items: 0..<2)]]) }
        consumer.done(cut.id, outcome: CutOutcome(delivered: 4))
        // A second end of the same batch changes nothing.
        consumer.done(cut.id, outcome: CutOutcome(delivered: 4))
        try expect(consumer.backlog.totals.delivered == 4, "delivered: \(consumer.backlog.totals.delivered)")
        await log.close()
    }

    private static func misuse(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as LogError where error.code == .misuse {
            return
        }
        throw Violation(description: "a breach of the contract was accepted")
    }

    static func splits(_ makeLog: MakeLog) async throws {
        let log = try makeLog()
        let consumer = try log.openConsumer("c", options: ConsumerOptions(isDurable: true))
        let sequence = try await append(record(1, items: 8), to: log)
        _ = try consumer.next(maxRecords: 1, maxBytes: .max)
        let cut = try await consumer.cut([ItemRange(sequence: sequence, items: 0..<8)])
        let parts = [0..<3, 3..<8].map { [ItemRange(sequence: sequence, items: $0)] }
        let children = try await consumer.split(cut.id, into: parts)
        try expect(children.map(\.ranges) == parts && children.map(\.itemCount) == [3, 5], "children: \(children)")
        try expect(Set(children.map(\.id) + [cut.id]).count == 3, "ids are shared")
        try expect(consumer.backlog.inFlightItems == 8, "in flight: \(consumer.backlog.inFlightItems)")
        consumer.done(cut.id, outcome: CutOutcome(delivered: 8))
        try expect(consumer.backlog.inFlightItems == 8, "a batch that was split can still be ended")
        for child in children { consumer.done(child.id, outcome: CutOutcome(delivered: child.itemCount)) }
        try expect(consumer.backlog.inFlightItems == 0, "in flight: \(consumer.backlog.inFlightItems)")
        await log.close()
    }

    static func addsUp(_ makeLog: MakeLog) async throws {
        let log = try makeLog()
        let consumer = try log.openConsumer("c", options: ConsumerOptions(isDurable: true))
        for tag in UInt8(1)...5 { _ = try await append(record(tag, items: 3, size: 100), to: log) }
        var backlog = consumer.backlog
        try expect(
            backlog.waitingRecords == 5 && backlog.waitingItems == 15 && backlog.waitingBytes == 500,
            "backlog: \(backlog)")
        try expect(backlog.oldestReceivedAtUnixNanos == 100, "oldest: \(backlog)")
        let records = try consumer.next(maxRecords: 2, maxBytes: .max)
        try expect(consumer.backlog.waitingItems == 15, "what is handed out still waits")
        let cut = try await consumer.cut(ranges(records))
        backlog = consumer.backlog
        try expect(backlog.waitingRecords == 3 && backlog.waitingItems == 9, "backlog: \(backlog)")
        try expect(backlog.inFlightItems == 6 && backlog.oldestReceivedAtUnixNanos == 100, "backlog: \(backlog)")
        let outcome = CutOutcome(delivered: 3, rejectedByPeer: 1, deadLettered: 1, dropped: 1)
        consumer.done(cut.id, outcome: outcome)
        backlog = consumer.backlog
        try expect(backlog.totals == outcome && backlog.inFlightItems == 0, "backlog: \(backlog)")
        try expect(backlog.oldestReceivedAtUnixNanos == 300, "oldest: \(backlog)")
        let status = log.status
        try expect(status.appendedItems == 15 && status.refusedItems == 0 && status.fault == nil, "status: \(status)")
        await log.close()
    }

    static func separatesConsumers(_ makeLog: MakeLog) async throws {
        let log = try makeLog()
        let a = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
        _ = try await append(record(1), to: log)
        let b = try log.openConsumer("b", options: ConsumerOptions(isDurable: true))
        _ = try await append(record(2), to: log)
        let ofA = try a.next(maxRecords: 9, maxBytes: .max)
        let cut = try await a.cut(ranges(ofA))
        a.done(cut.id, outcome: CutOutcome(delivered: cut.itemCount))
        try expect(ofA.map { $0.payload[0] } == [1, 2], "a gets all")
        // A new consumer starts at the tail.
        let ofB = try b.next(maxRecords: 9, maxBytes: .max)
        try expect(ofB.map { $0.payload[0] } == [2], "b gets what came after it was opened")
        await log.close()
    }

    static func opensOnce(_ makeLog: MakeLog) async throws {
        let log = try makeLog()
        let consumer = try log.openConsumer("c", options: ConsumerOptions(isDurable: true))
        do {
            _ = try log.openConsumer("c", options: ConsumerOptions(isDurable: false))
            throw Violation(description: "a name is open twice")
        } catch let error as LogError where error.code == .inUse {}
        try expect(consumer.name == "c", "another name")
        await log.close()
    }

    static func skipsForward(_ makeLog: MakeLog) async throws {
        let log = try makeLog()
        let durable = try log.openConsumer("d", options: ConsumerOptions(isDurable: true))
        let volatile = try log.openConsumer("v", options: ConsumerOptions(isDurable: false, limit: .records(3)))
        for tag in UInt8(1)...10 { _ = try await append(record(tag), to: log) }
        try expect(volatile.backlog.skippedItems == 14, "skipped: \(volatile.backlog.skippedItems)")
        let left = try volatile.next(maxRecords: 100, maxBytes: .max)
        try expect(left.map { $0.payload[0] } == [8, 9, 10], "left: \(left.map { $0.payload[0] })")
        let all = try durable.next(maxRecords: 100, maxBytes: .max)
        try expect(all.count == 10, "the durable consumer got \(all.count)")
        await log.close()
    }

    static func wakes(_ makeLog: MakeLog) async throws {
        let log = try makeLog()
        let consumer = try log.openConsumer("c", options: ConsumerOptions(isDurable: true))
        async let woken: Void = consumer.waitForRecords()
        _ = try await append(record(1), to: log)
        await woken
        try expect(try consumer.next(maxRecords: 9, maxBytes: .max).count == 1, "woken without a record")
        let task = Task { await consumer.waitForRecords() }
        task.cancel()
        await task.value
        async let closed: Void = consumer.waitForRecords()
        await log.close()
        await closed
    }

    static func closes(_ makeLog: MakeLog) async throws {
        let log = try makeLog()
        await log.close()
        await log.close()
        do {
            _ = try await append(record(1), to: log)
            throw Violation(description: "a closed log takes records")
        } catch let error as LogError where error.code == .closed {}
    }
}
