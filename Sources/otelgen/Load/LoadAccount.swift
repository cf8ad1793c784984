internal import Synchronization

/// What became of every item that was sent.
final class LoadAccount: Sendable {
    struct Counts: Sendable {
        var sentItems: UInt64 = 0
        var acknowledgedItems: UInt64 = 0
        /// Rejected by answers of partial success.
        var rejectedItems: UInt64 = 0
        /// Refused in a way that allows another attempt, and not sent again, or not successfully.
        var refusedRetryableItems: UInt64 = 0
        var refusedForGoodItems: UInt64 = 0
        /// Sent, but no answer came: the server may have taken them.
        var unknownItems: UInt64 = 0
        /// No connection could be made.
        var unreachableItems: UInt64 = 0
        /// Attempts.
        var requests: UInt64 = 0
        var retries: UInt64 = 0
        var latency = LatencyHistogram()
        /// By outcome; those of answers with partial success are under `partial`, not all of them being taken.
        var numbers: [LoadOutcome: NumberRanges] = [:]
        /// How often each reason for a failure came, of the first few there were.
        var reasons: [String: UInt64] = [:]

        var isComplete: Bool { acknowledgedItems == sentItems }
    }

    private static let reasonsMax = 20
    private let state = Mutex(Counts())

    var counts: Counts { state.withLock(\.self) }

    func sent(itemCount: Int) { state.withLock { $0.sentItems += UInt64(itemCount) } }

    func attempted(isRetry: Bool) {
        state.withLock { counts in
            counts.requests += 1
            if isRetry { counts.retries += 1 }
        }
    }

    /// Notes why an attempt failed; the items may yet be acknowledged.
    func failed(reason: String) {
        state.withLock { counts in
            let isKnown = counts.reasons[reason] != nil
            counts.reasons[isKnown || counts.reasons.count < Self.reasonsMax ? reason : "other reasons", default: 0] +=
                1
        }
    }

    /// The last word about the items of one request.
    func finished(_ items: Range<UInt64>, _ answer: LoadAnswer, latency: Duration) {
        let itemCount = UInt64(items.count)
        state.withLock { counts in
            counts.numbers[answer.outcome, default: NumberRanges()].insert(items)
            switch answer {
            case .acknowledged(let rejected, _):
                let rejected = min(UInt64(max(rejected, 0)), itemCount)
                counts.rejectedItems += rejected
                counts.acknowledgedItems += itemCount - rejected
                counts.latency.add(latency)
            case .refusedRetryable: counts.refusedRetryableItems += itemCount
            case .refusedForGood: counts.refusedForGoodItems += itemCount
            case .unknown: counts.unknownItems += itemCount
            case .unreachable: counts.unreachableItems += itemCount
            }
        }
    }
}

/// How a request ended.
enum LoadAnswer: Sendable {
    /// - rejected: items that a partial success names.
    case acknowledged(rejected: Int, message: String)
    case refusedRetryable(after: Duration?, reason: String)
    case refusedForGood(reason: String)
    case unknown(reason: String)
    case unreachable(reason: String)

    var outcome: LoadOutcome {
        switch self {
        case .acknowledged(let rejected, _): rejected > 0 ? .partial : .acknowledged
        case .refusedRetryable, .refusedForGood: .refused
        case .unknown: .unknown
        case .unreachable: .unreachable
        }
    }

    /// Why it failed, or what was said about a success; nil where there is nothing to say.
    var reason: String? {
        switch self {
        case .acknowledged(let rejected, let message):
            rejected > 0 || !message.isEmpty ? "partial success: \(message)" : nil
        case .refusedRetryable(_, let reason), .refusedForGood(let reason), .unknown(let reason),
            .unreachable(let reason):
            reason
        }
    }
}

/// The words for outcomes in the file of ids.
enum LoadOutcome: String, Sendable, CaseIterable {
    case acknowledged
    case partial
    case refused
    case unknown
    case unreachable
}
