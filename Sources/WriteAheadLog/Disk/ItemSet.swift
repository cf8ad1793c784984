/// A set of items of a log, by their place in its count of items: everything before `floor`, and ranges beyond it.
///
/// Consumers finish mostly in order, so that there are few ranges. Operations are O(ranges).
struct ItemSet: Sendable, Hashable {
    private(set) var floor: UInt64
    /// Sorted, not empty, with gaps between each other and the floor.
    private(set) var ranges: [Range<UInt64>] = []

    init(floor: UInt64) { self.floor = floor }

    mutating func insert(_ range: Range<UInt64>) {
        guard range.upperBound > floor, !range.isEmpty else { return }
        if range.lowerBound <= floor {
            floor = range.upperBound
        } else {
            var merged = range
            let first = ranges.partitioningIndex { $0.upperBound >= range.lowerBound }
            var last = first
            while last < ranges.count, ranges[last].lowerBound <= range.upperBound {
                merged =
                    min(merged.lowerBound, ranges[last].lowerBound)..<max(merged.upperBound, ranges[last].upperBound)
                last += 1
            }
            ranges.replaceSubrange(first..<last, with: CollectionOfOne(merged))
        }
        while let next = ranges.first, next.lowerBound <= floor {
            floor = max(floor, next.upperBound)
            ranges.removeFirst()
        }
    }

    /// The parts of `range` that are not in the set, in order.
    func missing(from range: Range<UInt64>) -> [Range<UInt64>] {
        var rest = max(range.lowerBound, min(floor, range.upperBound))..<range.upperBound
        var parts: [Range<UInt64>] = []
        for known in ranges[ranges.partitioningIndex { $0.upperBound > rest.lowerBound }...] {
            guard known.lowerBound < rest.upperBound, !rest.isEmpty else { break }
            if known.lowerBound > rest.lowerBound { parts.append(rest.lowerBound..<known.lowerBound) }
            rest = min(max(known.upperBound, rest.lowerBound), rest.upperBound)..<rest.upperBound
        }
        if !rest.isEmpty { parts.append(rest) }
        return parts
    }

    /// The items that are in both sets.
    func intersection(_ other: ItemSet) -> ItemSet {
        var common = ItemSet(floor: min(floor, other.floor))
        for range in [0..<floor] + ranges {
            var start = range.lowerBound
            for gap in other.missing(from: range) {
                common.insert(start..<gap.lowerBound)
                start = gap.upperBound
            }
            common.insert(start..<range.upperBound)
        }
        return common
    }

    /// How many items from `place` on are in the set.
    func count(from place: UInt64) -> UInt64 {
        var count = floor > place ? floor - place : 0
        for range in ranges where range.upperBound > place { count += range.upperBound - max(range.lowerBound, place) }
        return count
    }
}

extension RandomAccessCollection where Index == Int {
    /// The first index whose element satisfies `predicate`, which is false for a prefix and true for the rest.
    func partitioningIndex(where predicate: (Element) -> Bool) -> Int {
        var low = startIndex
        var high = endIndex
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
