import ClickHouseNative

/// The settings that every INSERT carries: the endpoint's, and what makes a repeated insert harmless.
struct ClickHouseInsertSettings: Sendable {
    private let settings: [QuerySetting]
    /// For the log, once.
    let warnings: [String]

    init(_ config: ClickHouseExporterConfig) {
        var settings = config.endpoint.settings
        var warnings: [String] = []
        let waits = settings.first { $0.name == "wait_for_async_insert" }?.value
        settings.removeAll { ["async_insert", "wait_for_async_insert"].contains($0.name) }
        settings.append(QuerySetting(name: "async_insert", value: config.asyncInsert ? "1" : "0"))
        if config.asyncInsert {
            settings.append(QuerySetting(name: "wait_for_async_insert", value: "1"))
            warnings.append(
                "async_insert was asked for: inserts wait until the data are stored, but a repeated insert may store "
                    + "its rows twice")
            if let waits, waits != "1" {
                warnings.append("wait_for_async_insert is always 1: else rows could be lost that count as stored")
            }
        }
        // So that the view's target, too, takes a repeated insert's rows once.
        let views = "deduplicate_blocks_in_dependent_materialized_views"
        if !settings.contains(where: { $0.name == views }) { settings.append(QuerySetting(name: views, value: "1")) }
        settings.removeAll { $0.name == "insert_deduplication_token" }
        self.settings = settings
        self.warnings = warnings
    }

    func settings(token: String) -> [QuerySetting] {
        settings + [QuerySetting(name: "insert_deduplication_token", value: token)]
    }
}
