internal import NIOCore
internal import NIOHTTP1

/// One HTTP/1.1 connection: collects a request, has it handled, writes the answer.
///
/// It stands behind NIO's pipelining handler, which delivers the next request only after the answer to the last one.
final class HTTPServerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case idle
        case receiving(HTTPRequestHead, declared: Int, body: [UInt8])
        case handling(HTTPRequestHead)
        /// The answer went out before the request's end; the rest of it is thrown away, then the connection closes.
        case discarding
        case closed
    }

    /// How long a client that was answered early may go on sending before it is cut.
    private static let lingerTimeout = Duration.seconds(2)
    private static let reservedAtFirst = 1 << 20

    private let configuration: HTTPServerConfiguration
    private let handler: HTTPServer.Handler
    private var state = State.idle
    private var context: ChannelHandlerContext?
    private var remoteAddress = ""
    private var deadline: LazyDeadline?
    /// Tells a late answer from one to the request at hand.
    private var requestNumber = 0

    init(configuration: HTTPServerConfiguration, handler: @escaping HTTPServer.Handler) {
        self.configuration = configuration
        self.handler = handler
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let deadline = LazyDeadline(eventLoop: context.eventLoop) { [weak self] in
            self?.context?.close(promise: nil)
        }
        deadline.set(configuration.readHeaderTimeout ?? configuration.idleTimeout)
        self.deadline = deadline
    }

    func handlerRemoved(context: ChannelHandlerContext) { release() }

    func channelActive(context: ChannelHandlerContext) {
        remoteAddress = context.remoteAddress?.text ?? ""
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        release()
        context.fireChannelInactive()
    }

    private func release() {
        state = .closed
        context = nil
        deadline?.cancel()
        deadline = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): receive(head: head, context: context)
        case .body(let buffer): receive(body: buffer, context: context)
        case .end: receiveEnd(context: context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            // A client that has ended its side still gets the answer to a complete request.
            switch state {
            case .handling: break
            case .idle, .receiving, .discarding, .closed: context.close(promise: nil)
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The protocol error handler before this one has answered 400 where that was possible.
        context.close(promise: nil)
    }
}

// MARK: Requests

extension HTTPServerHandler {
    private func receive(head: HTTPRequestHead, context: ChannelHandlerContext) {
        deadline?.set(configuration.readTimeout)
        requestNumber += 1
        let declared = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        guard declared <= configuration.bodyBytesMax else {
            refuseBody(head, context: context)
            return
        }
        if head.headers[canonicalForm: "expect"].contains(where: { $0.lowercased() == "100-continue" }) {
            let head = HTTPResponseHead(version: head.version, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        }
        state = .receiving(head, declared: declared, body: [])
    }

    private func receive(body buffer: ByteBuffer, context: ChannelHandlerContext) {
        guard case .receiving(let head, let declared, var body) = state else { return }
        state = .discarding
        let count = body.count + buffer.readableBytes
        guard count <= configuration.bodyBytesMax else {
            refuseBody(head, context: context)
            return
        }
        // A length costs nothing to declare, so only a megabyte is reserved before more than that has come.
        let atFirst = HTTPServerHandler.reservedAtFirst
        body.reserveCapacity(count > atFirst ? declared : min(declared, atFirst))
        unsafe buffer.withUnsafeReadableBytes { unsafe body.append(contentsOf: $0) }
        state = .receiving(head, declared: declared, body: body)
    }

    private func receiveEnd(context: ChannelHandlerContext) {
        switch state {
        case .receiving(let head, _, let body):
            state = .handling(head)
            deadline?.set(nil)
            dispatch(request(head, body: body), context: context)
        case .discarding:
            context.close(promise: nil)
        case .idle, .handling, .closed:
            break
        }
    }

    private func request(_ head: HTTPRequestHead, body: [UInt8]) -> HTTPServerRequest {
        let uri = head.uri
        let question = uri.utf8.firstIndex(of: UInt8(ascii: "?"))
        return HTTPServerRequest(
            method: head.method.rawValue, path: question.map { String(uri[..<$0]) } ?? uri,
            query: question.map { String(uri[uri.index(after: $0)...]) } ?? "",
            headers: HTTPHeaderFields(head.headers), body: body, remoteAddress: remoteAddress)
    }

    private func dispatch(_ request: HTTPServerRequest, context: ChannelHandlerContext) {
        let eventLoop = context.eventLoop
        let number = requestNumber
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        handler(request) { response in
            if eventLoop.inEventLoop {
                bound.value.respond(response, toRequest: number)
            } else {
                eventLoop.execute { bound.value.respond(response, toRequest: number) }
            }
        }
    }

    private func refuseBody(_ head: HTTPRequestHead, context: ChannelHandlerContext) {
        let expectsContinue = head.headers.contains(name: "expect")
        state = .discarding
        let response = configuration.bodyTooLarge(request(head, body: []))
        write(response, head: head, keepAlive: false, context: context) { [weak self] in
            // Closing while the client still sends would take the answer away from it, unless it waits to be asked.
            if expectsContinue { self?.context?.close(promise: nil) }
        }
        deadline?.set(HTTPServerHandler.lingerTimeout)
    }
}

// MARK: Answers

extension HTTPServerHandler {
    private func respond(_ response: HTTPServerResponse, toRequest number: Int) {
        guard let context, number == requestNumber, case .handling(let head) = state else { return }
        state = .idle
        let keepAlive = configuration.keepAlive && head.isKeepAlive
        deadline?.set(configuration.writeTimeout)
        write(response, head: head, keepAlive: keepAlive, context: context) { [weak self] in
            guard let self else { return }
            if !keepAlive {
                self.context?.close(promise: nil)
            } else if case .idle = state {
                deadline?.set(configuration.idleTimeout)
            }
        }
    }

    private func write(
        _ response: HTTPServerResponse, head: HTTPRequestHead, keepAlive: Bool, context: ChannelHandlerContext,
        written: @escaping () -> Void
    ) {
        var headers = HTTPHeaders(response.headers)
        let status = HTTPResponseStatus(statusCode: response.status)
        let mayHaveBody = status.mayHaveResponseBody
        if mayHaveBody { headers.replaceOrAdd(name: "content-length", value: String(response.body.count)) }
        if !keepAlive {
            headers.replaceOrAdd(name: "connection", value: "close")
        } else if head.version == .http1_0 {
            headers.replaceOrAdd(name: "connection", value: "keep-alive")
        }
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: head.version, status: status, headers: headers))),
            promise: nil)
        if mayHaveBody, head.method != .HEAD, !response.body.isEmpty {
            context.write(
                wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: response.body)))),
                promise: nil)
        }
        let promise = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(written, eventLoop: context.eventLoop)
        // A failed write means that the connection is gone, which `channelInactive` handles.
        promise.futureResult.whenSuccess { bound.value() }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: promise)
    }
}
