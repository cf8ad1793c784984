import CCurl

/// One request in libcurl's hands. Used by the loop's thread only.
@safe
final class Transfer {
    let ticket: TransferTicket
    let request: HTTPClientRequest
    private let continuation: TransferContinuation
    private var easy: UnsafeMutableRawPointer?
    /// Lists that libcurl reads until the transfer ends.
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var connectToList: UnsafeMutablePointer<curl_slist>?
    /// libcurl's sentence about a failure.
    private let errorText: UnsafeMutablePointer<CChar>
    /// The empty line after the headers has come: libcurl also calls a response done that was cut before it.
    private var headersAreComplete = false
    private var responseHeaders: [(name: String, value: String)] = []
    private var responseTrailers: [(name: String, value: String)] = []
    private var responseBody: [UInt8] = []
    private var responseBodyBytesMax = 0
    private var responseBodyIsCut = false
    /// A connection was there, and the request on its way: libcurl may have made another attempt since.
    private var requestWasBegun = false
    private var connection = Connection.any

    /// Which connection the request may take.
    ///
    /// libcurl before 8.0 greets an HTTP/2 server a second time when a request with prior knowledge takes a connection
    /// that is there already, and fails. So such a request first asks for an open connection without that option, and
    /// only where libcurl would make a new one it goes there, with it.
    private enum Connection {
        case any
        /// One that is open already.
        case open
        /// A new one, in HTTP/2 from its first byte.
        case new
    }

    init(request: HTTPClientRequest, ticket: TransferTicket, continuation: TransferContinuation) {
        self.request = request
        self.ticket = ticket
        self.continuation = continuation
        unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        if let easy = unsafe easy { unsafe curl_easy_cleanup(easy) }
        unsafe curl_slist_free_all(headerList)
        unsafe curl_slist_free_all(connectToList)
        unsafe errorText.deallocate()
    }

    /// The transfer that `easy` belongs to.
    static func of(easy: UnsafeMutableRawPointer?) -> Transfer? {
        var context: UnsafeMutableRawPointer?
        guard let easy = unsafe easy, unsafe CCurl_getinfo_pointer(easy, CURLINFO_PRIVATE, &context) == CURLE_OK else {
            return nil
        }
        return unsafe context.map { unsafe Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Hands the request to `multi`. The caller keeps the transfer until `end`.
    func begin(
        multi: UnsafeMutableRawPointer, _ configuration: HTTPClientConfiguration, cookies: UnsafeMutableRawPointer?
    ) throws(HTTPClientError) {
        guard let easy = unsafe curl_easy_init() else {
            throw HTTPClientError(.invalidRequest, "libcurl has no handle left")
        }
        unsafe self.easy = unsafe easy
        responseBodyBytesMax = configuration.responseBodyBytesMax
        let options = unsafe EasyOptions(easy: easy)
        options.setConnection(configuration, url: request.url)
        if let cookies = unsafe cookies {
            unsafe options.set(CURLOPT_SHARE, pointer: cookies)
            options.set(CURLOPT_COOKIEFILE, "")
        }
        try setURL(options, serverName: configuration.tls.serverName)
        setMethodAndBody(options)
        try setHeaders(options, closes: configuration.disablesKeepAlives)
        setCallbacks(options)
        if configuration.usesPriorKnowledge, request.url.lowercased().hasPrefix("http:") {
            connection = .open
            unsafe CCurl_setopt_opensocket(easy, { _, _, _ in CURL_SOCKET_BAD }, nil)
        }
        let failed = options.failure
        let code = unsafe curl_multi_add_handle(multi, easy)
        guard failed == CURLE_OK, code == CURLM_OK else {
            unsafe curl_multi_remove_handle(multi, easy)
            throw HTTPClientError(.invalidRequest, message(failed))
        }
    }

    /// Where an open connection was asked for and there is none: asks for a new one. False in any other case.
    func beginAgain(multi: UnsafeMutableRawPointer, after code: CURLcode) -> Bool {
        guard connection == .open, code == CURLE_COULDNT_CONNECT, !requestWasBegun, let easy = unsafe easy else {
            return false
        }
        connection = .new
        unsafe curl_multi_remove_handle(multi, easy)
        let options = unsafe EasyOptions(easy: easy)
        options.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE))
        options.set(CURLOPT_FRESH_CONNECT, 1)
        unsafe CCurl_setopt_opensocket(easy, nil, nil)
        unsafe errorText.pointee = 0
        guard options.failure == CURLE_OK else { return false }
        return unsafe curl_multi_add_handle(multi, easy) == CURLM_OK
    }

