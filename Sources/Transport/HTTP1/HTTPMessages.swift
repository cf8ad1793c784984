internal import NIOHTTP1

/// Header fields in the order in which they came; names are compared without case.
package struct HTTPHeaderFields: Sendable {
    let headers: HTTPHeaders

    init(_ headers: HTTPHeaders) { self.headers = headers }

    package init(_ pairs: [(String, String)] = []) { headers = HTTPHeaders(pairs) }

    /// The first value of `name`.
    package subscript(name: String) -> String? { headers.first(name: name) }

    /// Every value of `name`; comma-separated lists are not split.
    package func values(of name: String) -> [String] { headers[name] }

    /// All fields, as they came.
    package var pairs: [(name: String, value: String)] { headers.map { ($0.name, $0.value) } }
}

/// A complete request.
package struct HTTPServerRequest: Sendable {
    /// Upper case, as sent: `POST`.
    package var method: String
    /// Not percent-decoded, without the query.
    package var path: String
    /// What follows `?`; empty without one.
    package var query: String
    package var headers: HTTPHeaderFields
    /// As sent; `Content-Encoding` is not undone.
    package var body: [UInt8]
    /// `host:port` of the peer; the path for unix sockets.
    package var remoteAddress: String

    package init(
        method: String, path: String, query: String = "", headers: HTTPHeaderFields = HTTPHeaderFields(),
        body: [UInt8] = [], remoteAddress: String = ""
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.remoteAddress = remoteAddress
    }
}

/// A complete answer. The server adds `Content-Length`, and `Connection` where needed.
package struct HTTPServerResponse: Sendable {
    package var status: Int
    package var headers: [(String, String)]
    package var body: [UInt8]

    package init(status: Int, headers: [(String, String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A plain-text answer.
    package static func text(_ status: Int, _ text: String) -> HTTPServerResponse {
        HTTPServerResponse(
            status: status, headers: [("Content-Type", "text/plain; charset=utf-8")], body: Array(text.utf8))
    }
}
