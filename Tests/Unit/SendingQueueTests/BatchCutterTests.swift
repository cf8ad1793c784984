import Component
import Testing
import WriteAheadLog

@testable import SendingQueue

/// Batches have the sizes and ages that `batch` promises, keep the order, lose nothing, and never mix partitions.
@Suite struct BatchCutterTests {
    private func record(_ sequence: UInt64, _ count: Int, partition: UInt64 = 0) -> StoredRecord {
        StoredRecord(
            sequence: sequence, items: 0..<count, itemCount: count, receivedAtUnixNanos: 1, partition: partition,
            payload: [1])
    }

    @Test("without settings each record is a batch")
    func single() {
        var cutter = BatchCutter(settings: nil)
        cutter.add(record(1, 5), now: .zero)
        cutter.add(record(2, 7), now: .zero)
        #expect(cutter.next(now: .zero)?.ranges == [ItemRange(sequence: 1, items: 0..<5)])
        #expect(cutter.next(now: .zero)?.ranges == [ItemRange(sequence: 2, items: 0..<7)])
        #expect(cutter.next(now: .zero) == nil)
        #expect(cutter.deadline == nil)
    }

    @Test("a batch goes out when it is full, or when its oldest item has waited long enough")
    func sizeAndTimeout() {
        var cutter = BatchCutter(
            settings: BatchSettings(sendBatchSize: 10, sendBatchMaxSize: 0, timeout: .milliseconds(200)))
        cutter.add(record(1, 6), now: .milliseconds(100))
        cutter.add(record(2, 3), now: .milliseconds(250))
        #expect(cutter.next(now: .milliseconds(299)) == nil)
        #expect(cutter.deadline == .milliseconds(300))
        cutter.add(record(3, 4), now: .milliseconds(299))
        cutter.add(record(4, 2), now: .milliseconds(299))
        let full = cutter.next(now: .milliseconds(299))
        #expect(full?.itemCount == 13)
        #expect(full?.trigger == .size)
        #expect(cutter.deadline == .milliseconds(499))
        let due = cutter.next(now: .milliseconds(499))
        #expect(due?.itemCount == 2)
        #expect(due?.trigger == .timeout)
        #expect(cutter.isEmpty)
    }

    @Test("what is missing for a batch is known, and nothing is when each record counts")
    func missing() {
        #expect(BatchCutter(settings: nil).missingItems == 0)
        var cutter = BatchCutter(
            settings: BatchSettings(sendBatchSize: 10, sendBatchMaxSize: 0, timeout: .seconds(1)))
        #expect(cutter.missingItems == 0, "the first record starts the clock")
        cutter.add(record(1, 3), now: .zero)
        #expect(cutter.missingItems == 7)
        cutter.add(record(2, 4, partition: 5), now: .zero)
        #expect(cutter.missingItems == 6)
        cutter.add(record(3, 9), now: .zero)
        #expect(cutter.missingItems == 0)
        var eager = BatchCutter(settings: BatchSettings(sendBatchSize: 0, sendBatchMaxSize: 5, timeout: .seconds(1)))
        eager.add(record(1, 3), now: .zero)
        #expect(eager.missingItems == 0)
    }

