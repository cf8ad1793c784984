internal import NIOCore

/// Where a server listens: what `endpoint` and `transport` of a configuration mean.
package enum Endpoint: Sendable, Hashable {
    /// - host: a name, an address without brackets, or empty for all interfaces.
    /// - port: 0 lets the system choose.
    case tcp(host: String, port: Int, family: AddressFamily)
    case unix(path: String)

    package enum AddressFamily: String, Sendable, Hashable {
        case any = "tcp"
        case v4 = "tcp4"
        case v6 = "tcp6"
    }

    /// Reads `host:port`, `[v6]:port` or `:port`; with the transport `unix`, a path.
    ///
    /// - Throws: `EndpointError`, in Go's words where Go has some.
    package init(_ text: String, transport: String = "tcp") throws(EndpointError) {
        if transport == "unix" {
            guard !text.isEmpty else { throw EndpointError("missing path of the unix socket") }
            self = .unix(path: text)
            return
        }
        guard let family = AddressFamily(rawValue: transport) else {
            throw EndpointError("invalid transport type \"\(transport)\"")
        }
        let (host, port) = try Endpoint.split(text)
        self = .tcp(host: host, port: port, family: family)
    }

    private static func split(_ text: String) throws(EndpointError) -> (host: String, port: Int) {
        let host: Substring
        let portText: Substring
        if text.hasPrefix("[") {
            guard let bracket = text.lastIndex(of: "]") else {
                throw EndpointError("address \(text): missing ']' in address")
            }
            let rest = text[text.index(after: bracket)...]
            guard rest.hasPrefix(":") else { throw EndpointError("address \(text): missing port in address") }
            host = text[text.index(after: text.startIndex)..<bracket]
            portText = rest.dropFirst()
        } else {
            guard let colon = text.lastIndex(of: ":") else {
                throw EndpointError("address \(text): missing port in address")
            }
            host = text[..<colon]
            portText = text[text.index(after: colon)...]
            if host.contains(":") { throw EndpointError("address \(text): too many colons in address") }
        }
        guard !portText.isEmpty, portText.allSatisfy({ $0.isASCII && $0.isNumber }), let port = Int(portText),
            port <= 65535
        else { throw EndpointError("address \(text): invalid port") }
        return (String(host), port)
    }

    /// Whether every interface is meant.
    package var isWildcard: Bool {
        guard case .tcp(let host, _, _) = self else { return false }
        return ["", "0.0.0.0", "::"].contains(host)
    }
}

extension Endpoint: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unix(let path): path
        case .tcp(let host, let port, _): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }
}

/// Why a text is no endpoint.
package struct EndpointError: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

extension Endpoint {
    /// The addresses to try in order until one can be bound.
    ///
    /// As in Go, a wildcard means both families, and `localhost` is the IPv4 loopback unless tcp6 is asked for.
    /// - Throws: when the path or name cannot be an address.
    func bindAddresses() throws -> [SocketAddress] {
        switch self {
        case .unix(let path):
            return [try SocketAddress(unixDomainSocketPath: path)]
        case .tcp(let host, let port, let family):
            if isWildcard {
                let v6 = try SocketAddress(ipAddress: "::", port: port)
                let v4 = try SocketAddress(ipAddress: "0.0.0.0", port: port)
                return switch family {
                case .any: [v6, v4]
                case .v4: [v4]
                case .v6: [v6]
                }
            }
            if host == "localhost" {
                return [try SocketAddress(ipAddress: family == .v6 ? "::1" : "127.0.0.1", port: port)]
            }
            return [try SocketAddress.makeAddressResolvingHost(host, port: port)]
        }
    }
}

extension SocketAddress {
    /// `host:port` as clients and logs write it; IPv4 peers of a dual-stack socket appear as IPv4.
    var text: String {
        guard let host = ipAddress, let port else { return pathname ?? "" }
        if host.hasPrefix("::ffff:"), host.contains(".") { return "\(host.dropFirst(7)):\(port)" }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
