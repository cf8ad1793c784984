import Component
import Foundation
import OTLP
import TestSupport
import Testing

@testable import Exporters

/// Tables of other versions, and tables that somebody changed, take their rows or say which column is in the way.
@Suite(.serialized)
struct LayoutTests {
    private let server: TestServer
    private let database = "layout_" + UUID().uuidString.replacing("-", with: "")

    init() throws { server = try TestServer.shared.get() }

    private func harness(
        _ signal: Signal, scheme: String = "tcp", database: String? = nil, keys: [String: ConfigValue] = [:]
    ) throws -> ExporterHarness {
        let port = scheme == "tcp" ? server.tcpPort : server.httpPort
        let base: [String: ConfigValue] = [
            "endpoint": .string("\(scheme)://127.0.0.1:\(port)"), "username": .string("otel"),
            "password": .string("secret"), "database": .string(database ?? self.database),
        ]
        return try ExporterHarness(signal, base.merging(keys) { $1 })
    }

    /// Scenario: `table_layout: v0.162`, with a TTL, on a server that has no tables, over both protocols.
    /// Guarantees: the tables are as Tests/Fixtures/clickhouse-0.162 describes them; they take batches, repeated ones
    /// once, and the event names of logs.
    @Test("the later layout", arguments: ["tcp", "http"])
    func later(scheme: String) async throws {
        let database = "\(database)_\(scheme)"
        let keys: [String: ConfigValue] = ["table_layout": .string("v0.162"), "ttl": .string("72000h")]
        for batch in [Batches.spans(1), Batches.logs(2, days: 0..<3), Batches.metrics(3, count: 4)] {
            let harness = try harness(batch.signal, scheme: scheme, database: database, keys: keys)
            try await harness.exporter.start()
            #expect(await eventually { harness.log.lines.contains { $0.contains("The tables are ready") } })
            for _ in 0..<2 {
                let outcome = await harness.outcome(of: batch)
                #expect(outcome == .delivered, "\(harness.log.lines)")
            }
            await harness.exporter.stop()
        }
        for (table, count) in [
            ("otel_traces", 50), ("otel_logs", 3), ("otel_metrics_gauge", 4), ("otel_metrics_sum", 4),
        ] { #expect(try server.count("\(database).\(table)") == count) }
        #expect(
            try server.text("SELECT sum(c) FROM (SELECT count() AS c FROM \(database).otel_traces_trace_id_ts)")
                == server.text("SELECT uniqExact(TraceId) FROM \(database).otel_traces"))
        #expect(
            try server.text(
                "SELECT min(Start), max(End) FROM \(database).otel_traces_trace_id_ts")
                == server.text(
                    "SELECT toDateTime(min(Timestamp)), toDateTime(max(Timestamp)) FROM \(database).otel_traces"))
        try expectTables(of: database, inFixtures: "clickhouse-0.162")
    }

    private func expectTables(of database: String, inFixtures folder: String) throws {
        let folder = packageDirectory.appendingPathComponent("Tests/Fixtures/\(folder)")
        let names = try server.text("SELECT name FROM system.tables WHERE database = '\(database)' ORDER BY name")
            .split(separator: "\n")
        #expect(names.count == 9)
        for name in names {
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

    /// Scenario: the later layout's statements for servers without text indexes, and with a replicated engine.
    /// Guarantees: the server takes the former; the latter name the replicated engines.
    @Test("the later layout on an older server, and replicated")
    func laterVariants() throws {
        let position = ConfigPosition(source: "test", line: 1, column: 1)
        func config(_ keys: [(String, ConfigValue)]) throws -> ClickHouseExporterConfig {
            let base: [String: ConfigValue] = [
                "endpoint": .string("tcp://a"), "database": .string(database), "table_layout": .string("v0.162"),
            ]
            let entries = base.merging(keys) { $1 }.map {
                ConfigEntry(key: $0.key, keyPosition: position, node: ConfigNode($0.value, at: position))
            }
            return try ClickHouseExporterConfig.decode(ConfigNode(.map(entries), at: position), path: "")
        }
        let plain = ClickHouseSchema(config: try config([]))
        _ = try server.query(try #require(plain.createDatabase))
        for table in ClickHouseTable.allCases {
            for statement in plain.createTables(for: table) {
                #expect(!statement.contains("text("))
                _ = try server.query(statement)
            }
        }
        let name = ConfigEntry(
            key: "name", keyPosition: position, node: ConfigNode(.string("ReplicatedMergeTree"), at: position))
        let parameters = ConfigEntry(
            key: "params", keyPosition: position, node: ConfigNode(.string("'/x', '{replica}'"), at: position))
        let replicated = ClickHouseSchema(
            config: try config([("table_engine", .map([name, parameters])), ("cluster_name", .string("c"))]))
        let statements = replicated.createTables(for: .traces, hasTextIndexes: true)
        #expect(statements[0].contains("ENGINE = ReplicatedMergeTree('/x', '{replica}')"))
        #expect(statements[1].contains("ENGINE = ReplicatedAggregatingMergeTree('/x', '{replica}')"))
        // The server's own parser: a statement that it cannot read it cannot format either.
        let first = ClickHouseSchema(
            config: try config([
                ("table_layout", .string("v0.116")), ("table_engine", .map([name, parameters])),
                ("cluster_name", .string("c")),
            ]))
        for schema in [first, replicated] {
            let tables = ClickHouseTable.allCases.flatMap { schema.createTables(for: $0, hasTextIndexes: true) }
            for statement in [try #require(schema.createDatabase)] + tables {
                let formatted = try server.text("SELECT formatQuery(\(ClickHouseSchema.literal(statement)))")
                #expect(formatted.contains("ON CLUSTER c"))
            }
        }
    }

    /// Scenario: the event names of logs, in a table that has the column and in one that has not.
    /// Guarantees: they are stored where there is a place.
    @Test("event names")
    func eventNames() async throws {
        let record = ProtobufField(
            2,
            .message(
                ProtobufMessage([
                    ProtobufField(1, .fixed64(Batches.startUnixSeconds * 1_000_000_000)),
                    ProtobufField(12, .bytes(Array("order.paid".utf8))),
                ])))
        let scope = ProtobufField(2, .message(ProtobufMessage([record])))
        let payload = ProtobufMessage([ProtobufField(1, .message(ProtobufMessage([scope])))]).bytes
        for layout in ["v0.116", "v0.162"] {
            let database = "\(database)_\(layout.replacing("0.", with: ""))"
            let harness = try harness(.logs, database: database, keys: ["table_layout": .string(layout)])
            var batch = Batches.logs(1, days: 0..<1)
            batch.payloads = [payload]
            #expect(await harness.outcome(of: batch) == .delivered)
            #expect(try server.count("\(database).otel_logs") == 1)
            if layout == "v0.162" {
                #expect(try server.text("SELECT EventName FROM \(database).otel_logs") == "order.paid")
            }
            await harness.exporter.stop()
        }
    }

    /// Scenario: somebody adds a column with a default and changes another one's type while the exporter runs, then
    /// drops a column, and adds it again.
    /// Guarantees: the changed table takes its rows; without the column the batch is held, with table and column named;
    /// then it is stored.
    @Test("tables that change", arguments: ["tcp", "http"])
    func changes(scheme: String) async throws {
        let database = "\(database)_\(scheme)"
        let cases: [(String, (UInt64) -> Batch, [String], String)] = [
            (
                "otel_traces", { Batches.spans(1, id: $0, count: 10) },
                ["StatusCode String", "ScopeName LowCardinality(String)", "TraceState Nullable(String)"],
                "StatusMessage"
            ),
            (
                "otel_logs", { Batches.logs($0, days: 0..<10) },
                ["SeverityText Nullable(String)", "SeverityNumber Int32", "ScopeName LowCardinality(String)"], "Body"
            ),
            (
                "otel_metrics_sum", { Batches.metrics($0, count: 10) },
                ["MetricUnit LowCardinality(String)", "Value Nullable(Float64)", "Flags UInt64"], "MetricDescription"
            ),
        ]
        for (table, batch, types, dropped) in cases {
            let name = "\(database).\(table)"
            let harness = try harness(batch(1).signal, scheme: scheme, database: database)
            #expect(await harness.outcome(of: batch(1)) == .delivered)
            func alter(_ change: String) throws {
                _ = try server.query("ALTER TABLE \(name) \(change) SETTINGS alter_sync = 0, mutations_sync = 0")
            }
            try alter("ADD COLUMN Extra UInt8 DEFAULT 7 FIRST")
            for type in types { try alter("MODIFY COLUMN \(type)") }
            #expect(await harness.outcome(of: batch(2)) == .delivered, "\(name)")
            #expect(try server.text("SELECT countIf(Extra = 7), count() FROM \(name)") == "20\t20")
            let type = try server.text(
                "SELECT type FROM system.columns WHERE database = '\(database)' AND table = '\(table)' "
                    + "AND name = '\(dropped)'")
            for index in try server.text(
                "SELECT name FROM system.data_skipping_indices WHERE database = '\(database)' "
                    + "AND table = '\(table)' AND expr = '\(dropped)'"
            ).split(separator: "\n") { try alter("DROP INDEX \(index)") }
            try alter("DROP COLUMN \(dropped)")
            var third = batch(3)
            for _ in 0..<3 {
                switch await harness.outcome(of: third) {
                case .misconfigured(let reason):
                    #expect(reason.contains(table) && reason.contains(dropped), "\(reason)")
                case .retry(let progress, let reason):
                    // The other tables of a metrics batch are done.
                    #expect(progress == "gauge" && reason.contains(table) && reason.contains(dropped), "\(reason)")
                    third.progress = Array(progress.utf8)
                case let outcome: Issue.record("\(outcome)")
                }
            }
            try alter("ADD COLUMN \(dropped) \(type)")
            #expect(await harness.outcome(of: third) == .delivered)
            #expect(try server.count(name) == 30)
            await harness.exporter.stop()
        }
    }
}
