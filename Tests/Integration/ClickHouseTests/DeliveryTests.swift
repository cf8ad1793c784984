import Component
import Foundation
import OTLP
import SocketTestSupport
import TestSupport
import Testing
import WriteAheadLog

@testable import Exporters

/// A batch is stored once and only once, whatever happens to connections on the way.
@Suite(.serialized)
struct DeliveryTests {
    private let server: TestServer
    private let database = "delivery_" + UUID().uuidString.replacing("-", with: "")

    init() throws { server = try TestServer.shared.get() }

    /// Scenario: a batch of each signal goes out, over both protocols.
    /// Guarantees: its rows are in the tables and counted; the view's target has them too.
    @Test("batches are stored", arguments: ["tcp", "http"])
    func stores(scheme: String) async throws {
        let port = scheme == "tcp" ? server.tcpPort : server.httpPort
        for (batch, table, count) in [
            (Batches.spans(1), "otel_traces", 50), (Batches.logs(2, days: 0..<3), "otel_logs", 3),
            (Batches.metrics(3, count: 4), "otel_metrics_gauge", 4),
        ] {
            let harness = try ExporterHarness(batch.signal, port: port, database: database, scheme: scheme)
            try await harness.exporter.start()
            let outcome = await harness.outcome(of: batch)
            try #require(outcome == .delivered, "\(outcome) \(harness.log.lines)")
            #expect(try server.count("\(database).\(table)") == count)
            #expect(harness.counter("otelcol_swift_clickhouse_inserted_rows") == batch.itemCount)
            await harness.exporter.stop()
        }
        #expect(try server.count("\(database).otel_traces_trace_id_ts") > 0)
        #expect(try server.count("\(database).otel_metrics_sum") == 4)
    }

