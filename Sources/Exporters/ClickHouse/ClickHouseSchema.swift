import OTLP

/// The statements that create the exporter's tables: column for column those of otelcol-contrib, of version 0.116 or of
/// a later one, and one setting more, the deduplication window that keeps a repeated insert from storing its rows twice.
struct ClickHouseSchema: Sendable {
    let config: ClickHouseExporterConfig

    /// Inserts a table remembers, to recognise a repeated one.
    static let deduplicationWindow = 10_000

    /// Nil for the database that always exists.
    var createDatabase: String? {
        config.database == "default"
            ? nil : "CREATE DATABASE IF NOT EXISTS \(Self.quoted(config.database))\(onCluster)"
    }

    /// In the order in which they must run.
    ///
    /// - Parameter hasTextIndexes: whether the server knows them; only the later layout makes use of them.
    func createTables(for table: ClickHouseTable, hasTextIndexes: Bool = false) -> [String] {
        switch (table, config.tableLayout) {
        case (.traces, .v0_116): [traces, traceIDs, traceIDsView]
        case (.traces, .v0_162): [newTraces(hasTextIndexes: hasTextIndexes), newTraceIDs, traceIDsView]
        case (.logs, .v0_116): [logs]
        case (.logs, .v0_162): [newLogs(hasTextIndexes: hasTextIndexes)]
        case (_, .v0_116): [metrics(table)]
        case (_, .v0_162): [newMetrics(table)]
        }
    }

    /// The names of the tables that inserts into `table` write, the target of its view included.
    func writtenTables(of table: ClickHouseTable) -> [String] {
        let name = config.tableName(table)
        return table == .traces ? [name, "\(name)_trace_id_ts"] : [name]
    }

    func qualified(_ table: String) -> String { "\(Self.quoted(config.database)).\(Self.quoted(table))" }

    static func quoted(_ identifier: String) -> String {
        "`" + identifier.replacing("\\", with: "\\\\").replacing("`", with: "\\`") + "`"
    }

    /// As a text in a statement.
    static func literal(_ text: String) -> String {
        "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
    }

    /// Only the unreplicated MergeTree family takes the setting; replicated tables have a window by default.
    static func needsDeduplicationSetting(_ engine: String) -> Bool {
        engine.hasSuffix("MergeTree") && !engine.hasPrefix("Replicated") && !engine.hasPrefix("Shared")
    }

    /// Gives an existing table the window that a new one is created with.
    func addDeduplicationWindow(to table: String) -> String {
        "ALTER TABLE \(qualified(table))\(onCluster) "
            + "MODIFY SETTING non_replicated_deduplication_window = \(Self.deduplicationWindow)"
    }

    // MARK: Clauses

    var onCluster: String {
        config.clusterName.isEmpty ? "" : " ON CLUSTER \(Self.quoted(config.clusterName))"
    }

    var engine: String {
        config.tableEngine.isEmpty ? "MergeTree()" : "\(config.tableEngine)(\(config.tableEngineParameters))"
    }

    private var deduplicationSetting: String {
        Self.needsDeduplicationSetting(config.tableEngine.isEmpty ? "MergeTree" : config.tableEngine)
            ? ", non_replicated_deduplication_window = \(Self.deduplicationWindow)" : ""
    }

    var settings: String { "SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1\(deduplicationSetting)" }

    func ttl(_ expression: String) -> String {
        let seconds = config.ttl.components.seconds
        guard seconds > 0 else { return "" }
        let interval =
            seconds % 86400 == 0
            ? "toIntervalDay(\(seconds / 86400))"
            : seconds % 3600 == 0
                ? "toIntervalHour(\(seconds / 3600))"
                : seconds % 60 == 0 ? "toIntervalMinute(\(seconds / 60))" : "toIntervalSecond(\(seconds))"
        return "TTL \(expression) + \(interval)\n"
    }

    func mapIndexes(_ prefix: String, _ column: String) -> String {
        """
            INDEX idx_\(prefix)_key mapKeys(\(column)) TYPE bloom_filter(0.01) GRANULARITY 1,
            INDEX idx_\(prefix)_value mapValues(\(column)) TYPE bloom_filter(0.01) GRANULARITY 1
        """
    }

    // MARK: Traces

