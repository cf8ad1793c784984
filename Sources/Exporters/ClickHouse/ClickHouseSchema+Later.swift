/// The tables of otelcol-contrib 0.162.
extension ClickHouseSchema {
    /// Servers from this version on have text indexes, which that layout uses in place of bloom filters.
    static let textIndexVersion = (major: 26, minor: 2)

    // MARK: Traces

    func newTraces(hasTextIndexes: Bool) -> String {
        """
        CREATE TABLE IF NOT EXISTS \(qualified(config.tableName(.traces)))\(onCluster) (
            Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
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
            Duration UInt64 CODEC(T64, ZSTD(1)),
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
        \(items("ResourceAttribute")),
        \(items("SpanAttribute")),
        \(hasTextIndexes ? traceTextIndexes : traceBloomFilters),
            INDEX idx_duration Duration TYPE minmax GRANULARITY 1,
            INDEX idx_lower_span_name lower(SpanName) TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 8
        ) ENGINE = \(engine)
        PARTITION BY toDate(Timestamp)
        PRIMARY KEY (ServiceName, SpanName, toDateTime(Timestamp))
        ORDER BY (ServiceName, SpanName, toDateTime(Timestamp), Timestamp)
        \(ttl("toDateTime(Timestamp)"))\(settings)
        """
    }

    private func items(_ prefix: String) -> String {
        """
            \(prefix)Items Array(String) ALIAS arrayMap(
                kv -> concat(kv.1, '=', kv.2), CAST(\(prefix)s, 'Array(Tuple(String, String))'))
        """
    }

    private var traceBloomFilters: String {
        """
            INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
        \(mapIndexes("res_attr", "ResourceAttributes")),
        \(mapIndexes("span_attr", "SpanAttributes"))
        """
    }

    private var traceTextIndexes: String {
        """
            INDEX idx_trace_id TraceId TYPE text(tokenizer = 'array'),
            INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE text(tokenizer = 'array'),
            INDEX idx_res_attr_items ResourceAttributeItems TYPE text(tokenizer = 'array'),
            INDEX idx_span_attr_key mapKeys(SpanAttributes) TYPE text(tokenizer = 'array'),
            INDEX idx_span_attr_items SpanAttributeItems TYPE text(tokenizer = 'array')
        """
    }

    var newTraceIDs: String {
        """
        CREATE TABLE IF NOT EXISTS \(qualified(config.tableName(.traces) + "_trace_id_ts"))\(onCluster) (
            TraceId String CODEC(ZSTD(1)),
            Start SimpleAggregateFunction(min, DateTime) CODEC(ZSTD(1)),
            End SimpleAggregateFunction(max, DateTime) CODEC(ZSTD(1))
        ) ENGINE = \(aggregatingEngine)
        PARTITION BY toStartOfWeek(Start)
        ORDER BY (TraceId)
        \(ttl("toDateTime(Start)"))\(settings)
        """
    }

    /// The engine that adds rows of one trace up, of the same family as the configured one.
    private var aggregatingEngine: String {
        let parameters = "(\(config.tableEngineParameters))"
        switch config.tableEngine {
        case "", "MergeTree": return "AggregatingMergeTree\(parameters)"
        case "ReplicatedMergeTree": return "ReplicatedAggregatingMergeTree\(parameters)"
        default: return engine
        }
    }

    // MARK: Logs

    func newLogs(hasTextIndexes: Bool) -> String {
        """
        CREATE TABLE IF NOT EXISTS \(qualified(config.tableName(.logs)))\(onCluster) (
            Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
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
            EventName String CODEC(ZSTD(1)),
        \(Self.materializedKeys.map(materialized).joined(separator: ",\n")),
        \(hasTextIndexes ? logTextIndexes : logBloomFilters)
        ) ENGINE = \(engine)
        PARTITION BY toDate(Timestamp)
        ORDER BY (toStartOfFiveMinutes(Timestamp), ServiceName, Timestamp)
        \(ttl("toDateTime(Timestamp)"))\(settings)
        """
    }

    /// Resource attributes that the server copies to columns of their own.
    private static let materializedKeys = [
        "k8s.cluster.name", "k8s.container.name", "k8s.deployment.name", "k8s.namespace.name", "k8s.node.name",
        "k8s.pod.name", "k8s.pod.uid", "deployment.environment.name",
    ]

    private func materialized(_ key: String) -> String {
        "    \(Self.quoted("__otel_materialized_\(key)")) LowCardinality(String) "
            + "MATERIALIZED ResourceAttributes[\(Self.literal(key))] CODEC(ZSTD(1))"
    }

    private var logBloomFilters: String {
        """
            INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
        \(mapIndexes("res_attr", "ResourceAttributes")),
        \(mapIndexes("scope_attr", "ScopeAttributes")),
        \(mapIndexes("log_attr", "LogAttributes")),
            INDEX idx_lower_body lower(Body) TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 8
        """
    }

    private var logTextIndexes: String {
        let maps = [
            ("res_attr", "ResourceAttributes"), ("scope_attr", "ScopeAttributes"), ("log_attr", "LogAttributes"),
        ]
        let indexes = maps.map { prefix, column in
            """
                INDEX idx_\(prefix)_key mapKeys(\(column)) TYPE text(tokenizer = 'array'),
                INDEX idx_\(prefix)_value mapValues(\(column)) TYPE text(tokenizer = 'array')
            """
        }
        return """
                INDEX idx_trace_id TraceId TYPE text(tokenizer = 'array'),
            \(indexes.joined(separator: ",\n")),
                INDEX idx_lower_body lower(Body) TYPE text(tokenizer = 'splitByNonAlpha')
            """
    }

    // MARK: Metrics

    func newMetrics(_ table: ClickHouseTable) -> String {
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
            MetricName LowCardinality(String) CODEC(ZSTD(1)),
            MetricDescription String CODEC(ZSTD(1)),
            MetricUnit String CODEC(ZSTD(1)),
            Attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
            StartTimeUnix DateTime CODEC(Delta, ZSTD(1)),
            TimeUnix DateTime CODEC(Delta, ZSTD(1)),
        \(pointColumns(table).replacing("TimeUnix DateTime64(9)", with: "TimeUnix DateTime")),
        \(mapIndexes("res_attr", "ResourceAttributes")),
        \(mapIndexes("scope_attr", "ScopeAttributes")),
        \(mapIndexes("attr", "Attributes")),
            INDEX idx_time_minmax TimeUnix TYPE minmax GRANULARITY 1
        ) ENGINE = \(engine)
        \(ttl("toDateTime(TimeUnix)"))PARTITION BY toDate(TimeUnix)
        ORDER BY (ServiceName, MetricName, toStartOfHour(TimeUnix), cityHash64(Attributes), TimeUnix)
        \(settings)
        """
    }
}
