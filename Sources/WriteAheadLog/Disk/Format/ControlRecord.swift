/// What a control record says: a change of one consumer's place.
///
///     consumer   name, floor
///     cut        name, cut
///     done       name, id, delivered, rejected by peer, dead-lettered, dropped
///     split      name, id, number of parts, cuts
///     progress   name, id, length, bytes
///     adopt      name, the name that takes its place over
///     forget     name
///     cut        id, oldest receive time, number of ranges, ranges, length and bytes of the progress
///     range      sequence - last range's sequence, first item, items, place - end of last range's place (zigzag),
///                and only for a range of no items: 1 if the record has no items, else 0
///
/// Numbers are varints, but ids (two of 64 bits) and times (64 bits) are little endian; names have their length before
/// them.
enum ControlRecord: Sendable, Hashable {
    case consumer(String, floor: UInt64)
    case cut(String, OpenCut)
    case done(String, BatchID, CutOutcome)
    case split(String, BatchID, [OpenCut])
    case progress(String, BatchID, [UInt8])
    /// What the first consumer has not done becomes the second one's.
    case adopt(String, by: String)
    case forget(String)

    var kind: RecordHeader.Kind {
        switch self {
        case .consumer: .consumer
        case .cut: .cut
        case .done: .done
        case .split: .split
        case .progress: .progress
        case .adopt: .adopt
        case .forget: .forget
        }
    }

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        switch self {
        case .consumer(let name, let floor):
            bytes.append(counted: name.utf8)
            bytes.append(varint: floor)
        case .cut(let name, let cut):
            bytes.append(counted: name.utf8)
            bytes.append(cut)
        case .done(let name, let id, let outcome):
            bytes.append(counted: name.utf8)
            bytes.append(id)
            bytes.append(outcome)
        case .split(let name, let id, let parts):
            bytes.append(counted: name.utf8)
            bytes.append(id)
            bytes.append(varint: parts.count)
            for part in parts { bytes.append(part) }
        case .progress(let name, let id, let progress):
            bytes.append(counted: name.utf8)
            bytes.append(id)
            bytes.append(counted: progress)
        case .adopt(let name, let heir):
            bytes.append(counted: name.utf8)
            bytes.append(counted: heir.utf8)
        case .forget(let name):
            bytes.append(counted: name.utf8)
        }
        return bytes
    }

    /// Nil when the payload makes no sense as a record of `kind`.
    init?(_ kind: RecordHeader.Kind, _ payload: [UInt8]) {
        var reader = ByteReader(payload)
        guard let name = reader.string() else { return nil }
        switch kind {
        case .data, .checkpoint: return nil
        case .consumer:
            guard let floor = reader.varint() else { return nil }
            self = .consumer(name, floor: floor)
        case .cut:
            guard let cut = reader.cut() else { return nil }
            self = .cut(name, cut)
        case .done:
            guard let id = reader.batchID(), let outcome = reader.outcome() else { return nil }
            self = .done(name, id, outcome)
        case .split:
            guard let id = reader.batchID(), let parts = reader.cuts() else { return nil }
            self = .split(name, id, parts)
        case .progress:
            guard let id = reader.batchID(), let progress = reader.counted() else { return nil }
            self = .progress(name, id, progress)
        case .adopt:
            guard let heir = reader.string() else { return nil }
            self = .adopt(name, by: heir)
        case .forget: self = .forget(name)
        }
        guard reader.isAtEnd else { return nil }
    }

    /// Changes the places of the log's durable consumers. A consumer that is not known, because the record that made it
    /// known was lost, starts at `floor`. Applying a record twice, or after a checkpoint that has it, changes nothing.
    func apply(to places: inout [String: ConsumerPlace], floor: UInt64) {
        switch self {
        case .consumer(let name, let floor):
            if places[name] == nil { places[name] = ConsumerPlace(floor: floor) }
        case .cut(let name, let cut): places[name, default: ConsumerPlace(floor: floor)].open(cut)
        case .done(let name, let id, let outcome): places[name]?.finish(id, outcome)
        case .split(let name, let id, let parts): places[name]?.split(id, into: parts)
        case .progress(let name, let id, let progress): places[name]?.saveProgress(id, progress)
        case .adopt(let name, let heir):
            guard let place = places.removeValue(forKey: name) else { return }
            places[heir] = places[heir]?.merged(with: place) ?? place
        case .forget(let name): places[name] = nil
        }
    }
}