    /// Scenario: many consumers send at once, the first of them into a database that is not there.
    /// Guarantees: all are delivered, the tables are made once, each batch stands once.
    @Test("consumers side by side", arguments: ["tcp", "http"])
    func sideBySide(scheme: String) async throws {
        let port = scheme == "tcp" ? server.tcpPort : server.httpPort
        let harness = try ExporterHarness(.traces, port: port, database: database, scheme: scheme)
        try await harness.exporter.start()
        let outcomes = await withTaskGroup(of: [ExporterHarness.Outcome].self) { group in
            for consumer in 0..<8 {
                group.addTask {
                    var outcomes: [ExporterHarness.Outcome] = []
                    for number in 0..<4 {
                        let id = UInt64(consumer * 4 + number)
                        outcomes.append(await harness.outcome(of: Batches.spans(id, id: id, count: 20)))
                    }
                    return outcomes
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(outcomes.filter { $0 != .delivered } == [])
        #expect(try server.count("\(database).otel_traces") == 32 * 20)
        #expect(harness.counter("otelcol_swift_clickhouse_inserted_rows") == 32 * 20)
        await harness.exporter.stop()
    }

    /// Scenario: the same batch is exported again, as after a lost answer.
    /// Guarantees: nothing is stored twice, neither in the table nor in the view's target; another batch with the same
    /// rows is stored.
    @Test("a repeated batch stores nothing", arguments: ["tcp", "http"])
    func repeats(scheme: String) async throws {
        let port = scheme == "tcp" ? server.tcpPort : server.httpPort
        let harness = try ExporterHarness(.traces, port: port, database: database, scheme: scheme)
        var batch = Batches.spans(1)
        #expect(await harness.outcome(of: batch) == .delivered)
        let ids = try server.count("\(database).otel_traces_trace_id_ts")
        for _ in 0..<3 { #expect(await harness.outcome(of: batch) == .delivered) }
        #expect(try server.count("\(database).otel_traces") == 50)
        #expect(try server.count("\(database).otel_traces_trace_id_ts") == ids)
        batch.id.low = 2
        #expect(await harness.outcome(of: batch) == .delivered)
        #expect(try server.count("\(database).otel_traces") == 100)
        #expect(try server.count("\(database).otel_traces_trace_id_ts") == 2 * ids)
        await harness.exporter.stop()
    }

    /// Scenario: the server stores the batch, but its answer never arrives; the batch is sent again.
    /// Guarantees: the first attempt says retry, the second delivers, the rows stand once.
    @Test("a lost answer makes no duplicates")
    func lostAnswer() async throws {
        let proxy = try TCPProxy(to: server.tcpPort)
        defer { proxy.stop() }
        // The first run makes the tables and tells how many bytes an attempt takes with them.
        for (id, fault) in [(UInt64(1), TCPProxy.Fault.none), (2, .none)] {
            proxy.set(fault)
            let harness = try ExporterHarness(.traces, port: proxy.port, database: database)
            #expect(await harness.outcome(of: Batches.spans(1, id: id)) == .delivered)
            await harness.exporter.stop()
        }
        let bytes = proxy.clientBytes
        let harness = try ExporterHarness(.traces, port: proxy.port, database: database)
        let batch = Batches.spans(1, id: 3)
        proxy.set(.swallowAnswers(afterClientBytes: bytes))
        async let first = harness.outcome(of: batch)
        let server = server
        let table = "\(database).otel_traces"
        #expect(try await eventually { try server.count(table) == 150 })
        proxy.cutAll()
        guard case .retry(let progress, let reason) = await first else {
            Issue.record("the first attempt ended otherwise")
            return
        }
        #expect(progress == "")
        #expect(reason.contains("waiting for the end of the insert"))
        proxy.set(.none)
        #expect(await harness.outcome(of: batch) == .delivered)
        #expect(try server.count(table) == 150)
        await harness.exporter.stop()
    }

    /// Scenario: the connection breaks after N bytes, for N over the whole conversation; the batch is sent again. The
    /// long run (OTELCOL_LONG_TESTS) has ten times as many cuts.
    /// Guarantees: no attempt says delivered when it was not; after the retry all rows stand once.
    @Test("a cut connection loses and doubles nothing")
    func cuts() async throws {
        let proxy = try TCPProxy(to: server.tcpPort)
        defer { proxy.stop() }
        var stored = 0
        func attempt(_ id: UInt64, _ fault: TCPProxy.Fault) async throws {
            let harness = try ExporterHarness(.metrics, port: proxy.port, database: database)
            let batch = Batches.metrics(id, count: 40)
            var outcome = ExporterHarness.Outcome.delivered
            proxy.set(fault)
            var next = batch
            for _ in 0..<5 {
                outcome = await harness.outcome(of: next)
                proxy.set(.none)
                guard case .retry(let progress, _) = outcome else { break }
                next.progress = Array(progress.utf8)
            }
            #expect(outcome == .delivered, "\(fault)")
            stored += 40
            for table in ["gauge", "sum"] {
                #expect(try server.count("\(database).otel_metrics_\(table)") == stored, "\(table) after \(fault)")
            }
            await harness.exporter.stop()
        }
        try await attempt(1, .none)
        let harness = try ExporterHarness(.metrics, port: proxy.port, database: database)
        proxy.set(.none)
        #expect(await harness.outcome(of: Batches.metrics(2, count: 40)) == .delivered)
        let bytes = proxy.clientBytes
        stored += 40
        await harness.exporter.stop()
        let isLong = ProcessInfo.processInfo.environment["OTELCOL_LONG_TESTS"] != nil
        let step = max(1, bytes / (isLong ? 80 : 8))
        for (index, limit) in stride(from: 0, through: bytes, by: step).enumerated() {
            try await attempt(UInt64(10 + index), .cut(afterClientBytes: limit))
        }
    }

    /// Scenario: one of two tables cannot take its rows.
    /// Guarantees: the other is stored and noted as done; the next attempt does not repeat it.
    @Test("only the failed table is repeated")
    func progress() async throws {
        let harness = try ExporterHarness(.metrics, port: server.tcpPort, database: database)
        #expect(await harness.outcome(of: Batches.metrics(1, count: 2)) == .delivered)
        _ = try server.query("ALTER TABLE \(database).otel_metrics_gauge ADD CONSTRAINT c CHECK MetricName != 'g2'")
        var batch = Batches.metrics(2, count: 2)
        guard case .retry(let progress, let reason) = await harness.outcome(of: batch) else {
            Issue.record("no retry")
            return
        }
        #expect(progress == "sum")
        #expect(reason.contains("469"))
        batch.progress = Array(progress.utf8)
        guard case .payload(let reason) = await harness.outcome(of: batch) else {
            Issue.record("the refused rows are the batch's fault")
            return
        }
        #expect(reason.contains("otel_metrics_gauge"))
        #expect(try server.count("\(database).otel_metrics_sum") == 4)
        await harness.exporter.stop()
    }

    /// Scenario: a batch has rows of more days than a block may have partitions.
    /// Guarantees: each day is inserted for itself; all rows stand once, also after a repetition.
    @Test("rows of many days are divided")
    func manyDays() async throws {
        let harness = try ExporterHarness(.logs, port: server.tcpPort, database: database)
        let batch = Batches.logs(1, days: 0..<120)
        #expect(await harness.outcome(of: batch) == .delivered)
        #expect(await harness.outcome(of: batch) == .delivered)
        #expect(try server.count("\(database).otel_logs") == 120)
        await harness.exporter.stop()
    }
}
