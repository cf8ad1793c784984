import TestSupport
import Testing

@testable import Transport

/// The table of streams is a dictionary, whatever ids a peer chooses.
@Suite struct HTTP2StreamTableTests {
    @Test("the same insertions, changes and removals leave the same as in a dictionary", arguments: [1, 2, 64, 4096])
    func likeDictionary(spacing: Int32) {
        var random = SeededRandom(seed: UInt64(spacing))
        var table = HTTP2StreamTable<Int>()
        var expected: [Int32: Int] = [:]
        for step in 0..<20_000 {
            let id = 1 + 2 * spacing * Int32.random(in: 0..<200, using: &random)
            // First it grows, then it shrinks.
            if Int.random(in: 0..<20_000, using: &random) > step {
                table.set(step, for: id)
                expected[id] = step
            } else {
                table.remove(id)
                expected[id] = nil
            }
            let other = 1 + 2 * spacing * Int32.random(in: 0..<200, using: &random)
            #expect(table[id] == expected[id])
            #expect(table[other] == expected[other])
            #expect(table.count == expected.count)
        }
        #expect(table.ids.sorted() == expected.keys.sorted())
    }
}
