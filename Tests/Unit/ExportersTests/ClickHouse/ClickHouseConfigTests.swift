import ClickHouseNative
import Component
import HTTPClient
import Testing

@testable import Exporters

/// The keys have otelcol's names, defaults and precedence; errors name what is wrong.
struct ClickHouseConfigTests {
    private func config(_ pairs: KeyValuePairs<String, ConfigValue>) throws -> ClickHouseExporterConfig {
        try configure(ClickHouseExporterConfig.self, pairs)
    }

    @Test("defaults")
    func defaults() throws {
        let config = try config(["endpoint": "tcp://a:9000"])
        #expect(config.username == "default")
        #expect(config.password.secret == "")
        #expect(config.database == "default")
        #expect(config.compression == .lz4)
        #expect(config.ttl == .zero)
        #expect(config.createSchema)
        #expect(!config.asyncInsert)
        #expect(config.backlogBatchSize == 65_536)
        #expect(
            ClickHouseTable.allCases.map(config.tableName) == [
                "otel_traces", "otel_logs", "otel_metrics_gauge", "otel_metrics_sum", "otel_metrics_histogram",
                "otel_metrics_exponential_histogram", "otel_metrics_summary",
            ])
        #expect(ExporterFactory.clickhouse.defaultTimeout == .seconds(5))
    }

    @Test("keys go before the endpoint, except where otelcol has it the other way round")
    func precedence() throws {
        let endpoint: ConfigValue = "tcp://u:p@a/db?compress=none&async_insert=true"
        let own = try config(["endpoint": endpoint])
        #expect(own.username == "u" && own.password.secret == "p" && own.database == "db" && own.asyncInsert)
        let keys = try config([
            "endpoint": endpoint, "username": "v", "password": "q", "database": "other", "compress": "zstd",
            "async_insert": false,
        ])
        #expect(keys.username == "v" && keys.password.secret == "q" && keys.database == "other")
        #expect(keys.compression == .none)
        #expect(keys.asyncInsert)
        #expect(try config(["endpoint": endpoint, "database": "default"]).database == "db")
    }

    @Test("metrics tables: the block of names goes before the old prefix")
    func metricsTables() throws {
        let prefixed = try config(["endpoint": "tcp://a", "metrics_table_name": "m"])
        #expect(prefixed.tableName(.sum) == "m_sum")
        let named = try config([
            "endpoint": "tcp://a", "metrics_table_name": "m",
            "metrics_tables": block(["gauge": block(["name": "g"])]),
        ])
        #expect(named.tableName(.gauge) == "g")
        #expect(named.tableName(.sum) == "otel_metrics_sum")
    }

    @Test("the endpoint says whether TLS is spoken, the block with whom")
    func tls() throws {
        #expect(try config(["endpoint": "tcp://a", "tls": block(["insecure": true])]).tls == nil)
        #expect(try config(["endpoint": "tcp://a?skip_verify=true"]).tls == nil)
        for endpoint: ConfigValue in ["tcp://a?secure=true", "https://a"] {
            let plain = try #require(try config(["endpoint": endpoint]).tls)
            #expect(!plain.skipsVerification && plain.certificateAuthorities == nil)
            let own = try config([
                "endpoint": endpoint, "tls": block(["ca_file": "/ca", "server_name_override": "b"]),
            ])
            #expect(own.tls?.certificateAuthorities == .file("/ca"))
            #expect(own.tls?.serverName == "b")
        }
        #expect(try config(["endpoint": "tcp://a?secure=true&skip_verify=true"]).tls?.skipsVerification == true)
    }

    @Test("errors")
    func errors() {
        let cases: [(KeyValuePairs<String, ConfigValue>, String)] = [
            (["database": "x"], "endpoint must be specified"), (["endpoint": "a:9000"], "endpoint must be url format"),
            (
                ["endpoint": "tcp://a", "tls": block(["ca_file": "/x"])],
                "the endpoint is one without TLS, for which \"tls\" has no effect"
            ),
            (
                ["endpoint": "tcp://a?secure=1", "tls": block(["cert_file": "/x"])],
                "provide both certificate and key, or neither"
            ),
            (["endpoint": "tcp://a", "ttl": "-1h"], "'ttl' must be non-negative"),
            (["endpoint": "tcp://a", "backlog_batch_size": -1], "'backlog_batch_size' must be non-negative"),
            (["endpoint": "tcp://a", "compress": "gzip"], "compress: gzip is not supported"),
            (["endpoint": "tcp://a", "compress": "lzma"], "unknown compress \"lzma\""),
            (["endpoint": "tcp://a", "logs_table_name": ""], "the name of the logs table is empty"),
            (["endpoint": "tcp://a", "ttl_days": 3], "invalid keys: ttl_days"),
        ]
        for (pairs, message) in cases {
            #expect(configMessage(ClickHouseExporterConfig.self, pairs).contains(message), "\(pairs)")
        }
    }

    @Test("inserts are synchronous unless the user insists, and then they wait")
    func insertSettings() throws {
        func values(_ endpoint: ConfigValue) throws -> ([String: String], [String]) {
            let settings = ClickHouseInsertSettings(try config(["endpoint": endpoint]))
            let pairs = settings.settings(token: "t").map { ($0.name, $0.value) }
            #expect(Set(pairs.map(\.0)).count == pairs.count)
            return (Dictionary(uniqueKeysWithValues: pairs), settings.warnings)
        }
        let (plain, none) = try values("tcp://a?max_insert_threads=2&insert_deduplication_token=x")
        #expect(
            plain == [
                "async_insert": "0", "max_insert_threads": "2", "insert_deduplication_token": "t",
                "deduplicate_blocks_in_dependent_materialized_views": "1",
            ])
        #expect(none.isEmpty)
        let (asynchronous, warnings) = try values("tcp://a?async_insert=1&wait_for_async_insert=0")
        #expect(asynchronous["async_insert"] == "1")
        #expect(asynchronous["wait_for_async_insert"] == "1")
        #expect(warnings.count == 2)
    }

    @Test("TTL in the largest unit; clauses that a cluster and an engine add")
    func schema() throws {
        for (ttl, clause) in [
            ("720h", "TTL toDate(Timestamp) + toIntervalDay(30)"), ("25h", "+ toIntervalHour(25)"),
            ("90m", "+ toIntervalMinute(90)"), ("61s", "+ toIntervalSecond(61)"),
        ] {
            let schema = ClickHouseSchema(config: try config(["endpoint": "tcp://a", "ttl": .string(ttl)]))
            #expect(schema.createTables(for: .traces)[0].contains(clause))
        }
        let plain = ClickHouseSchema(config: try config(["endpoint": "tcp://a"]))
        #expect(plain.createDatabase == nil)
        #expect(!plain.createTables(for: .logs)[0].contains("TTL"))
        let clustered = ClickHouseSchema(
            config: try config([
                "endpoint": "tcp://a", "database": "it's`", "cluster_name": "c",
                "table_engine": block(["name": "ReplicatedMergeTree", "params": "'/x', '{replica}'"]),
            ]))
        #expect(clustered.createDatabase == "CREATE DATABASE IF NOT EXISTS `it's\\`` ON CLUSTER `c`")
        let statements = clustered.createTables(for: .traces)
        #expect(statements.count == 3)
        for statement in statements { #expect(statement.contains(" ON CLUSTER `c`")) }
        #expect(statements[0].contains("ENGINE = ReplicatedMergeTree('/x', '{replica}')"))
        #expect(!statements[0].contains("non_replicated_deduplication_window"))
        #expect(ClickHouseSchema.literal("it's\\") == "'it\\'s\\\\'")
    }

    @Test("which tables lack a deduplication window")
    func windows() {
        #expect(TableSetup.lacksWindow(engine: "MergeTree", detail: "MergeTree ORDER BY x SETTINGS a = 1"))
        #expect(
            TableSetup.lacksWindow(engine: "MergeTree", detail: "SETTINGS non_replicated_deduplication_window = 0"))
        #expect(
            !TableSetup.lacksWindow(engine: "MergeTree", detail: "SETTINGS non_replicated_deduplication_window = 5"))
        for engine in ["ReplicatedMergeTree", "SharedMergeTree", "Null", "Distributed"] {
            #expect(!TableSetup.lacksWindow(engine: engine, detail: engine))
        }
    }
}
