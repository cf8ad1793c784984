import Glibc

/// SplitMix64: the same numbers for the same seed.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }

    /// Bytes that compress like telemetry does: few different words, in random order.
    mutating func text(count: Int) -> [UInt8] {
        let words = (0..<64).map { _ in bytes(count: Int.random(in: 2...12, using: &self)) }
        var result: [UInt8] = []
        while result.count < count { result += words[Int.random(in: 0..<words.count, using: &self)] }
        return Array(result.prefix(count))
    }
}

enum Seeds {
    /// `TEST_SEED` alone when it is set, to replay a failure; else fixed seeds and a fresh one.
    static var all: [UInt64] {
        if let text = unsafe getenv("TEST_SEED"), let seed = UInt64(unsafe String(cString: text)) { return [seed] }
        return [1, 2, UInt64.random(in: 3...UInt64.max)]
    }
}
