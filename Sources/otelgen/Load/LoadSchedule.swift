internal import Synchronization

/// Says which items go into the next request, and when it is due.
///
/// At a constant rate each request is due at a fixed time, whether earlier ones were answered or not: that is what
/// latencies are counted from, so that a server which stalls cannot hide the requests it kept from being sent.
final class LoadSchedule: Sendable {
    struct Request: Sendable {
        let firstItem: UInt64
        let itemCount: Int
        /// Nil: at once.
        let due: ContinuousClock.Instant?

        var items: Range<UInt64> { firstItem..<firstItem + UInt64(itemCount) }
    }

    private let batch: UInt64
    private let rate: Double
    private let start: ContinuousClock.Instant
    private let duration: Duration?
    /// Items before the end by count, or by time at a constant rate; nil: no such end.
    private let itemCountMax: UInt64?
    private let itemsScheduled = Mutex<UInt64>(0)

    /// How long after the end requests are still sent that were due before it.
    static let latenessMax: Duration = .seconds(1)

    init(batch: Int, rate: Double, duration: Duration?, total: UInt64?, start: ContinuousClock.Instant) {
        self.batch = UInt64(batch)
        self.rate = rate
        self.duration = duration
        self.start = start
        let byTime = duration.flatMap { rate > 0 ? UInt64(rate * ($0 / .seconds(1))) : nil }
        itemCountMax = [total, byTime].compactMap(\.self).min()
    }

    /// The next request; nil when there is none left, or no time.
    func next(now: ContinuousClock.Instant) -> Request? {
        if let duration, now >= start + duration + (rate > 0 ? Self.latenessMax : .zero) { return nil }
        return itemsScheduled.withLock { scheduled in
            let count = min(batch, itemCountMax.map { $0 - scheduled } ?? batch)
            guard count > 0 else { return nil }
            let due = rate > 0 ? start + .seconds(Double(scheduled) / rate) : nil
            defer { scheduled += count }
            return Request(firstItem: scheduled + 1, itemCount: Int(count), due: due)
        }
    }

    /// Items that should have been sent by the end, at a constant rate or by the total, but never had their turn.
    var itemsLeft: UInt64 {
        itemCountMax.map { max($0, itemsScheduled.withLock(\.self)) - itemsScheduled.withLock(\.self) } ?? 0
    }
}
