import LogTestSupport
import Testing

@testable import WriteAheadLog

/// Drives a `DiskLog` with random operations, and a model made of plain sets in step. What the log says must agree with
/// the model at every step, and after every restart each acknowledged item must be waiting, in an open cut, or done.
final class LogHarness {
    struct Item: Hashable {
        var record: UInt64
        var index: Int
    }

    struct ModelCut {
        var ranges: [ItemRange]
        var items: Set<Item>
        var progress: [UInt8] = []
    }

    /// What the model knows of a consumer.
    struct Model {
        var inHand: [StoredRecord] = []
        var open: [BatchID: ModelCut] = [:]
        /// Cuts whose end was said: a crash may bring them back, under the same id.
        var ended: [BatchID: ModelCut] = [:]
        /// Cuts that failed: nobody knows whether they are on disk.
        var unsure: [Set<Item>] = []
        var done: Set<Item> = []
        var doneCount = 0
    }

    struct Options {
        var segmentBytes = 16 << 10
        var bytesMax: Int?
        var fsync = true
        var tailBytesMax = 4 << 10
        var payloadBytesMax = 3000
        var hasFaults = false
    }

    let seed: UInt64
    let options: Options
    var random: LogRandom
    var fileSystem: FaultyFileSystem
    var log: DiskLog!
    var consumers: [String: any LogConsumer] = [:]
    var models: [String: Model] = ["a": Model(), "b": Model()]
    /// Payloads and item counts by record tag: all that was ever tried, and what was acknowledged.
    var tried: [UInt64: LogRecord] = [:]
    var acknowledged: Set<UInt64> = []
    var nextTag: UInt64 = 1
    var opening: UInt64 = 0

    init(seed: UInt64, _ options: Options) {
        self.seed = seed
        self.options = options
        random = LogRandom(seed: seed)
        fileSystem = FaultyFileSystem(seed: seed &* 31)
    }

    func open() throws {
        opening += 1
        log = try DiskLog.open(
            DiskLogConfiguration(
                directory: "log", segmentBytes: options.segmentBytes, fsync: options.fsync,
                bytesMax: options.bytesMax, tailBytesMax: options.tailBytesMax),
            fileSystem: fileSystem, epoch: seed << 16 | opening)
        for name in models.keys.sorted() {
            consumers[name] = try log.openConsumer(name, options: ConsumerOptions(isDurable: true))
        }
    }

    static func tag(_ payload: [UInt8]) -> UInt64 { payload.integer(at: 0) }

    static func items(_ ranges: [ItemRange], _ payload: (UInt64) throws -> [UInt8]) rethrows -> Set<Item> {
        var items: Set<Item> = []
        for range in ranges {
            let tag = tag(try payload(range.sequence))
            for index in range.items { items.insert(Item(record: tag, index: index)) }
        }
        return items
    }

    static func items(_ record: StoredRecord) -> [Item] {
        record.items.map { Item(record: tag(record.payload), index: $0) }
    }

    // MARK: Operations

    /// Appends some records at once. Refusals are fine where faults are expected.
    func append() async throws {
        let count = random.int(1..<8)
        var records: [LogRecord] = []
        for _ in 0..<count {
            var payload: [UInt8] = []
            payload.append(integer: nextTag)
            let size = random.oneIn(4) ? options.payloadBytesMax : options.payloadBytesMax / 8
            for _ in 0..<random.int(0..<size) { payload.append(UInt8(truncatingIfNeeded: nextTag)) }
            let record = LogRecord(
                payload: payload, itemCount: random.int(1..<6), receivedAtUnixNanos: nextTag * 1000,
                partition: nextTag % 3)
            tried[nextTag] = record
            nextTag += 1
            records.append(record)
        }
        let log = log!
        let results = await withTaskGroup(of: Void.self) { _ in
            await LogHarness.append(records, to: log)
        }
        for (record, result) in zip(records, results) {
            switch result {
            case .success: acknowledged.insert(LogHarness.tag(record.payload))
            case .failure(let error): try tolerate(error)
            }
        }
    }

    static func append(_ records: [LogRecord], to log: DiskLog) async -> [Result<UInt64, LogError>] {
        var results: [Result<UInt64, LogError>] = []
        // All are on their way before the first answer is waited for, so that they share groups.
        let streams = records.map { record in
            let (stream, continuation) = AsyncStream.makeStream(of: Result<UInt64, LogError>.self)
            log.append(record) {
                continuation.yield($0)
                continuation.finish()
            }
            return stream
        }
        for stream in streams { for await result in stream { results.append(result) } }
        return results
    }

    func tolerate(_ error: any Error) throws {
        guard options.hasFaults || options.bytesMax != nil, let error = error as? LogError,
            [.io, .full].contains(error.code)
        else { throw error }
    }

