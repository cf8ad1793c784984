/// Which batch goes out next, and when: ready and parked batches, and the probing of a peer that takes nothing. No I/O.
struct SendingSchedule {
    /// Batches that wait for a retry before no new ones are cut; what is not cut waits in the log.
    static let parkedMax = 64
    /// Failures in a row, without any delivery, after which the peer is taken to be down (or `num_consumers`, if less).
    private static let failuresBeforeProbing = 4

    private let failureThreshold: Int
    private let probeInterval: Duration
    /// Sent before anything new is cut: recovered batches, and the parts of split ones.
    private(set) var ready: [SendingJob] = []
    private(set) var parked: [SendingJob] = []
    private(set) var inFlight: [Int: SendingJob] = [:]
    private var lastKey = 0
    private var failuresInRow = 0
    private var nextFreshProbeAt = Duration.zero
    /// Nothing waits any more: every job is due, and there is no probing.
    private var isHurried = false

    init(numConsumers: Int, probeInterval: Duration) {
        failureThreshold = min(max(numConsumers, 1), Self.failuresBeforeProbing)
        self.probeInterval = probeInterval
    }

    /// Everything fails: one attempt at a time finds out when that ends.
    var isProbing: Bool { !isHurried && failuresInRow >= failureThreshold }
    var isEmpty: Bool { ready.isEmpty && parked.isEmpty && inFlight.isEmpty }

    mutating func addReady(_ job: SendingJob, first: Bool = false) {
        ready.insert(job, at: first ? 0 : ready.count)
    }

    mutating func park(_ job: SendingJob, until time: Duration) {
        var job = job
        job.dueAt = time
        parked.append(job)
    }

    /// Whether a job waits that may go out now.
    func hasJob(now: Duration) -> Bool {
        if isProbing, !inFlight.isEmpty { return false }
        return !ready.isEmpty || parked.contains { isHurried || $0.dueAt <= now }
    }

    /// Takes the job that goes out next: the first that is ready, else the one that has been due longest.
    mutating func takeJob(now: Duration) -> SendingJob? {
        guard hasJob(now: now) else { return nil }
        if !ready.isEmpty { return ready.removeFirst() }
        guard let index = parked.indices.min(by: { parked[$0].dueAt < parked[$1].dueAt }) else { return nil }
        return parked.remove(at: index)
    }

    /// Whether a new batch may be cut from the log: after all that is ready, and while a peer is down only now and
    /// then, as a probe that a batch which is itself at fault cannot spoil.
    func mayCut(now: Duration) -> Bool {
        guard ready.isEmpty, parked.count < Self.parkedMax else { return false }
        return !isProbing || (inFlight.isEmpty && now >= nextFreshProbeAt)
    }

    mutating func start(_ job: SendingJob) -> Int {
        lastKey += 1
        inFlight[lastKey] = job
        return lastKey
    }

    mutating func finish(_ key: Int) -> SendingJob? { inFlight.removeValue(forKey: key) }

    /// The peer answered: it is not down.
    mutating func peerAnswered() { failuresInRow = 0 }

    mutating func peerFailed(now: Duration) {
        failuresInRow += 1
        nextFreshProbeAt = now + probeInterval
    }

    /// The next moment after `now` at which more may go out than now.
    func nextWake(after now: Duration) -> Duration? {
        var times = parked.map(\.dueAt)
        if isProbing { times.append(nextFreshProbeAt) }
        return times.filter { $0 > now }.min()
    }

    mutating func hurry() { isHurried = true }

    mutating func removeWaiting() -> [SendingJob] {
        defer {
            ready = []
            parked = []
        }
        return ready + parked
    }

    mutating func removeInFlight() -> [SendingJob] {
        defer { inFlight = [:] }
        return Array(inFlight.values)
    }
}
