/// A set of numbers as ascending ranges that do not touch. Made for adding ranges that are nearly in order.
struct NumberRanges: Sendable, Hashable {
    private(set) var ranges: [Range<UInt64>] = []

    /// Adds the numbers of `range`, none of which may be in the set.
    mutating func insert(_ range: Range<UInt64>) {
        var place = ranges.count
        while place > 0, ranges[place - 1].lowerBound > range.lowerBound { place -= 1 }
        let joinsLeft = place > 0 && ranges[place - 1].upperBound == range.lowerBound
        let joinsRight = place < ranges.count && ranges[place].lowerBound == range.upperBound
        switch (joinsLeft, joinsRight) {
        case (true, true):
            ranges[place - 1] = ranges[place - 1].lowerBound..<ranges[place].upperBound
            ranges.remove(at: place)
        case (true, false): ranges[place - 1] = ranges[place - 1].lowerBound..<range.upperBound
        case (false, true): ranges[place] = range.lowerBound..<ranges[place].upperBound
        case (false, false): ranges.insert(range, at: place)
        }
    }

    var count: UInt64 { ranges.reduce(0) { $0 + UInt64($1.count) } }
}
