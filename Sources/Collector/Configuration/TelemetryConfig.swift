package import Component
package import Logging

/// `service.telemetry`: what the program tells of itself.
package struct TelemetryConfig: ConfigBlock {
    package var logs: LogsTelemetryConfig
    package var metrics: MetricsTelemetryConfig
    /// Attributes beyond the default ones; nil takes a default one away.
    package var resource: [(name: String, value: String?)]
    /// Keys that were given, are known to otelcol, and do nothing here.
    package private(set) var ineffectiveKeys: [String]

    package init(from map: inout ConfigMap) throws(ConfigError) {
        logs = try map.take("logs", default: try LogsTelemetryConfig.defaults(path: map.childPath("logs")))
        metrics = try map.take("metrics", default: try MetricsTelemetryConfig.defaults(path: map.childPath("metrics")))
        let traces = try map.takeIfPresent("traces", as: TracesTelemetryConfig.self)
        resource = try Self.resource(&map)
        ineffectiveKeys =
            logs.ineffectiveKeys.map { map.childPath("logs::\($0)") }
            + metrics.ineffectiveKeys.map { map.childPath("metrics::\($0)") }
            + (traces?.ineffectiveKeys ?? []).map { map.childPath("traces::\($0)") }
    }

    /// `name: value` pairs, or newer files' `attributes: [{name, value}]`.
    private static func resource(_ map: inout ConfigMap) throws(ConfigError) -> [(name: String, value: String?)] {
        guard let node = map.takeNode("resource") else { return [] }
        let path = map.childPath("resource")
        var block = try ConfigMap(node, path: path)
        var attributes: [(name: String, value: String?)] = []
        if case .list = block.peek("attributes")?.value {
            for attribute in try block.take("attributes", default: [ResourceAttribute]()) {
                attributes.append((attribute.name, attribute.value))
            }
        }
        for entry in block.takeAll() {
            if case .null = entry.node.value, entry.node.originalText == nil {
                attributes.append((entry.key, nil))
            } else {
                attributes.append((entry.key, try String.decode(entry.node, path: "\(path)::\(entry.key)")))
            }
        }
        return attributes
    }

    private struct ResourceAttribute: ConfigBlock {
        var name: String
        var value: String

        init(from map: inout ConfigMap) throws(ConfigError) {
            name = try map.take("name")
            value = try map.take("value")
        }
    }
}

/// `service.telemetry.logs`.
package struct LogsTelemetryConfig: ConfigBlock {
    package enum Encoding: String, Sendable, CaseIterable {
        case console
        case json
    }

    /// Of equal messages within each `tick`, the first `initial` are written and then each `thereafter`-th (0: none).
    package struct Sampling: ConfigBlock, Hashable {
        package var isEnabled: Bool
        package var tick: Duration
        package var initial: Int
        package var thereafter: Int

        package init(isEnabled: Bool, tick: Duration, initial: Int, thereafter: Int) {
            self.isEnabled = isEnabled
            self.tick = tick
            self.initial = initial
            self.thereafter = thereafter
        }

        package init(from map: inout ConfigMap) throws(ConfigError) {
            isEnabled = try map.take("enabled", default: true)
            tick = try map.take("tick", default: .seconds(10))
            initial = try map.take("initial", default: 10)
            thereafter = try map.take("thereafter", default: 100)
            if tick <= .zero { throw map.error("'tick' must be positive") }
            if initial < 0 || thereafter < 0 { throw map.error("'initial' and 'thereafter' must be non-negative") }
        }
    }

    package var level: Logger.Level
    package var encoding: Encoding
    package var disableCaller: Bool
    package var sampling: Sampling
    /// `stderr`, `stdout` or paths of files.
    package var outputPaths: [String]
    /// Fields that every line carries.
    package var initialFields: [(name: String, value: ConfigNode)]
    let ineffectiveKeys: [String]

    package init(from map: inout ConfigMap) throws(ConfigError) {
        level = try Self.level(&map)
        let encodingNode = map.peek("encoding")
        let encodingName = try map.take("encoding", default: "console")
        guard let encoding = Encoding(rawValue: encodingName) else {
            throw ConfigError(
                at: encodingNode?.position, path: map.childPath("encoding"),
                "no encoder registered for name \"\(encodingName)\" (valid values: console, json)")
        }
        self.encoding = encoding
        disableCaller = try map.take("disable_caller", default: false)
        sampling = try map.take("sampling", default: try Sampling.defaults(path: map.childPath("sampling")))
        outputPaths = try map.take("output_paths", default: ["stderr"])
        initialFields = []
        if let node = map.takeNode("initial_fields") {
            var fields = try ConfigMap(node, path: map.childPath("initial_fields"))
            initialFields = fields.takeAll().map { ($0.key, $0.node) }
        }
        // No line carries a stack trace, so these two change nothing.
        _ = try map.take("disable_stacktrace", default: false)
        _ = try map.take("development", default: false)
        // Errors of the logger itself always go to stderr.
        let errorOutputPaths = try map.take("error_output_paths", default: ["stderr"])
        var ineffectiveKeys = errorOutputPaths == ["stderr"] ? [] : ["error_output_paths"]
        if map.takeNode("processors")?.isEmpty == false { ineffectiveKeys.append("processors") }
        _ = try map.take("disable_zap_resource", default: true)
        self.ineffectiveKeys = ineffectiveKeys
    }

    private static func level(_ map: inout ConfigMap) throws(ConfigError) -> Logger.Level {
        let node = map.peek("level")
        let name = try map.take("level", default: "info")
        switch name.lowercased() {
        case "debug": return .debug
        case "info", "": return .info
        case "warn": return .warning
        case "error": return .error
        case "dpanic", "panic", "fatal": return .critical
        default:
            throw ConfigError(
                at: node?.position, path: map.childPath("level"),
                "unrecognized level: \"\(name)\" (valid values: debug, info, warn, error, dpanic, panic, fatal)")
        }
    }
}

/// `service.telemetry.traces`: read and checked; the program records no spans of itself.
private struct TracesTelemetryConfig: ConfigBlock {
    let ineffectiveKeys: [String]

    init(from map: inout ConfigMap) throws(ConfigError) {
        let level = map.peek("level")
        let name = try map.take("level", default: "basic")
        guard ["none", "basic", "normal", "detailed"].contains(name.lowercased()) else {
            throw ConfigError(at: level?.position, path: map.childPath("level"), "unknown traces level \"\(name)\"")
        }
        let processors = map.takeNode("processors")
        let propagators = map.takeNode("propagators")
        ineffectiveKeys = [("processors", processors), ("propagators", propagators)]
            .filter { $0.1?.isEmpty == false }.map(\.0)
    }
}

extension ConfigNode {
    /// Whether the node says nothing: null, or an empty list or map.
    fileprivate var isEmpty: Bool {
        switch value {
        case .null: true
        case .list(let nodes): nodes.isEmpty
        case .map(let entries): entries.isEmpty
        default: false
        }
    }
}