    @Test("a record is split inside at the largest size, and its rest waits on")
    func maxSize() {
        var cutter = BatchCutter(settings: BatchSettings(sendBatchSize: 10, sendBatchMaxSize: 10, timeout: .seconds(1)))
        cutter.add(record(1, 4), now: .zero)
        cutter.add(record(2, 18), now: .zero)
        #expect(
            cutter.next(now: .zero)?.ranges
                == [ItemRange(sequence: 1, items: 0..<4), ItemRange(sequence: 2, items: 0..<6)])
        #expect(cutter.next(now: .zero)?.ranges == [ItemRange(sequence: 2, items: 6..<16)])
        #expect(cutter.next(now: .zero) == nil)
        #expect(cutter.next(now: .seconds(1))?.ranges == [ItemRange(sequence: 2, items: 16..<18)])
    }

    @Test("with timeout or size 0 whatever is there goes out at once, within the largest size")
    func immediate() {
        for settings in [
            BatchSettings(sendBatchSize: 0, sendBatchMaxSize: 5, timeout: .seconds(1)),
            BatchSettings(sendBatchSize: 5, sendBatchMaxSize: 5, timeout: .zero),
        ] {
            var cutter = BatchCutter(settings: settings)
            cutter.add(record(1, 3), now: .zero)
            cutter.add(record(2, 3), now: .zero)
            #expect(cutter.next(now: .zero)?.itemCount == 5)
            #expect(cutter.next(now: .zero)?.itemCount == 1)
            #expect(cutter.isEmpty)
        }
    }

    @Test("a backlog enlarges the batch for an exporter that wants it, within its bytes")
    func backlog() {
        let settings = BatchSettings(sendBatchSize: 10, sendBatchMaxSize: 20, timeout: .seconds(1))
        var cutter = BatchCutter(settings: settings)
        for sequence in UInt64(1)...3 { cutter.add(record(sequence, 13), now: .zero) }
        // 39 items are not two batches of 20 yet.
        #expect(cutter.wantsMore(backlogItems: 50))
        #expect(cutter.next(now: .zero, backlogItems: 50)?.itemCount == 13)
        for sequence in UInt64(4)...9 { cutter.add(record(sequence, 13), now: .zero) }
        #expect(!cutter.wantsMore(backlogItems: 50))
        #expect(!cutter.wantsMore(backlogItems: nil))
        let large = cutter.next(now: .zero, backlogItems: 50)
        #expect(large?.itemCount == 50)
        #expect(large?.trigger == .size)
        #expect(large?.ranges.last == ItemRange(sequence: 5, items: 0..<11))
        #expect(cutter.next(now: .zero)?.itemCount == 15)

        var single = BatchCutter(settings: nil)
        for sequence in UInt64(1)...9 { single.add(record(sequence, 13), now: .zero) }
        #expect(single.next(now: .zero, backlogItems: 50)?.ranges.count == 4)
        #expect(single.next(now: .zero)?.ranges.count == 1)

        var heavy = BatchCutter(settings: settings, batchesInFlightMax: 6)
        let bytes = [UInt8](repeating: 0, count: BatchCutter.backlogBytesInFlightMax / 6 / 4)
        for sequence in UInt64(1)...9 {
            var record = record(sequence, 13)
            record.payload = bytes
            heavy.add(record, now: .zero)
        }
        #expect(!heavy.wantsMore(backlogItems: 1000))
        #expect(heavy.next(now: .zero, backlogItems: 1000)?.ranges.count == 4)
        // Never less than usual: 20 items.
        var crowded = BatchCutter(settings: settings, batchesInFlightMax: 1000)
        for sequence in UInt64(1)...9 {
            var record = record(sequence, 13)
            record.payload = bytes
            crowded.add(record, now: .zero)
        }
        #expect(crowded.next(now: .zero, backlogItems: 1000)?.ranges.count == 2)
    }

    @Test("random records: batches keep to the limits, the order and the partitions", arguments: UInt64(1)...30)
    func model(seed: UInt64) {
        var random = SplitMix(seed)
        let size = Int.random(in: 0...20, using: &random)
        let settings = BatchSettings(
            sendBatchSize: size, sendBatchMaxSize: Bool.random(using: &random) ? 0 : size + 3, timeout: .seconds(1))
        let backlogItems = Bool.random(using: &random) ? nil : Int.random(in: 1...100, using: &random)
        let largest = max(settings.sendBatchMaxSize, backlogItems ?? 0)
        var cutter = BatchCutter(settings: settings)
        var expected: [UInt64: [ItemRange]] = [:]
        var cut: [UInt64: [ItemRange]] = [:]
        var now = Duration.zero
        func take(flush: Bool) {
            while let batch = cutter.next(now: now, flush: flush, backlogItems: backlogItems) {
                #expect(Set(batch.records.map(\.partition)).count == 1)
                if settings.sendBatchMaxSize > 0 { #expect(batch.itemCount <= largest) }
                if batch.trigger == .size, size > 0 { #expect(batch.itemCount >= size) }
                #expect(batch.itemCount == batch.records.reduce(0) { $0 + $1.items.count })
                for range in batch.ranges { cut[batch.records[0].partition, default: []] += single(range) }
            }
        }
        func single(_ range: ItemRange) -> [ItemRange] {
            range.items.map { ItemRange(sequence: range.sequence, items: $0..<($0 + 1)) }
        }
        for sequence in UInt64(1)...60 {
            let partition = UInt64.random(in: 0...2, using: &random)
            let count = Int.random(in: 0...15, using: &random)
            cutter.add(record(sequence, count, partition: partition), now: now)
            expected[partition, default: []] += single(ItemRange(sequence: sequence, items: 0..<count))
            now += .milliseconds(Int.random(in: 0...400, using: &random))
            take(flush: false)
        }
        take(flush: true)
        #expect(cutter.isEmpty)
        #expect(cut.mapValues { $0 } == expected.filter { !$0.value.isEmpty })
    }
}