/// The first record of each segment: all that is to be known of the consumers, so that nothing before it need be read.
///
///     version (2),
///     appended items, refused items, corrupt records, corrupt items, evicted items, expired items,
///     torn items, missing items, missing sequences: a set each,
///     number of consumers, for each:
///       name, set of items that are cut,
///       delivered, rejected by peer, dead-lettered, dropped, skipped, evicted, expired, lost, torn items,
///       number of cuts, cuts by age
///
///     set        floor, number of ranges, ranges (gap since the last one's end, length)
///
/// Encoded like `ControlRecord`.
struct Checkpoint: Sendable, Hashable {
    var ledger = LogLedger()
    var missing = MissingRecords()
    var places: [String: ConsumerPlace] = [:]

    private static let version: UInt8 = 2

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = [Checkpoint.version]
        bytes.append(varint: ledger.appendedItems)
        bytes.append(varint: ledger.refusedItems)
        bytes.append(varint: ledger.corruptRecords)
        bytes.append(varint: ledger.corruptItems)
        bytes.append(varint: ledger.evictedItems)
        bytes.append(varint: ledger.expiredItems)
        for set in missing.sets { bytes.append(set) }
        bytes.append(varint: places.count)
        for (name, place) in places.sorted(by: { $0.key < $1.key }) {
            bytes.append(counted: name.utf8)
            bytes.append(place)
        }
        return bytes
    }

    init(
        ledger: LogLedger = LogLedger(), missing: MissingRecords = MissingRecords(),
        places: [String: ConsumerPlace] = [:]
    ) {
        self.ledger = ledger
        self.missing = missing
        self.places = places
    }

    /// Nil when the payload is no checkpoint.
    init?(_ payload: [UInt8]) {
        var reader = ByteReader(payload)
        // Version 1 had no expired items, and counted a consumer's evicted ones as skipped.
        guard let version = reader.byte(), (1...Checkpoint.version).contains(version), let appended = reader.count(),
            let refused = reader.count(),
            let corruptRecords = reader.count(), let corruptItems = reader.count(), let evicted = reader.count(),
            let expired = version > 1 ? reader.count() : 0, let torn = reader.itemSet(), let items = reader.itemSet(),
            let sequences = reader.itemSet(),
            let missing = MissingRecords(sets: [torn, items, sequences]), let count = reader.count()
        else { return nil }
        self.missing = missing
        ledger = LogLedger(
            appendedItems: appended, refusedItems: refused, corruptRecords: corruptRecords, corruptItems: corruptItems,
            evictedItems: evicted, expiredItems: expired)
        for _ in 0..<count {
            guard let name = reader.string(), let place = reader.place(version: version) else { return nil }
            places[name] = place
        }
        guard reader.isAtEnd else { return nil }
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ id: BatchID) {
        append(integer: id.high)
        append(integer: id.low)
    }

    fileprivate mutating func append(_ outcome: CutOutcome) {
        append(varint: outcome.delivered)
        append(varint: outcome.rejectedByPeer)
        append(varint: outcome.deadLettered)
        append(varint: outcome.dropped)
    }

    fileprivate mutating func append(_ cut: OpenCut) {
        append(cut.id)
        append(integer: cut.oldestReceivedAt)
        append(varint: cut.ranges.count)
        var sequence: UInt64 = 0
        var place: UInt64 = 0
        for range in cut.ranges {
            append(varint: zigzag(Int64(bitPattern: range.sequence &- sequence)))
            append(varint: range.items.lowerBound)
            append(varint: range.items.count)
            append(varint: zigzag(Int64(bitPattern: range.span.lowerBound &- place)))
            if range.items.isEmpty { append(varint: range.span.count) }
            sequence = range.sequence
            place = range.span.upperBound
        }
        append(counted: cut.progress)
    }

    fileprivate mutating func append(_ set: ItemSet) {
        append(varint: set.floor)
        append(varint: set.ranges.count)
        var end = set.floor
        for range in set.ranges {
            append(varint: range.lowerBound - end)
            append(varint: range.count)
            end = range.upperBound
        }
    }

    fileprivate mutating func append(_ place: ConsumerPlace) {
        append(place.covered)
        append(place.totals)
        append(varint: place.skippedItems)
        append(varint: place.evictedItems)
        append(varint: place.expiredItems)
        append(varint: place.lostItems)
        append(varint: place.tornItems)
        append(varint: place.cuts.count)
        for cut in place.cutsByAge { append(cut) }
    }
}