    func next(_ name: String) throws {
        let records: [StoredRecord]
        do {
            records = try consumers[name]!.next(maxRecords: random.int(1..<10), maxBytes: random.int(1..<8000))
        } catch {
            return try tolerate(error)
        }
        for record in records { try take(record, name) }
    }

    private func take(_ record: StoredRecord, _ name: String) throws {
        let tag = LogHarness.tag(record.payload)
        let original = try #require(tried[tag], "a record nobody appended")
        #expect(record.payload == original.payload)
        #expect(record.itemCount == original.itemCount)
        #expect(record.receivedAtUnixNanos == original.receivedAtUnixNanos)
        #expect(record.partition == original.partition)
        models[name]!.inHand.append(record)
    }

    func cut(_ name: String) async throws {
        var model = models[name]!
        guard !model.inHand.isEmpty else { return }
        var ranges: [ItemRange] = []
        var payloads: [UInt64: [UInt8]] = [:]
        var rest: [StoredRecord] = []
        for record in model.inHand {
            payloads[record.sequence] = record.payload
            if random.oneIn(3) {
                rest.append(record)
                continue
            }
            // Some records are cut in the middle.
            let end =
                random.oneIn(3)
                ? random.int(record.items.lowerBound + 1..<record.items.upperBound + 1)
                : record.items.upperBound
            ranges.append(ItemRange(sequence: record.sequence, items: record.items.lowerBound..<end))
            if end < record.items.upperBound {
                var part = record
                part.items = end..<record.items.upperBound
                rest.append(part)
            }
        }
        guard !ranges.isEmpty else { return }
        let items = LogHarness.items(ranges) { payloads[$0]! }
        do {
            let cut = try await consumers[name]!.cut(ranges)
            #expect(cut.ranges == ranges)
            #expect(cut.itemCount == items.count)
            #expect(models[name]!.open[cut.id] == nil, "an id for two batches")
            model.inHand = rest
            model.open[cut.id] = ModelCut(ranges: ranges, items: items)
        } catch {
            try tolerate(error)
            model.unsure.append(items)
        }
        models[name] = model
    }

    func done(_ name: String) {
        guard let id = models[name]!.open.keys.sorted(by: { $0.high < $1.high }).randomElement(using: &random)
        else { return }
        let cut = models[name]!.open.removeValue(forKey: id)!
        consumers[name]!.done(id, outcome: CutOutcome(delivered: cut.items.count))
        models[name]!.ended[id] = cut
        models[name]!.done.formUnion(cut.items)
        models[name]!.doneCount += cut.items.count
    }

    func split(_ name: String) async throws {
        guard let id = models[name]!.open.keys.sorted(by: { $0.high < $1.high }).randomElement(using: &random),
            let cut = models[name]!.open[id], cut.items.count > 1
        else { return }
        var left: [ItemRange] = []
        var right = cut.ranges
        let range = right.removeFirst()
        let middle = range.items.lowerBound + random.int(0..<range.items.count) + 1
        left.append(ItemRange(sequence: range.sequence, items: range.items.lowerBound..<middle))
        if middle < range.items.upperBound {
            right.insert(ItemRange(sequence: range.sequence, items: middle..<range.items.upperBound), at: 0)
        }
        guard !right.isEmpty else { return }
        do {
            let payloads = try payloads(cut.ranges, name)
            let children = try await consumers[name]!.split(id, into: [left, right])
            models[name]!.open[id] = nil
            models[name]!.ended[id] = cut
            for (child, ranges) in zip(children, [left, right]) {
                #expect(child.ranges == ranges)
                #expect(child.progress == cut.progress)
                models[name]!.open[child.id] = ModelCut(
                    ranges: ranges, items: LogHarness.items(ranges) { payloads[$0]! }, progress: cut.progress)
            }
        } catch {
            try tolerate(error)
            // Either the parent or its parts will be there after a crash.
            models[name]!.unsure.append(cut.items)
        }
    }

    func saveProgress(_ name: String) {
        guard let id = models[name]!.open.keys.sorted(by: { $0.high < $1.high }).first else { return }
        let progress = [UInt8(truncatingIfNeeded: random.next()), 7]
        consumers[name]!.saveProgress(id, progress)
        models[name]!.open[id]!.progress = progress
    }

    /// Reads an open cut again, as a retry does.
    func payloads(_ ranges: [ItemRange], _ name: String) throws -> [UInt64: [UInt8]] {
        let records = try consumers[name]!.read(ranges)
        #expect(records.map { ItemRange(sequence: $0.sequence, items: $0.items) } == ranges)
        var payloads: [UInt64: [UInt8]] = [:]
        for record in records {
            #expect(tried[LogHarness.tag(record.payload)]?.payload == record.payload)
            payloads[record.sequence] = record.payload
        }
        return payloads
    }

