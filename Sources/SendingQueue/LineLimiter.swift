/// Keeps a failing peer from filling the program's log: one line an interval.
struct LineLimiter: Sendable {
    private let interval: Duration
    private var nextAt: Duration?
    /// Lines left out since the last one written.
    private(set) var suppressed = 0

    init(interval: Duration) { self.interval = interval }

    mutating func mayWrite(now: Duration) -> Bool {
        if let nextAt, now < nextAt {
            suppressed += 1
            return false
        }
        nextAt = now + interval
        suppressed = 0
        return true
    }
}
