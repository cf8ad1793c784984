import Synchronization
import Testing

@testable import WriteAheadLog

/// The memory log hands each record to each consumer once, frees it when all are done, and refuses or skips by its
/// limits.
@Suite struct MemoryLogTests {
    @Test("a record is freed when the last consumer is done with all of its items")
    func freesAfterLastConsumer() async throws {
        let log = MemoryLog(capacityBytes: 1000)
        let first = try log.openConsumer("first", options: ConsumerOptions(isDurable: false))
        let second = try log.openConsumer("second", options: ConsumerOptions(isDurable: false))
        #expect(try log.appendNow(record(items: 4, bytes: 100)) == 1)
        for consumer in [first, second] {
            let records = try consumer.next(maxRecords: 10, maxBytes: 1000)
            #expect(records.map(\.sequence) == [1])
            let left = try await consumer.cut([ItemRange(sequence: 1, items: 0..<1)])
            let right = try await consumer.cut([ItemRange(sequence: 1, items: 1..<4)])
            #expect(log.status.bytes == 100)
            consumer.done(left.id, outcome: CutOutcome(delivered: 1))
            #expect(log.status.bytes == 100)
            consumer.done(right.id, outcome: CutOutcome(delivered: 3))
        }
        #expect(log.status.bytes == 0)
        #expect(log.status.records == 0)
        #expect(first.backlog.totals == CutOutcome(delivered: 4))
    }

    @Test("without room the only consumer's records stay and the new one is refused")
    func refusesWhenFull() throws {
        let log = MemoryLog(capacityBytes: 250)
        let consumer = try log.openConsumer("only", options: ConsumerOptions(isDurable: false, limit: .records(9)))
        _ = try log.appendNow(record(items: 1, bytes: 100))
        _ = try log.appendNow(record(items: 1, bytes: 100))
        #expect(throws: LogError.self) { try log.appendNow(record(items: 7, bytes: 100)) }
        #expect(log.status.refusedItems == 7)
        #expect(consumer.backlog.skippedItems == 0)
        #expect(consumer.backlog.waitingRecords == 2)
    }

