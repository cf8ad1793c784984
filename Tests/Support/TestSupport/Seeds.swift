import Glibc

/// The seeds a property test runs with: `arguments: Seeds.regression + Seeds.fresh(count: 8)`.
///
/// With `TEST_SEED` in the environment each test runs with that one seed.
package enum Seeds {
    /// Seeds that failed once, and a few that are always run.
    package static let regression: [UInt64] = replayed.map { [$0] } ?? [1, 2, 3, 4, 5, 6, 7, 8]

    /// Seeds nobody has tried before; ten times as many in a long run (`scripts/test --all`).
    package static func fresh(count: Int) -> [UInt64] {
        guard replayed == nil else { return [] }
        var random = SystemRandomNumberGenerator()
        let count = unsafe getenv("OTELCOL_LONG_TESTS") == nil ? count : 10 * count
        return (0..<count).map { _ in random.next() }
    }

    private static let replayed: UInt64? = unsafe getenv("TEST_SEED").flatMap { unsafe UInt64(String(cString: $0)) }
}