    func readAgain(_ name: String) throws {
        for cut in models[name]!.open.values {
            do {
                let payloads = try payloads(cut.ranges, name)
                #expect(LogHarness.items(cut.ranges) { payloads[$0]! } == cut.items)
            } catch { try tolerate(error) }
        }
    }

    func checkBacklog(_ name: String) {
        let backlog = consumers[name]!.backlog
        let model = models[name]!
        let inFlight = model.open.values.reduce(0) { $0 + $1.items.count }
        #expect(backlog.inFlightItems == inFlight)
        #expect(backlog.skippedItems == 0)
        #expect(backlog.lostItems == 0)
        for (name, account) in log.accounts { #expect(account.balance == 0, "\(name) of seed \(seed): \(account)") }
        #expect(log.status.corruptRecords == 0, "a crash is taken for rot")
        if !options.hasFaults, options.bytesMax == nil {
            let all = acknowledged.reduce(0) { $0 + tried[$1]!.itemCount }
            #expect(backlog.waitingItems == all - inFlight - model.doneCount)
            #expect(backlog.totals.delivered == model.doneCount)
        }
    }

    // MARK: Restarts

    /// After a restart: takes everything that waits, and accounts for every item of the consumer.
    func reconcile(_ name: String, isClean: Bool) throws {
        var model = models[name]!
        model.inHand = []
        let consumer = consumers[name]!
        var found: [BatchID: ModelCut] = [:]
        for cut in consumer.recoveredCuts {
            let payloads = try payloads(cut.ranges, name)
            let items = LogHarness.items(cut.ranges) { payloads[$0]! }
            #expect(cut.itemCount == items.count)
            found[cut.id] = ModelCut(ranges: cut.ranges, items: items, progress: cut.progress)
            if let known = model.open[cut.id] ?? model.ended[cut.id] {
                #expect(known.ranges == cut.ranges, "an id for two contents")
                if isClean { #expect(known.progress == cut.progress) }
            } else {
                #expect(!isClean && model.unsure.contains { $0.isSuperset(of: items) }, "a cut that nobody made")
            }
            if isClean { #expect(model.open[cut.id] != nil, "a batch that was done is back") }
        }
        let inCuts = found.values.reduce(into: Set<Item>()) { $0.formUnion($1.items) }
        for (id, cut) in model.open where found[id] == nil {
            #expect(cut.items.isSubset(of: inCuts), "an open batch is gone")
        }
        models[name] = model
        while true {
            let records = try consumer.next(maxRecords: 20, maxBytes: 20_000)
            if records.isEmpty { break }
            for record in records { try take(record, name) }
        }
        var waiting: Set<Item> = []
        for item in models[name]!.inHand.flatMap(LogHarness.items) {
            #expect(waiting.insert(item).inserted, "an item twice")
        }
        #expect(waiting.isDisjoint(with: inCuts))
        #expect(waiting.isDisjoint(with: model.done), "an item that was done waits again")
        for tag in acknowledged {
            for index in 0..<tried[tag]!.itemCount {
                let item = Item(record: tag, index: index)
                guard waiting.contains(item) || inCuts.contains(item) || model.done.contains(item) else {
                    Issue.record("item \(item) of \(name) is lost, seed \(seed)")
                    return
                }
            }
        }
        models[name]!.open = found
        models[name]!.done.subtract(inCuts)
        models[name]!.unsure = []
        models[name]!.doneCount = models[name]!.done.count
        // What was not acknowledged and is there all the same is from now on part of the log.
        acknowledged.formUnion(waiting.map(\.record))
        acknowledged.formUnion(inCuts.map(\.record))
    }

    func reopen(isClean: Bool) throws {
        consumers = [:]
        try open()
        for name in models.keys.sorted() { try reconcile(name, isClean: isClean) }
    }

    /// Takes what waits, and ends every batch.
    func drain(_ name: String) async throws {
        for _ in 0..<5 { try next(name) }
        for _ in 0..<2 { try await cut(name) }
        while !models[name]!.open.isEmpty { done(name) }
    }

    func step() async throws {
        let name = random.oneIn(2) ? "a" : "b"
        // Half of the seeds keep the log almost empty, so that its segments are used again and again.
        if seed % 2 == 1, consumers[name]!.backlog.waitingRecords > 10 { return try await drain(name) }
        switch random.int(0..<20) {
        case 0..<6: try await append()
        case 6..<11: try next(name)
        case 11..<14: try await cut(name)
        case 14..<17: done(name)
        case 17: try await split(name)
        case 18: saveProgress(name)
        default: try readAgain(name)
        }
        checkBacklog(name)
    }
}
