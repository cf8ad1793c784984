import Component
import WriteAheadLog

/// A batch on its way out: what is left of it, and how its attempts went. Decides what follows a failure; no I/O.
struct SendingJob: Sendable {
    /// What a failed attempt leads to.
    enum Verdict: Sendable, Hashable {
        case retry(at: Duration)
        case split([[ItemRange]])
        case giveUp(GiveUpCause)
    }

    /// What the verdict depends on, besides the job.
    struct Circumstances: Sendable {
        var now: Duration
        var policy: RetryPolicy
        var isDurable: Bool
        /// Batches this queue has delivered so far.
        var deliveredBatches: Int
    }

    /// Attempts, and deliveries of other batches meanwhile, after which a batch that keeps failing is taken to be at
    /// fault.
    private static let poisonAttempts = 8
    private static let poisonDeliveries = 8

    /// The cuts that make up what is left; the last is sent next. Never empty.
    var parts: [Cut]
    var bisection: Bisection
    private var backoff: Backoff
    /// Of the last part; 1 is the first.
    var attempt = 1
    /// Attempts of the whole batch, for dead letters.
    var attemptsInAll = 1
    private var deliveredAtFirstFailure: Int?
    /// When a parked job is due.
    var dueAt = Duration.zero

    init(cut: Cut, policy: RetryPolicy, isDurable: Bool) {
        parts = [cut]
        bisection = Bisection(itemCount: cut.itemCount)
        backoff = Backoff(policy: policy, isDurable: isDurable)
    }

    var current: Cut { parts[parts.count - 1] }
    var itemCount: Int { parts.reduce(0) { $0 + $1.itemCount } }

    /// Ends the last part. False when it was the only one.
    mutating func finishPart() -> Bool {
        parts.removeLast()
        attempt = 1
        return !parts.isEmpty
    }

    /// Takes the other parts away, as a job of their own: they need not wait for the last part's retry.
    mutating func detachRest() -> SendingJob? {
        guard parts.count > 1 else { return nil }
        var rest = self
        rest.parts.removeLast()
        rest.attempt = 1
        parts = [current]
        return rest
    }

    /// Puts the halves in place of the last part.
    mutating func replacePart(by halves: [Cut]) {
        parts.removeLast()
        parts += halves.reversed()
        attempt = 1
    }

    mutating func verdict(
        on error: ExportError, _ circumstances: Circumstances, using random: inout some RandomNumberGenerator
    ) -> Verdict {
        let deliveredBefore = deliveredAtFirstFailure ?? circumstances.deliveredBatches
        deliveredAtFirstFailure = deliveredBefore
        switch error {
        case .payload:
            return bisection.split(current.ranges).map(Verdict.split) ?? .giveUp(.permanentError)
        case .misconfigured:
            return hold(circumstances, using: &random)
        case .retry(let after, let progress, _):
            if !progress.isEmpty { parts[parts.count - 1].progress = progress }
            guard circumstances.policy.isEnabled else { return .giveUp(.retryDisabled) }
            let step = backoff.fail(at: circumstances.now, minimum: after, using: &random)
            guard case .retry(let delay) = step else { return .giveUp(.retryExhausted) }
            let isPoison =
                after == nil && attempt >= Self.poisonAttempts
                && circumstances.deliveredBatches - deliveredBefore >= Self.poisonDeliveries
            if isPoison, let halves = Bisection.halves(of: current.ranges) { return .split(halves) }
            return .retry(at: circumstances.now + delay)
        }
    }

    /// Nothing goes before an operator acts: the longest interval, and with storage no end.
    private mutating func hold(
        _ circumstances: Circumstances, using random: inout some RandomNumberGenerator
    ) -> Verdict {
        if !circumstances.policy.isEnabled, !circumstances.isDurable { return .giveUp(.retryDisabled) }
        switch backoff.fail(at: circumstances.now, minimum: nil, isSlow: true, using: &random) {
        case .retry(let delay): return .retry(at: circumstances.now + delay)
        case .expired where circumstances.isDurable:
            return .retry(at: circumstances.now + circumstances.policy.maxInterval)
        case .expired: return .giveUp(.retryExhausted)
        }
    }
}
