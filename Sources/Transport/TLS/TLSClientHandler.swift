import NIOCore

/// Speaks TLS to the network side of a channel. The handshake begins with the connection.
final class TLSClientHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Fails with `TLSError`, or with `TCPClientError.closed` when the connection ends before.
    let established: EventLoopFuture<Void>
    private let promise: EventLoopPromise<Void>
    private let session: TLSClientSession
    private var isEstablished = false

    init(_ session: TLSClientSession, eventLoop: any EventLoop) {
        self.session = session
        promise = eventLoop.makePromise()
        established = promise.futureResult
    }

    func channelActive(context: ChannelHandlerContext) {
        shakeHands(context)
        context.fireChannelActive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { failHandshake() }

    func channelInactive(context: ChannelHandlerContext) {
        failHandshake()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        session.receive(unwrapInboundIn(data))
        if !isEstablished { shakeHands(context) }
        if isEstablished { readSession(context) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        do {
            try session.write(unwrapOutboundIn(data))
            guard let bytes = session.takeOutgoing(context.channel.allocator) else {
                promise?.succeed()
                return
            }
            context.write(wrapOutboundOut(bytes), promise: promise)
        } catch {
            promise?.fail(error)
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if isEstablished {
            session.close()
            flushSession(context)
        }
        context.close(mode: mode, promise: promise)
    }

    private func shakeHands(_ context: ChannelHandlerContext) {
        do {
            isEstablished = try session.shakeHands()
            // A refusal is told to the peer, too.
            flushSession(context)
            if isEstablished { promise.succeed() }
        } catch {
            flushSession(context)
            promise.fail(error)
            context.close(promise: nil)
        }
    }

    private func readSession(_ context: ChannelHandlerContext) {
        var bytes = context.channel.allocator.buffer(capacity: 0)
        do {
            let isOpen = try session.read(into: &bytes)
            // A key update has to be answered.
            flushSession(context)
            if bytes.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(bytes)) }
            if !isOpen { context.close(promise: nil) }
        } catch {
            context.fireErrorCaught(error)
        }
    }

    private func flushSession(_ context: ChannelHandlerContext) {
        guard let bytes = session.takeOutgoing(context.channel.allocator) else { return }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    private func failHandshake() {
        guard !isEstablished else { return }
        promise.fail(
            TCPClientError.closed(
                reason: "the server closed the connection during the TLS handshake; is it a TLS port?"))
    }
}