    private var traces: String {
        """
        CREATE TABLE IF NOT EXISTS \(qualified(config.tableName(.traces)))\(onCluster) (
            Timestamp DateTime64(9) CODEC(Delta, ZSTD(1)),
            TraceId String CODEC(ZSTD(1)),
            SpanId String CODEC(ZSTD(1)),
            ParentSpanId String CODEC(ZSTD(1)),
            TraceState String CODEC(ZSTD(1)),
            SpanName LowCardinality(String) CODEC(ZSTD(1)),
            SpanKind LowCardinality(String) CODEC(ZSTD(1)),
            ServiceName LowCardinality(String) CODEC(ZSTD(1)),
            ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
            ScopeName String CODEC(ZSTD(1)),
            ScopeVersion String CODEC(ZSTD(1)),
            SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
            Duration UInt64 CODEC(ZSTD(1)),
            StatusCode LowCardinality(String) CODEC(ZSTD(1)),
            StatusMessage String CODEC(ZSTD(1)),
            Events Nested (
                Timestamp DateTime64(9),
                Name LowCardinality(String),
                Attributes Map(LowCardinality(String), String)
            ) CODEC(ZSTD(1)),
            Links Nested (
                TraceId String,
                SpanId String,
                TraceState String,
                Attributes Map(LowCardinality(String), String)
            ) CODEC(ZSTD(1)),
            INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
        \(mapIndexes("res_attr", "ResourceAttributes")),
        \(mapIndexes("span_attr", "SpanAttributes")),
            INDEX idx_duration Duration TYPE minmax GRANULARITY 1
        ) ENGINE = \(engine)
        PARTITION BY toDate(Timestamp)
        ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))
        \(ttl("toDate(Timestamp)"))\(settings)
        """
    }

    private var traceIDs: String {
        """
        CREATE TABLE IF NOT EXISTS \(qualified(config.tableName(.traces) + "_trace_id_ts"))\(onCluster) (
            TraceId String CODEC(ZSTD(1)),
            Start DateTime CODEC(Delta, ZSTD(1)),
            End DateTime CODEC(Delta, ZSTD(1)),
            INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1
        ) ENGINE = \(engine)
        PARTITION BY toDate(Start)
        ORDER BY (TraceId, Start)
        \(ttl("toDate(Start)"))\(settings)
        """
    }

    private var traceIDsView: String {
        let table = config.tableName(.traces)
        return """
            CREATE MATERIALIZED VIEW IF NOT EXISTS \(qualified(table + "_trace_id_ts_mv"))\(onCluster)
            TO \(qualified(table + "_trace_id_ts"))
            AS SELECT TraceId, min(Timestamp) AS Start, max(Timestamp) AS End
            FROM \(qualified(table))
            WHERE TraceId != ''
            GROUP BY TraceId
            """
    }

    // MARK: Logs

    private var logs: String {
        """
        CREATE TABLE IF NOT EXISTS \(qualified(config.tableName(.logs)))\(onCluster) (
            Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
            TimestampTime DateTime DEFAULT toDateTime(Timestamp),
            TraceId String CODEC(ZSTD(1)),
            SpanId String CODEC(ZSTD(1)),
            TraceFlags UInt8,
            SeverityText LowCardinality(String) CODEC(ZSTD(1)),
            SeverityNumber UInt8,
            ServiceName LowCardinality(String) CODEC(ZSTD(1)),
            Body String CODEC(ZSTD(1)),
            ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
            ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
            ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)),
            ScopeName String CODEC(ZSTD(1)),
            ScopeVersion LowCardinality(String) CODEC(ZSTD(1)),
            ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
            LogAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
            INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
        \(mapIndexes("res_attr", "ResourceAttributes")),
        \(mapIndexes("scope_attr", "ScopeAttributes")),
        \(mapIndexes("log_attr", "LogAttributes")),
            INDEX idx_body Body TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 8
        ) ENGINE = \(engine)
        PARTITION BY toDate(TimestampTime)
        PRIMARY KEY (ServiceName, TimestampTime)
        ORDER BY (ServiceName, TimestampTime, Timestamp)
        \(ttl("TimestampTime"))\(settings)
        """
    }

    // MARK: Metrics

