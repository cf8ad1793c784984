import CCurl
import Glibc

/// Sets the options of one libcurl handle, and remembers the first that failed.
@safe
final class EasyOptions {
    let easy: UnsafeMutableRawPointer
    private(set) var failure = CURLE_OK

    init(easy: UnsafeMutableRawPointer) { unsafe self.easy = unsafe easy }

    func set(_ option: CURLoption, _ value: Int) { note(unsafe CCurl_setopt_long(easy, option, value)) }

    /// libcurl copies the text. Nil takes the default away.
    func set(_ option: CURLoption, _ text: String?) { note(unsafe CCurl_setopt_string(easy, option, text)) }

    /// What `value` points to must outlive the transfer.
    func set(_ option: CURLoption, pointer value: UnsafeRawPointer?) {
        note(unsafe CCurl_setopt_pointer(easy, option, value))
    }

    private func set(_ option: CURLoption, copying bytes: String) {
        var bytes = bytes
        note(bytes.withUTF8 { unsafe CCurl_setopt_blob(easy, option, $0.baseAddress, $0.count) })
    }

    private func note(_ code: CURLcode) {
        if failure == CURLE_OK { failure = code }
    }

    /// All that is the same for every request of a client, and the proxy on the way to `url`.
    func setConnection(_ configuration: HTTPClientConfiguration, url: String) {
        // No signal handlers: other threads of the program would see them.
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_CONNECTTIMEOUT_MS, max(1, configuration.connectTimeout.milliseconds))
        set(CURLOPT_MAXAGE_CONN, max(1, Int(clamping: configuration.idleConnectionTimeout.components.seconds)))
        if configuration.disablesKeepAlives { set(CURLOPT_FORBID_REUSE, 1) }
        if configuration.readBufferBytes > 0 {
            set(CURLOPT_BUFFERSIZE, min(max(configuration.readBufferBytes, 1024), 10 << 20))
        }
        if configuration.writeBufferBytes > 0 {
            set(CURLOPT_UPLOAD_BUFFERSIZE, min(max(configuration.writeBufferBytes, 16 << 10), 2 << 20))
        }
        setProxy(configuration, url: url)
        setTLS(configuration.tls)
    }

    private func setProxy(_ configuration: HTTPClientConfiguration, url: String) {
        if let proxyURL = configuration.proxyURL {
            set(CURLOPT_PROXY, proxyURL)
            set(CURLOPT_NOPROXY, "")
            return
        }
        // libcurl reads the environment, except HTTP_PROXY in capitals, which a client of a CGI program could set.
        if url.lowercased().hasPrefix("http:"), environment("http_proxy") == nil, environment("REQUEST_METHOD") == nil,
            let proxy = environment("HTTP_PROXY")
        {
            set(CURLOPT_PROXY, proxy)
        }
        let exceptions = environment("no_proxy") ?? environment("NO_PROXY")
        set(CURLOPT_NOPROXY, [exceptions, "localhost,127.0.0.1,::1"].compactMap(\.self).joined(separator: ","))
    }

    private func setTLS(_ tls: HTTPClientTLS) {
        set(CURLOPT_SSLVERSION, tls.minimumVersion.minimum | (tls.maximumVersion?.maximum ?? 0))
        if tls.skipsVerification {
            set(CURLOPT_SSL_VERIFYPEER, 0)
            set(CURLOPT_SSL_VERIFYHOST, 0)
        }
        if let authorities = tls.certificateAuthorities {
            if !tls.includesSystemAuthorities { set(CURLOPT_CAPATH, nil) }
            // libcurl would keep what it read for a day.
            set(CURLOPT_CA_CACHE_TIMEOUT, 0)
            switch authorities {
            case .file(let path): set(CURLOPT_CAINFO, path)
            case .pem(let text): set(CURLOPT_CAINFO_BLOB, copying: text)
            }
        }
        switch tls.certificate {
        case .file(let path): set(CURLOPT_SSLCERT, path)
        case .pem(let text): set(CURLOPT_SSLCERT_BLOB, copying: text)
        case nil: break
        }
        switch tls.key {
        case .file(let path): set(CURLOPT_SSLKEY, path)
        case .pem(let text): set(CURLOPT_SSLKEY_BLOB, copying: text)
        case nil: break
        }
        if !tls.cipherSuites.isEmpty { set(CURLOPT_SSL_CIPHER_LIST, tls.cipherSuites.joined(separator: ":")) }
    }
}

private func environment(_ name: String) -> String? {
    guard let text = unsafe getenv(name), unsafe text.pointee != 0 else { return nil }
    return unsafe String(cString: text)
}

extension HTTPClientTLS.Version {
    fileprivate var minimum: Int {
        switch self {
        case .tls10: CURL_SSLVERSION_TLSv1_0
        case .tls11: CURL_SSLVERSION_TLSv1_1
        case .tls12: CURL_SSLVERSION_TLSv1_2
        case .tls13: CURL_SSLVERSION_TLSv1_3
        }
    }

    fileprivate var maximum: Int {
        switch self {
        case .tls10: CURL_SSLVERSION_MAX_TLSv1_0
        case .tls11: CURL_SSLVERSION_MAX_TLSv1_1
        case .tls12: CURL_SSLVERSION_MAX_TLSv1_2
        case .tls13: CURL_SSLVERSION_MAX_TLSv1_3
        }
    }
}

extension Duration {
    /// Whole milliseconds, rounded up.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        guard seconds < Int64(Int32.max) else { return Int(Int32.max) * 1000 }
        return Int(seconds) * 1000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
