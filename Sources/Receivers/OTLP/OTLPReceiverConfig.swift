package import Component
internal import Transport

/// `receivers::otlp`: at least one of `protocols::grpc` and `protocols::http`.
package struct OTLPReceiverConfig: ComponentConfig {
    package var grpc: OTLPGRPCConfig?
    package var http: OTLPHTTPConfig?

    package init(from map: inout ConfigMap) throws(ConfigError) {
        let missing = "must specify at least one protocol when using the OTLP receiver"
        let protocols: Protocols = try map.take("protocols", missing: missing)
        guard protocols.grpc != nil || protocols.http != nil else { throw map.error(missing) }
        grpc = protocols.grpc
        http = protocols.http
    }

    private struct Protocols: ConfigBlock {
        var grpc: OTLPGRPCConfig?
        var http: OTLPHTTPConfig?

        init(from map: inout ConfigMap) throws(ConfigError) {
            grpc = try map.takeIfPresent("grpc")
            http = try map.takeIfPresent("http")
        }
    }
}

extension ConfigMap {
    /// Refuses keys that otelcol knows and this version does not serve, rather than run without what they ask for.
    mutating func refuseUnsupported(_ keys: [String]) throws(ConfigError) {
        for key in keys {
            guard let node = takeNode(key) else { continue }
            if case .null = node.value { continue }
            throw ConfigError(
                at: node.position, path: childPath(key), "\"\(key)\" is not supported by this version")
        }
    }

    /// The endpoint of `key`, of a transport that servers can listen on.
    mutating func takeEndpoint(
        default defaultValue: String, transport: String = "tcp"
    ) throws(ConfigError) -> String {
        let text = try take("endpoint", default: defaultValue)
        do {
            _ = try Endpoint(text, transport: transport)
            return text
        } catch {
            throw self.error(error.description)
        }
    }

    /// A size in bytes, which must not be negative.
    mutating func takeSize(_ key: String, default defaultValue: Int) throws(ConfigError) -> Int {
        let value = try take(key, default: defaultValue)
        guard value >= 0 else { throw error("invalid \(key) value: \(value)") }
        return value
    }

    /// A time that 0 switches off.
    mutating func takeTimeout(_ key: String, default defaultValue: Duration) throws(ConfigError) -> Duration? {
        let value = try take(key, default: defaultValue)
        guard value >= .zero else { throw error("\(key) must not be negative") }
        return value == .zero ? nil : value
    }
}
