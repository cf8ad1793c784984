import Glibc

/// The seeds a property test runs with: `arguments: Seeds.regression + Seeds.fresh(count: 8)`.
///
/// With `TEST_SEED` in the environment each test runs with that one seed.
package enum Seeds {
    /// Seeds that failed once, and a few that are always run.
    package static let regression: [UInt64] = replayed.map { [$0] } ?? always
    /// What holds for most seeds, yet not for each, is asked of these: elsewhere it would fail by chance.
    package static let always: [UInt64] = [1, 2, 3, 4, 5, 6, 7, 8]

    /// Seeds nobody has tried before; ten times as many in a long run (`scripts/test --all`), or as many times as
    /// `TEST_SEED_FACTOR` says.
    package static func fresh(count: Int) -> [UInt64] {
        guard replayed == nil else { return [] }
        var random = SystemRandomNumberGenerator()
        return (0..<count * factor).map { _ in random.next() }
    }

    private static let replayed = number("TEST_SEED")
    private static let factor =
        number("TEST_SEED_FACTOR").map(Int.init(clamping:)) ?? (unsafe getenv("OTELCOL_LONG_TESTS") == nil ? 1 : 10)

    private static func number(_ variable: String) -> UInt64? {
        unsafe getenv(variable).flatMap { unsafe UInt64(String(cString: $0)) }
    }
}