extension ByteReader {
    fileprivate mutating func batchID() -> BatchID? {
        guard let high = integer(), let low = integer() else { return nil }
        return BatchID(high: high, low: low)
    }

    fileprivate mutating func outcome() -> CutOutcome? {
        guard let delivered = count(), let rejected = count(), let deadLettered = count(), let dropped = count()
        else { return nil }
        return CutOutcome(
            delivered: delivered, rejectedByPeer: rejected, deadLettered: deadLettered, dropped: dropped)
    }

    fileprivate mutating func cuts() -> [OpenCut]? {
        guard let count = count() else { return nil }
        var cuts: [OpenCut] = []
        for _ in 0..<count {
            guard let cut = cut() else { return nil }
            cuts.append(cut)
        }
        return cuts
    }

    fileprivate mutating func cut() -> OpenCut? {
        guard let id = batchID(), let oldest = integer(), let count = count() else { return nil }
        var ranges: [PlacedRange] = []
        var sequence: UInt64 = 0
        var place: UInt64 = 0
        for _ in 0..<count {
            guard let step = varint(), let first = self.count(), let items = self.count(), let gap = varint(),
                let length = items == 0 ? varint() : UInt64(items), length <= UInt64(UInt32.max)
            else { return nil }
            sequence &+= UInt64(bitPattern: unzigzag(step))
            let start = place &+ UInt64(bitPattern: unzigzag(gap))
            guard start <= UInt64(Int.max) else { return nil }
            place = start + length
            ranges.append(PlacedRange(sequence: sequence, items: first..<first + items, span: start..<place))
        }
        guard let progress = counted() else { return nil }
        return OpenCut(id: id, ranges: ranges, oldestReceivedAt: oldest, progress: progress)
    }

    fileprivate mutating func itemSet() -> ItemSet? {
        guard let floor = count(), let ranges = count() else { return nil }
        var set = ItemSet(floor: UInt64(floor))
        var end = floor
        for _ in 0..<ranges {
            guard let gap = count(), let length = count(), end <= Int.max / 4 else { return nil }
            set.insert(UInt64(end + gap)..<UInt64(end + gap + length))
            end += gap + length
        }
        return set
    }

    fileprivate mutating func place(version: UInt8) -> ConsumerPlace? {
        guard let covered = itemSet(), let totals = outcome(), let skipped = count(),
            let evicted = version > 1 ? count() : 0, let expired = version > 1 ? count() : 0, let lost = count(),
            let torn = count(), let cuts = cuts()
        else { return nil }
        var place = ConsumerPlace(floor: covered.floor)
        place.covered = covered
        place.totals = totals
        place.skippedItems = skipped
        place.evictedItems = evicted
        place.expiredItems = expired
        place.lostItems = lost
        place.tornItems = torn
        for cut in cuts { place.open(cut) }
        return place
    }
}

private func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: value << 1 ^ value >> 63) }

private func unzigzag(_ value: UInt64) -> Int64 { Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
