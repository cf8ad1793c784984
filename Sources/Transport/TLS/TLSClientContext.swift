import COpenSSL

/// OpenSSL's form of `TLSClientSettings`: what the sessions of one connection attempt share. Owns its `SSL_CTX`, which
/// is only read once it is made.
@safe
final class TLSClientContext: @unchecked Sendable {
    let context: OpaquePointer
    let settings: TLSClientSettings

    init(_ settings: TLSClientSettings) throws(TLSError) {
        guard let context = unsafe SSL_CTX_new(TLS_client_method()) else { throw TLSError.last("TLS cannot be set up") }
        unsafe self.context = context
        self.settings = settings
        unsafe COpenSSL_set_options(context)
        try setVersions()
        if !settings.cipherSuites.isEmpty,
            unsafe SSL_CTX_set_cipher_list(context, settings.cipherSuites.joined(separator: ":")) != 1
        {
            throw TLSError.last("cipher suites")
        }
        try setAuthorities()
        if let certificate = settings.certificate, let key = settings.key { try setIdentity(certificate, key) }
    }

    deinit { unsafe SSL_CTX_free(context) }

    private func setVersions() throws(TLSError) {
        guard unsafe COpenSSL_set_min_proto_version(context, settings.minimumVersion.number) == 1,
            unsafe COpenSSL_set_max_proto_version(context, settings.maximumVersion?.number ?? 0) == 1
        else { throw TLSError.last("TLS versions") }
    }

    private func setAuthorities() throws(TLSError) {
        if settings.skipsVerification { return }
        unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        if settings.certificateAuthorities == nil || settings.includesSystemAuthorities {
            guard unsafe SSL_CTX_set_default_verify_paths(context) == 1 else {
                throw TLSError.last("the system's certificate authorities")
            }
        }
        guard let source = settings.certificateAuthorities else { return }
        let store = unsafe SSL_CTX_get_cert_store(context)
        var count = 0
        unsafe try source.forEachCertificate(role: "the CA certificates") { certificate in
            count += 1
            return unsafe X509_STORE_add_cert(store, certificate) == 1
        }
        guard count > 0 else { throw TLSError(description: "the CA certificates: there is none in the PEM text") }
    }

    private func setIdentity(
        _ certificate: TLSClientSettings.Source, _ key: TLSClientSettings.Source
    ) throws(TLSError) {
        var count = 0
        unsafe try certificate.forEachCertificate(role: "the client's certificate") { [context] certificate in
            count += 1
            return count == 1
                ? unsafe SSL_CTX_use_certificate(context, certificate) == 1
                : unsafe COpenSSL_add_chain_certificate(context, certificate) == 1
        }
        guard count > 0 else { throw TLSError(description: "the client's certificate: there is none in the PEM text") }
        let text = unsafe try key.open(role: "the client's key")
        defer { unsafe BIO_free(text) }
        // Without a callback OpenSSL would ask the terminal for the password of an encrypted key.
        guard let parsed = unsafe PEM_read_bio_PrivateKey(text, nil, { _, _, _, _ in 0 }, nil) else {
            throw TLSError.last("the client's key")
        }
        defer { unsafe EVP_PKEY_free(parsed) }
        guard unsafe SSL_CTX_use_PrivateKey(context, parsed) == 1 else { throw TLSError.last("the client's key") }
    }
}

extension TLSClientSettings.Source {
    /// The PEM text, to be freed by the caller.
    fileprivate func open(role: String) throws(TLSError) -> OpaquePointer {
        ERR_clear_error()
        let text: OpaquePointer? =
            switch self {
            case .file(let path): unsafe BIO_new_file(path, "r")
            case .pem(let pem): unsafe Self.memory(pem)
            }
        guard let text = unsafe text else {
            if case .file(let path) = self { throw TLSError.last("\(role): \(path)") }
            throw TLSError.last(role)
        }
        return unsafe text
    }

    private static func memory(_ pem: String) -> OpaquePointer? {
        guard let memory = unsafe BIO_new(BIO_s_mem()) else { return nil }
        let bytes = Array(pem.utf8)
        _ = unsafe BIO_write(memory, bytes, Int32(bytes.count))
        return unsafe memory
    }

    /// - Parameter body: takes each certificate, which is freed after it; false: OpenSSL did not want it.
    fileprivate func forEachCertificate(role: String, _ body: (OpaquePointer) -> Bool) throws(TLSError) {
        let text = unsafe try open(role: role)
        defer { unsafe BIO_free(text) }
        while let certificate = unsafe PEM_read_bio_X509(text, nil, { _, _, _, _ in 0 }, nil) {
            defer { unsafe X509_free(certificate) }
            guard unsafe body(certificate) else { throw TLSError.last(role) }
        }
        // The end of the text is told as an error, too; whatever stood before it is of no interest.
        let (reason, words) = TLSError.takeReason()
        if reason != 0, reason != PEM_R_NO_START_LINE { throw TLSError(description: "\(role): \(words)") }
    }
}

extension TLSClientSettings.Version {
    fileprivate var number: Int32 {
        switch self {
        case .tls10: TLS1_VERSION
        case .tls11: TLS1_1_VERSION
        case .tls12: TLS1_2_VERSION
        case .tls13: TLS1_3_VERSION
        }
    }
}

extension TLSError {
    /// What OpenSSL last complained of in this thread.
    static func last(_ subject: String) -> TLSError { TLSError(description: "\(subject): \(takeReason().text)") }

    /// The number and words of OpenSSL's last complaint, which is forgotten. 0: there is none.
    static func takeReason() -> (reason: Int32, text: String) {
        var text: UnsafePointer<CChar>?
        let reason = unsafe COpenSSL_take_error(&text)
        return (reason, unsafe text.map { unsafe String(cString: $0) } ?? "no reason given")
    }
}
