package import Component
internal import Compression
package import OTLP

/// `protocols::http`.
package struct OTLPHTTPConfig: ConfigBlock {
    package var endpoint: String
    /// Of a body, compressed and decompressed.
    package var bodyBytesMax: Int
    package var includeMetadata: Bool
    package var keepAlive: Bool
    package var readTimeout: Duration?
    package var readHeaderTimeout: Duration?
    package var writeTimeout: Duration?
    package var idleTimeout: Duration?
    package var cors: CORSConfig?
    package var responseHeaders: [(name: String, value: String)]
    /// What `Content-Encoding` may name; empty for identity.
    package var compressionAlgorithms: [String]
    /// Where each signal is posted.
    package var paths: [Signal: String]

    package init(from map: inout ConfigMap) throws(ConfigError) {
        try map.refuseUnsupported(["tls", "auth", "middlewares"])
        endpoint = try map.takeEndpoint(default: "localhost:4318")
        let bodyBytes = try map.take("max_request_body_size", default: 0)
        bodyBytesMax = bodyBytes <= 0 ? otlpRequestBytesMax : bodyBytes
        includeMetadata = try map.take("include_metadata", default: false)
        keepAlive = try map.take("keep_alives_enabled", default: true)
        readTimeout = try map.takeTimeout("read_timeout", default: .zero)
        readHeaderTimeout = try map.takeTimeout("read_header_timeout", default: .seconds(60))
        writeTimeout = try map.takeTimeout("write_timeout", default: .seconds(30))
        idleTimeout = try map.takeTimeout("idle_timeout", default: .seconds(60))
        cors = try map.takeIfPresent("cors")
        let headers: ConfigDictionary<OpaqueString> = try map.take("response_headers", default: ConfigDictionary())
        responseHeaders = headers.pairs.map { ($0.key, $0.value.secret) }
        compressionAlgorithms = try map.take(
            "compression_algorithms", default: ContentEncoding.allCases.map(\.rawValue))
        for name in compressionAlgorithms where ContentEncoding(rawValue: name) == nil {
            throw map.error("compression_algorithms: \"\(name)\" is not supported by this version")
        }
        paths = [:]
        for (signal, key) in [(Signal.traces, "traces"), (.metrics, "metrics"), (.logs, "logs")] {
            let path = try map.take("\(key)_url_path", default: "/v1/\(key)")
            paths[signal] = path.hasPrefix("/") ? path : "/\(path)"
        }
    }
}

/// `cors`: which web pages may send from a browser.
package struct CORSConfig: ConfigBlock {
    /// Origins, each with at most one `*`.
    package var allowedOrigins: [String]
    package var allowedHeaders: [String]
    /// How long browsers may keep the answer to a preflight; zero: their own default.
    package var maxAgeSeconds: Int

    package init(from map: inout ConfigMap) throws(ConfigError) {
        allowedOrigins = try map.take("allowed_origins", default: [])
        allowedHeaders = try map.take("allowed_headers", default: [])
        maxAgeSeconds = try map.takeSize("max_age", default: 0)
    }
}
