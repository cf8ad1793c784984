import LogTestSupport
import Testing

@testable import WriteAheadLog

/// What the format writes it reads back, and no bytes make it trap.
@Suite struct FormatTests {
    static func cut(_ random: inout LogRandom, _ tag: UInt64) -> OpenCut {
        var ranges: [PlacedRange] = []
        for _ in 0..<random.int(1..<6) {
            let items = random.int(0..<5)
            let first = random.int(0..<100)
            let start = UInt64(random.int(0..<1 << 40))
            ranges.append(
                PlacedRange(
                    sequence: random.next() >> 8, items: first..<first + items,
                    span: start..<start + UInt64(items == 0 ? random.int(0..<2) : items)))
        }
        return OpenCut(
            id: BatchID(high: random.next(), low: tag), ranges: ranges, oldestReceivedAt: random.next(),
            progress: [UInt8](repeating: 9, count: random.int(0..<200)))
    }

    static func records(_ random: inout LogRandom) -> [ControlRecord] {
        let id = BatchID(high: random.next(), low: random.next())
        return [
            .consumer("otlphttp/ä", floor: random.next() >> 2), .cut("a", cut(&random, 1)),
            .done("b", id, CutOutcome(delivered: 1, rejectedByPeer: 200, deadLettered: 3, dropped: 1 << 40)),
            .split("", id, [cut(&random, 1), cut(&random, 2)]), .progress("c", id, [1, 2, 3]),
        ]
    }

    @Test("control records survive", arguments: logSeeds(30))
    func controlRecords(seed: UInt64) {
        var random = LogRandom(seed: seed)
        for record in Self.records(&random) {
            let bytes = record.encoded()
            #expect(ControlRecord(record.kind, bytes) == record)
            for count in 0..<bytes.count {
                #expect(ControlRecord(record.kind, Array(bytes.prefix(count))) == nil, "\(record.kind) cut to \(count)")
            }
        }
    }

    @Test("checkpoints survive", arguments: logSeeds(30))
    func checkpoints(seed: UInt64) {
        var random = LogRandom(seed: seed)
        var checkpoint = Checkpoint()
        checkpoint.ledger = LogLedger(
            appendedItems: 5, refusedItems: 6, corruptRecords: 7, corruptItems: 8, evictedItems: 1 << 50,
            expiredItems: 9)
        for name in ["a", "b", "c"] {
            var place = ConsumerPlace(floor: UInt64(random.int(0..<1000)))
            for tag in UInt64(0)..<4 { place.open(Self.cut(&random, tag)) }
            place.finish(place.cutsByAge[1].id, CutOutcome(delivered: 4))
            place.skippedItems = 3
            place.evictedItems = 4
            place.expiredItems = 5
            place.lostItems = 2
            checkpoint.places[name] = place
        }
        let read = Checkpoint(checkpoint.encoded())
        #expect(read?.ledger == checkpoint.ledger)
        #expect(read?.missing == checkpoint.missing)
        for (name, place) in checkpoint.places {
            #expect(read?.places[name]?.covered == place.covered)
            #expect(read?.places[name]?.totals == place.totals)
            #expect(read?.places[name]?.evictedItems == 4 && read?.places[name]?.expiredItems == 5)
            #expect(read?.places[name]?.inFlightItems == place.inFlightItems)
            #expect(read?.places[name]?.cutsByAge.map(\.cut) == place.cutsByAge.map(\.cut))
        }
    }

    @Test("random bytes are refused or read, never a trap", arguments: logSeeds(300))
    func randomBytes(seed: UInt64) {
        var random = LogRandom(seed: seed)
        let template = Self.records(&random).randomElement(using: &random)!
        var bytes = template.encoded()
        for _ in 0..<random.int(1..<8) { bytes[random.int(0..<bytes.count)] = UInt8(truncatingIfNeeded: random.next()) }
        for kind in UInt8(1)...7 { _ = ControlRecord(RecordHeader.Kind(rawValue: kind)!, bytes) }
        _ = Checkpoint([1] + bytes)
        _ = SegmentHeader.read(bytes)
        _ = SegmentFooter.read(bytes)
        _ = RecordHeader.read(bytes, at: 0, seed: 1)
    }

    @Test("headers and footers survive, and a changed bit is noticed")
    func headers() {
        let position = LogPosition(sequence: 3, item: 1 << 40, byte: 5)
        let header = SegmentHeader(capacity: 1 << 25, epoch: .max, number: 77, first: position)
        var bytes = header.encoded()
        #expect(bytes.count == SegmentHeader.byteCount)
        #expect(SegmentHeader.read(bytes) == .segment(header))
        bytes[20] ^= 1
        #expect(SegmentHeader.read(bytes) == .segment(header), "the second copy")
        bytes[2070] ^= 1
        #expect(SegmentHeader.read(bytes) == .unreadable)
        let footer = SegmentFooter(
            epoch: 1, number: 77, endOffset: 5000, first: position, end: position, oldestReceivedAt: .max)
        var end = footer.encoded()
        #expect(SegmentFooter.read(end) == footer)
        end[50] ^= 4
        #expect(SegmentFooter.read(end) == nil)
    }
}
