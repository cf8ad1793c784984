import Component
import Foundation
import OTLP
import SocketTestSupport
import TestSupport
import Testing

@testable import Exporters

/// The exporter lives through servers that are absent, die, refuse or lost their tables, and says what is wrong.
@Suite(.serialized)
struct ServerFaultTests {
    private let server: TestServer
    private let database = "faults_" + UUID().uuidString.replacing("-", with: "")

    init() throws { server = try TestServer.shared.get() }

    /// Scenario: the exporter starts before its server.
    /// Guarantees: its start succeeds, batches are to be retried until the server comes and are stored then.
    @Test("a server that is absent at the start")
    func absent() async throws {
        try await withTemporaryDirectory { directory in
            let own = try ServerProcess(in: directory)
            let harness = try ExporterHarness(.traces, port: own.tcpPort, database: database)
            try await harness.exporter.start()
            guard case .retry(_, let reason) = await harness.outcome(of: Batches.spans(1)) else {
                Issue.record("no retry")
                return
            }
            #expect(reason.contains("127.0.0.1:\(own.tcpPort)"))
            try own.start()
            // The tables come by themselves, before any batch.
            #expect(
                try await eventually { try own.text("EXISTS TABLE \(database).otel_traces_trace_id_ts_mv") == "1" })
            #expect(await harness.outcome(of: Batches.spans(1)) == .delivered)
            #expect(try own.text("SELECT count() FROM \(database).otel_traces") == "50")
            await harness.exporter.stop()
        }
    }

    /// Scenario: the server is killed while inserts run, again and again, and comes back with its data.
    /// Guarantees: what was delivered is there; every batch is delivered in the end and stands once.
    @Test("a server that is killed")
    func killed() async throws {
        try await withTemporaryDirectory { directory in
            let own = try ServerProcess(in: directory)
            try own.start()
            let proxy = try TCPProxy(to: own.tcpPort)
            defer { proxy.stop() }
            let harness = try ExporterHarness(.traces, port: proxy.port, database: database)
            #expect(await harness.outcome(of: Batches.spans(1, id: 1)) == .delivered)
            for round in 1...3 {
                let batch = Batches.spans(1, id: UInt64(1 + round), count: 2000)
                let seen = proxy.clientBytes
                async let outcome = harness.outcome(of: batch)
                // Some bytes of the attempt are on their way: it is in the middle of something.
                #expect(await eventually { proxy.clientBytes > seen })
                own.kill()
                let first = await outcome
                try own.start()
                if first != .delivered {
                    guard case .retry = first else {
                        Issue.record("no retry: \(first)")
                        return
                    }
                    #expect(await harness.outcome(of: batch) == .delivered)
                }
                #expect(try own.text("SELECT count() FROM \(database).otel_traces") == "\(50 + 2000 * round)")
            }
            await harness.exporter.stop()
        }
    }

    /// Scenario: wrong password, a user who may not write, a database or table that is not there and not to be made, a
    /// setting nobody knows.
    /// Guarantees: each is said to be a misconfiguration, in words that name it.
    @Test("what only an operator can mend")
    func misconfigured() async throws {
        let port = server.tcpPort
        let cases: [(String, ExporterHarness, [String])] = [
            ("password", try ExporterHarness(.logs, port: port, database: database, password: "wrong"), ["516"]),
            ("reader", try ExporterHarness(.logs, port: port, database: database, user: "reader"), ["164"]),
            (
                "database", try ExporterHarness(.logs, port: port, database: "absent", createSchema: false),
                ["81", "absent"]
            ),
            (
                "table", try ExporterHarness(.logs, port: port, database: "default", createSchema: false),
                ["60", "otel_logs"]
            ),
            (
                "setting",
                try ExporterHarness(.logs, port: port, database: database, parameters: "&no_such_setting=1"), ["115"]
            ),
            (
                "HTTP password",
                try ExporterHarness(
                    .logs, port: server.httpPort, database: database, scheme: "http", password: "wrong"), ["516"]
            ),
        ]
        for (name, harness, words) in cases {
            let outcome = await harness.outcome(of: Batches.logs(1, days: 0..<2))
            guard case .misconfigured(let reason) = outcome else {
                Issue.record("\(name): \(outcome)")
                continue
            }
            for word in words { #expect(reason.contains(word), "\(name): \(reason)") }
            #expect(!reason.contains("wrong"), "the password is told")
            await harness.exporter.stop()
        }
    }

    /// Scenario: somebody drops a table, the view's target, or the whole database while the exporter runs.
    /// Guarantees: with create_schema the next batch makes it again and is stored.
    @Test("dropped tables are made again", arguments: ["tcp", "http"])
    func dropped(scheme: String) async throws {
        let port = scheme == "tcp" ? server.tcpPort : server.httpPort
        let harness = try ExporterHarness(.traces, port: port, database: database, scheme: scheme)
        #expect(await harness.outcome(of: Batches.spans(1, id: 1)) == .delivered)
        let drops = [
            "DROP TABLE \(database).otel_traces", "DROP TABLE \(database).otel_traces_trace_id_ts",
            "DROP DATABASE \(database)",
        ]
        for (index, drop) in drops.enumerated() {
            _ = try server.query(drop)
            let before = index == 1 ? 50 : 0
            #expect(await harness.outcome(of: Batches.spans(1, id: UInt64(2 + index))) == .delivered, "\(drop)")
            #expect(try server.count("\(database).otel_traces") == before + 50, "\(drop)")
            #expect(try server.count("\(database).otel_traces_trace_id_ts") > 0, "\(drop)")
        }
        await harness.exporter.stop()
    }

    /// Scenario: the server takes connections and says nothing.
    /// Guarantees: an attempt ends by its timeout, or when it is cancelled, and is to be retried.
    @Test("a silent server holds nobody")
    func silent() async throws {
        let proxy = try TCPProxy(to: server.tcpPort)
        defer { proxy.stop() }
        proxy.set(.swallowAnswers(afterClientBytes: 0))
        let harness = try ExporterHarness(.logs, port: proxy.port, database: database)
        var batch = Batches.logs(1, days: 0..<2)
        batch.timeout = .milliseconds(200)
        guard case .retry(_, let reason) = await harness.outcome(of: batch) else {
            Issue.record("no retry")
            return
        }
        #expect(reason.contains("timed out"))
        batch.timeout = nil
        proxy.set(.swallowAnswers(afterClientBytes: 0))
        let attempt = Task { [batch] in await harness.outcome(of: batch) }
        #expect(await eventually { proxy.clientBytes > 0 })
        attempt.cancel()
        guard case .retry = await attempt.value else {
            Issue.record("no retry after cancellation")
            return
        }
        await harness.exporter.stop()
    }

    /// Scenario: the first of two hosts is away.
    /// Guarantees: the second gets the batch at once.
    @Test("another host takes over")
    func failover() async throws {
        let proxy = try TCPProxy(to: server.tcpPort)
        defer { proxy.stop() }
        proxy.set(.refuse)
        let harness = try ExporterHarness(
            .logs,
            [
                "endpoint": .string("tcp://127.0.0.1:\(proxy.port),127.0.0.1:\(server.tcpPort)"),
                "username": .string("otel"), "password": .string("secret"), "database": .string(database),
            ])
        #expect(await harness.outcome(of: Batches.logs(1, days: 0..<2)) == .delivered)
        await harness.exporter.stop()
    }
}
