import ClickHouseNative
import Synchronization

/// The connections of an exporter: a free list, so that there are at most as many as exports run at once.
///
/// A connection that was idle is asked whether it still lives before it is used, and replaced after an hour. Hosts are
/// tried in the order that the strategy says, those that failed a moment ago last.
final class ClickHousePool: Sendable {
    typealias Host = ClickHouseEndpoint.Host

    /// A connection in use. It goes back with `checkIn`.
    struct Lease: Sendable {
        let session: any ClickHouseSession
        let host: Host
        fileprivate let openedAt: ContinuousClock.Instant
        fileprivate var idleSince: ContinuousClock.Instant
    }

    private struct State {
        /// The one used last is last, and used first.
        var idle: [Lease] = []
        var failedAt: [Host: ContinuousClock.Instant] = [:]
        var turn = 0
        var isClosed = false
    }

    private let hosts: [Host]
    private let strategy: ClickHouseEndpoint.OpenStrategy
    private let open: @Sendable (Host, ContinuousClock.Instant?) async throws(ClickHouseError) -> any ClickHouseSession
    private let state = Mutex(State())

    private static let unaskedIdleTime: Duration = .seconds(1)
    private static let idleTimeMax: Duration = .seconds(300)
    private static let lifetime: Duration = .seconds(3600)
    private static let pingTimeout: Duration = .seconds(5)
    private static let failurePause: Duration = .seconds(30)

    /// - Parameter open: connects to a host, until the deadline.
    init(
        hosts: [Host], strategy: ClickHouseEndpoint.OpenStrategy,
        open:
            @escaping @Sendable (Host, ContinuousClock.Instant?) async throws(ClickHouseError)
            -> any ClickHouseSession
    ) {
        self.hosts = hosts
        self.strategy = strategy
        self.open = open
    }

    /// An idle connection that lives, else a new one to the first host that answers.
    ///
    /// - Throws: what the hosts said, each by its name; a server's own word goes before connections that failed.
    func checkOut(deadline: ContinuousClock.Instant?) async throws(ClickHouseError) -> Lease {
        while let lease = state.withLock({ $0.idle.popLast() }) {
            if await isAlive(lease, deadline: deadline) { return lease }
            await lease.session.close()
        }
        var failures: [(host: Host, error: ClickHouseError)] = []
        for host in order() {
            do {
                let session = try await open(host, deadline)
                state.withLock { $0.failedAt[host] = nil }
                return Lease(session: session, host: host, openedAt: .now, idleSince: .now)
            } catch {
                failed(host)
                failures.append((host, error))
                if Task.isCancelled { break }
            }
        }
        throw Self.joined(failures)
    }

    /// Takes a connection back; one that is of no more use is closed, and its host tried last for a while.
    func checkIn(_ lease: Lease) async {
        guard await lease.session.isUsable else {
            failed(lease.host)
            await lease.session.close()
            return
        }
        var lease = lease
        lease.idleSince = .now
        let outdated = state.withLock { state -> [Lease] in
            if state.isClosed { return [lease] }
            let outdated = state.idle.filter { $0.idleSince + Self.idleTimeMax < .now }
            state.idle.removeAll { $0.idleSince + Self.idleTimeMax < .now }
            state.idle.append(lease)
            return outdated
        }
        for lease in outdated { await lease.session.close() }
    }

    /// Closes what is idle; what is in use is closed when it comes back.
    func close() async {
        let idle = state.withLock { state in
            state.isClosed = true
            defer { state.idle = [] }
            return state.idle
        }
        for lease in idle { await lease.session.close() }
    }

    private func isAlive(_ lease: Lease, deadline: ContinuousClock.Instant?) async -> Bool {
        let now = ContinuousClock.now
        guard lease.openedAt + Self.lifetime > now else { return false }
        if lease.idleSince + Self.unaskedIdleTime > now { return true }
        let limit = now + Self.pingTimeout
        do {
            try await lease.session.ping(deadline: deadline.map { min($0, limit) } ?? limit)
            return true
        } catch {
            // Whatever it was: a new connection tells the reason if it lasts.
            return false
        }
    }

    private func failed(_ host: Host) { state.withLock { $0.failedAt[host] = .now } }

    private func order() -> [Host] {
        state.withLock { state in
            var order = hosts
            switch strategy {
            case .inOrder: break
            case .roundRobin:
                let first = state.turn % hosts.count
                state.turn += 1
                order = Array(hosts[first...] + hosts[..<first])
            case .random: order.shuffle()
            }
            let (now, failedAt) = (ContinuousClock.now, state.failedAt)
            let isResting = { (host: Host) in failedAt[host].map { $0 + Self.failurePause > now } ?? false }
            return order.filter { !isResting($0) } + order.filter(isResting)
        }
    }

    private static func joined(_ failures: [(host: Host, error: ClickHouseError)]) -> ClickHouseError {
        for (_, error) in failures {
            if case .server = error { return error }
        }
        let text = failures.map { "\($0.host): \($0.error)" }.joined(separator: "; ")
        for (_, error) in failures {
            if case .malformed = error { return .malformed(text) }
            if case .connection(.tls, _) = error { return .connection(phase: .tls, reason: text) }
        }
        return .connection(phase: .dial, reason: text)
    }
}