    @Test("at the byte cap a laggard skips for the one that keeps up, and only what frees bytes")
    func laggardSkipsAtByteCap() async throws {
        let log = MemoryLog(capacityBytes: 250)
        let fast = try log.openConsumer("fast", options: ConsumerOptions(isDurable: false, limit: .records(9)))
        let slow = try log.openConsumer("slow", options: ConsumerOptions(isDurable: false, limit: .records(9)))
        for _ in 0..<5 {
            _ = try log.appendNow(record(items: 2, bytes: 100))
            for stored in try fast.next(maxRecords: 9, maxBytes: 900) {
                let cut = try await fast.cut([ItemRange(sequence: stored.sequence, items: 0..<2)])
                fast.done(cut.id, outcome: CutOutcome(delivered: 2))
            }
        }
        #expect(slow.backlog.skippedItems == 6)
        #expect(slow.backlog.waitingRecords == 2)
        #expect(fast.backlog.skippedItems == 0)
        #expect(try slow.next(maxRecords: 9, maxBytes: 900).map(\.sequence) == [4, 5])
        #expect(throws: LogError.self, "handed-out records cannot be skipped") {
            try log.appendNow(record(items: 1, bytes: 100))
        }
    }

    @Test("a consumer without a limit is never skipped")
    func unlimitedNeverSkips() throws {
        let log = MemoryLog(capacityBytes: 250)
        let fast = try log.openConsumer("fast", options: ConsumerOptions(isDurable: false, limit: .records(9)))
        let pinned = try log.openConsumer("pinned", options: ConsumerOptions(isDurable: false))
        _ = try log.appendNow(record(items: 1, bytes: 100))
        _ = try log.appendNow(record(items: 1, bytes: 100))
        _ = try fast.next(maxRecords: 9, maxBytes: 900)
        #expect(throws: LogError.self) { try log.appendNow(record(items: 1, bytes: 100)) }
        #expect(pinned.backlog.skippedItems == 0)
    }

    @Test("a consumer over its limit skips while another takes the record; with all at their limit it is refused")
    func consumerLimits() throws {
        let log = MemoryLog(capacityBytes: 10_000)
        let small = try log.openConsumer("small", options: ConsumerOptions(isDurable: false, limit: .items(10)))
        let large = try log.openConsumer("large", options: ConsumerOptions(isDurable: false, limit: .records(4)))
        for _ in 0..<4 { _ = try log.appendNow(record(items: 5, bytes: 10)) }
        #expect(small.backlog.skippedItems == 10)
        #expect(small.backlog.waitingItems == 10)
        #expect(large.backlog.waitingItems == 20)
        #expect(throws: LogError.self) { try log.appendNow(record(items: 1, bytes: 10)) }
        #expect(small.backlog.skippedItems == 10)
        #expect(log.status.appendedItems == 20)
    }

    @Test("a record larger than a consumer's whole limit is taken when nothing else waits")
    func oversizedRecord() throws {
        let log = MemoryLog(capacityBytes: 10_000)
        let consumer = try log.openConsumer("c", options: ConsumerOptions(isDurable: false, limit: .items(10)))
        _ = try log.appendNow(record(items: 50, bytes: 10))
        #expect(consumer.backlog.waitingItems == 50)
        #expect(throws: LogError.self) { try log.appendNow(record(items: 1, bytes: 10)) }
    }

    @Test("waiting ends with a record, with cancellation, and with the end of the log")
    func waiting() async throws {
        let log = MemoryLog(capacityBytes: 1000)
        let consumer = try log.openConsumer("c", options: ConsumerOptions(isDurable: false))
        let waiting = Task { await consumer.waitForRecords() }
        _ = try log.appendNow(record(items: 1, bytes: 1))
        await waiting.value
        _ = try consumer.next(maxRecords: 9, maxBytes: 9)
        let cancelled = Task { await consumer.waitForRecords() }
        cancelled.cancel()
        await cancelled.value
        let closing = Task { await consumer.waitForRecords() }
        await log.close()
        await closing.value
        #expect(throws: LogError.self) { try log.appendNow(record(items: 1, bytes: 1)) }
    }

    @Test("who waits for an amount is woken by it, in items or in bytes, and not before")
    func waitingForAnAmount() async throws {
        let log = MemoryLog(capacityBytes: 1000)
        let consumer = try log.openConsumer("c", options: ConsumerOptions(isDurable: false))
        for (items, bytes, isEnough) in [(9, 1, false), (10, 1, true), (1, 40, true), (1, 39, false)] {
            _ = try log.appendNow(record(items: items, bytes: bytes))
            let task = Task { await consumer.waitForRecords(items: 10, bytes: 40) }
            if !isEnough {
                _ = try log.appendNow(record(items: 10, bytes: 1))
                await task.value
                #expect(try consumer.next(maxRecords: 9, maxBytes: 900).count == 2)
            } else {
                await task.value
                #expect(try consumer.next(maxRecords: 9, maxBytes: 900).count == 1)
            }
        }
        let waiting = Mutex(true)
        let task = Task {
            await consumer.waitForRecords(items: 10, bytes: 40)
            waiting.withLock { $0 = false }
        }
        while log.state.withLock({ !$0.hasWaiter }) { await Task.yield() }
        for _ in 0..<9 { _ = try log.appendNow(record(items: 1, bytes: 1)) }
        #expect(log.state.withLock { $0.hasWaiter } && waiting.withLock { $0 })
        _ = try log.appendNow(record(items: 1, bytes: 1))
        #expect(log.state.withLock { !$0.hasWaiter })
        await task.value
    }

    @Test("a split keeps the items under new ids, and the progress; parts that do not cover the batch are refused")
    func split() async throws {
        let log = MemoryLog(capacityBytes: 1000)
        let consumer = try log.openConsumer("c", options: ConsumerOptions(isDurable: false))
        _ = try log.appendNow(record(items: 4, bytes: 10))
        _ = try consumer.next(maxRecords: 9, maxBytes: 90)
        let cut = try await consumer.cut([ItemRange(sequence: 1, items: 0..<4)])
        let halves = [[ItemRange(sequence: 1, items: 0..<2)], [ItemRange(sequence: 1, items: 2..<4)]]
        await #expect(throws: LogError.self) { _ = try await consumer.split(cut.id, into: [halves[0]]) }
        consumer.saveProgress(cut.id, [1, 2])
        let parts = try await consumer.split(cut.id, into: halves)
        #expect(parts.map(\.progress) == [[1, 2], [1, 2]])
        #expect(Set(parts.map(\.id)).union([cut.id]).count == 3)
        #expect(consumer.backlog.inFlightItems == 4)
        for part in parts { consumer.done(part.id, outcome: CutOutcome(dropped: 2)) }
        #expect(consumer.backlog.inFlightItems == 0)
        #expect(log.status.records == 0)
    }

    @Test("what was not handed out, or was cut before, cannot be cut")
    func misuse() async throws {
        let log = MemoryLog(capacityBytes: 1000)
        let consumer = try log.openConsumer("c", options: ConsumerOptions(isDurable: false))
        _ = try log.appendNow(record(items: 2, bytes: 10))
        let all = [ItemRange(sequence: 1, items: 0..<2)]
        await #expect(throws: LogError.self) { _ = try await consumer.cut(all) }
        _ = try consumer.next(maxRecords: 9, maxBytes: 90)
        _ = try await consumer.cut(all)
        await #expect(throws: LogError.self) { _ = try await consumer.cut(all) }
        #expect(throws: LogError.self) { _ = try log.openConsumer("c", options: ConsumerOptions(isDurable: false)) }
    }

    @Test("logs share one budget, and give back what they held")
    func sharedBudget() throws {
        let budget = MemoryBudget(capacityBytes: 150)
        var first: MemoryLog? = MemoryLog(budget: budget)
        let second = MemoryLog(budget: budget)
        var consumer = try first?.openConsumer("c", options: ConsumerOptions(isDurable: false))
        _ = try first?.appendNow(record(items: 1, bytes: 100))
        #expect(throws: LogError.self) { try second.appendNow(record(items: 1, bytes: 100)) }
        #expect(consumer?.backlog.waitingRecords == 1)
        consumer = nil
        first = nil
        #expect(budget.usedBytes == 0)
    }

    /// Scenario: random appends, reads, cuts in pieces, splits and endings by consumers of several limits.
    /// Guarantees: at every step each consumer's waiting + in flight + done + skipped is what was appended since it
    /// opened.
    @Test("every item is waiting, in flight, done or skipped", arguments: UInt64(1)...20)
    func ledger(seed: UInt64) async throws {
        var random = SplitMix(seed)
        let log = MemoryLog(capacityBytes: 2000)
        let limits: [ConsumerLimit?] = [.records(7), .items(40), .bytes(900), nil]
        var consumers: [(consumer: any LogConsumer, uncut: [ItemRange], open: [Cut])] = []
        for (index, limit) in limits.prefix(Int.random(in: 1...4, using: &random)).enumerated() {
            let options = ConsumerOptions(isDurable: false, limit: limit)
            consumers.append((try log.openConsumer("c\(index)", options: options), [], []))
        }
        for _ in 0..<400 {
            let index = Int.random(in: 0..<consumers.count, using: &random)
            let consumer = consumers[index].consumer
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                let items = Int.random(in: 0...9, using: &random)
                _ = try? log.appendNow(record(items: items, bytes: Int.random(in: 1...120, using: &random)))
            case 2:
                consumers[index].uncut += try consumer.next(maxRecords: 3, maxBytes: 200).map {
                    ItemRange(sequence: $0.sequence, items: $0.items)
                }
            case 3:
                guard let range = consumers[index].uncut.popLast() else { continue }
                let middle = Int.random(in: range.items.lowerBound...range.items.upperBound, using: &random)
                let part = ItemRange(sequence: range.sequence, items: range.items.lowerBound..<middle)
                let rest = ItemRange(sequence: range.sequence, items: middle..<range.items.upperBound)
                if !rest.items.isEmpty { consumers[index].uncut.append(rest) }
                consumers[index].open.append(try await consumer.cut([part]))
            default:
                guard let cut = consumers[index].open.popLast() else { continue }
                consumer.done(cut.id, outcome: CutOutcome(delivered: cut.itemCount))
            }
            for entry in consumers {
                let backlog = entry.consumer.backlog
                let sum =
                    backlog.waitingItems + backlog.inFlightItems + backlog.totals.delivered + backlog.skippedItems
                #expect(sum == log.status.appendedItems)
            }
            #expect(log.status.bytes <= 2000)
        }
        for index in consumers.indices {
            let consumer = consumers[index].consumer
            consumers[index].uncut += try consumer.next(maxRecords: .max, maxBytes: .max).map {
                ItemRange(sequence: $0.sequence, items: $0.items)
            }
            for range in consumers[index].uncut { consumers[index].open.append(try await consumer.cut([range])) }
            for cut in consumers[index].open { consumer.done(cut.id, outcome: CutOutcome(dropped: cut.itemCount)) }
        }
        #expect(log.status.bytes == 0)
        #expect(log.status.records == 0)
        #expect(log.status.items == 0)
    }
}

private func record(items: Int, bytes: Int) -> LogRecord {
    LogRecord(payload: [UInt8](repeating: 7, count: bytes), itemCount: items, receivedAtUnixNanos: 1)
}

extension MemoryLog {
    /// Appends, and returns what the completion was called with; it is called before `append` returns.
    fileprivate func appendNow(_ record: LogRecord) throws -> UInt64 {
        let outcome = Mutex<Result<UInt64, LogError>?>(nil)
        append(record) { result in outcome.withLock { $0 = result } }
        return try #require(outcome.withLock { $0 }).get()
    }
}

private struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
