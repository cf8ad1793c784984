/// Whom a TLS client trusts, and what it shows its peers. Files are read when a connection is made.
package struct TLSClientSettings: Sendable, Hashable {
    /// PEM, from a file or in memory.
    package enum Source: Sendable, Hashable {
        case file(String)
        case pem(String)
    }

    /// In ascending order.
    package enum Version: Sendable, Hashable {
        case tls10
        case tls11
        case tls12
        case tls13
    }

    /// Whom to trust; nil: the system's certificate authorities.
    package var certificateAuthorities: Source?
    /// Trust the system's authorities beside `certificateAuthorities`.
    package var includesSystemAuthorities = false
    /// With the certificates that link it to an authority, its own first.
    package var certificate: Source?
    package var key: Source?
    package var skipsVerification = false
    /// The name to ask for and to verify, instead of the host that is connected to.
    package var serverName: String?
    package var minimumVersion = Version.tls12
    /// Nil: the newest there is.
    package var maximumVersion: Version?
    /// OpenSSL names for TLS 1.2 and below; empty: OpenSSL's choice.
    package var cipherSuites: [String] = []

    package init() {}
}

/// TLS could not be set up, or the peer does not speak it, is not trusted, or refused this side.
struct TLSError: Error, CustomStringConvertible {
    let description: String
}
