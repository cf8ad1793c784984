import ClickHouseNative
import OTLP
import TestSupport
import Testing

@testable import Exporters

/// Requests become the rows of the right tables and days, and unsuitable tables are named. (What the rows hold is
/// tested on a real server.)
struct ClickHouseTablesTests {
    private static func prepare(
        _ encoder: any TableEncoder, types: [String: String] = [:], without missing: Set<String> = []
    ) throws {
        try encoder.prepare(header: try header(of: encoder, types: types, without: missing))
    }

    /// A header as a server sends it, with types by name that all tables of the exporter could have.
    private static func header(
        of encoder: any TableEncoder, types: [String: String], without missing: Set<String>
    ) throws -> NativeBlock {
        let names = encoder.columnNames.filter { !missing.contains($0) }
        var bytes = NativeWriter()
        bytes.append(
            contentsOf: NativeBlock.head(columnCount: names.count, rowCount: 0, revision: Revision.client))
        for name in names {
            let type = types[name] ?? Self.type(of: name)
            bytes.append(contentsOf: NativeBlock.columnHead(name: name, typeName: type, revision: Revision.client))
        }
        var reader = NativeReader(bytes.bytes)
        return try NativeBlock.read(from: &reader, revision: Revision.client, isFramed: false)
    }

    private static func type(of name: String) -> String {
        let map = "Map(LowCardinality(String), String)"
        let part = name.split(separator: ".").last.map(String.init) ?? name
        let element =
            part.hasSuffix("Attributes")
            ? map
            : ["Timestamp", "TimeUnix", "StartTimeUnix"].contains(part)
                ? "DateTime64(9)"
                : ["Value", "Sum", "Min", "Max", "Quantile", "ExplicitBounds"].contains(part)
                    ? "Float64"
                    : [
                        "Duration", "TraceFlags", "SeverityNumber", "Flags", "Count", "Scale", "ZeroCount",
                        "PositiveOffset",
                        "NegativeOffset", "PositiveBucketCounts", "NegativeBucketCounts", "BucketCounts",
                        "AggregationTemporality", "IsMonotonic", "ScopeDroppedAttrCount",
                    ].contains(part) ? "UInt64" : "String"
        let isArray = name.contains(".") || part.hasSuffix("BucketCounts") || part == "ExplicitBounds"
        return isArray ? "Array(\(element))" : element
    }

    /// The rows so far as an uncompressed block.
    private static func block(of encoder: any TableEncoder) throws -> [UInt8] {
        var output = BlockOutput(revision: Revision.client, compression: .none)
        try encoder.finishBlock(to: &output)
        try output.endBlock()
        return output.bytes
    }

    private static func signal(of table: ClickHouseTable) -> Signal {
        switch table {
        case .traces: .traces
        case .logs: .logs
        default: .metrics
        }
    }

    /// Scenario: random requests, appended as a whole and day by day.
    /// Guarantees: each row belongs to exactly one of the days found, and all items become rows of exactly one table.
    @Test("days and tables part the rows", arguments: Seeds.regression + Seeds.fresh(count: 4))
    func daysAndTables(seed: UInt64) throws {
        for signal in Signal.allCases {
            var generator = OTLPGenerator(seed: seed)
            let requests = (0..<10).map { _ in generator.request(signal).bytes }
            let days = try ClickHouseTable.days(in: requests, signal: signal)
            let present = try ClickHouseTable.present(in: requests, signal: signal)
            var rowCount = 0
            for table in ClickHouseTable.allCases where Self.signal(of: table) == signal {
                let encoder = table.makeEncoder(tableName: "t")
                try Self.prepare(encoder)
                for request in requests { try encoder.append(request) }
                let all = encoder.rowCount
                #expect(signal != .metrics || (all > 0) == present.contains(table))
                rowCount += all
                var byDay = 0
                for day in days {
                    encoder.removeAll()
                    for request in requests { try encoder.append(request, onlyDay: day) }
                    byDay += encoder.rowCount
                }
                #expect(byDay == all)
            }
            let itemCount = try requests.reduce(0) { try $0 + OTLPRequest.itemCount(of: $1, signal: signal) }
            #expect(rowCount == itemCount)
        }
    }

    @Test(
        "days of times",
        arguments: [
            (0, 0), (86_399_999_999_999, 0), (86_400_000_000_000, 1), (1_760_000_000_000_000_000, 20_370),
            (UInt64.max, 0), (UInt64(Int64.max), 65_535),
        ] as [(UInt64, UInt32)])
    func dayOfTime(nanos: UInt64, day: UInt32) { #expect(PartitionDay.of(unixNanos: nanos) == day) }

    /// Scenario: the same requests again after a block, after an error in a request, and after a table that cannot be
    /// written.
    /// Guarantees: the same block each time.
    @Test("an encoder starts afresh", arguments: Seeds.regression.prefix(2))
    func reuse(seed: UInt64) throws {
        for table in ClickHouseTable.allCases {
            let signal = Self.signal(of: table)
            var generator = OTLPGenerator(seed: seed)
            let requests = (0..<20).map { _ in generator.request(signal).bytes }
            let encoder = table.makeEncoder(tableName: "t")
            func block() throws -> [UInt8] {
                for request in requests { try encoder.append(request) }
                return try Self.block(of: encoder)
            }
            try Self.prepare(encoder)
            let first = try block()
            #expect(encoder.rowCount == 0)
            #expect(try block() == first)
            let whole = try #require(requests.max { $0.count < $1.count })
            for cut in stride(from: 1, to: whole.count, by: max(1, whole.count / 50)) {
                do { try encoder.append(Array(whole[..<cut])) } catch {}
                encoder.removeAll()
            }
            #expect(try block() == first)
            #expect(throws: ClickHouseError.self) {
                try Self.prepare(encoder, types: ["ServiceName": "UInt8"])
            }
            try Self.prepare(encoder)
            #expect(try block() == first)
        }
    }

    @Test("a missing or unsuitable column is named")
    func unsuitableColumns() throws {
        let encoder = ClickHouseTable.traces.makeEncoder(tableName: "spans")
        func message(types: [String: String] = [:], without missing: Set<String> = []) -> String {
            do {
                try Self.prepare(encoder, types: types, without: missing)
                return "(accepted)"
            } catch {
                return "\(error)"
            }
        }
        #expect(message() == "(accepted)")
        #expect(message(without: ["SpanKind"]) == "table spans: column SpanKind is missing")
        #expect(
            message(types: ["Duration": "String"])
                == "table spans: column Duration of type String cannot hold its values")
        let json = message(types: ["SpanAttributes": "JSON"])
        #expect(json.hasPrefix("table spans: column SpanAttributes of type JSON cannot be written"))
    }

    @Test("the columns of an INSERT")
    func columnNames() {
        let traces = ClickHouseTable.traces.makeEncoder(tableName: "t")
        #expect(
            traces.columnNames == [
                "Timestamp", "TraceId", "SpanId", "ParentSpanId", "TraceState", "SpanName", "SpanKind", "ServiceName",
                "ResourceAttributes", "ScopeName", "ScopeVersion", "SpanAttributes", "Duration", "StatusCode",
                "StatusMessage", "Events.Timestamp", "Events.Name", "Events.Attributes", "Links.TraceId",
                "Links.SpanId", "Links.TraceState", "Links.Attributes",
            ])
        let logs = ClickHouseTable.logs.makeEncoder(tableName: "t")
        #expect(logs.columnNames.count == 15)
        #expect(logs.optionalColumnNames == ["EventName"])
    }
}
