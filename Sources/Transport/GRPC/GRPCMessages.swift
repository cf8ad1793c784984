/// The status codes of gRPC (https://grpc.io/docs/guides/status-codes/).
package enum GRPCStatusCode: Int, Sendable {
    case ok = 0
    case cancelled
    case unknown
    case invalidArgument
    case deadlineExceeded
    case notFound
    case alreadyExists
    case permissionDenied
    case resourceExhausted
    case failedPrecondition
    case aborted
    case outOfRange
    case unimplemented
    case `internal`
    case unavailable
    case dataLoss
    case unauthenticated
}

/// What the header of a call says. Calls of a connection whose headers are alike share one object.
package final class GRPCCallHeader: Sendable {
    /// `/package.Service/Method`
    package let path: String
    /// `grpc-encoding`; nil: identity.
    package let encoding: String?
    /// The client's header fields, names in lower case, without pseudo header fields; empty unless the server keeps
    /// them.
    package let metadata: [(name: String, value: String)]
    /// `host:port` of the peer.
    package let remoteAddress: String
    /// How long the client will wait for the answer, if it said so.
    package let timeout: Duration?
    /// What the server's configuration has made of it, for its handler.
    package let context: (any AnyObject & Sendable)?

    init(
        path: String, encoding: String?, metadata: [(name: String, value: String)], remoteAddress: String,
        timeout: Duration?, context: (any AnyObject & Sendable)?
    ) {
        self.path = path
        self.encoding = encoding
        self.metadata = metadata
        self.remoteAddress = remoteAddress
        self.timeout = timeout
        self.context = context
    }
}

/// A complete unary call.
package struct GRPCRequest: Sendable {
    package let header: GRPCCallHeader
    /// The message as sent: still compressed when `encoding` is not nil.
    package let message: [UInt8]
    let isCompressed: Bool

    /// `/package.Service/Method`
    package var path: String { header.path }
    /// `grpc-encoding` of a message that has its compressed flag set; nil otherwise.
    package var encoding: String? { isCompressed ? header.encoding : nil }
    package var metadata: [(name: String, value: String)] { header.metadata }
    package var remoteAddress: String { header.remoteAddress }
    package var timeout: Duration? { header.timeout }
}

/// A complete answer: a message, or the reason why there is none.
package struct GRPCResponse: Sendable {
    package var status: GRPCStatusCode
    /// For people; at most `statusMessageBytesMax` bytes of it are sent.
    package var statusMessage: String
    /// A serialized google.rpc.Status; empty: none is sent.
    package var statusDetails: [UInt8]
    /// Sent uncompressed, and only with the status OK.
    package var message: [UInt8]

    package static let statusMessageBytesMax = 512

    package static func success(_ message: [UInt8]) -> GRPCResponse {
        GRPCResponse(status: .ok, statusMessage: "", statusDetails: [], message: message)
    }

    package static func failure(
        _ status: GRPCStatusCode, _ message: String, details: [UInt8] = []
    ) -> GRPCResponse {
        GRPCResponse(status: status, statusMessage: message, statusDetails: details, message: [])
    }
}

extension GRPCResponse {
    private static let successHeaders = HTTP2HeaderBlock([(":status", "200"), ("content-type", "application/grpc")])
    private static let successTrailers = HTTP2HeaderBlock([("grpc-status", "0")])

    /// A message without content, which is what most calls are answered with.
    private static let emptySuccess = HTTP2Response(
        headers: successHeaders, body: Array(repeating: 0, count: GRPCMessageAssembler.prefixCount),
        trailers: successTrailers)

    /// Header, message and trailers for success; for errors the one HEADERS frame of "trailers-only".
    ///
    /// - Parameter acceptedEncodings: sent along when not nil: what the client may compress with.
    func http2Response(acceptedEncodings: [String]? = nil) -> HTTP2Response {
        if status == .ok {
            if message.isEmpty { return GRPCResponse.emptySuccess }
            var body: [UInt8] = []
            body.reserveCapacity(GRPCMessageAssembler.prefixCount + message.count)
            body.append(0)
            let count = UInt32(message.count)
            for shift in [24, 16, 8, 0] as [UInt32] { body.append(UInt8(truncatingIfNeeded: count >> shift)) }
            body.append(contentsOf: message)
            return HTTP2Response(
                headers: GRPCResponse.successHeaders, body: body, trailers: GRPCResponse.successTrailers)
        }
        var block = GRPCResponse.successHeaders
        block.append("grpc-status", String(status.rawValue))
        if !statusMessage.isEmpty { block.append("grpc-message", GRPCText.percentEncoded(statusMessage)) }
        if !statusDetails.isEmpty { block.append("grpc-status-details-bin", GRPCText.base64(statusDetails)) }
        if let acceptedEncodings {
            block.append("grpc-accept-encoding", (["identity"] + acceptedEncodings).joined(separator: ","))
        }
        return HTTP2Response(headers: block)
    }
}
