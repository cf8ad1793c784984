/// How a client connects: the same for all its requests.
package struct HTTPClientConfiguration: Sendable {
    /// `http://`, `https://` or `socks5://` address of a proxy for every request. Nil: as the environment says
    /// (`http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`, lower or upper case), and never for this machine itself.
    package var proxyURL: String?
    package var tls = HTTPClientTLS()
    /// Idle connections kept for reuse; 0: as many as libcurl likes.
    package var idleConnectionsMax = 100
    /// Connections to one host at once; 0: no limit.
    package var connectionsPerHostMax = 0
    /// An idle connection older than this is not used again.
    package var idleConnectionTimeout: Duration = .seconds(90)
    /// One connection for each request.
    package var disablesKeepAlives = false
    /// Keeps cookies in memory and sends them back.
    package var keepsCookies = false
    /// libcurl's buffers; 0: its default. Clamped to what it allows.
    package var readBufferBytes = 0
    package var writeBufferBytes = 0
    /// Of a response's body this much is kept; the rest is not read.
    package var responseBodyBytesMax = 65_536
    /// Speaks HTTP/2 at once to `http` URLs, as gRPC does, rather than HTTP/1.1.
    package var usesPriorKnowledge = false
    /// Lets requests share a connection of HTTP/2 while they are under way.
    package var multiplexes = true
    /// For the TCP and TLS handshakes together.
    package var connectTimeout: Duration = .seconds(30)

    package init() {}
}

/// How `https` peers are verified, and what this side shows them. Files are read when a connection is made.
package struct HTTPClientTLS: Sendable {
    /// PEM, from a file or in memory.
    package enum Source: Sendable, Hashable {
        case file(String)
        case pem(String)
    }

    /// In ascending order.
    package enum Version: String, Sendable, CaseIterable {
        case tls10 = "1.0"
        case tls11 = "1.1"
        case tls12 = "1.2"
        case tls13 = "1.3"
    }

    /// Whom to trust; nil: the system's certificate authorities.
    package var certificateAuthorities: Source?
    /// Trust the system's authorities beside `certificateAuthorities`.
    package var includesSystemAuthorities = false
    package var certificate: Source?
    package var key: Source?
    package var skipsVerification = false
    /// The name to ask for and to verify, instead of the URL's host.
    package var serverName: String?
    package var minimumVersion = Version.tls12
    /// Nil: the newest there is.
    package var maximumVersion: Version?
    /// OpenSSL names for TLS 1.2 and below; empty: OpenSSL's choice.
    package var cipherSuites: [String] = []

    package init() {}
}

package struct HTTPClientRequest: Sendable {
    package var method: String
    /// Absolute, `http` or `https`.
    package var url: String
    /// Sent in this order. `Host` replaces the URL's host in the request.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// From the start of `send` to the last byte of the response; nil: no limit.
    package var timeout: Duration?

    package init(
        method: String = "POST", url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        timeout: Duration? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
    }
}

package struct HTTPClientResponse: Sendable {
    package var status: Int
    /// In the order they came.
    package var headers: [(name: String, value: String)]
    /// At most `responseBodyBytesMax` bytes.
    package var body: [UInt8]
    /// The fields after the body, in the order they came.
    package var trailers: [(name: String, value: String)]

    package init(
        status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        trailers: [(name: String, value: String)] = []
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.trailers = trailers
    }

    /// The first header called `name`, which is compared without case.
    package func header(_ name: String) -> String? { Self.value(of: name, in: headers) }

    /// The first trailer called `name`, which is compared without case.
    package func trailer(_ name: String) -> String? { Self.value(of: name, in: trailers) }

    private static func value(of name: String, in fields: [(name: String, value: String)]) -> String? {
        let lowered = name.lowercased()
        return fields.first { $0.name.lowercased() == lowered }?.value
    }
}

/// Why there is no response.
package struct HTTPClientError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        /// The host's name or address leads nowhere, or nobody listens there.
        case connect
        case timeout
        /// The handshake failed, a certificate was not accepted, or could not be read.
        case tls
        /// The connection broke, or what came is not HTTP.
        case sendReceive
        /// The task was cancelled, or the client shut down.
        case cancelled
        /// The request's URL, method or headers cannot be sent at all.
        case invalidRequest
    }

    package var kind: Kind
    /// One sentence, without credentials.
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package var description: String { message }
}