    private func metrics(_ table: ClickHouseTable) -> String {
        """
        CREATE TABLE IF NOT EXISTS \(qualified(config.tableName(table)))\(onCluster) (
            ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
            ResourceSchemaUrl String CODEC(ZSTD(1)),
            ScopeName String CODEC(ZSTD(1)),
            ScopeVersion String CODEC(ZSTD(1)),
            ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
            ScopeDroppedAttrCount UInt32 CODEC(ZSTD(1)),
            ScopeSchemaUrl String CODEC(ZSTD(1)),
            ServiceName LowCardinality(String) CODEC(ZSTD(1)),
            MetricName String CODEC(ZSTD(1)),
            MetricDescription String CODEC(ZSTD(1)),
            MetricUnit String CODEC(ZSTD(1)),
            Attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
            StartTimeUnix DateTime64(9) CODEC(Delta, ZSTD(1)),
            TimeUnix DateTime64(9) CODEC(Delta, ZSTD(1)),
        \(pointColumns(table)),
        \(mapIndexes("res_attr", "ResourceAttributes")),
        \(mapIndexes("scope_attr", "ScopeAttributes")),
        \(mapIndexes("attr", "Attributes"))
        ) ENGINE = \(engine)
        \(ttl("toDateTime(TimeUnix)"))PARTITION BY toDate(TimeUnix)
        ORDER BY (ServiceName, MetricName, Attributes, toUnixTimestamp64Nano(TimeUnix))
        \(settings)
        """
    }

    /// The columns of a metrics table that its kind of points brings.
    func pointColumns(_ table: ClickHouseTable) -> String {
        switch table {
        case .gauge: [Self.value, Self.flags, Self.exemplars].joined(separator: ",\n")
        case .sum:
            [
                Self.value, Self.flags, Self.exemplars, Self.temporality,
                "    IsMonotonic Boolean CODEC(Delta, ZSTD(1))",
            ].joined(separator: ",\n")
        case .histogram:
            [
                Self.countAndSum, "    BucketCounts Array(UInt64) CODEC(ZSTD(1))",
                "    ExplicitBounds Array(Float64) CODEC(ZSTD(1))", Self.exemplars, Self.flags, Self.minAndMax,
                Self.temporality,
            ].joined(separator: ",\n")
        case .exponentialHistogram:
            [
                Self.countAndSum, "    Scale Int32 CODEC(ZSTD(1))", "    ZeroCount UInt64 CODEC(ZSTD(1))",
                "    PositiveOffset Int32 CODEC(ZSTD(1))", "    PositiveBucketCounts Array(UInt64) CODEC(ZSTD(1))",
                "    NegativeOffset Int32 CODEC(ZSTD(1))", "    NegativeBucketCounts Array(UInt64) CODEC(ZSTD(1))",
                Self.exemplars, Self.flags, Self.minAndMax, Self.temporality,
            ].joined(separator: ",\n")
        case .summary:
            [
                Self.countAndSum,
                "    ValueAtQuantiles Nested (Quantile Float64, Value Float64) CODEC(ZSTD(1))", Self.flags,
            ].joined(separator: ",\n")
        case .traces, .logs: preconditionFailure("no metrics table")
        }
    }

    private static let value = "    Value Float64 CODEC(ZSTD(1))"
    private static let flags = "    Flags UInt32 CODEC(ZSTD(1))"
    private static let temporality = "    AggregationTemporality Int32 CODEC(ZSTD(1))"
    private static let countAndSum = "    Count UInt64 CODEC(Delta, ZSTD(1)),\n    Sum Float64 CODEC(ZSTD(1))"
    private static let minAndMax = "    Min Float64 CODEC(ZSTD(1)),\n    Max Float64 CODEC(ZSTD(1))"
    private static let exemplars = """
            Exemplars Nested (
                FilteredAttributes Map(LowCardinality(String), String),
                TimeUnix DateTime64(9),
                Value Float64,
                SpanId String,
                TraceId String
            ) CODEC(ZSTD(1))
        """
}

/// The exporter's tables.
package enum ClickHouseTable: String, Sendable, Hashable, CaseIterable {
    case traces
    case logs
    case gauge
    case sum
    case histogram
    case exponentialHistogram = "exponential_histogram"
    case summary

    static let metrics: [ClickHouseTable] = [.gauge, .sum, .histogram, .exponentialHistogram, .summary]

    /// The tables that a signal's items go to.
    static func tables(of signal: Signal) -> [ClickHouseTable] {
        switch signal {
        case .traces: [.traces]
        case .logs: [.logs]
        case .metrics: metrics
        }
    }
}
