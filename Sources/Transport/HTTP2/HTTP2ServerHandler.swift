internal import NIOCore

/// The server's side of one stream: takes the request's bytes and gives, or is later given, the answer.
protocol HTTP2ServerStream: AnyObject {
    /// Takes bytes of the body.
    ///
    /// - Returns: an answer, when nothing more of the request is wanted.
    func receive(_ bytes: UnsafeRawBufferPointer) -> HTTP2Response?
    /// The request is complete.
    ///
    /// - Returns: an answer; nil when it comes through the mailbox.
    func end() -> HTTP2Response?
}

/// How a connection makes its streams.
protocol HTTP2StreamMaker: AnyObject {
    func makeStream(_ header: HTTP2Header, remoteAddress: String, reply: HTTP2Reply) -> HTTP2StreamStart
}

/// Whether the header of a request is enough to answer it.
enum HTTP2StreamStart {
    case answer(HTTP2Response)
    case receive(any HTTP2ServerStream)
}

/// One HTTP/2 connection of a server: carries bytes between socket, session and streams.
///
/// Input is drained, then all answers that are there are written with one flush. A client that does not read is not
/// read from either. Not generic over its streams: handlers are called through NIO's protocols, where the compiler cannot
/// specialise them.
final class HTTP2ServerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum StreamState {
        case receiving(any HTTP2ServerStream)
        case handling
    }

    /// How long a connection may stay silent before its first byte.
    private static let prefaceTimeout = Duration.seconds(120)

    let configuration: HTTP2ServerConfiguration
    private let maker: any HTTP2StreamMaker
    let session: HTTP2Session
    private(set) var context: ChannelHandlerContext?
    private var mailbox: HTTP2Mailbox?
    /// Accessed for no longer than a look-up or a change takes, on one thread: nothing overlaps that.
    @exclusivity(unchecked) private var streams = HTTP2StreamTable<StreamState>()
    /// Empty between calls; keeps its storage.
    private var answers: [HTTP2Mailbox.Answer] = []
    private var remoteAddress = ""
    var lifetime = HTTP2Lifetime()

    init(configuration: HTTP2ServerConfiguration, maker: any HTTP2StreamMaker) {
        self.configuration = configuration
        self.maker = maker
        session = HTTP2Session(settings: configuration.settings)
    }

    /// Streams that are being received or handled.
    var hasStreams: Bool { unsafe !streams.isEmpty }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        mailbox = HTTP2Mailbox(eventLoop: context.eventLoop) { bound.value.deliverAnswers() }
        if context.channel.isActive { begin(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { release() }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    /// Sends SETTINGS at once: some clients wait for them.
    private func begin(_ context: ChannelHandlerContext) {
        remoteAddress = context.remoteAddress?.text ?? ""
        startLifetime(on: context.eventLoop, prefaceTimeout: Self.prefaceTimeout)
        flush()
    }

    func channelInactive(context: ChannelHandlerContext) {
        release()
        context.fireChannelInactive()
    }

    private func release() {
        context = nil
        mailbox?.close()
        mailbox = nil
        unsafe streams = HTTP2StreamTable()
        lifetime.cancel()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The socket failed; there is nobody left to tell.
        context.close(promise: nil)
    }

    // MARK: Input

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        mailbox?.hold()
        noteActivity()
        do throws(HTTP2Error) {
            try unsafe buffer.withUnsafeReadableBytes { (input) throws(HTTP2Error) in
                try unsafe session.receive(input) { event in
                    unsafe handle(event, input: input)
                }
            }
        } catch {
            flush()
            context.close(promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        deliverAnswers()
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            drain()
        case ChannelEvent.inputClosed:
            // What is not complete never will be; what is being handled is still answered.
            for id in unsafe streams.ids {
                if case .receiving = unsafe streams[id] { unsafe streams.remove(id) }
            }
            session.goAway()
            flush()
            if !hasStreams { context.close(promise: nil) }
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    private func handle(_ event: HTTP2Event, input: UnsafeRawBufferPointer) {
        switch event {
        case .headers(let id, let block):
            begin(id, header: session.header(block))
        case .data(let id, let range):
            if case .receiving(let stream) = unsafe streams[id],
                let answer = unsafe stream.receive(UnsafeRawBufferPointer(rebasing: input[range]))
            {
                self.answer(answer, stream: id, reset: true)
            }
            session.consume(range.count, stream: id)
        case .endOfStream(let id):
            guard case .receiving(let stream) = unsafe streams[id] else { return }
            unsafe streams.set(.handling, for: id)
            if let answer = stream.end() { self.answer(answer, stream: id, reset: false) }
        case .closed(let id):
            close(id)
        case .ping:
            notePing()
        case .pingAcknowledged:
            notePingAcknowledged()
        case .overhead:
            noteOverhead()
        }
    }

    private func begin(_ id: Int32, header: HTTP2Header) {
        guard let mailbox else { return }
        noteCall()
        let reply = HTTP2Reply(mailbox: mailbox, stream: id)
        switch maker.makeStream(header, remoteAddress: remoteAddress, reply: reply) {
        case .answer(let response): answer(response, stream: id, reset: true)
        case .receive(let stream): unsafe streams.set(.receiving(stream), for: id)
        }
    }

    private func close(_ id: Int32) {
        unsafe streams.remove(id)
        if !hasStreams { noteStreams(hasAny: false) }
    }

    // MARK: Output

    private func answer(_ response: HTTP2Response, stream: Int32, reset: Bool) {
        unsafe streams.remove(stream)
        noteAnswer()
        session.respond(response, stream: stream, reset: reset)
    }

    /// Writes what the mailbox holds, and everything else that waits, with one flush.
    private func deliverAnswers() {
        guard let mailbox else { return }
        mailbox.take(into: &answers)
        for (stream, response) in answers {
            // A stream that the client has reset is not there any more.
            guard case .handling = unsafe streams[stream] else { continue }
            answer(response, stream: stream, reset: false)
        }
        answers.removeAll(keepingCapacity: true)
        flush()
    }

    /// Sends what the session has to send, and closes when it has nothing more to do.
    func flush() {
        guard let context, context.channel.isWritable else { return }
        var output = context.channel.allocator.buffer(capacity: 1024)
        session.takeOutput(into: &output)
        session.drainEvents { event in
            if case .closed(let id) = event { close(id) }
        }
        if output.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(output), promise: nil) }
        if session.isFinished { closeAfterWrites(context) }
    }

    private func closeAfterWrites(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in bound.value.close(promise: nil) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        let isWritable = context.channel.isWritable
        // Setting an option fails only on a closed channel.
        try? context.channel.syncOptions?.setOption(.autoRead, value: isWritable)
        if isWritable { flush() }
        context.fireChannelWritabilityChanged()
    }
}
