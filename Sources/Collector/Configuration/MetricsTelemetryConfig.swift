package import Component

/// `service.telemetry.metrics`.
package struct MetricsTelemetryConfig: ConfigBlock {
    package enum Level: String, Sendable, CaseIterable, Comparable {
        case none
        case basic
        case normal
        case detailed

        package static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .none: 0
            case .basic: 1
            case .normal: 2
            case .detailed: 3
            }
        }
    }

    package var level: Level
    /// Where Prometheus may scrape; empty with the level `none`.
    package var readers: [PrometheusReaderConfig]
    let ineffectiveKeys: [String]

    package init(from map: inout ConfigMap) throws(ConfigError) {
        let levelNode = map.peek("level")
        let levelName = try map.take("level", default: "normal")
        guard let level = Level(rawValue: levelName.lowercased()) else {
            throw ConfigError(
                at: levelNode?.position, path: map.childPath("level"),
                "unknown metrics level \"\(levelName)\" (valid values: none, basic, normal, detailed)")
        }
        self.level = level
        let addressNode = map.peek("address")
        let address = try map.take("address", default: "")
        let listed: [MetricReaderConfig]? = try map.takeIfPresent("readers")
        var readers = (listed ?? []).compactMap(\.prometheus)
        if !address.isEmpty {
            let reader = PrometheusReaderConfig(address: address)
            guard let reader else {
                throw ConfigError(
                    at: addressNode?.position, path: map.childPath("address"),
                    "failing to parse metrics address \"\(address)\": it must be host:port")
            }
            readers.append(reader)
        } else if listed == nil {
            readers.append(PrometheusReaderConfig(host: "localhost", port: 8888))
        }
        self.readers = level == .none ? [] : readers
        var ineffectiveKeys: [String] = []
        for (index, reader) in (listed ?? []).enumerated() {
            ineffectiveKeys += reader.ineffectiveKeys.map { "readers[\(index)]::\($0)" }
        }
        if map.takeNode("views") != nil { ineffectiveKeys.append("views") }
        self.ineffectiveKeys = ineffectiveKeys
    }
}

/// One port that Prometheus may scrape, and how its text is shaped.
package struct PrometheusReaderConfig: ConfigBlock, Hashable {
    package var host: String
    package var port: Int
    /// Counters end in `_total` unless this is set, as it is by default.
    package var withoutTypeSuffix: Bool
    /// Names end in their unit unless this is set, as it is by default.
    package var withoutUnits: Bool
    /// Each series names its scope unless this is set, as it is by default.
    package var withoutScopeInfo: Bool
    /// Which resource attributes become labels of every series; nil: all.
    package var constantLabels: ConstantLabels?

    /// Patterns of attribute names; `*` stands for any text.
    package struct ConstantLabels: ConfigBlock, Hashable {
        package var included: [String]
        package var excluded: [String]

        package init(from map: inout ConfigMap) throws(ConfigError) {
            included = try map.take("included", default: [])
            excluded = try map.take("excluded", default: [])
        }
    }

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
        withoutTypeSuffix = true
        withoutUnits = true
        withoutScopeInfo = true
        constantLabels = nil
    }

    /// `host:port`, `:port`, `[::1]:port`; nil for anything else.
    package init?(address: String) {
        guard let colon = address.lastIndex(of: ":"), let port = UInt16(address[address.index(after: colon)...]) else {
            return nil
        }
        var host = address[..<colon]
        if host.first == "[", host.last == "]" {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        self.init(host: String(host), port: Int(port))
    }

    package init(from map: inout ConfigMap) throws(ConfigError) {
        host = try map.take("host", default: "localhost")
        port = try map.take("port", default: 8888)
        withoutTypeSuffix = try map.take("without_type_suffix", default: true)
        withoutUnits = try map.take("without_units", default: true)
        withoutScopeInfo = try map.take("without_scope_info", default: true)
        constantLabels = try map.takeIfPresent("with_resource_constant_labels")
        guard (0...65535).contains(port) else { throw map.error("'port' must be between 0 and 65535") }
    }
}

/// One of `service.telemetry.metrics.readers`.
private struct MetricReaderConfig: ConfigBlock {
    var prometheus: PrometheusReaderConfig?
    var ineffectiveKeys: [String] = []

    private struct Pull: ConfigBlock {
        var exporter: Exporter

        init(from map: inout ConfigMap) throws(ConfigError) { exporter = try map.take("exporter") }
    }

    private struct Exporter: ConfigBlock {
        var prometheus: PrometheusReaderConfig

        init(from map: inout ConfigMap) throws(ConfigError) { prometheus = try map.take("prometheus") }
    }

    init(from map: inout ConfigMap) throws(ConfigError) {
        prometheus = try map.takeIfPresent("pull", as: Pull.self)?.exporter.prometheus
        let hasPeriodic = map.takeNode("periodic") != nil
        switch (prometheus != nil, hasPeriodic) {
        case (true, true): throw map.error("must not specify both pull and periodic")
        case (false, false): throw map.error("must specify pull or periodic")
        default: break
        }
        if hasPeriodic { ineffectiveKeys.append("periodic") }
        if let prometheus, !prometheus.withoutScopeInfo {
            ineffectiveKeys.append("pull::exporter::prometheus::without_scope_info")
        }
        if let prometheus, !prometheus.withoutUnits {
            ineffectiveKeys.append("pull::exporter::prometheus::without_units")
        }
    }
}
