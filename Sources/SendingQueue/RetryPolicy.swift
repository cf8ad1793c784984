/// The `retry_on_failure` block.
package struct RetryPolicy: Sendable, Hashable {
    package var isEnabled = true
    package var initialInterval = Duration.seconds(5)
    /// The delay is drawn uniformly from interval · (1 ± this).
    package var randomizationFactor = 0.5
    package var multiplier = 1.5
    package var maxInterval = Duration.seconds(30)
    /// Counted from a batch's first failure; zero: no limit.
    package var maxElapsedTime = Duration.seconds(300)
    /// Whether the user wrote `max_elapsed_time`: with storage only a written limit gives data up.
    package var isMaxElapsedTimeWritten = false

    package init() {}

    /// How long after its first failure a batch is given up; nil: never.
    package func timeLimit(isDurable: Bool) -> Duration? {
        if maxElapsedTime == .zero || (isDurable && !isMaxElapsedTimeWritten) { return nil }
        return maxElapsedTime
    }
}

/// When a failing batch is tried again: exponential, with jitter, never before the server's own delay.
struct Backoff: Sendable {
    enum Step: Sendable, Hashable {
        case retry(after: Duration)
        /// The next attempt would come after the time limit.
        case expired
    }

    private let policy: RetryPolicy
    private let timeLimit: Duration?
    private var interval: Duration
    private(set) var firstFailureAt: Duration?

    init(policy: RetryPolicy, isDurable: Bool) {
        self.policy = policy
        timeLimit = policy.timeLimit(isDurable: isDurable)
        interval = policy.initialInterval
    }

    /// - Parameters:
    ///   - now: when the attempt failed.
    ///   - minimum: the server's own delay, if it gave one.
    ///   - isSlow: waits the longest interval at once, for failures that only an operator ends.
    mutating func fail(
        at now: Duration, minimum: Duration?, isSlow: Bool = false, using random: inout some RandomNumberGenerator
    ) -> Step {
        let start = firstFailureAt ?? now
        firstFailureAt = start
        if isSlow { interval = max(interval, policy.maxInterval) }
        let factor = policy.randomizationFactor
        let scale = factor == 0 ? 1 : Double.random(in: (1 - factor)...(1 + factor), using: &random)
        let delay = max(interval * scale, minimum ?? .zero)
        interval = min(interval * policy.multiplier, max(policy.maxInterval, .zero))
        if let timeLimit, now - start + delay > timeLimit { return .expired }
        return .retry(after: delay)
    }
}
