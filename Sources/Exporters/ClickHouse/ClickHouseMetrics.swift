import Component

/// The exporter's own series, shared by all its signals.
struct ClickHouseMetrics: Sendable {
    let exporter: ComponentID
    let registry: MetricRegistry

    /// Rows that ClickHouse has confirmed.
    func inserted(_ rowCount: Int, table: String) {
        registry.counter(
            "otelcol_swift_clickhouse_inserted_rows", help: "Rows that ClickHouse has confirmed.",
            labels: ["exporter": "\(exporter)", "table": table]
        ).add(rowCount)
    }

    /// - Parameters:
    ///   - code: the server's error code, `connection`, `protocol` or `encoding`.
    ///   - table: empty when no connection could be had.
    func failed(code: String, table: String = "") {
        registry.counter(
            "otelcol_swift_clickhouse_insert_errors", help: "Inserts that failed, by ClickHouse's error code.",
            labels: ["exporter": "\(exporter)", "table": table, "code": code]
        ).add()
    }
}
