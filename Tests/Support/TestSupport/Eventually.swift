/// Waits until `condition` holds, asking every few milliseconds; false when it still does not after `limit`.
///
/// The limit is a bound on a broken run, not an expectation: it is generous, so that a loaded machine never meets it.
package func eventually(
    within limit: Duration = .seconds(1200), _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + limit
    while true {
        if try await condition() { return true }
        if clock.now > end { return false }
        try? await clock.sleep(for: .milliseconds(5))
    }
}
