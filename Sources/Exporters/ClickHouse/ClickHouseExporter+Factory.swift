import ClickHouseNative
package import Component
import HTTPClient
import Transport

extension ExporterFactory {
    /// The exporter `clickhouse`.
    package static var clickhouse: ExporterFactory {
        ExporterFactory(type: "clickhouse", defaultTimeout: .seconds(5), config: ClickHouseExporterConfig.self) {
            config, settings, signal in
            try ClickHouseExporter(config: config, settings: settings, signal: signal)
        }
    }
}

extension ClickHouseExporterConfig {
    /// Nil for the native protocol.
    func makeHTTPClient() throws(HTTPClientError) -> HTTPClient? {
        guard endpoint.transport == .http else { return nil }
        var configuration = HTTPClientConfiguration()
        if let tls { configuration.tls = tls }
        configuration.connectTimeout = endpoint.dialTimeout
        // Of answers only descriptions of tables are large.
        configuration.responseBodyBytesMax = 16 << 20
        return try HTTPClient(configuration: configuration)
    }

    /// - Parameters:
    ///   - httpClient: for an endpoint over HTTP.
    ///   - userAgent: `name/1.2.3`.
    func makePool(httpClient: HTTPClient?, userAgent: String) -> ClickHousePool {
        if let httpClient { return makeHTTPPool(httpClient, userAgent: userAgent) }
        // Statements name the database of each table: the connection needs none, and it may not exist yet.
        let options = ConnectionOptions(
            identity: ClientIdentity(userAgent: userAgent), database: "", user: username, password: password.secret,
            compression: compression, readTimeout: endpoint.readTimeout, writeTimeout: endpoint.readTimeout)
        let (dialTimeout, tls) = (endpoint.dialTimeout, tls.map(TLSClientSettings.init))
        return ClickHousePool(hosts: endpoint.hosts, strategy: endpoint.openStrategy) {
            (host, deadline) throws(ClickHouseError) in
            try await ClickHouseConnection.dial(
                host, tls: tls, options: options, dialTimeout: dialTimeout, deadline: deadline)
        }
    }

    private func makeHTTPPool(_ client: HTTPClient, userAgent: String) -> ClickHousePool {
        let scheme = endpoint.isSecure ? "https" : "http"
        let (username, password) = (username, password.secret)
        let (compression, readTimeout) = (compression, endpoint.readTimeout)
        return ClickHousePool(hosts: endpoint.hosts, strategy: endpoint.openStrategy) {
            (host, deadline) throws(ClickHouseError) in
            let session = ClickHouseHTTPSession(
                client: client, url: "\(scheme)://\(host)/", username: username, password: password,
                compression: compression, readTimeout: readTimeout, userAgent: userAgent)
            try await session.ping(deadline: deadline)
            return session
        }
    }
}

extension TLSClientSettings {
    fileprivate init(_ tls: HTTPClientTLS) {
        self.init()
        certificateAuthorities = tls.certificateAuthorities.map(Source.init)
        includesSystemAuthorities = tls.includesSystemAuthorities
        certificate = tls.certificate.map(Source.init)
        key = tls.key.map(Source.init)
        skipsVerification = tls.skipsVerification
        serverName = tls.serverName
        minimumVersion = Version(tls.minimumVersion)
        maximumVersion = tls.maximumVersion.map(Version.init)
        cipherSuites = tls.cipherSuites
    }
}

extension TLSClientSettings.Source {
    fileprivate init(_ source: HTTPClientTLS.Source) {
        switch source {
        case .file(let path): self = .file(path)
        case .pem(let text): self = .pem(text)
        }
    }
}

extension TLSClientSettings.Version {
    fileprivate init(_ version: HTTPClientTLS.Version) {
        switch version {
        case .tls10: self = .tls10
        case .tls11: self = .tls11
        case .tls12: self = .tls12
        case .tls13: self = .tls13
        }
    }
}

extension ClientIdentity {
    /// - Parameter userAgent: `name/1.2.3`; what is missing counts as 0.
    fileprivate init(userAgent: String) {
        let parts = userAgent.split(separator: "/", maxSplits: 1)
        let numbers = parts.count == 2 ? parts[1].split(separator: ".").map { UInt64($0) ?? 0 } : []
        self.init(
            name: parts.first.map(String.init) ?? "", versionMajor: numbers.first ?? 0,
            versionMinor: numbers.dropFirst().first ?? 0, versionPatch: numbers.dropFirst(2).first ?? 0)
    }
}
