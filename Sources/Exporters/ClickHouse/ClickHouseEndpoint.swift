import Component

/// An endpoint as ClickHouse's Go driver understands it: scheme, user, several hosts, database and parameters.
///
/// `tcp://host:9000[,host2:9000]/database?compress=lz4&max_execution_time=60`; parameters that are not the driver's own are
/// settings of every query.
struct ClickHouseEndpoint: Sendable, Hashable {
    enum Transport: Sendable, Hashable {
        case native
        case http
    }

    struct Host: Sendable, Hashable, CustomStringConvertible {
        var name: String
        var port: Int
        var description: String { name.contains(":") ? "[\(name)]:\(port)" : "\(name):\(port)" }
    }

    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    var transport: Transport
    var isSecure: Bool
    var skipsVerification = false
    var hosts: [Host]
    var username: String?
    var password: String?
    var database: String?
    var dialTimeout: Duration = .seconds(30)
    var readTimeout: Duration = .seconds(300)
    var openStrategy = OpenStrategy.inOrder
    /// What `compress` says in the endpoint; it goes before the `compress` key.
    var compress: String?
    var compressLevel = 3
    /// Sent with every query, in the order written.
    var settings: [(name: String, value: String)] = []

    enum OpenStrategy: String, Sendable, Hashable {
        case inOrder = "in_order"
        case roundRobin = "round_robin"
        case random
    }

    static func == (left: Self, right: Self) -> Bool { left.hashed == right.hashed }
    func hash(into hasher: inout Hasher) { hasher.combine(hashed) }
    private var hashed: String { "\(self.transport) \(isSecure) \(hosts) \(database ?? "") \(settings)" }

    /// - Parameter parameters: `connection_params`, joined to the endpoint's own.
    init(_ text: String, parameters: [(key: String, value: String)]) throws(Malformed) {
        guard let separator = text.firstRange(of: "://") else { throw Malformed(description: "endpoint must be url format") }
        let scheme = text[..<separator.lowerBound]
        switch scheme {
        case "tcp", "clickhouse", "native":
            transport = .native
            isSecure = false
        case "http", "https":
            transport = .http
            isSecure = scheme == "https"
        default:
            throw Malformed(
                description: "unknown scheme \"\(scheme)\" (valid schemes: tcp, clickhouse, http, https)")
        }
        var rest = text[separator.upperBound...]
        let query = Self.cut(&rest, at: "?")
        let path = Self.cut(&rest, at: "/")
        if let at = rest.lastIndex(of: "@") {
            let userInfo = rest[..<at]
            rest = rest[rest.index(after: at)...]
            let parts = userInfo.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            username = Self.percentDecoded(parts[0])
            if parts.count == 2 { password = Self.percentDecoded(parts[1]) }
        }
        hosts = []
        if let path, !path.isEmpty { database = Self.percentDecoded(path) }
        var pairs = parameters
        for pair in (query ?? "").split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            pairs.append((Self.percentDecoded(parts[0]), parts.count == 2 ? Self.percentDecoded(parts[1]) : ""))
        }
        for (key, value) in pairs { try take(key, value) }
        if scheme == "http", isSecure { throw Malformed(description: "clickhouse [dsn parse]: http with TLS specify") }
        hosts = try Self.hosts(rest, defaultPort: defaultPort)
    }

    private var defaultPort: Int {
        switch (transport, isSecure) {
        case (.native, false): 9000
        case (.native, true): 9440
        case (.http, false): 8123
        case (.http, true): 8443
        }
    }

    private mutating func take(_ key: String, _ value: String) throws(Malformed) {
        switch key {
        case "secure": isSecure = try Self.flag(key, value)
        case "skip_verify": skipsVerification = try Self.flag(key, value)
        case "dial_timeout": dialTimeout = try Self.duration(key, value)
        case "read_timeout": readTimeout = try Self.duration(key, value)
        case "compress": compress = value
        case "compress_level":
            guard let level = Int(value) else { throw Malformed(description: "compress_level is no number: \"\(value)\"") }
            compressLevel = level
        case "connection_open_strategy":
            guard let strategy = OpenStrategy(rawValue: value) else {
                throw Malformed(
                    description:
                        "unknown connection_open_strategy \"\(value)\" (valid: in_order, round_robin, random)")
            }
            openStrategy = strategy
        case "username": username = value
        case "password": password = value
        case "database": database = value
        case "http_proxy": throw Malformed(description: "http_proxy is not supported by this version")
        // The driver's own pool, buffers and debugging: this client sizes its pool by num_consumers.
        case "debug", "block_buffer_size", "max_compression_buffer", "max_open_conns", "max_idle_conns",
            "conn_max_lifetime", "client_info_product":
            break
        default:
            let text = value == "true" ? "1" : value == "false" ? "0" : value
            settings.removeAll { $0.name == key }
            settings.append((key, text))
        }
    }

    private static func flag(_ key: String, _ value: String) throws(Malformed) -> Bool {
        switch value {
        case "", "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: throw Malformed(description: "\(key) must be true or false, not \"\(value)\"")
        }
    }

    private static func duration(_ key: String, _ value: String) throws(Malformed) -> Duration {
        do {
            return try parseGoDuration(value)
        } catch {
            throw Malformed(description: "\(key): \(error.message)")
        }
    }

    private static func hosts(_ text: Substring, defaultPort: Int) throws(Malformed) -> [Host] {
        var hosts: [Host] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            var name = part
            var port = defaultPort
            if let colon = part.lastIndex(of: ":"), part.last != "]", !part[..<colon].contains(":") || part.first == "[" {
                guard let number = UInt16(part[part.index(after: colon)...]), number > 0 else {
                    throw Malformed(description: "endpoint has an invalid port: \"\(part)\"")
                }
                port = Int(number)
                name = part[..<colon]
            }
            if name.first == "[", name.last == "]" { name = name.dropFirst().dropLast() }
            guard !name.isEmpty else { throw Malformed(description: "endpoint names no host") }
            hosts.append(Host(name: String(name), port: port))
        }
        return hosts
    }

    /// Cuts `text` before the first `separator` and returns what follows it.
    private static func cut(_ text: inout Substring, at separator: Character) -> Substring? {
        guard let index = text.firstIndex(of: separator) else { return nil }
        let rest = text[text.index(after: index)...]
        text = text[..<index]
        return rest
    }

    private static func percentDecoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
