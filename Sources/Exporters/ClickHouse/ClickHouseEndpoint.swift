import ClickHouseNative
import Component

/// An endpoint as ClickHouse's Go driver understands it: scheme, user, several hosts, database and parameters.
///
/// `tcp://host:9000[,host2:9000]/database?compress=lz4&max_execution_time=60`; parameters that are not the driver's own
/// are settings of every query.
struct ClickHouseEndpoint: Sendable {
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

    /// Which host a new connection goes to first; the others follow when it fails.
    enum OpenStrategy: String, Sendable, Hashable {
        case inOrder = "in_order"
        case roundRobin = "round_robin"
        case random
    }

    let transport: Transport
    private(set) var isSecure: Bool
    private(set) var skipsVerification = false
    private(set) var hosts: [Host] = []
    private(set) var username: String?
    private(set) var password: String?
    private(set) var database: String?
    private(set) var dialTimeout: Duration = .seconds(30)
    private(set) var readTimeout: Duration = .seconds(300)
    private(set) var openStrategy = OpenStrategy.inOrder
    /// What `compress` says in the endpoint; it goes before the `compress` key.
    private(set) var compress: String?
    private(set) var compressLevel = 3
    /// Sent with every query, in the order written; a name the server does not know is an error.
    private(set) var settings: [QuerySetting] = []
    /// The Go driver's own keys for what this client does in its own way.
    private(set) var keysWithoutEffect: [String] = []

    /// - Parameter parameters: `connection_params`, which go before the endpoint's own.
    init(_ text: String, parameters: [(key: String, value: String)] = []) throws(Malformed) {
        guard let separator = text.firstRange(of: "://") else {
            throw Malformed(description: "endpoint must be url format")
        }
        let scheme = text[..<separator.lowerBound]
        switch scheme {
        case "tcp", "clickhouse", "native":
            transport = .native
            isSecure = false
        case "http", "https":
            transport = .http
            isSecure = scheme == "https"
        default:
            throw Malformed(description: "unknown scheme \"\(scheme)\" (valid schemes: tcp, clickhouse, http, https)")
        }
        var rest = text[separator.upperBound...]
        let query = Self.cut(&rest, at: "?")
        let path = Self.cut(&rest, at: "/")
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            rest = rest[rest.index(after: at)...]
            username = Self.percentDecoded(parts[0])
            if parts.count == 2 { password = Self.percentDecoded(parts[1]) }
        }
        if let path, !path.isEmpty { database = Self.percentDecoded(path) }
        for pair in (query ?? "").split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            try take(
                Self.percentDecoded(parts[0], isQuery: true),
                parts.count == 2 ? Self.percentDecoded(parts[1], isQuery: true) : "")
        }
        for (key, value) in parameters { try take(key, value) }
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
            guard let level = Int(value) else {
                throw Malformed(description: "compress_level is no number: \"\(value)\"")
            }
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
        // The Go driver's pool, buffers and debugging.
        case "debug", "block_buffer_size", "max_compression_buffer", "max_open_conns", "max_idle_conns",
            "conn_max_lifetime", "client_info_product":
            if !keysWithoutEffect.contains(key) { keysWithoutEffect.append(key) }
        default:
            let text = value == "true" ? "1" : value == "false" ? "0" : value
            settings.removeAll { $0.name == key }
            settings.append(QuerySetting(name: key, value: text, isImportant: true))
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
        let duration: Duration
        do {
            duration = try parseGoDuration(value)
        } catch {
            throw Malformed(description: "\(key): \(error.message)")
        }
        guard duration > .zero else { throw Malformed(description: "\(key) must be positive") }
        return duration
    }

    private static func hosts(_ text: Substring, defaultPort: Int) throws(Malformed) -> [Host] {
        var hosts: [Host] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            var name = part
            var port = defaultPort
            // A colon opens the port, unless it belongs to an IPv6 address.
            let isBareV6 = part.first != "[" && part.count(where: { $0 == ":" }) > 1
            if let colon = part.lastIndex(of: ":"), part.last != "]", !isBareV6 {
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

    /// - Parameter isQuery: whether a plus sign is a space.
    private static func percentDecoded(_ text: Substring, isQuery: Bool = false) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(isQuery && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
