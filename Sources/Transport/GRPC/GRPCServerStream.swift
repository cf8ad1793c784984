/// Checks the header of calls, and makes streams for those that are served.
struct GRPCStreamMaker: HTTP2StreamMaker {
    let configuration: GRPCServerConfiguration
    let handler: GRPCServer.Handler

    func makeStream(
        _ header: HTTP2HeaderBlock, remoteAddress: String, reply: HTTP2Reply
    ) -> HTTP2StreamStart<GRPCServerStream> {
        guard header.first(":method") == "POST" else { return .answer(httpError("405", allow: "POST")) }
        guard isGRPC(header.first("content-type") ?? "") else { return .answer(httpError("415")) }
        let path = header.first(":path") ?? ""
        guard configuration.methods.contains(path) else { return .answer(unknownMethod(path).http2Response()) }
        let encoding = header.first("grpc-encoding").flatMap { $0 == "identity" ? nil : $0 }
        if let encoding, !configuration.acceptedEncodings.contains(encoding) {
            let response = GRPCResponse.failure(
                .unimplemented, "grpc: Decompressor is not installed for grpc-encoding \"\(encoding)\"")
            return .answer(response.http2Response(acceptedEncodings: configuration.acceptedEncodings))
        }
        var timeout: Duration?
        if let text = header.first("grpc-timeout") {
            timeout = GRPCText.timeout(text)
            if timeout == nil {
                return .answer(GRPCResponse.failure(.internal, "malformed grpc-timeout").http2Response())
            }
        }
        let metadata = configuration.keepsMetadata ? header.pairs.filter { !$0.name.hasPrefix(":") } : []
        let request = GRPCRequest(
            path: path, message: [], encoding: encoding, metadata: metadata, remoteAddress: remoteAddress,
            timeout: timeout)
        return .receive(
            GRPCServerStream(
                request: request, configuration: configuration, handler: handler, reply: reply))
    }

    private func isGRPC(_ contentType: String) -> Bool {
        let prefix = "application/grpc"
        guard contentType.hasPrefix(prefix) else { return false }
        let next = contentType.utf8.dropFirst(prefix.utf8.count).first
        return next == nil || next == UInt8(ascii: "+") || next == UInt8(ascii: ";")
    }

    /// An answer for clients that do not speak gRPC.
    private func httpError(_ status: String, allow: String? = nil) -> HTTP2Response {
        var block = HTTP2HeaderBlock()
        block.append(":status", status)
        if let allow { block.append("allow", allow) }
        return HTTP2Response(headers: block)
    }

    private func unknownMethod(_ path: String) -> GRPCResponse {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].isEmpty else {
            return .failure(.unimplemented, "malformed method name: \(path)")
        }
        let servesService = configuration.methods.contains { $0.hasPrefix("/\(parts[1])/") }
        return .failure(
            .unimplemented,
            servesService ? "unknown method \(parts[2]) for service \(parts[1])" : "unknown service \(parts[1])")
    }
}

/// One unary call on its way in.
final class GRPCServerStream: HTTP2ServerStream {
    private var request: GRPCRequest
    private var assembler: GRPCMessageAssembler
    private let handler: GRPCServer.Handler
    private let messageTooLarge: @Sendable (String) -> Void
    private let reply: HTTP2Reply

    init(
        request: GRPCRequest, configuration: GRPCServerConfiguration, handler: @escaping GRPCServer.Handler,
        reply: HTTP2Reply
    ) {
        self.request = request
        messageTooLarge = configuration.messageTooLarge
        self.handler = handler
        self.reply = reply
        assembler = GRPCMessageAssembler(limit: configuration.messageBytesMax)
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> HTTP2Response? {
        do {
            try unsafe assembler.append(bytes)
            return nil
        } catch {
            if case .tooLarge = error { messageTooLarge(request.path) }
            return error.response.http2Response()
        }
    }

    func end() -> HTTP2Response? {
        do {
            let (message, isCompressed) = try assembler.finish()
            if isCompressed, request.encoding == nil {
                return GRPCResponse.failure(
                    .internal, "grpc: compressed flag set with identity or empty encoding"
                ).http2Response()
            }
            if !isCompressed { request.encoding = nil }
            request.message = message
        } catch {
            return error.response.http2Response()
        }
        handler(request) { [reply] response in reply(response.http2Response()) }
        return nil
    }
}
