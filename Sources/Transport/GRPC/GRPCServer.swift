internal import NIOCore

/// Limits and vocabulary of a `GRPCServer`.
package struct GRPCServerConfiguration: Sendable {
    package var endpoint: Endpoint
    /// Paths of the calls that are served, `/package.Service/Method`; others are answered UNIMPLEMENTED.
    package var methods: Set<String>
    /// Of a message as sent.
    package var messageBytesMax = 64 << 20
    /// Told of each message beyond `messageBytesMax`, with its path; the server has answered RESOURCE_EXHAUSTED itself.
    package var messageTooLarge: @Sendable (String) -> Void = { _ in }
    /// What clients may name in `grpc-encoding`, besides identity. The handler decompresses.
    package var acceptedEncodings: [String] = []
    /// Streams that one client may have open.
    package var maxConcurrentStreams = 1024
    package var headerBytesMax = 64 << 10
    /// The most that one read takes from a socket.
    package var readBufferBytesMax = 512 << 10
    /// Unsent bytes of a connection from which on it is not read from.
    package var writeBufferBytesMax = 32 << 10
    package var keepalive = HTTP2Keepalive()
    /// Whether requests carry their header fields.
    package var keepsMetadata = false
    /// Makes the `context` of calls from an address with such metadata.
    package var makeContext: MakeContext = { _, _ in nil }

    package typealias MakeContext =
        @Sendable (_ remoteAddress: String, _ metadata: [(name: String, value: String)]) -> (any AnyObject & Sendable)?

    package init(endpoint: Endpoint, methods: Set<String>) {
        self.endpoint = endpoint
        self.methods = methods
    }
}

/// A gRPC server for unary calls over HTTP/2 with prior knowledge: complete messages in, complete answers out.
///
/// `handler` runs on the connection's event loop and must not block it. It calls its second argument exactly once, on
/// any thread and perhaps before it returns; calling it for a client that has gone does nothing. All calls of a
/// connection may be open at once and are answered in any order.
package final class GRPCServer: Sendable {
    package typealias Completion = @Sendable (GRPCResponse) -> Void
    package typealias Handler = @Sendable (GRPCRequest, @escaping Completion) -> Void

    private let configuration: GRPCServerConfiguration
    private let handler: Handler
    private let listener: Listener

    package init(configuration: GRPCServerConfiguration, handler: @escaping Handler) {
        self.configuration = configuration
        self.handler = handler
        listener = Listener(
            options: .init(
                endpoint: configuration.endpoint, readBufferBytesMax: configuration.readBufferBytesMax,
                writeBufferBytesMax: configuration.writeBufferBytesMax))
    }

    /// Listens.
    ///
    /// - Returns: the bound address, `host:port`.
    /// - Throws: `ListenError`.
    package func start() async throws -> String {
        var connection = HTTP2ServerConfiguration()
        connection.settings.maxConcurrentStreams = configuration.maxConcurrentStreams
        connection.settings.maxHeaderListBytes = configuration.headerBytesMax
        connection.keepalive = configuration.keepalive
        if !configuration.keepsMetadata { connection.settings.keptFields = GRPCStreamMaker.fields }
        let configuration = configuration
        let handler = handler
        return try await listener.start { [connection] channel in
            try channel.pipeline.syncOperations.addHandler(
                HTTP2ServerHandler(
                    configuration: connection, maker: GRPCStreamMaker(configuration, handler: handler)))
        }
    }

    /// Stops accepting, tells clients to go elsewhere (GOAWAY), finishes the calls that are open, and closes. What is
    /// open at `deadline` is cut.
    package func stop(deadline: ContinuousClock.Instant) async {
        await listener.stop(deadline: deadline)
    }
}
