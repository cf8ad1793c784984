internal import NIOCore
internal import NIOHTTP1

/// Limits of an `HTTPServer`. A timeout of nil means none.
package struct HTTPServerConfiguration: Sendable {
    package var endpoint: Endpoint
    /// Of the body as sent; a longer one is answered by `bodyTooLarge`, as soon as it is known to be longer.
    package var bodyBytesMax = 64 << 20
    package var headerBytesMax = 64 << 10
    /// From a request's first line to its last byte.
    package var readTimeout: Duration?
    /// From the connection's opening to the end of the first request's header.
    package var readHeaderTimeout: Duration? = .seconds(60)
    /// From handing over an answer until the socket has taken all of it.
    package var writeTimeout: Duration? = .seconds(30)
    /// Between an answer and the end of the next request's header.
    package var idleTimeout: Duration? = .seconds(60)
    /// Whether a connection may carry more than one request.
    package var keepAlive = true
    /// Makes the answer to a request whose body is larger than `bodyBytesMax`; the request comes with an empty body.
    package var bodyTooLarge: @Sendable (HTTPServerRequest) -> HTTPServerResponse = { _ in
        .text(413, "request body too large\n")
    }

    package init(endpoint: Endpoint) { self.endpoint = endpoint }
}

/// An HTTP/1.1 server: complete requests in, complete answers out.
///
/// `handler` runs on the connection's event loop and must not block it. It calls its second argument exactly once, on
/// any thread and perhaps before it returns; calling it for a client that has gone does nothing. Requests of one
/// connection are handled one after another, those of different connections at the same time.
package final class HTTPServer: Sendable {
    package typealias Completion = @Sendable (HTTPServerResponse) -> Void
    package typealias Handler = @Sendable (HTTPServerRequest, @escaping Completion) -> Void

    private let configuration: HTTPServerConfiguration
    private let handler: Handler
    private let listener: Listener

    package init(configuration: HTTPServerConfiguration, handler: @escaping Handler) {
        self.configuration = configuration
        self.handler = handler
        listener = Listener(options: .init(endpoint: configuration.endpoint, readBufferBytesMax: 256 << 10))
    }

    /// Listens.
    ///
    /// - Returns: the bound address, `host:port`.
    /// - Throws: `ListenError`.
    package func start() async throws -> String {
        let configuration = configuration
        let handler = handler
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = configuration.headerBytesMax
        limits.maxHeaderListSize = configuration.headerBytesMax
        return try await listener.start { [limits] channel in
            let pipeline = channel.pipeline.syncOperations
            try pipeline.configureHTTPServerPipeline(
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: limits)
            try pipeline.addHandler(HTTPServerHandler(configuration: configuration, handler: handler))
        }
    }

    /// Stops accepting, finishes the requests that are open, and closes. What is open at `deadline` is cut.
    package func stop(deadline: ContinuousClock.Instant) async {
        await listener.stop(deadline: deadline)
    }
}
