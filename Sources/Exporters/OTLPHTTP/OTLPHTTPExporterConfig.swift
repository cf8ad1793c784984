package import Component
package import OTLP

/// The keys of the `otlphttp` exporter.
package struct OTLPHTTPExporterConfig: ComponentConfig {
    package enum Encoding: String, Sendable {
        case proto
        case json

        var contentType: String {
            switch self {
            case .proto: "application/x-protobuf"
            case .json: "application/json"
            }
        }
    }

    package var http: HTTPClientConfig
    package var encoding: Encoding
    /// Complete addresses; signals without one cannot be exported.
    package private(set) var urls: [Signal: String] = [:]

    package init(from map: inout ConfigMap) throws(ConfigError) {
        http = try HTTPClientConfig(from: &map)
        let encodingName: String = try map.take("encoding", default: "proto")
        guard let encoding = Encoding(rawValue: encodingName) else {
            throw map.error("invalid encoding type: \(encodingName)")
        }
        self.encoding = encoding
        let endpoint: String = try map.take("endpoint", default: "")
        if !endpoint.isEmpty, !isHTTPURL(endpoint) { throw map.error("endpoint must be a valid URL") }
        for signal in Signal.allCases {
            let key = "\(signal.rawValue)_endpoint"
            let url: String = try map.take(key, default: "")
            if !url.isEmpty {
                guard isHTTPURL(url) else { throw map.error("\(key) must be a valid URL") }
                urls[signal] = url
            } else if !endpoint.isEmpty {
                urls[signal] = endpoint + (endpoint.hasSuffix("/") ? "" : "/") + "v1/\(signal.rawValue)"
            }
        }
        if urls.isEmpty { throw map.error("at least one endpoint must be specified") }
        if map.takeNode("batcher") != nil {
            throw map.error("batcher is not supported; use sending_queue::batch or the batch processor")
        }
    }
}

/// Whether `text` begins with `http://` or `https://` and a host.
private func isHTTPURL(_ text: String) -> Bool {
    guard let separator = text.firstRange(of: "://") else { return false }
    let scheme = text[..<separator.lowerBound].lowercased()
    let host = text[separator.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let isClean = text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f }
    return (scheme == "http" || scheme == "https") && !host.isEmpty && !host.hasPrefix(":") && isClean
}
