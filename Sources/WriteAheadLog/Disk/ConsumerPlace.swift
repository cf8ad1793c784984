/// Items of one record, and where they stand in the log's count of items.
struct PlacedRange: Sendable, Hashable {
    var sequence: UInt64
    var items: Range<Int>
    /// As long as `items`; one long for a record without items.
    var span: Range<UInt64>

    var range: ItemRange { ItemRange(sequence: sequence, items: items) }
}

/// A cut that is not done.
struct OpenCut: Sendable, Hashable {
    var id: BatchID
    var ranges: [PlacedRange]
    /// Receive time of its oldest record.
    var oldestReceivedAt: UInt64
    var progress: [UInt8] = []
    /// Orders cuts by age; given when the cut is opened.
    var age = 0

    var itemCount: Int { ranges.reduce(0) { $0 + $1.items.count } }
    var lowest: UInt64 { ranges.map(\.span.lowerBound).min() ?? .max }
    var cut: Cut { Cut(id: id, ranges: ranges.map(\.range), itemCount: itemCount, progress: progress) }
}

/// How far a consumer is: what a restart must find again.
struct ConsumerPlace: Sendable, Hashable {
    /// Items that are cut, skipped or lost. What no open cut holds of them is done.
    var covered: ItemSet
    private(set) var cuts: [BatchID: OpenCut] = [:]
    private var nextAge = 0
    private(set) var inFlightItems = 0
    /// Outcomes of the cuts that are done.
    var totals = CutOutcome()
    var skippedItems = 0
    /// Items that were taken from it to make room, and for their age.
    var evictedItems = 0
    var expiredItems = 0
    /// Items whose records could not be read any more.
    var lostItems = 0
    /// Items of torn writes that were passed: they have a place in the log, but were never acknowledged.
    var tornItems = 0

    /// A consumer that has everything from `floor` on before it.
    init(floor: UInt64) { covered = ItemSet(floor: floor) }

    /// Everything before this place is done.
    var lowWater: UInt64 { cuts.values.reduce(covered.floor) { min($0, $1.lowest) } }

    /// The first item that is still needed, of a log in which nobody can have the items in `missing`.
    func lowWater(without missing: ItemSet) -> UInt64 {
        var passed = covered
        passed.insert(0..<missing.floor)
        for range in missing.ranges { passed.insert(range) }
        return cuts.values.reduce(passed.floor) { min($0, $1.lowest) }
    }

    /// Items before `end` that are not cut, skipped or lost.
    func uncoveredItems(before end: UInt64) -> Int { covered.missing(from: 0..<end).reduce(0) { $0 + $1.count } }

    /// The open cuts, oldest first.
    var cutsByAge: [OpenCut] { cuts.values.sorted { $0.age < $1.age } }

    mutating func open(_ cut: OpenCut) {
        guard cuts[cut.id] == nil else { return }
        var cut = cut
        cut.age = nextAge
        nextAge += 1
        inFlightItems += cut.itemCount
        for range in cut.ranges { covered.insert(range.span) }
        cuts[cut.id] = cut
    }

    mutating func finish(_ id: BatchID, _ outcome: CutOutcome) {
        guard close(id) != nil else { return }
        totals.delivered += outcome.delivered
        totals.rejectedByPeer += outcome.rejectedByPeer
        totals.deadLettered += outcome.deadLettered
        totals.dropped += outcome.dropped
    }

    mutating func split(_ id: BatchID, into parts: [OpenCut]) {
        guard close(id) != nil else { return }
        for part in parts { open(part) }
    }

    mutating func saveProgress(_ id: BatchID, _ progress: [UInt8]) { cuts[id]?.progress = progress }

    /// Gives up everything before `place`: cuts that hold some of it, and what is not cut. Returns how many items that
    /// is.
    mutating func giveWay(to place: UInt64, _ reason: GiveWayReason) -> Int {
        var count = 0
        for cut in cutsByAge where cut.lowest < place {
            close(cut.id)
            count += cut.itemCount
        }
        for part in covered.missing(from: 0..<place) {
            count += part.count
            covered.insert(part)
        }
        switch reason {
        case .evicted: evictedItems += count
        case .expired: expiredItems += count
        }
        return count
    }

