import Component
import Foundation
import OTLP
import SocketTestSupport
import TestSupport
import Testing

@testable import Exporters

/// The whole program with a ClickHouse server that refuses, suffers or dawdles: the log and the metric tell what is
/// wrong and where, nothing is lost, and once it is mended every row stands once.
@Suite(.serialized)
struct CollectorFaultTests {
    private let server: TestServer
    private let database = "collector_" + UUID().uuidString.replacing("-", with: "")
    private var table: String { "\(database).otel_logs" }

    init() throws { server = try TestServer.shared.get() }

    /// How to make the exporter's life hard, and how it shows.
    private struct Fault {
        var user = "otel"
        var password = "secret"
        /// Of the endpoint.
        var parameters = ""
        var keys = ""
        /// Words of one log line.
        var words: [String]
        /// ClickHouse's error code, or the exporter's word.
        var code: String
    }

    private func config(_ fault: Fault?) -> String {
        """
        extensions:
          file_storage: {directory: wal}
        receivers:
          otlp:
            protocols:
              http: {endpoint: "127.0.0.1:0"}
        processors:
          batch: {timeout: 20ms, send_batch_size: 10, send_batch_max_size: 10}
        exporters:
          clickhouse:
            endpoint: tcp://127.0.0.1:\(server.tcpPort)?dial_timeout=60s\(fault?.parameters ?? "")
            username: \(fault?.user ?? "otel")
            password: \(fault?.password ?? "secret")
            database: \(database)
            timeout: \(fault?.code == "connection" ? "2s" : "60s")
            sending_queue: {storage: file_storage, num_consumers: 2}
            retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}
            \(fault?.keys ?? "backlog_batch_size: 0")
        service:
          extensions: [file_storage]
          telemetry:
            metrics: {address: "127.0.0.1:0"}
          pipelines:
            logs: {receivers: [otlp], processors: [batch], exporters: [clickhouse]}
        """
    }

    private static let requests = 6
    private static let rowsPerRequest = 10
    private static var rowCount: Int { requests * rowsPerRequest }

    /// Makes the tables, as if the exporter had run before.
    private func makeTables() async throws {
        let harness = try ExporterHarness(.logs, port: server.tcpPort, database: database)
        #expect(await harness.outcome(of: Batches.logs(1000, days: 0..<1)) == .delivered)
        await harness.exporter.stop()
        _ = try server.query("TRUNCATE TABLE \(table)")
    }

    /// Runs the collector under `fault` until it has shown, mends it, and waits for all rows.
    ///
    /// - Parameters:
    ///   - break: statements that bring the fault about, nil: the configuration does.
    ///   - mend: statements that end it; nil: a restart with a right configuration does.
    private func check(_ fault: Fault, break: [String] = [], mend: [String]? = nil) async throws {
        for statement in `break` { _ = try server.query(statement) }
        try await withTemporaryDirectory { directory in
            var harness = CollectorHarness(
                collector: try await CollectorProcess.start(config: config(fault), in: directory))
            defer { harness.collector.kill() }
            for id in 1...Self.requests {
                try harness.send(Batches.logs(UInt64(id), days: 0..<UInt64(Self.rowsPerRequest)).payloads[0], .logs)
            }
            let isShown = try await eventually {
                try harness.logs(fault.words)
                    && harness.metric("otelcol_swift_clickhouse_insert_errors", "code=\"\(fault.code)\"") > 0
            }
            #expect(isShown, "\(harness.collector.log.suffix(4000))")
            if let mend {
                for statement in mend { _ = try server.query(statement) }
            } else {
                #expect(await harness.collector.terminate() == 0)
                harness = CollectorHarness(
                    collector: try await CollectorProcess.start(config: config(nil), in: directory))
            }
            try await expectAllRows(harness)
            #expect(await harness.collector.terminate() == 0, "\(harness.collector.log)")
        }
    }

