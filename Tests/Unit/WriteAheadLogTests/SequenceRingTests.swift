import LogTestSupport
import Testing

@testable import WriteAheadLog

/// Elements are found under their sequence, in whatever order they go, as in a plain list of all there ever were.
@Suite struct SequenceRingTests {
    @Test("agrees with a list", arguments: logSeeds(10))
    func model(seed: UInt64) {
        var random = LogRandom(seed: seed)
        var ring = SequenceRing<Int>(next: 7)
        var model: [Int?] = []
        var oldest = 0
        for step in 0..<30_000 {
            // It grows to thousands, and shrinks to nothing, several times.
            let isGrowing = step / 5000 % 2 == 0
            switch Int.random(in: 0..<(isGrowing ? 4 : 12), using: &random) {
            case 0,
                1 where isGrowing:
                ring.append(step)
                model.append(step)
            case 2 where step % 9 == 0:
                ring.appendGap()
                model.append(nil)
            default:
                guard oldest < model.count else { continue }
                let isOldest = isGrowing || Int.random(in: 0..<4, using: &random) > 0
                let index = isOldest ? oldest : Int.random(in: oldest..<model.count, using: &random)
                if model[index] != nil, step % 3 == 0 {
                    ring.update(UInt64(index + 7)) { $0 += 1 }
                    model[index]! += 1
                }
                #expect(ring.remove(UInt64(index + 7)) == model[index])
                model[index] = nil
            }
            while oldest < model.count, model[oldest] == nil { oldest += 1 }
            #expect(ring.next == UInt64(model.count + 7))
            #expect(ring.first == (oldest < model.count ? UInt64(oldest + 7) : nil))
            let probe = Int.random(in: max(0, oldest - 5)...model.count, using: &random)
            #expect(ring[UInt64(probe + 7)] == (probe < model.count ? model[probe] : nil))
        }
        #expect(ring.sequences == model.indices.filter { model[$0] != nil }.map { UInt64($0 + 7) })
    }
}
