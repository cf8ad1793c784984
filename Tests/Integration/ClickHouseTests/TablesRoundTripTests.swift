import ClickHouseNative
import Component
import Foundation
import OTLP
import TelemetryGenerator
import TestSupport
import Testing

@testable import Exporters

/// What is inserted stands in the tables, field for field, whatever clients send and whichever layout the tables have.
@Suite(.serialized)
struct TablesRoundTripTests {
    private let server = Result { try TestServer.shared.get() }

    private static let tables: [(ClickHouseTable, Signal)] = [
        (.traces, .traces), (.logs, .logs), (.gauge, .metrics), (.sum, .metrics), (.histogram, .metrics),
        (.exponentialHistogram, .metrics), (.summary, .metrics),
    ]

    /// Scenario: random requests, odd ones included, go into the tables as the exporter creates them.
    /// Guarantees: each row equals a plain decode of its item; no row is missing, none is invented.
    @Test("rows equal their items", arguments: Seeds.regression.prefix(3) + Seeds.fresh(count: 1))
    func generatedRequests(seed: UInt64) async throws {
        for (table, signal) in Self.tables {
            var generator = OTLPGenerator(seed: seed)
            let requests = (0..<40).map { _ in generator.request(signal).bytes }
            let compression: BlockCompression =
                switch seed % 3 {
                case 0: .none
                case 1: .lz4
                default: .zstd(level: 1)
                }
            try await check(requests, in: table, signal: signal, compression: compression)
        }
    }

