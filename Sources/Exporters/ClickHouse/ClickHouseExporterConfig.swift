import ClickHouseNative
package import Component
import HTTPClient

/// Keys of the `clickhouse` exporter.
package struct ClickHouseExporterConfig: ComponentConfig {
    let endpoint: ClickHouseEndpoint
    let username: String
    let password: OpaqueString
    let database: String
    let compression: BlockCompression
    let ttl: Duration
    let createSchema: Bool
    let tableLayout: TableLayout
    let clusterName: String
    let tableEngine: String
    let tableEngineParameters: String
    /// Asked for by the user; else inserts are synchronous, because asynchronous ones defeat deduplication.
    let asyncInsert: Bool
    /// Rows of an insert while much waits; 0: batches as the pipeline cuts them.
    let backlogBatchSize: Int
    /// Nil: the endpoint is a plain one.
    let tls: HTTPClientTLS?
    private let tableNames: [ClickHouseTable: String]

    /// The version of otelcol-contrib whose tables are made.
    enum TableLayout: String, Sendable {
        case v0_116 = "v0.116"
        case v0_162 = "v0.162"
    }

    func tableName(_ table: ClickHouseTable) -> String { tableNames[table] ?? table.rawValue }

    package init(from map: inout ConfigMap) throws(ConfigError) {
        let endpointText: String = try map.take("endpoint", default: "")
        guard !endpointText.isEmpty else { throw map.error("endpoint must be specified") }
        let parameters: ConfigDictionary<String> = try map.take("connection_params", default: ConfigDictionary())
        do {
            endpoint = try ClickHouseEndpoint(endpointText, parameters: parameters.pairs)
        } catch {
            throw map.error("\(error)")
        }
        tls = try Self.tls(&map, endpoint: endpoint)
        (username, password) = try Self.credentials(&map, endpoint: endpoint)
        let database: String = try map.take("database", default: "default")
        self.database = database != "default" && !database.isEmpty ? database : endpoint.database ?? "default"
        ttl = try map.take("ttl", default: .zero)
        guard ttl >= .zero else { throw map.error("'ttl' must be non-negative") }
        createSchema = try map.take("create_schema", default: true)
        let layout: String = try map.take("table_layout", default: TableLayout.v0_116.rawValue)
        guard let tableLayout = TableLayout(rawValue: layout) else {
            throw map.error("unknown table_layout \"\(layout)\" (valid values: v0.116, v0.162)")
        }
        self.tableLayout = tableLayout
        clusterName = try map.take("cluster_name", default: "")
        let engine: TableEngine? = try map.takeIfPresent("table_engine")
        tableEngine = engine?.name ?? ""
        tableEngineParameters = tableEngine.isEmpty ? "" : engine?.parameters ?? ""
        compression = try Self.compression(&map, endpoint: endpoint)
        let asyncInsert: Bool = try map.take("async_insert", default: false)
        // As with the driver, what the endpoint says goes before the key.
        self.asyncInsert = endpoint.settings.first { $0.name == "async_insert" }.map { $0.value != "0" } ?? asyncInsert
        backlogBatchSize = try map.take("backlog_batch_size", default: 65_536)
        guard backlogBatchSize >= 0 else { throw map.error("'backlog_batch_size' must be non-negative") }
        tableNames = try Self.tableNames(&map)
    }

    /// Whether TLS is spoken is the endpoint's to say; the block says with whom.
    private static func tls(
        _ map: inout ConfigMap, endpoint: ClickHouseEndpoint
    ) throws(ConfigError) -> HTTPClientTLS? {
        let block: TLSClientConfig? = try map.takeIfPresent("tls")
        guard endpoint.isSecure else {
            if let block, !block.isInsecure {
                throw map.error(
                    "the endpoint is one without TLS, for which \"tls\" has no effect: "
                        + "add secure=true to a tcp:// endpoint, or write https://")
            }
            return nil
        }
        var tls = block?.tls ?? HTTPClientTLS()
        if endpoint.skipsVerification { tls.skipsVerification = true }
        return tls
    }

    /// A written user name takes its password from the keys, too.
    private static func credentials(
        _ map: inout ConfigMap, endpoint: ClickHouseEndpoint
    ) throws(ConfigError) -> (String, OpaqueString) {
        let username: String = try map.take("username", default: "")
        let password: OpaqueString = try map.take("password", default: OpaqueString(""))
        let isOwn = !username.isEmpty || !password.secret.isEmpty
        let inherited = endpoint.username.flatMap { $0.isEmpty ? nil : $0 } ?? "default"
        return (
            username.isEmpty ? inherited : username, isOwn ? password : OpaqueString(endpoint.password ?? "")
        )
    }

    /// The endpoint's `compress` goes before the key; `true` means LZ4.
    private static func compression(
        _ map: inout ConfigMap, endpoint: ClickHouseEndpoint
    ) throws(ConfigError) -> BlockCompression {
        let key: String = try map.take("compress", default: "lz4")
        let name = endpoint.compress ?? key
        switch name {
        case "lz4", "true", "": return .lz4
        case "zstd": return .zstd(level: endpoint.compressLevel)
        case "none", "false": return .none
        case "gzip", "deflate", "br":
            throw map.error("compress: \(name) is not supported by this version; choose lz4, zstd or none")
        default: throw map.error("unknown compress \"\(name)\" (valid values: none, lz4, zstd)")
        }
    }

    /// The old key is a prefix, which counts only when the newer block names no table at all.
    private static func tableNames(_ map: inout ConfigMap) throws(ConfigError) -> [ClickHouseTable: String] {
        var names: [ClickHouseTable: String] = [
            .traces: try map.take("traces_table_name", default: "otel_traces"),
            .logs: try map.take("logs_table_name", default: "otel_logs"),
        ]
        let written: String = try map.take("metrics_table_name", default: "")
        let metrics: MetricsTables? = try map.takeIfPresent("metrics_tables")
        let own = metrics?.names ?? [:]
        let prefix = written.isEmpty || !own.isEmpty ? "otel_metrics" : written
        for table in ClickHouseTable.metrics { names[table] = own[table] ?? "\(prefix)_\(table.rawValue)" }
        for table in ClickHouseTable.allCases where names[table]?.isEmpty ?? true {
            throw map.error("the name of the \(table.rawValue) table is empty")
        }
        return names
    }
}

private struct TableEngine: ConfigBlock {
    var name: String
    var parameters: String

    init(from map: inout ConfigMap) throws(ConfigError) {
        name = try map.take("name", default: "")
        parameters = try map.take("params", default: "")
    }
}

private struct MetricsTables: ConfigBlock {
    var names: [ClickHouseTable: String] = [:]

    init(from map: inout ConfigMap) throws(ConfigError) {
        for table in ClickHouseTable.metrics {
            let named: TableName? = try map.takeIfPresent(table.rawValue)
            if let name = named?.name, !name.isEmpty { names[table] = name }
        }
    }

    struct TableName: ConfigBlock {
        var name: String?

        init(from map: inout ConfigMap) throws(ConfigError) { name = try map.takeIfPresent("name") }
    }
}
