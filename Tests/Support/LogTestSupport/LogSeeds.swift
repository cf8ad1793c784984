import Glibc

/// Pseudo-random numbers that depend on the seed alone (SplitMix64).
package struct LogRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }

    /// True once in `count` times.
    package mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }

    package mutating func int(_ range: Range<Int>) -> Int { Int.random(in: range, using: &self) }
}

/// Seeds of a property test: the first `count` numbers, or the one in `TEST_SEED`. `OTELCOL_LONG_TESTS` makes them ten
/// times as many, or as many times as `TEST_SEED_FACTOR` says.
package func logSeeds(_ count: Int) -> [UInt64] {
    if let seed = number("TEST_SEED") { return [UInt64(seed)] }
    let isLong = unsafe getenv("OTELCOL_LONG_TESTS") != nil
    let factor = number("TEST_SEED_FACTOR") ?? (isLong ? 10 : 1)
    return (1...UInt64(count * max(factor, 1))).map { $0 }
}

private func number(_ variable: String) -> Int? { unsafe getenv(variable).flatMap { unsafe Int(String(cString: $0)) } }