    /// Takes the transfer away from `multi` and answers the caller.
    func end(multi: UnsafeMutableRawPointer, _ result: Result<HTTPClientResponse, HTTPClientError>) {
        unsafe curl_multi_remove_handle(multi, easy)
        continuation.resume(returning: result)
    }

    /// What came of it, once libcurl says that it is done with `code`.
    func result(_ code: CURLcode) -> Result<HTTPClientResponse, HTTPClientError> {
        var status = 0
        unsafe CCurl_getinfo_long(easy, CURLINFO_RESPONSE_CODE, &status)
        // Cutting a long body ends the transfer with an error that is none.
        guard code == CURLE_OK || (code == CURLE_WRITE_ERROR && responseBodyIsCut) else {
            let kind = kind(of: code)
            // A later attempt found no connection, but an earlier one may have brought the request there.
            return .failure(HTTPClientError(kind == .connect && requestWasBegun ? .sendReceive : kind, message(code)))
        }
        guard headersAreComplete else {
            return .failure(HTTPClientError(.sendReceive, message(CURLE_GOT_NOTHING)))
        }
        return .success(
            HTTPClientResponse(
                status: status, headers: responseHeaders, body: responseBody, trailers: responseTrailers))
    }

    private func message(_ code: CURLcode) -> String {
        let text = unsafe String(cString: errorText)
        let reason = text.isEmpty ? unsafe String(cString: curl_easy_strerror(code)) : text
        return "\(request.method) \"\(withoutCredentials(request.url))\": \(reason)"
    }

    // MARK: The request

    private func setURL(_ options: EasyOptions, serverName: String?) throws(HTTPClientError) {
        options.set(CURLOPT_PROTOCOLS_STR, "http,https")
        guard let serverName, let renamed = RenamedURL(request.url, host: serverName) else {
            return options.set(CURLOPT_URL, request.url)
        }
        // libcurl takes the name to ask for and to verify from the URL: it gets that name there, and the way beside it.
        options.set(CURLOPT_URL, renamed.url)
        unsafe connectToList = unsafe curl_slist_append(nil, renamed.connectTo)
        unsafe options.set(CURLOPT_CONNECT_TO, pointer: connectToList)
        guard !request.headers.contains(where: { $0.name.lowercased() == "host" }) else { return }
        unsafe headerList = unsafe curl_slist_append(headerList, "Host: \(renamed.originalHost)")
    }

