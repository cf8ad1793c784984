import TestSupport
import Testing

@testable import ClickHouseNative

/// A dictionary numbers strings in the order of their first appearance, whatever it guesses.
@Suite struct StringDictionaryTests {
    /// How strings follow each other.
    enum Order: CaseIterable {
        /// As attributes of one kind of item.
        case fixed
        /// Some are left out, or come twice.
        case nearlyFixed
        case random
        /// One string for long.
        case runs
    }

    /// Scenario: rows of strings in each order, in a dictionary that is used again.
    /// Guarantees: the numbers of a plain dictionary, and its strings on the wire.
    @Test(arguments: Order.allCases, Seeds.regression + Seeds.fresh(count: 4))
    func numbersByFirstAppearance(order: Order, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var dictionary = StringDictionary()
        for _ in 0..<3 {
            dictionary.removeAll()
            let strings = Self.strings(order, &random)
            var numbers: [[UInt8]: UInt32] = [:]
            var wire: [UInt8] = []
            for string in strings {
                let number = numbers[string] ?? UInt32(numbers.count)
                if numbers.updateValue(number, forKey: string) == nil { wire += Self.wireForm(of: string) }
                let found = Self.index(of: string, in: &dictionary)
                #expect(found == number)
                if found != number { return }
            }
            #expect(dictionary.count == numbers.count)
            #expect(dictionary.wire.array == wire)
        }
    }

    /// Scenario: many rows in one order, and in none.
    /// Guarantees: guesses go on where they are right, and end where they are not.
    @Test(arguments: [(Order.fixed, true), (.nearlyFixed, true), (.runs, true), (.random, false)])
    func guessesThatDoNotPayEnd(order: Order, isTrusted: Bool) {
        var random = SeededRandom(seed: 5)
        var dictionary = StringDictionary()
        for string in Self.strings(order, &random) { _ = Self.index(of: string, in: &dictionary) }
        #expect((dictionary.trust >= 0) == isTrusted)
        dictionary.removeAll()
        #expect(dictionary.trust >= 0)
    }

    private static func strings(_ order: Order, _ random: inout SeededRandom) -> [[UInt8]] {
        let vocabulary = (0..<40).map { number in
            // Of all lengths that are compared in ways of their own, many alike but for one byte.
            var string = [UInt8](repeating: 0x61, count: number % 20 + (number == 7 ? 300 : 0))
            if !string.isEmpty { string[random.int(in: 0...string.count - 1)] = UInt8(number) }
            return string
        }
        switch order {
        case .fixed: return (0..<100).flatMap { _ in vocabulary }
        case .nearlyFixed:
            return (0..<100).flatMap { _ in
                vocabulary.flatMap {
                    Array(repeating: $0, count: random.int(in: 0...19) == 0 ? random.int(in: 0...2) : 1)
                }
            }
        case .random: return (0..<4000).map { _ in random.element(of: vocabulary) }
        case .runs:
            return (0..<100).flatMap { _ in Array(repeating: random.element(of: vocabulary), count: 40) }
        }
    }

    private static func index(of string: [UInt8], in dictionary: inout StringDictionary) -> UInt32 {
        unsafe string.withUnsafeBufferPointer { buffer in
            var none: UInt8 = 0
            guard let address = buffer.baseAddress else { return unsafe dictionary.index(of: &none, count: 0) }
            return unsafe dictionary.index(of: address, count: buffer.count)
        }
    }

    private static func wireForm(of string: [UInt8]) -> [UInt8] {
        var bytes = GrowableBytes()
        bytes.appendVarint(UInt64(string.count))
        return bytes.array + string
    }
}