    private func expectAllRows(_ harness: CollectorHarness) async throws {
        let isDone = try await eventually {
            try harness.metric("otelcol_swift_ledger_items", "state=\"waiting\"", "exporter=\"clickhouse\"") == 0
                && harness.metric("otelcol_swift_ledger_items", "state=\"in_flight\"", "exporter=\"clickhouse\"") == 0
                && server.count(table) >= Self.rowCount
        }
        #expect(isDone, "\(harness.collector.log.suffix(4000))")
        #expect(
            try server.text("SELECT count(), uniqExact(Body) FROM \(table)") == "\(Self.rowCount)\t\(Self.rowCount)")
        #expect(try harness.metric("otelcol_swift_ledger_imbalance") == 0)
    }

    @Test("a wrong password")
    func wrongPassword() async throws {
        try await makeTables()
        try await check(Fault(password: "wrong", words: ["clickhouse", "code: 516"], code: "516"))
    }

    @Test("a user who may only read")
    func readOnly() async throws {
        try await makeTables()
        try await check(Fault(user: "reader", words: ["clickhouse", "code: 164"], code: "164"))
    }

    @Test("a database that is not there and not to be made")
    func unknownDatabase() async throws {
        let names = Fault(
            keys: "create_schema: false", words: ["clickhouse", "code: 81", database], code: "81")
        let log = try String(
            contentsOf: packageDirectory.appendingPathComponent("Tests/Fixtures/clickhouse/otel_logs.sql"),
            encoding: .utf8
        ).replacing("otel.otel_logs", with: table).replacing("TTL TimestampTime + toIntervalDay(30)\n", with: "")
        try await check(names, mend: ["CREATE DATABASE \(database)", log])
    }

    @Test("too little memory for an insert")
    func memoryLimit() async throws {
        try await makeTables()
        try await check(
            Fault(
                parameters: "&max_memory_usage=1000&max_untracked_memory=1",
                words: ["clickhouse", "otel_logs", "code: 241"], code: "241"))
    }

    @Test("a quota, which ends by itself")
    func quota() async throws {
        try await makeTables()
        // The user `rationed` has one INSERT for each few seconds.
        try await check(Fault(user: "rationed", words: ["clickhouse", "code: 201"], code: "201"), mend: [])
    }

    @Test("too many parts")
    func tooManyParts() async throws {
        try await makeTables()
        _ = try server.query("SYSTEM STOP MERGES \(table)")
        try await check(
            Fault(words: ["clickhouse", "otel_logs", "code: 252"], code: "252"),
            break: [
                "ALTER TABLE \(table) MODIFY SETTING parts_to_delay_insert = 1, parts_to_throw_insert = 1"
            ],
            mend: [
                "ALTER TABLE \(table) RESET SETTING parts_to_delay_insert, parts_to_throw_insert",
                "SYSTEM START MERGES \(table)",
            ])
    }

    @Test("inserts that take longer than the timeout")
    func slow() async throws {
        try await makeTables()
        // A view that dawdles over each row.
        try await check(
            Fault(words: ["clickhouse", "otel_logs", "timed out"], code: "connection"),
            break: [
                "CREATE MATERIALIZED VIEW \(database).slow ENGINE = Null AS SELECT sleepEachRow(0.29) FROM \(table)"
            ],
            mend: ["DROP VIEW \(database).slow"])
    }

    /// Scenario: hundreds of small batches wait for a server that cannot be reached.
    /// Guarantees: once it can, they go out in a few large inserts, each row once.
    @Test("a backlog becomes few and large inserts")
    func backlog() async throws {
        try await makeTables()
        let proxy = try TCPProxy(to: server.tcpPort)
        defer { proxy.stop() }
        proxy.set(.refuse)
        let text = config(Fault(keys: "backlog_batch_size: 2000", words: [], code: ""))
            .replacing("127.0.0.1:\(server.tcpPort)", with: "127.0.0.1:\(proxy.port)")
            .replacing("initial_interval: 50ms, max_interval: 200ms", with: "initial_interval: 1s, max_interval: 2s")
        try await withTemporaryDirectory { directory in
            let harness = CollectorHarness(collector: try await CollectorProcess.start(config: text, in: directory))
            defer { harness.collector.kill() }
            let rowCount = 5000
            for id in 1...(rowCount / 10) {
                try harness.send(Batches.logs(UInt64(id), days: 0..<10).payloads[0], .logs)
            }
            proxy.set(.none)
            #expect(
                try await eventually { try server.count(table) == rowCount }, "\(harness.collector.log.suffix(4000))")
            #expect(try server.text("SELECT uniqExact(Body) FROM \(table)") == "\(rowCount)")
            _ = try server.query("SYSTEM FLUSH LOGS")
            let inserts = try server.text(
                "SELECT max(written_rows), count() < 100 FROM system.query_log WHERE type = 'QueryFinish' "
                    + "AND query_kind = 'Insert' AND query LIKE '%\(database)%otel_logs%'")
            #expect(inserts == "2000\t1")
            #expect(await harness.collector.terminate() == 0)
        }
    }

    /// Scenario: a constraint that two rows of a batch violate.
    /// Guarantees: these two become dead letters with the server's reason, all others are stored, once.
    @Test("rows that the server refuses for their content")
    func poison() async throws {
        try await makeTables()
        _ = try server.query(
            "ALTER TABLE \(table) ADD CONSTRAINT no_poison CHECK Body NOT IN ('batch 1 day 7', 'batch 1 day 33')")
        try await withTemporaryDirectory { directory in
            let large = config(nil).replacing("size: 10", with: "size: 50")
            let harness = CollectorHarness(collector: try await CollectorProcess.start(config: large, in: directory))
            defer { harness.collector.kill() }
            try harness.send(Batches.logs(1, days: 0..<50).payloads[0], .logs)
            let isDone = try await eventually {
                try harness.metric("otelcol_swift_dead_letter_items", "exporter=\"clickhouse\"") == 2
                    && server.count(table) == 48
            }
            #expect(isDone, "\(harness.collector.log.suffix(4000))")
            #expect(try server.text("SELECT count(), uniqExact(Body) FROM \(table)") == "48\t48")
            #expect(try harness.metric("otelcol_swift_clickhouse_insert_errors", "code=\"469\"") > 0)
            #expect(harness.logs(["otel_logs", "code: 469", "no_poison"]))
            let shown = try await runSubprocess(
                [
                    CollectorProcess.binary.path, "wal", "show", directory.appendingPathComponent("wal").path,
                    "--dead-letters", "--payload",
                ])
            for words in ["batch 1 day 7", "batch 1 day 33", "no_poison"] {
                #expect(shown.output.contains(words), "\(shown.output)\(shown.errors)")
            }
            #expect(!shown.output.contains("batch 1 day 8"))
            #expect(await harness.collector.terminate() == 0)
        }
    }

    /// Scenario: `async_insert: true`, and tables with the engine Null.
    /// Guarantees: rows are confirmed, with a warning for the former.
    @Test("asynchronous inserts, and tables that keep nothing")
    func asynchronousAndNull() async throws {
        try await makeTables()
        let nullTable = try server.text("SHOW CREATE TABLE \(table) FORMAT TSVRaw")
            .replacing("\(database).otel_logs", with: "\(database).null_logs")
            .replacing(#/(?s)ENGINE = MergeTree.*/#, with: "ENGINE = Null")
            .replacing(#/    INDEX [^\n]*\n/#, with: "").replacing(",\n)", with: "\n)")
        _ = try server.query(nullTable)
        for (keys, name) in [("async_insert: true", "otel_logs"), ("logs_table_name: null_logs", "null_logs")] {
            try await withTemporaryDirectory { directory in
                let fault = Fault(keys: keys, words: [], code: "")
                let harness = CollectorHarness(
                    collector: try await CollectorProcess.start(config: config(fault), in: directory))
                defer { harness.collector.kill() }
                for id in 1...Self.requests {
                    let batch = Batches.logs(UInt64(id), days: 0..<UInt64(Self.rowsPerRequest))
                    try harness.send(batch.payloads[0], .logs)
                }
                let isDone = try await eventually {
                    try harness.metric("otelcol_swift_clickhouse_inserted_rows", "table=\"\(name)\"")
                        == Double(Self.rowCount)
                }
                #expect(isDone, "\(harness.collector.log.suffix(4000))")
                #expect(harness.logs(["async_insert was asked for"]) == (name == "otel_logs"))
                #expect(await harness.collector.terminate() == 0)
            }
        }
        #expect(try server.count(table) == Self.rowCount)
        #expect(try server.count("\(database).null_logs") == 0)
    }
}
