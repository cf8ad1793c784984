import ClickHouseNative
package import Component

/// Keys of the `clickhouse` exporter.
package struct ClickHouseExporterConfig: ComponentConfig {
    let endpoint: ClickHouseEndpoint
    let username: String
    let password: String
    let database: String
    let compression: BlockCompression
    let ttl: Duration
    let createSchema: Bool
    let clusterName: String
    let tableEngine: String
    let tableEngineParameters: String
    let asyncInsert: Bool?
    /// Rows that a batch grows to while a backlog is being worked off.
    let backlogRowsMax: Int
    private let tableNames: [ClickHouseTable: String]

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
        username = try map.take("username", default: endpoint.username ?? "default")
        password = try map.take("password", default: OpaqueString(endpoint.password ?? "")).secret
        let database: String = try map.take("database", default: "default")
        self.database = database != "default" ? database : endpoint.database ?? database
        ttl = try map.take("ttl", default: .zero)
        guard ttl >= .zero else { throw map.error("'ttl' must be non-negative") }
        createSchema = try map.take("create_schema", default: true)
        clusterName = try map.take("cluster_name", default: "")
        let engine: TableEngine? = try map.takeIfPresent("table_engine")
        tableEngine = engine?.name ?? ""
        tableEngineParameters = tableEngine.isEmpty ? "" : engine?.parameters ?? ""
        compression = try Self.compression(&map, endpoint: endpoint)
        asyncInsert = try Self.asyncInsert(&map, endpoint: endpoint)
        backlogRowsMax = try map.take("backlog_rows_max", default: 65_536)
        guard backlogRowsMax > 0 else { throw map.error("'backlog_rows_max' must be positive") }
        tableNames = try Self.tableNames(&map)
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
            throw map.error("compress: \(name) is of no use with blocks; choose lz4, zstd or none")
        default: throw map.error("unknown compress \"\(name)\" (valid values: none, lz4, zstd)")
        }
    }

    /// Nil unless written: inserts are synchronous by default, because asynchronous ones defeat deduplication.
    private static func asyncInsert(_ map: inout ConfigMap, endpoint: ClickHouseEndpoint) throws(ConfigError) -> Bool? {
        if let written: Bool = try map.takeIfPresent("async_insert") { return written }
        return endpoint.settings.first { $0.name == "async_insert" }.map { $0.value != "0" }
    }

    private static func tableNames(_ map: inout ConfigMap) throws(ConfigError) -> [ClickHouseTable: String] {
        var names: [ClickHouseTable: String] = [
            .traces: try map.take("traces_table_name", default: "otel_traces"),
            .logs: try map.take("logs_table_name", default: "otel_logs"),
        ]
        // The old key is a prefix; the newer block names each table.
        let prefix: String = try map.take("metrics_table_name", default: "otel_metrics")
        let metrics: MetricsTables? = try map.takeIfPresent("metrics_tables")
        for table in [ClickHouseTable.gauge, .sum, .histogram, .exponentialHistogram, .summary] {
            names[table] = metrics?.names[table] ?? "\(prefix)_\(table.rawValue)"
        }
        for (table, name) in names where name.isEmpty { throw map.error("the name of the \(table.rawValue) table is empty") }
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
        for table in [ClickHouseTable.gauge, .sum, .histogram, .exponentialHistogram, .summary] {
            let named: TableName? = try map.takeIfPresent(table.rawValue)
            if let name = named?.name { names[table] = name }
        }
    }

    struct TableName: ConfigBlock {
        var name: String?

        init(from map: inout ConfigMap) throws(ConfigError) { name = try map.takeIfPresent("name") }
    }
}
