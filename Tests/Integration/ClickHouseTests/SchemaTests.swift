import Component
import Foundation
import OTLP
import TestSupport
import Testing

@testable import Exporters

/// The tables are otelcol-contrib 0.116's, with a deduplication window; tables that exist are left as they are.
@Suite(.serialized)
struct SchemaTests {
    private let server: TestServer
    private let database = "schema_" + UUID().uuidString.replacing("-", with: "")

    init() throws { server = try TestServer.shared.get() }

    private static let names = [
        "otel_traces", "otel_traces_trace_id_ts", "otel_traces_trace_id_ts_mv", "otel_logs", "otel_metrics_gauge",
        "otel_metrics_sum", "otel_metrics_histogram", "otel_metrics_exponential_histogram", "otel_metrics_summary",
    ]

    /// Scenario: the exporter makes all its tables, with a TTL, on a server that has none.
    /// Guarantees: the server shows them as Tests/Fixtures/clickhouse describes them.
    @Test("the tables are as described")
    func tables() async throws {
        for signal in Signal.allCases {
            let harness = try ExporterHarness(
                signal,
                [
                    "endpoint": .string("tcp://127.0.0.1:\(server.tcpPort)"), "username": .string("otel"),
                    "password": .string("secret"), "database": .string(database), "ttl": .string("720h"),
                ])
            try await harness.exporter.start()
            #expect(await eventually { harness.log.lines.contains { $0.contains("The tables are ready") } })
            await harness.exporter.stop()
        }
        let folder = packageDirectory.appendingPathComponent("Tests/Fixtures/clickhouse")
        for name in Self.names {
            let statement = try server.text("SHOW CREATE TABLE \(database).\(name) FORMAT TSVRaw")
                .replacing(database, with: "otel")
            let file = folder.appendingPathComponent("\(name).sql")
            if ProcessInfo.processInfo.environment["RECORD_CLICKHOUSE_TABLES"] != nil {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                try Data((statement + "\n").utf8).write(to: file)
            }
            #expect(try String(contentsOf: file, encoding: .utf8) == statement + "\n", "\(name)")
        }
    }

    /// Scenario: a table that was made before, without a window.
    /// Guarantees: with create_schema it gets one, and recognises a repeated batch.
    @Test("existing tables get a window")
    func existing() async throws {
        _ = try server.query("CREATE DATABASE \(database)")
        let layout = try String(
            contentsOf: packageDirectory.appendingPathComponent("Tests/Fixtures/clickhouse/otel_logs.sql"),
            encoding: .utf8
        ).replacing("otel.", with: "\(database).").replacing(
            ", non_replicated_deduplication_window = 10000", with: ""
        ).replacing("TTL TimestampTime + toIntervalDay(30)\n", with: "")
        _ = try server.query(layout)
        let harness = try ExporterHarness(.logs, port: server.tcpPort, database: database)
        let batch = Batches.logs(1, days: 0..<2)
        for _ in 0..<2 { #expect(await harness.outcome(of: batch) == .delivered) }
        #expect(try server.count("\(database).otel_logs") == 2)
        #expect(
            try server.text("SHOW CREATE TABLE \(database).otel_logs FORMAT TSVRaw")
                .contains("non_replicated_deduplication_window = 10000"))
        await harness.exporter.stop()
    }

    /// Scenario: the same with create_schema off.
    /// Guarantees: the table stays as it is; one warning names it and the remedy.
    @Test("without create_schema a missing window is told once")
    func missingWindow() async throws {
        _ = try server.query("CREATE DATABASE \(database)")
        let first = try ExporterHarness(.logs, port: server.tcpPort, database: database)
        #expect(await first.outcome(of: Batches.logs(1, days: 0..<1)) == .delivered)
        await first.exporter.stop()
        _ = try server.query("ALTER TABLE \(database).otel_logs RESET SETTING non_replicated_deduplication_window")
        let harness = try ExporterHarness(.logs, port: server.tcpPort, database: database, createSchema: false)
        for id in 2...4 { #expect(await harness.outcome(of: Batches.logs(UInt64(id), days: 0..<1)) == .delivered) }
        let warnings = harness.log.lines.filter { $0.contains("no deduplication window") }
        #expect(warnings.count == 1)
        #expect(warnings.first?.contains("MODIFY SETTING") == true)
        await harness.exporter.stop()
    }

    /// Scenario: own names with characters that need quoting, a table engine, another one for load tests made before.
    /// Guarantees: they are used as they are.
    @Test("names are quoted, engines are taken over")
    func names() async throws {
        let harness = try ExporterHarness(
            .logs,
            [
                "endpoint": .string("tcp://127.0.0.1:\(server.tcpPort)"), "username": .string("otel"),
                "password": .string("secret"), "database": .string("\(database)-x"),
                "logs_table_name": .string("my `logs`.2"),
                "table_engine": .map([
                    ConfigEntry(
                        key: "name", keyPosition: ConfigPosition(source: "test", line: 1, column: 1),
                        node: ConfigNode(
                            .string("ReplacingMergeTree"), at: ConfigPosition(source: "test", line: 1, column: 1)))
                ]),
            ])
        #expect(await harness.outcome(of: Batches.logs(1, days: 0..<2)) == .delivered)
        #expect(
            try server.text("SELECT name, engine FROM system.tables WHERE database = '\(database)-x'")
                == "my `logs`.2\tReplacingMergeTree")
        await harness.exporter.stop()
    }
}
