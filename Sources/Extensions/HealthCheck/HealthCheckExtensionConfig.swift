package import Component
package import Transport

/// Keys of the `health_check` extension.
package struct HealthCheckExtensionConfig: ComponentConfig {
    package var endpoint: Endpoint
    package var path: String
    /// Where the state of each exporter and log is told; nil: nowhere. Our addition.
    package var readinessPath: String?
    package var healthyBody: String?
    package var unhealthyBody: String?
    /// Whether `check_collector_pipeline` was written; it never had an effect in otelcol either.
    package var hasPipelineCheck: Bool

    package init(from map: inout ConfigMap) throws(ConfigError) {
        let text: String = try map.take("endpoint", default: "localhost:13133")
        guard !text.isEmpty else { throw map.error("bad config: endpoint must be specified") }
        do {
            endpoint = try Endpoint(text)
        } catch {
            throw map.error("bad config: \(error)")
        }
        path = try map.take("path", default: "/")
        guard path.hasPrefix("/") else { throw map.error("bad config: path must start with /") }
        let readiness: String? = try map.takeIfPresent("readiness_path")
        if let readiness, !readiness.isEmpty, !readiness.hasPrefix("/") {
            throw map.error("bad config: readiness_path must start with /")
        }
        if readiness == path { throw map.error("bad config: readiness_path must differ from path") }
        readinessPath = readiness == "" || readiness ?? "/ready" == path ? nil : readiness ?? "/ready"
        let body: ResponseBody? = try map.takeIfPresent("response_body")
        healthyBody = body?.healthy
        unhealthyBody = body?.unhealthy
        let check: PipelineCheck? = try map.takeIfPresent("check_collector_pipeline")
        hasPipelineCheck = check?.isEnabled ?? false
        for key in ["tls", "auth", "cors"] {
            if let node = map.takeNode(key) {
                throw ConfigError(
                    at: node.position, path: map.childPath(key), "not supported by this version for health_check")
            }
        }
    }
}

private struct ResponseBody: ConfigBlock {
    var healthy: String?
    var unhealthy: String?

    init(from map: inout ConfigMap) throws(ConfigError) {
        healthy = try map.takeIfPresent("healthy")
        unhealthy = try map.takeIfPresent("unhealthy")
    }
}

private struct PipelineCheck: ConfigBlock {
    var isEnabled: Bool

    init(from map: inout ConfigMap) throws(ConfigError) {
        isEnabled = try map.take("enabled", default: false)
        let interval: String = try map.take("interval", default: "5m")
        do {
            _ = try parseGoDuration(interval)
        } catch {
            throw map.error("bad config: interval: \(error.message)")
        }
        let threshold: Int = try map.take("exporter_failure_threshold", default: 5)
        guard threshold > 0 else {
            throw map.error("bad config: exporter_failure_threshold expects a positive number")
        }
    }
}
