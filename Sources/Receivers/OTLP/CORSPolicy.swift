internal import Transport

/// Answers browsers' questions whether a page may send here (https://fetch.spec.whatwg.org/#http-cors-protocol).
struct CORSPolicy: Sendable {
    private static let alwaysAllowed: Set<String> = ["accept", "content-type", "x-requested-with", "origin"]

    private let origins: [String]
    private let allowsAllHeaders: Bool
    private let headers: Set<String>
    private let maxAgeSeconds: Int

    init(_ config: CORSConfig) {
        origins = config.allowedOrigins.map { $0.lowercased() }
        allowsAllHeaders = config.allowedHeaders.contains("*")
        headers = CORSPolicy.alwaysAllowed.union(config.allowedHeaders.map { $0.lowercased() })
        maxAgeSeconds = config.maxAgeSeconds
    }

    /// The answer to a preflight request; nil for any other.
    func preflight(_ request: HTTPServerRequest) -> HTTPServerResponse? {
        guard request.method == "OPTIONS", let method = request.headers["access-control-request-method"] else {
            return nil
        }
        let vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        var fields = [("Vary", vary)]
        let requested = request.headers["access-control-request-headers"] ?? ""
        if let origin = request.headers["origin"], allows(origin: origin), method == "POST", allows(headers: requested)
        {
            fields += [
                ("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Methods", method),
                ("Access-Control-Allow-Credentials", "true"),
            ]
            if !requested.isEmpty { fields.append(("Access-Control-Allow-Headers", requested)) }
            if maxAgeSeconds > 0 { fields.append(("Access-Control-Max-Age", String(maxAgeSeconds))) }
        }
        return HTTPServerResponse(status: 204, headers: fields)
    }

    /// What to add to the answer to an actual request.
    func fields(for request: HTTPServerRequest) -> [(String, String)] {
        guard let origin = request.headers["origin"], allows(origin: origin) else { return [("Vary", "Origin")] }
        return [
            ("Vary", "Origin"), ("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Credentials", "true"),
        ]
    }

    private func allows(origin: String) -> Bool {
        let origin = origin.lowercased()
        return origins.contains { pattern in
            guard let star = pattern.firstIndex(of: "*") else { return pattern == origin }
            let prefix = pattern[..<star]
            let suffix = pattern[pattern.index(after: star)...]
            return origin.utf8.count >= prefix.utf8.count + suffix.utf8.count && origin.hasPrefix(prefix)
                && origin.hasSuffix(suffix)
        }
    }

    private func allows(headers requested: String) -> Bool {
        allowsAllHeaders
            || requested.split(separator: ",").allSatisfy { name in
                headers.contains(name.lowercased().filter { $0 != " " })
            }
    }
}
