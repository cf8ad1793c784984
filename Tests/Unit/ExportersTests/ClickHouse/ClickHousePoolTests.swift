import ClickHouseNative
import Synchronization
import Testing

@testable import Exporters

/// A connection is used by one export at a time, a broken one never again, and a host that fails is passed over.
struct ClickHousePoolTests {
    private final class FakeSession: ClickHouseSession {
        let host: String
        let state = Mutex((isUsable: true, isClosed: false))
        init(host: String) { self.host = host }

        var isUsable: Bool { state.withLock(\.isUsable) }
        var isClosed: Bool { state.withLock(\.isClosed) }
        func lose() { state.withLock { $0.isUsable = false } }

        func execute(
            _ sql: String, settings: [QuerySetting], deadline: ContinuousClock.Instant?
        ) -> [NativeBlock] { [] }
        func insert(
            _ insert: InsertStatement, settings: [QuerySetting], deadline: ContinuousClock.Instant?,
            makeBlock: @Sendable (NativeBlock, inout BlockOutput) throws(ClickHouseError) -> Void
        ) {}
        func ping(deadline: ContinuousClock.Instant?) {}
        func close() { state.withLock { $0.isClosed = true } }
    }

    private final class Hosts: Sendable {
        let down = Mutex<Set<String>>([])
        let opened = Mutex<[String]>([])

        func pool(_ names: [String], _ strategy: ClickHouseEndpoint.OpenStrategy = .inOrder) -> ClickHousePool {
            ClickHousePool(hosts: names.map { .init(name: $0, port: 1) }, strategy: strategy) {
                (host, _) throws(ClickHouseError) in
                self.opened.withLock { $0.append(host.name) }
                if self.down.withLock({ $0.contains(host.name) }) {
                    throw .connection(phase: .dial, reason: "refused")
                }
                return FakeSession(host: host.name)
            }
        }
    }

    @Test("idle connections are used again, one export each")
    func reuse() async throws {
        let hosts = Hosts()
        let pool = hosts.pool(["a"])
        let first = try await pool.checkOut(deadline: nil)
        let second = try await pool.checkOut(deadline: nil)
        #expect(hosts.opened.withLock(\.count) == 2)
        await pool.checkIn(first)
        await pool.checkIn(second)
        let third = try await pool.checkOut(deadline: nil)
        #expect(third.session as? FakeSession === second.session as? FakeSession)
        #expect(hosts.opened.withLock(\.count) == 2)
        await pool.close()
        #expect((first.session as? FakeSession)?.isClosed == true)
        await pool.checkIn(third)
        #expect((third.session as? FakeSession)?.isClosed == true)
    }

    @Test("a broken connection is closed and its host tried last")
    func broken() async throws {
        let hosts = Hosts()
        let pool = hosts.pool(["a", "b"])
        let lease = try await pool.checkOut(deadline: nil)
        let session = try #require(lease.session as? FakeSession)
        #expect(session.host == "a")
        session.lose()
        await pool.checkIn(lease)
        #expect(session.isClosed)
        let next = try await pool.checkOut(deadline: nil)
        #expect((next.session as? FakeSession)?.host == "b")
    }

    @Test("hosts that are down are passed over; when all are, each is named")
    func failover() async throws {
        let hosts = Hosts()
        let pool = hosts.pool(["a", "b", "c"])
        hosts.down.withLock { $0 = ["a", "b"] }
        let lease = try await pool.checkOut(deadline: nil)
        #expect((lease.session as? FakeSession)?.host == "c")
        hosts.down.withLock { $0 = ["a", "b", "c"] }
        do {
            _ = try await pool.checkOut(deadline: nil)
            Issue.record("a connection to nowhere")
        } catch {
            for name in ["a:1", "b:1", "c:1"] { #expect("\(error)".contains(name)) }
        }
        // Hosts at rest are still asked when there is no other.
        #expect(hosts.opened.withLock { $0.suffix(3) } == ["c", "a", "b"])
    }

    @Test("round robin takes turns; random meets all")
    func strategies() async throws {
        for strategy in [ClickHouseEndpoint.OpenStrategy.roundRobin, .random] {
            let hosts = Hosts()
            let pool = hosts.pool(["a", "b", "c"], strategy)
            for _ in 0..<300 { _ = try await pool.checkOut(deadline: nil) }
            let opened = hosts.opened.withLock { $0 }
            for name in ["a", "b", "c"] {
                let count = opened.count { $0 == name }
                #expect(strategy == .random ? count > 30 : count == 100, "\(strategy) \(name): \(count)")
            }
        }
    }
}
