/// Sends HTTP requests through libcurl: proxies, TLS, connection reuse, HTTP/1.1 and HTTP/2.
///
/// All transfers of a client run on one thread of its own; a waiting `send` blocks no thread. Redirects are not
/// followed.
package final class HTTPClient: Sendable {
    private let loop: TransferLoop

    /// - Throws: when the system has no memory or threads left.
    package init(configuration: HTTPClientConfiguration) throws(HTTPClientError) {
        loop = try TransferLoop(configuration: configuration)
    }

    deinit { loop.shutdown() }

    /// Sends `request` and returns the response, whatever its status.
    ///
    /// The body is not copied. Cancelling the task aborts the transfer. A request may reach the server although this
    /// throws.
    package func send(_ request: HTTPClientRequest) async throws(HTTPClientError) -> HTTPClientResponse {
        let ticket = TransferTicket()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                loop.start(request, ticket: ticket, continuation: continuation)
            }
        } onCancel: {
            loop.cancel(ticket)
        }
        return try result.get()
    }

    /// Ends open transfers as cancelled, closes all connections, and waits for the thread to end. Later requests fail.
    package func shutdown() { loop.shutdown() }
}