    /// Scenario: requests as nginx and instrumented services send them, recorded and generated.
    /// Guarantees: as above, over many rows of one resource.
    @Test("rows of realistic requests equal their spans")
    func realisticRequests() async throws {
        var requests = [TelemetryGenerator.Shape.nginx, .service].map { shape in
            var generator = TelemetryGenerator(shape, seed: 7)
            return generator.request(itemCount: 700)
        }
        let folder = packageDirectory.appendingPathComponent("Tests/Fixtures/nginx")
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
            requests.append(Array(try Data(contentsOf: file)))
        }
        try await check(requests, in: .traces, signal: .traces, compression: .lz4)
    }

    /// Scenario: the same with the tables of a later otelcol-contrib, for which metrics have whole seconds only.
    /// Guarantees: as above, cut to what the types hold, event names included.
    @Test("rows equal their items in tables of the later layout", arguments: Seeds.regression.prefix(2))
    func laterLayout(seed: UInt64) async throws {
        for (table, signal) in Self.tables {
            var generator = OTLPGenerator(seed: seed)
            let requests = (0..<30).map { _ in generator.request(signal).bytes }
            try await check(requests, in: table, signal: signal, compression: .lz4, tableLayout: .v0_162)
        }
    }

    /// Scenario: tables with other types than the exporter's, a column more, and columns in another order.
    /// Guarantees: the values arrive, cut to what the types hold.
    @Test("other layouts hold the same values", arguments: Seeds.regression.prefix(2))
    func otherLayouts(seed: UInt64) async throws {
        for (table, signal) in Self.tables {
            var generator = OTLPGenerator(seed: seed)
            let requests = (0..<30).map { _ in generator.request(signal).bytes }
            try await check(requests, in: table, signal: signal, compression: .lz4, layout: Self.otherLayouts[table])
        }
    }

    private static let otherLayouts: [ClickHouseTable: String] = [
        .traces: """
        (Extra UInt8 DEFAULT 7, StatusCode String, StatusMessage LowCardinality(String), Duration Int64,
        SpanKind LowCardinality(Nullable(String)), Timestamp DateTime64(6), TraceId FixedString(32), SpanId Nullable(String),
        ParentSpanId LowCardinality(String), TraceState LowCardinality(Nullable(String)), SpanName String,
        ServiceName Nullable(String), ResourceAttributes Map(String, String), ScopeName LowCardinality(String),
        ScopeVersion LowCardinality(String), SpanAttributes Map(LowCardinality(String), LowCardinality(String)),
        Events Nested (Timestamp DateTime, Name String, Attributes Map(String, Nullable(String))),
        Links Nested (TraceId LowCardinality(String), SpanId FixedString(16), TraceState Nullable(String),
        Attributes Map(LowCardinality(String), Nullable(String)))) ENGINE = MergeTree ORDER BY tuple()
        """,
        .logs: """
        (Timestamp DateTime, TraceId String, SpanId String, TraceFlags UInt32, SeverityText String, SeverityNumber UInt8,
        ServiceName String, Body LowCardinality(String), ResourceSchemaUrl String,
        ResourceAttributes Map(String, LowCardinality(String)), ScopeSchemaUrl String, ScopeName String, ScopeVersion String,
        ScopeAttributes Map(String, String), LogAttributes Map(String, String), EventName LowCardinality(String))
        ENGINE = MergeTree ORDER BY tuple()
        """,
        .gauge: """
        (ResourceAttributes Map(LowCardinality(String), String), ResourceSchemaUrl String, ScopeName String,
        ScopeVersion String, ScopeAttributes Map(LowCardinality(String), String), ScopeDroppedAttrCount UInt64,
        ScopeSchemaUrl String, ServiceName LowCardinality(String), MetricName LowCardinality(String),
        MetricDescription String, MetricUnit String, Attributes Map(LowCardinality(String), String),
        StartTimeUnix DateTime, TimeUnix DateTime64(3), Value Nullable(Float64), Flags UInt32, Exemplars Nested (
        FilteredAttributes Map(LowCardinality(String), String), TimeUnix DateTime, Value Float32, SpanId String, TraceId String))
        ENGINE = MergeTree ORDER BY tuple()
        """,
        .sum: otherMetricsLayout(
            """
            Value Nullable(Float64), IsMonotonic UInt8, AggregationTemporality Int64, Flags Nullable(UInt32),
            \(otherExemplars)
            """),
        .histogram: otherMetricsLayout(
            """
            Count Nullable(UInt64), Sum Nullable(Float64), BucketCounts Array(UInt64), ExplicitBounds Array(Float64),
            Min Nullable(Float64), Max Float64, AggregationTemporality Int32, Flags UInt32, \(otherExemplars)
            """),
        .exponentialHistogram: otherMetricsLayout(
            """
            Count UInt64, Sum Float64, Scale Int64, ZeroCount UInt64, PositiveOffset Nullable(Int32),
            PositiveBucketCounts Array(Int64), NegativeOffset Int32, NegativeBucketCounts Array(UInt64), Min Float64,
            Max Float64, AggregationTemporality Int32, Flags UInt32, \(otherExemplars)
            """),
        .summary: otherMetricsLayout(
            """
            Count Int64, Sum Nullable(Float64), Flags UInt32, ValueAtQuantiles Nested (Quantile Nullable(Float64),
            Value Float64)
            """),
    ]

    private static let otherExemplars = """
        Exemplars Nested (TimeUnix Int64, FilteredAttributes Map(String, Nullable(String)), TraceId String,
        SpanId LowCardinality(String), Value Nullable(Float64))
        """

    private static func otherMetricsLayout(_ own: String) -> String {
        """
        (TimeUnix DateTime, Extra String DEFAULT 'x', ResourceAttributes Map(String, String),
        ResourceSchemaUrl LowCardinality(String), ScopeName LowCardinality(String), ScopeVersion Nullable(String),
        ScopeAttributes Map(LowCardinality(String), Nullable(String)), ScopeDroppedAttrCount UInt32,
        ScopeSchemaUrl String, ServiceName String, MetricName LowCardinality(String),
        MetricDescription LowCardinality(Nullable(String)), MetricUnit LowCardinality(String),
        Attributes Map(String, String), StartTimeUnix Nullable(DateTime64(3)), \(own))
        ENGINE = MergeTree ORDER BY tuple()
        """
    }

    /// Scenario: a table whose column has a type that cannot hold its values.
    /// Guarantees: an error that names table, column and type; the connection goes on.
    @Test(
        "a column that cannot be written is named",
        arguments: [
            ("Body", "UInt64"), ("Timestamp", "String"), ("LogAttributes", "JSON"), ("SpanId", "FixedString(4)"),
        ])
    func unsuitableType(column: String, type: String) async throws {
        let connection = try await server.get().connect(compression: .lz4)
        let name = Self.uniqueName()
        let layout = try #require(Self.otherLayouts[.logs])
        let pattern = try Regex("\\b\(column) [A-Za-z]+(\\([A-Za-z, ()]*\\))?(?=[,)])")
        let changed = layout.replacing(pattern, with: "\(column) \(type)", maxReplacements: 1)
        #expect(changed != layout)
        _ = try await connection.execute("CREATE TABLE \(name) \(changed)")
        let encoder = ClickHouseTable.logs.makeEncoder(tableName: name)
        let record = ProtobufMessage([ProtobufField(10, .bytes([1, 2, 3, 4, 5, 6, 7, 8]))])
        let scope = ProtobufMessage([ProtobufField(2, .message(record))])
        let request = ProtobufMessage([
            ProtobufField(1, .message(ProtobufMessage([ProtobufField(2, .message(scope))])))
        ]).bytes
        let error = await #expect(throws: ClickHouseError.self) {
            try await Self.insert([request], encoder, into: name, over: connection)
        }
        let text = "\(try #require(error))"
        for part in [name, column, type] { #expect(text.contains(part), "\(text)") }
        try await connection.ping()
    }

    // MARK: Helpers

    private static func uniqueName() -> String { "t\(UInt64.random(in: 0..<(.max)))" }

    private static func insert(
        _ requests: [[UInt8]], _ encoder: any TableEncoder, into name: String, over connection: ClickHouseConnection,
        columns: [String]? = nil
    ) async throws {
        let columns = (columns ?? encoder.columnNames).map(ClickHouseSchema.quoted).joined(separator: ", ")
        try await connection.insert(
            "INSERT INTO \(name) (\(columns)) FORMAT Native",
            settings: [
                QuerySetting(name: "max_partitions_per_insert_block", value: "0"),
                QuerySetting(name: "throw_on_max_partitions_per_insert_block", value: "0"),
            ]
        ) { (header, output) throws(ClickHouseError) in
            try encoder.prepare(header: header)
            for request in requests {
                do { try encoder.append(request) } catch { throw .encoding("\(error)") }
            }
            try encoder.finishBlock(to: &output)
        }
    }

    private func check(
        _ requests: [[UInt8]], in table: ClickHouseTable, signal: Signal, compression: BlockCompression,
        layout: String? = nil, tableLayout: ClickHouseExporterConfig.TableLayout = .v0_116
    ) async throws {
        let server = try server.get()
        let connection = try await server.connect(compression: compression)
        let name = Self.uniqueName()
        if let layout {
            _ = try await connection.execute("CREATE TABLE \(name) \(layout)")
        } else {
            let schema = ClickHouseSchema(config: try Self.config(table, name, tableLayout))
            for statement in schema.createTables(for: table, hasTextIndexes: true) {
                _ = try await connection.execute(statement)
            }
        }
        let encoder = table.makeEncoder(tableName: name)
        let isPlain = layout == nil && tableLayout == .v0_116
        let columns = encoder.columnNames + (isPlain ? [] : encoder.optionalColumnNames)
        // Twice with one encoder: the second block must know nothing of the first.
        let half = requests.count / 2
        try await Self.insert(Array(requests[..<half]), encoder, into: name, over: connection, columns: columns)
        try await Self.insert(Array(requests[half...]), encoder, into: name, over: connection, columns: columns)
        await connection.close()
        let list = columns.map(ClickHouseSchema.quoted).joined(separator: ", ")
        let stored = try RowBinary(
            try server.query("SELECT \(list) FROM \(name) FORMAT RowBinaryWithNamesAndTypes"))
        let expected = try requests.flatMap { request in
            try ExpectedRows(of: request, in: table).rows.map { row in
                zip(stored.names, stored.types).map { name, type in
                    row[name].map { $0.stored(as: type) } ?? .text(Array("no \(name)".utf8))
                }
            }
        }
        #expect(expected.count > 0)
        #expect(stored.rows.count == expected.count, "\(table)")
        Self.expectEqual(stored, expected, table)
    }

    /// Compares as multisets, since a table has its own order, and names the columns in which rows differ.
    private static func expectEqual(_ stored: RowBinary, _ expected: [[CellValue]], _ table: ClickHouseTable) {
        var counts: [[CellValue]: Int] = [:]
        for row in stored.rows { counts[row, default: 0] += 1 }
        var missing: [[CellValue]] = []
        for row in expected {
            if counts[row, default: 0] > 0 { counts[row]! -= 1 } else { missing.append(row) }
        }
        let invented = counts.filter { $0.value > 0 }.map(\.key)
        guard !missing.isEmpty || !invented.isEmpty else { return }
        Issue.record("\(table): \(missing.count) rows missing, \(invented.count) others in their place")
        for (index, name) in stored.names.enumerated() {
            var seen: [CellValue: Int] = [:]
            for row in stored.rows { seen[row[index], default: 0] += 1 }
            for row in expected { seen[row[index], default: 0] -= 1 }
            for (value, count) in seen.filter({ $0.value != 0 }).prefix(4) {
                Issue.record("\(table).\(name): \(value) \(abs(count)) times too \(count > 0 ? "often" : "seldom")")
            }
        }
    }

    private static func config(
        _ table: ClickHouseTable, _ name: String, _ layout: ClickHouseExporterConfig.TableLayout
    ) throws -> ClickHouseExporterConfig {
        let position = ConfigPosition(source: "test", line: 1, column: 1)
        func map(_ pairs: [(String, ConfigValue)]) -> ConfigValue {
            .map(pairs.map { ConfigEntry(key: $0.0, keyPosition: position, node: ConfigNode($0.1, at: position)) })
        }
        let key = table == .traces ? "traces_table_name" : "logs_table_name"
        let named: (String, ConfigValue) =
            switch table {
            case .traces, .logs: (key, .string(name))
            default: ("metrics_tables", map([(table.rawValue, map([("name", .string(name))]))]))
            }
        let block = map([
            ("endpoint", .string("tcp://127.0.0.1:9000")), ("table_layout", .string(layout.rawValue)), named,
        ])
        return try ClickHouseExporterConfig.decode(ConfigNode(block, at: position), path: "")
    }
}
