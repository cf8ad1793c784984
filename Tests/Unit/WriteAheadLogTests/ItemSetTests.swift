import LogTestSupport
import Testing

@testable import WriteAheadLog

/// `ItemSet` is a set of numbers.
@Suite struct ItemSetTests {
    /// Scenario: random ranges are inserted into an `ItemSet` and into a plain set.
    /// Guarantees: both hold the same; ranges stay sorted, apart and beyond the floor; `missing` and `count` agree.
    @Test("agrees with a plain set", arguments: logSeeds(100))
    func agrees(seed: UInt64) {
        var random = LogRandom(seed: seed)
        var set = ItemSet(floor: 3)
        var plain: Set<UInt64> = [0, 1, 2]
        for _ in 0..<40 {
            let start = UInt64(random.int(0..<60))
            let range = start..<start + UInt64(random.int(0..<6))
            set.insert(range)
            plain.formUnion(range)
            let from = UInt64(random.int(0..<60))
            let probe = from..<from + UInt64(random.int(0..<30))
            #expect(set.missing(from: probe).flatMap(Array.init) == probe.filter { !plain.contains($0) })
            #expect(set.count(from: from) == UInt64(plain.filter { $0 >= from }.count))
            var end = set.floor
            for range in set.ranges {
                #expect(range.lowerBound > end && !range.isEmpty)
                end = range.upperBound
            }
        }
    }
}
