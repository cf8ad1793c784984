/// Checks the header of a connection's calls, and makes streams for those that are served.
///
/// Most clients send the same header with each call; it is checked when it differs from the one before.
final class GRPCStreamMaker: HTTP2StreamMaker {
    /// What is looked at in a header.
    static let fields = [":method", ":path", "content-type", "grpc-encoding", "grpc-timeout"]
    /// Longer headers are not remembered.
    private static let rememberedBytesMax = 4096

    let configuration: GRPCServerConfiguration
    let handler: GRPCServer.Handler
    private let methods: [String]
    private var last: (bytes: [UInt8], header: GRPCCallHeader)?

    init(_ configuration: GRPCServerConfiguration, handler: @escaping GRPCServer.Handler) {
        self.configuration = configuration
        self.handler = handler
        methods = configuration.methods.sorted()
    }

    func makeStream(
        _ header: HTTP2Header, remoteAddress: String, reply: HTTP2Reply
    ) -> HTTP2StreamStart {
        if let last, header.equals(last.bytes) {
            return .receive(GRPCServerStream(header: last.header, maker: self, reply: reply))
        }
        switch read(header, remoteAddress: remoteAddress) {
        case .success(let callHeader):
            last = header.byteCount <= Self.rememberedBytesMax ? (header.bytes, callHeader) : nil
            return .receive(GRPCServerStream(header: callHeader, maker: self, reply: reply))
        case .failure(let refusal):
            return .answer(refusal.response)
        }
    }

    /// A header that is answered at once.
    private struct Refusal: Error {
        let response: HTTP2Response
    }

    private func read(_ header: HTTP2Header, remoteAddress: String) -> Result<GRPCCallHeader, Refusal> {
        guard let method = header.firstField(":method"), header.hasValue("POST", in: method) else {
            return .failure(Refusal(response: httpError("405", allow: "POST")))
        }
        guard isGRPC(header) else { return .failure(Refusal(response: httpError("415"))) }
        let pathField = header.firstField(":path")
        guard let pathField, let path = methods.first(where: { header.hasValue($0, in: pathField) }) else {
            return .failure(Refusal(response: unknownMethod(header.first(":path") ?? "").http2Response()))
        }
        let encoding = header.first("grpc-encoding").flatMap { $0 == "identity" ? nil : $0 }
        if let encoding, !configuration.acceptedEncodings.contains(encoding) {
            let response = GRPCResponse.failure(
                .unimplemented, "grpc: Decompressor is not installed for grpc-encoding \"\(encoding)\"")
            return .failure(
                Refusal(response: response.http2Response(acceptedEncodings: configuration.acceptedEncodings)))
        }
        var timeout: Duration?
        if let text = header.first("grpc-timeout") {
            timeout = GRPCText.timeout(text)
            if timeout == nil {
                let response = GRPCResponse.failure(.internal, "malformed grpc-timeout")
                return .failure(Refusal(response: response.http2Response()))
            }
        }
        let metadata = configuration.keepsMetadata ? header.pairs.filter { !$0.name.hasPrefix(":") } : []
        return .success(
            GRPCCallHeader(
                path: path, encoding: encoding, metadata: metadata, remoteAddress: remoteAddress, timeout: timeout,
                context: configuration.makeContext(remoteAddress, metadata)))
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
    private let header: GRPCCallHeader
    /// Confined to the connection's loop, and calls nothing that could come back to it.
    @exclusivity(unchecked) private var assembler: GRPCMessageAssembler
    private let maker: GRPCStreamMaker
    private let reply: HTTP2Reply

    init(header: GRPCCallHeader, maker: GRPCStreamMaker, reply: HTTP2Reply) {
        self.header = header
        self.maker = maker
        self.reply = reply
        unsafe assembler = GRPCMessageAssembler(limit: maker.configuration.messageBytesMax)
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> HTTP2Response? {
        do {
            try unsafe assembler.append(bytes)
            return nil
        } catch {
            if case .tooLarge = error { maker.configuration.messageTooLarge(header.path) }
            return error.response.http2Response()
        }
    }

    func end() -> HTTP2Response? {
        do {
            let (message, isCompressed) = try unsafe assembler.finish()
            if isCompressed, header.encoding == nil {
                return GRPCResponse.failure(
                    .internal, "grpc: compressed flag set with identity or empty encoding"
                ).http2Response()
            }
            let request = GRPCRequest(header: header, message: message, isCompressed: isCompressed)
            maker.handler(request) { [reply] response in reply(response.http2Response()) }
            return nil
        } catch {
            return error.response.http2Response()
        }
    }
}
