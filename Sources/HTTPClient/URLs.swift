import CCurl

/// `url` without user name and password.
package func withoutCredentials(_ url: String) -> String {
    guard let authority = url.firstRange(of: "://")?.upperBound else { return url }
    let end = url[authority...].firstIndex { "/?#".contains($0) } ?? url.endIndex
    guard let at = url[authority..<end].lastIndex(of: "@") else { return url }
    return String(url[..<authority] + url[url.index(after: at)...])
}

/// A URL under another host name, and the way to the host it named at first.
struct RenamedURL {
    let url: String
    /// libcurl's form: `NAME:PORT:HOST:PORT`.
    let connectTo: String
    /// `host` or `host:port`, as a Host header has it.
    let originalHost: String

    /// Nil when `text` is no URL with a host.
    init?(_ text: String, host name: String) {
        guard let parts = unsafe curl_url() else { return nil }
        defer { unsafe curl_url_cleanup(parts) }
        guard unsafe curl_url_set(parts, CURLUPART_URL, text, 0) == CURLUE_OK,
            let host = unsafe part(CURLUPART_HOST, of: parts),
            let port = unsafe part(CURLUPART_PORT, of: parts, flags: UInt32(CURLU_DEFAULT_PORT)),
            unsafe curl_url_set(parts, CURLUPART_HOST, name, 0) == CURLUE_OK,
            let url = unsafe part(CURLUPART_URL, of: parts)
        else { return nil }
        let writtenPort = unsafe part(CURLUPART_PORT, of: parts)
        self.url = url
        connectTo = "\(name):\(port):\(host):\(port)"
        originalHost = writtenPort.map { "\(host):\($0)" } ?? host
    }
}

private func part(_ which: CURLUPart, of parts: OpaquePointer, flags: UInt32 = 0) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    guard unsafe CCurl_url_get(parts, which, &text, flags) == CURLUE_OK, let text = unsafe text else { return nil }
    defer { unsafe curl_free(text) }
    return unsafe String(cString: text)
}
