package import Component
package import Compression
package import HTTPClient

/// The keys that every exporter over HTTP has beside its own, on the same level.
package struct HTTPClientConfig: Sendable {
    package var client = HTTPClientConfiguration()
    package var headers: ConfigDictionary<OpaqueString>
    package var compression: ContentEncoding
    /// Nil: this program's default for the encoding.
    package var compressionLevel: Int?
    /// Keys that were given a value which changes nothing here, to be told in the log.
    package private(set) var keysWithoutEffect: [String] = []

    /// Takes just these keys; the others stay in `map`.
    package init(from map: inout ConfigMap) throws(ConfigError) {
        headers = try map.take("headers", default: ConfigDictionary())
        (compression, compressionLevel) = try Self.takeCompression(from: &map)
        client.tls = try map.take("tls", default: TLSClientConfig.defaults(path: map.childPath("tls"))).tls
        let proxyURL: String = try map.take("proxy_url", default: "")
        if !proxyURL.isEmpty {
            guard proxyURL.contains("://") else { throw map.error("proxy_url must be a valid URL") }
            client.proxyURL = proxyURL
        }
        client.readBufferBytes = try Self.takeCount("read_buffer_size", default: 0, from: &map)
        client.writeBufferBytes = try Self.takeCount("write_buffer_size", default: 524_288, from: &map)
        client.idleConnectionsMax = try Self.takeCount("max_idle_conns", default: 100, from: &map)
        client.connectionsPerHostMax = try Self.takeCount("max_conns_per_host", default: 0, from: &map)
        client.idleConnectionTimeout = try map.take("idle_conn_timeout", default: .seconds(90))
        client.disablesKeepAlives = try map.take("disable_keep_alives", default: false)
        client.keepsCookies = try map.take("cookies", default: Cookies.defaults(path: map.childPath("cookies"))).enabled
        try takeKeysWithoutEffect(from: &map)
        for key in ["auth", "middlewares"] where map.takeNode(key) != nil {
            throw map.error("\(key): not supported in this version; static credentials can be set in headers")
        }
    }

    private struct Cookies: ConfigBlock {
        var enabled: Bool
        init(from map: inout ConfigMap) throws(ConfigError) { enabled = try map.take("enabled", default: false) }
    }

    private struct CompressionParameters: ConfigBlock {
        /// 0 is "not set", as in otelcol.
        var level: Int
        init(from map: inout ConfigMap) throws(ConfigError) { level = try map.take("level", default: 0) }
    }

    private static func takeCount(
        _ key: String, default value: Int, from map: inout ConfigMap
    ) throws(ConfigError) -> Int {
        let count = try map.take(key, default: value)
        if count < 0 { throw map.error("invalid \(key) value: \(count)") }
        return count
    }

    private static func takeCompression(
        from map: inout ConfigMap
    ) throws(ConfigError) -> (encoding: ContentEncoding, level: Int?) {
        let name: String = try map.take("compression", default: "gzip")
        let parameters: CompressionParameters = try map.take(
            "compression_params", default: CompressionParameters.defaults(path: map.childPath("compression_params")))
        if name == "snappy" {
            throw map.error("compression: snappy is not supported; use gzip, zstd, zlib, deflate, lz4 or none")
        }
        guard let encoding = ContentEncoding(rawValue: name == "none" ? "" : name) else {
            throw map.error("unsupported compression type \"\(name)\"")
        }
        let level = parameters.level
        if level == 0 { return (encoding, nil) }
        let isKnown =
            switch encoding {
            case .gzip, .deflate, .zlib: (-2...9).contains(level)
            case .zstd: (1...22).contains(level)
            case .identity, .lz4: false
            }
        guard isKnown else {
            throw map.error("unsupported parameters {Level:\(level)} for compression type \"\(name)\"")
        }
        // -1 is Go's word for "the usual", -2 for "only Huffman coding", for which the fastest level stands in.
        return (encoding, level == -1 ? 6 : max(1, level))
    }

    private mutating func takeKeysWithoutEffect(from map: inout ConfigMap) throws(ConfigError) {
        if try map.take("max_idle_conns_per_host", default: 0) != 0 {
            keysWithoutEffect.append("max_idle_conns_per_host")
        }
        for key in ["http2_read_idle_timeout", "http2_ping_timeout"] {
            if try map.take(key, default: Duration.zero) != .zero { keysWithoutEffect.append(key) }
        }
        if try !map.take("force_attempt_http2", default: true) { keysWithoutEffect.append("force_attempt_http2") }
    }
}
