package import Component
import Glibc
package import HTTPClient

/// The `tls` block of a client that decides by its URL whether to speak TLS at all.
package struct TLSClientConfig: ConfigBlock {
    package var tls = HTTPClientTLS()
    /// The block says that no TLS is wanted; the URL decides all the same.
    package var isInsecure: Bool

    package init(from map: inout ConfigMap) throws(ConfigError) {
        let authority = try Self.takeSource("ca", "CA", "a CA", from: &map)
        tls.certificateAuthorities = authority
        tls.includesSystemAuthorities = try map.take("include_system_ca_certs_pool", default: false)
        tls.certificate = try Self.takeSource("cert", "certificate", "a certificate", from: &map)
        tls.key = try Self.takeSource("key", "key", "a key", from: &map)
        if (tls.certificate == nil) != (tls.key == nil) {
            throw map.error("for auth via TLS, provide both certificate and key, or neither")
        }
        tls.minimumVersion = try Self.takeVersion("min_version", from: &map) ?? .tls12
        tls.maximumVersion = try Self.takeVersion("max_version", from: &map)
        if let maximum = tls.maximumVersion, maximum.rawValue < tls.minimumVersion.rawValue {
            throw map.error("invalid TLS configuration: min_version cannot be greater than max_version")
        }
        for name in try map.take("cipher_suites", default: [String]()) {
            guard let openSSLName = openSSLCipherNames[name] else {
                throw map.error("invalid TLS cipher suite: \"\(name)\"")
            }
            tls.cipherSuites.append(openSSLName)
        }
        let serverName: String = try map.take("server_name_override", default: "")
        tls.serverName = serverName.isEmpty ? nil : serverName
        tls.skipsVerification = try map.take("insecure_skip_verify", default: false)
        // Both need no action: the URL's scheme decides, and each new connection reads the files anew.
        isInsecure = try map.take("insecure", default: false)
        let reloadInterval: Duration = try map.take("reload_interval", default: .zero)
        if reloadInterval < .zero { throw map.error("reload_interval must not be negative") }
    }

    private static func takeSource(
        _ key: String, _ noun: String, _ nounWithArticle: String, from map: inout ConfigMap
    ) throws(ConfigError) -> HTTPClientTLS.Source? {
        let file: String = try map.take("\(key)_file", default: "")
        let pem: OpaqueString = try map.take("\(key)_pem", default: OpaqueString(""))
        switch (file.isEmpty, pem.secret.isEmpty) {
        case (false, false):
            throw map.error(
                "provide either \(nounWithArticle)\(key == "ca" ? " file" : "") or the PEM-encoded string, but not both"
            )
        case (false, true): return .file(file)
        case (true, false): return .pem(pem.secret)
        case (true, true): return nil
        }
    }

    private static func takeVersion(
        _ key: String, from map: inout ConfigMap
    ) throws(ConfigError) -> HTTPClientTLS.Version? {
        let text: String = try map.take(key, default: "")
        if text.isEmpty { return nil }
        guard let version = HTTPClientTLS.Version(rawValue: text) else {
            throw map.error("invalid TLS \(key): unsupported TLS version: \"\(text)\"")
        }
        return version
    }
}

extension HTTPClientTLS {
    /// Tells at the start of files that the first connection would not be able to read.
    func checkFiles() throws {
        let parts = [
            (certificateAuthorities, "CA CertPool File"), (certificate, "TLS cert and key"), (key, "TLS cert and key"),
        ]
        for case (.file(let path)?, let role) in parts where unsafe access(path, R_OK) != 0 {
            throw TLSFileError(
                description: unsafe "failed to load TLS config: failed to load \(role): \(path): "
                    + String(cString: strerror(errno)))
        }
    }
}

private struct TLSFileError: Error, CustomStringConvertible {
    let description: String
}

/// Go's names of the cipher suites below TLS 1.3, and OpenSSL's.
private let openSSLCipherNames = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
]
