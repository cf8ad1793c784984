/// Decides from readings of memory in use whether requests are refused, and when freed memory should be given back.
/// Does no I/O: the caller reads, trims and logs.
struct MemoryLimiterState {
    enum Event: Hashable {
        /// Give freed memory back to the system, then call `finishTrim` with a new reading.
        case trim(isHard: Bool)
        case startedRefusing
        case resumed
    }

    let limits: MemoryLimits
    let minTrimIntervalWhenSoftLimited: Duration
    let minTrimIntervalWhenHardLimited: Duration
    private(set) var isRefusing = false
    private var lastTrim: ContinuousClock.Instant?

    init(
        limits: MemoryLimits, minTrimIntervalWhenSoftLimited: Duration, minTrimIntervalWhenHardLimited: Duration
    ) {
        self.limits = limits
        self.minTrimIntervalWhenSoftLimited = minTrimIntervalWhenSoftLimited
        self.minTrimIntervalWhenHardLimited = minTrimIntervalWhenHardLimited
    }

    /// Takes a reading of bytes in use.
    mutating func check(_ bytes: UInt64, at now: ContinuousClock.Instant) -> Event? {
        if isAboveLimit(bytes) {
            let isHard = bytes >= limits.hard
            let interval = isHard ? minTrimIntervalWhenHardLimited : minTrimIntervalWhenSoftLimited
            if lastTrim.map({ now - $0 > interval }) ?? true {
                lastTrim = now
                return .trim(isHard: isHard)
            }
        }
        return decide(bytes)
    }

    /// Takes the reading after a trim that `check` asked for.
    mutating func finishTrim(_ bytes: UInt64) -> Event? { decide(bytes) }

    private func isAboveLimit(_ bytes: UInt64) -> Bool { bytes >= (isRefusing ? limits.resume : limits.soft) }

    private mutating func decide(_ bytes: UInt64) -> Event? {
        let wasRefusing = isRefusing
        isRefusing = isAboveLimit(bytes)
        if isRefusing == wasRefusing { return nil }
        return isRefusing ? .startedRefusing : .resumed
    }
}
