import OTLP
import TestSupport
import Testing

/// Guarantees: a program over wire bytes does exactly what decoding, changing and encoding again would do.
@Suite struct EditPropertyTests {
    static let context: [String: [UInt8]] = ["tenant": AttributeConstant.string("acme").encoded]

    /// Scenario: random programs with all actions and filters over random requests.
    /// Guarantees: the result is the model's, byte for byte if there is one stage.
    @Test(arguments: Seeds.regression + Seeds.fresh(count: 8), Signal.allCases)
    func editsAreTheModels(seed: UInt64, signal: Signal) throws {
        var generator = EditGenerator(random: SeededRandom(seed: seed))
        var changedCount = 0
        for round in 0..<40 {
            let request = generator.request(signal)
            let stages = generator.stages(signal)
            let edited = try AttributeEdits(stages).apply(to: request, signal: signal) { Self.context[$0] }
            let expected = EditModel.apply(stages, to: request, signal: signal, context: Self.context)
            let isSame =
                stages.count == 1
                ? edited == expected
                : EditModel.normalized(edited, signal: signal) == EditModel.normalized(expected, signal: signal)
            #expect(isSame, "seed \(seed), round \(round): \(stages)")
            if !isSame { return }
            if edited != request { changedCount += 1 }
        }
        if Seeds.always.contains(seed) { #expect(changedCount > 5, "the programs hardly ever do anything") }
    }

    /// Scenario: a program is cut in two anywhere, and the halves are fused or run one after the other.
    /// Guarantees: both ways give the same bytes, also where a filter looks at what an earlier stage changed.
    @Test(arguments: Seeds.regression + Seeds.fresh(count: 8), Signal.allCases)
    func fusingIsRunningInTurn(seed: UInt64, signal: Signal) throws {
        var generator = EditGenerator(random: SeededRandom(seed: seed &+ 1000))
        for round in 0..<20 {
            let request = generator.request(signal)
            let first = AttributeEdits(generator.stages(signal))
            let second = AttributeEdits(generator.stages(signal))
            let between = try first.apply(to: request, signal: signal) { Self.context[$0] }
            let inTurn = try second.apply(to: between, signal: signal) { Self.context[$0] }
            let fused = try first.followed(by: second).apply(to: request, signal: signal) { Self.context[$0] }
            let isSame =
                EditModel.normalized(fused, signal: signal) == EditModel.normalized(inTurn, signal: signal)
            #expect(isSame, "seed \(seed), round \(round)")
        }
    }

    /// Scenario: a program that finds nothing to change.
    /// Guarantees: the very array comes back, not a copy.
    @Test(arguments: Signal.allCases)
    func untouchedRequestIsNotCopied(signal: Signal) throws {
        var generator = EditGenerator(random: SeededRandom(seed: 7))
        var request = generator.request(signal)
        while request.count < 300 { request = generator.request(signal) }
        let edits = AttributeEdits([
            .init(.items, actions: [.update(key: "not there", from: .constant(.int(1)))]),
            .init(.resource, actions: [.delete(key: "not there either", pattern: nil)]),
        ])
        let before = unsafe request.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
        let edited = try edits.apply(to: request, signal: signal)
        let after = unsafe edited.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
        #expect(before == after)
    }

    /// Scenario: a request cut off anywhere.
    /// Guarantees: an error or a result, never a trap.
    @Test func tornRequestsDoNotTrap() {
        var generator = EditGenerator(random: SeededRandom(seed: 11))
        var errorCount = 0
        for _ in 0..<20 {
            let request = generator.request(.traces)
            let edits = AttributeEdits(generator.stages(.traces))
            for count in stride(from: 0, to: request.count, by: 3) {
                do {
                    _ = try edits.apply(to: Array(request.prefix(count)), signal: .traces)
                } catch {
                    errorCount += 1
                }
            }
        }
        #expect(errorCount > 0)
    }
}
