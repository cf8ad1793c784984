/// Checks the header of calls, and makes streams for those that are served.
final class GRPCStreamMaker: HTTP2StreamMaker {
    let configuration: GRPCServerConfiguration
    let handler: GRPCServer.Handler
    private let methods: [String]

    init(_ configuration: GRPCServerConfiguration, handler: @escaping GRPCServer.Handler) {
        self.configuration = configuration
        self.handler = handler
        methods = configuration.methods.sorted()
    }

    func makeStream(
        _ header: HTTP2Header, remoteAddress: String, reply: HTTP2Reply
    ) -> HTTP2StreamStart {
        guard let method = header.firstField(":method"), header.hasValue("POST", in: method) else {
            return .answer(httpError("405", allow: "POST"))
        }
        guard isGRPC(header) else { return .answer(httpError("415")) }
        let pathField = header.firstField(":path")
        guard let pathField, let path = methods.first(where: { header.hasValue($0, in: pathField) }) else {
            return .answer(unknownMethod(header.first(":path") ?? "").http2Response())
        }
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
        return .receive(
            GRPCServerStream(
                path: path, encoding: encoding, metadata: metadata, remoteAddress: remoteAddress, timeout: timeout,
                maker: self, reply: reply))
    }

    private func isGRPC(_ header: HTTP2Header) -> Bool {
        let prefix = "application/grpc"
        guard let field = header.firstField("content-type") else { return false }
        if header.hasValue(prefix, in: field) { return true }
        let contentType = header.value(of: field)
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
    private let path: String
    private let encoding: String?
    private let metadata: [(name: String, value: String)]
    private let remoteAddress: String
    private let timeout: Duration?
    /// Confined to the connection's loop, and calls nothing that could come back to it.
    @exclusivity(unchecked) private var assembler: GRPCMessageAssembler
    private let maker: GRPCStreamMaker
    private let reply: HTTP2Reply

    init(
        path: String, encoding: String?, metadata: [(name: String, value: String)], remoteAddress: String,
        timeout: Duration?, maker: GRPCStreamMaker, reply: HTTP2Reply
    ) {
        self.path = path
        self.encoding = encoding
        self.metadata = metadata
        self.remoteAddress = remoteAddress
        self.timeout = timeout
        self.maker = maker
        self.reply = reply
        unsafe assembler = GRPCMessageAssembler(limit: maker.configuration.messageBytesMax)
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> HTTP2Response? {
        do {
            try unsafe assembler.append(bytes)
            return nil
        } catch {
            if case .tooLarge = error { maker.configuration.messageTooLarge(path) }
            return error.response.http2Response()
        }
    }

    func end() -> HTTP2Response? {
        do {
            let (message, isCompressed) = try unsafe assembler.finish()
            if isCompressed, encoding == nil {
                return GRPCResponse.failure(
                    .internal, "grpc: compressed flag set with identity or empty encoding"
                ).http2Response()
            }
            let request = GRPCRequest(
                path: path, message: message, encoding: isCompressed ? encoding : nil, metadata: metadata,
                remoteAddress: remoteAddress, timeout: timeout)
            maker.handler(request) { [reply] response in reply(response.http2Response()) }
            return nil
        } catch {
            return error.response.http2Response()
        }
    }
}
