import WriteAheadLog

/// How a batch that is refused for its content is narrowed down: halves, the first half first, down to single items.
///
/// Bounded: a peer that refuses everything must not be asked about every single item. Until some part of the batch has
/// been taken, no more parts are halved than two ways down to a single item need; what is refused after that is given
/// up whole. Once a part was taken, the bad ones are few enough to be looked for.
struct Bisection: Sendable {
    private var hasDelivered = false
    private var splitsLeft: Int

    init(itemCount: Int) {
        splitsLeft = 2 * (Int.bitWidth - max(itemCount, 1).leadingZeroBitCount)
    }

    mutating func delivered() { hasDelivered = true }

    /// The halves of a refused part, or nil when it is to be given up: a single item, or the bound is reached.
    mutating func split(_ ranges: [ItemRange]) -> [[ItemRange]]? {
        guard hasDelivered || splitsLeft > 0, let halves = Self.halves(of: ranges) else { return nil }
        if !hasDelivered { splitsLeft -= 1 }
        return halves
    }

    /// Two parts of equal size, to one item; nil for fewer than two items.
    static func halves(of ranges: [ItemRange]) -> [[ItemRange]]? {
        let itemCount = ranges.reduce(0) { $0 + $1.items.count }
        guard itemCount > 1 else { return nil }
        var room = itemCount / 2
        var halves: [[ItemRange]] = [[], []]
        for range in ranges {
            let count = min(room, range.items.count)
            let middle = range.items.lowerBound + count
            room -= count
            if count > 0 {
                halves[0].append(ItemRange(sequence: range.sequence, items: range.items.lowerBound..<middle))
            }
            if middle < range.items.upperBound || range.items.isEmpty {
                halves[1].append(ItemRange(sequence: range.sequence, items: middle..<range.items.upperBound))
            }
        }
        return halves
    }
}