    private func setMethodAndBody(_ options: EasyOptions) {
        if let timeout = request.timeout { options.set(CURLOPT_TIMEOUT_MS, max(1, timeout.milliseconds)) }
        if request.method == "HEAD" { return options.set(CURLOPT_NOBODY, 1) }
        if request.body.isEmpty, request.method != "POST" {
            options.set(CURLOPT_HTTPGET, 1)
        } else {
            options.set(CURLOPT_POST, 1)
            unsafe CCurl_setopt_off_t(options.easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count))
            // The address outlives the closure because this object holds the array, and nothing changes it, until
            // libcurl's handle is gone.
            unsafe request.body.withUnsafeBytes { unsafe options.set(CURLOPT_POSTFIELDS, pointer: $0.baseAddress) }
        }
        options.set(CURLOPT_CUSTOMREQUEST, request.method)
    }

    private func setHeaders(_ options: EasyOptions, closes: Bool) throws(HTTPClientError) {
        // Without "Expect:" libcurl would wait up to a second for leave to send larger bodies; without "Content-Type:"
        // it would call every body a form.
        var lines = ["Expect:"]
        if !request.headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            lines.append("Content-Type:")
        }
        if closes { lines.append("Connection: close") }
        for (name, value) in request.headers {
            let isToken = !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") }
            let isText = value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == UInt8(ascii: "\t") }
            guard isToken, isText else { throw HTTPClientError(.invalidRequest, "invalid header field: \(name)") }
            lines.append(value.isEmpty ? "\(name);" : "\(name): \(value)")
        }
        for line in lines { unsafe headerList = unsafe curl_slist_append(headerList, line) }
        unsafe options.set(CURLOPT_HTTPHEADER, pointer: headerList)
    }

    private func setCallbacks(_ options: EasyOptions) {
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe options.set(CURLOPT_PRIVATE, pointer: context)
        unsafe options.set(CURLOPT_ERRORBUFFER, pointer: errorText)
        unsafe options.set(CURLOPT_HEADERDATA, pointer: context)
        unsafe options.set(CURLOPT_WRITEDATA, pointer: context)
        let noteBeginning: curl_prereq_callback = { context, _, _, _, _ in
            guard let context = unsafe context else { return CURL_PREREQFUNC_ABORT }
            unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue().requestWasBegun = true
            return CURL_PREREQFUNC_OK
        }
        unsafe CCurl_setopt_prereq(options.easy, noteBeginning, context)
        unsafe CCurl_setopt_data_callback(options.easy, CURLOPT_HEADERFUNCTION) { data, _, count, context in
            guard let data = unsafe data, let context = unsafe context else { return 0 }
            let line = unsafe UnsafeRawBufferPointer(start: data, count: count)
            unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue().receiveHeader(line)
            return count
        }
        unsafe CCurl_setopt_data_callback(options.easy, CURLOPT_WRITEFUNCTION) { data, _, count, context in
            guard let data = unsafe data, let context = unsafe context else { return 0 }
            let bytes = unsafe UnsafeRawBufferPointer(start: data, count: count)
            let isTaken = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue().receiveBody(bytes)
            return isTaken ? count : 0
        }
    }

    // MARK: The response

    /// Takes a line of the headers, the empty one after them, or, behind the body, a line of the trailers.
    private func receiveHeader(_ line: UnsafeRawBufferPointer) {
        let text = unsafe String(decoding: line, as: UTF8.self)
        // A status line opens a response; an earlier one was a 1xx.
        if text.hasPrefix("HTTP/") {
            responseHeaders = []
            headersAreComplete = false
            return
        }
        if text == "\r\n" || text == "\n" { headersAreComplete = true }
        guard let colon = text.firstIndex(of: ":") else { return }
        let field = (trimmed(text[..<colon]), trimmed(text[text.index(after: colon)...]))
        if headersAreComplete { responseTrailers.append(field) } else { responseHeaders.append(field) }
    }

    /// False ends the transfer.
    private func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let room = responseBodyBytesMax - responseBody.count
        unsafe responseBody.append(contentsOf: bytes.prefix(room))
        responseBodyIsCut = bytes.count > room
        return !responseBodyIsCut
    }
}

private func trimmed(_ text: Substring) -> String {
    let head = text.drop { $0.isWhitespace }
    let end = head.lastIndex { !$0.isWhitespace }
    return end.map { String(head[...$0]) } ?? ""
}

private func kind(of code: CURLcode) -> HTTPClientError.Kind {
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT, CURLE_PROXY: .connect
    case CURLE_OPERATION_TIMEDOUT: .timeout
    case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_PEER_FAILED_VERIFICATION,
        CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH,
        CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT:
        .tls
    case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: .invalidRequest
    default: .sendReceive
    }
}