    /// Notes that the records of `span` cannot be read. Those in `torn` were never acknowledged, and do not count as
    /// lost.
    mutating func lose(_ span: Range<UInt64>, torn: ItemSet) {
        for part in covered.missing(from: span) {
            let lost = torn.missing(from: part).reduce(0) { $0 + $1.count }
            lostItems += lost
            tornItems += part.count - lost
        }
        covered.insert(span)
    }

    /// The place of a consumer that has before it what either of the two has: what only one of them has done is met again.
    func merged(with other: ConsumerPlace) -> ConsumerPlace {
        var merged = self
        merged.covered = covered.intersection(other.covered)
        for cut in other.cutsByAge { merged.open(cut) }
        merged.totals.delivered += other.totals.delivered
        merged.totals.rejectedByPeer += other.totals.rejectedByPeer
        merged.totals.deadLettered += other.totals.deadLettered
        merged.totals.dropped += other.totals.dropped
        merged.skippedItems += other.skippedItems
        merged.evictedItems += other.evictedItems
        merged.expiredItems += other.expiredItems
        merged.lostItems += other.lostItems
        merged.tornItems += other.tornItems
        return merged
    }

    @discardableResult
    private mutating func close(_ id: BatchID) -> OpenCut? {
        guard let cut = cuts.removeValue(forKey: id) else { return nil }
        inFlightItems -= cut.itemCount
        return cut
    }
}

/// Counts of a log since it was made, kept in its checkpoints.
struct LogLedger: Sendable, Hashable {
    var appendedItems = 0
    var refusedItems = 0
    /// Records, and items in them, that were committed and could not be read again.
    var corruptRecords = 0
    var corruptItems = 0
    /// Items that were dropped to make room, and for their age.
    var evictedItems = 0
    var expiredItems = 0
}

/// What is known to be missing from a log, so that it is counted once, whoever meets it and however often.
struct MissingRecords: Sendable, Hashable {
    /// Items of torn writes: a crash kept them from being acknowledged, and later writes of their group survived.
    private(set) var torn = ItemSet(floor: 0)
    private(set) var items = ItemSet(floor: 0)
    private var sequences = ItemSet(floor: 0)

    mutating func noteTorn(_ region: DamagedRegion) {
        torn.insert(region.items)
        items.insert(region.items)
        sequences.insert(region.sequences)
    }

    /// Returns how many records and items were not known to be missing before.
    mutating func note(_ region: DamagedRegion) -> (records: Int, items: Int) {
        defer {
            items.insert(region.items)
            sequences.insert(region.sequences)
        }
        return (
            sequences.missing(from: region.sequences).reduce(0) { $0 + $1.count },
            items.missing(from: region.items).reduce(0) { $0 + $1.count }
        )
    }

    /// Forgets what lies before the oldest record: nobody will look for it.
    mutating func forget(before oldest: LogPosition) {
        torn.insert(0..<oldest.item)
        items.insert(0..<oldest.item)
        sequences.insert(0..<oldest.sequence)
    }

    var sets: [ItemSet] { [torn, items, sequences] }

    init() {}

    init?(sets: [ItemSet]) {
        guard sets.count == 3 else { return nil }
        (torn, items, sequences) = (sets[0], sets[1], sets[2])
    }
}

/// Makes batch ids: two independent lanes of multiply-and-shift over 64-bit words.
struct BatchIDHasher {
    private var high: UInt64 = 0x9e37_79b9_7f4a_7c15
    private var low: UInt64 = 0xc2b2_ae3d_27d4_eb4f

    mutating func combine(_ word: UInt64) {
        high = BatchIDHasher.mix(high ^ word, 0xbf58_476d_1ce4_e5b9)
        low = BatchIDHasher.mix(low &+ word &* 0x9fb2_1c65_1e98_df25, 0x94d0_49bb_1331_11eb)
    }

    mutating func combine(_ text: String) {
        combine(UInt64(text.utf8.count))
        for byte in text.utf8 { combine(UInt64(byte)) }
    }

    var id: BatchID { BatchID(high: high, low: low) }

    private static func mix(_ value: UInt64, _ factor: UInt64) -> UInt64 {
        let product = (value ^ value >> 29) &* factor
        return product ^ product >> 32
    }
}
