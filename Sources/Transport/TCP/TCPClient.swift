import NIOCore
import NIOPosix
import Synchronization

/// Why a client connection failed.
package enum TCPClientError: Error, Sendable, Hashable, CustomStringConvertible {
    case timedOut
    /// Could not be made, or was lost.
    case closed(reason: String)
    /// TLS could not be set up: the peer does not speak it, is not trusted, or refused this side.
    case tls(reason: String)

    package var description: String {
        switch self {
        case .timedOut: "timed out"
        case .closed(let reason), .tls(let reason): reason
        }
    }
}

/// An outgoing TCP connection, with TLS or without, used by one task at a time.
///
/// What the peer sends is taken from the socket at once and kept until it is read, up to `inboundBytesMax`; a peer
/// that sends more unasked is cut off.
package final class TCPClient: Sendable {
    private let channel: any Channel
    private let inbox: Inbox
    package static let inboundBytesMax = 256 << 20

    private init(channel: any Channel, inbox: Inbox) {
        self.channel = channel
        self.inbox = inbox
    }

    /// Connects to the first of the host's addresses that answers. A cancelled task gives up at once.
    ///
    /// - Parameters:
    ///   - tls: nil: plain TCP. Else the peer's certificate must be for `host`, unless the settings say otherwise.
    ///   - timeout: for TCP and TLS together.
    package static func connect(
        host: String, port: Int, tls: TLSClientSettings? = nil, timeout: Duration
    ) async throws(TCPClientError) -> TCPClient {
        let deadline = ContinuousClock.now + timeout
        let context: TLSClientContext?
        do {
            context = try tls.map { settings throws(TLSError) in try TLSClientContext(settings) }
        } catch {
            throw .tls(reason: error.description)
        }
        let attempt = ConnectionAttempt()
        let client = try await open(host: host, port: port, tls: context, timeout: timeout, attempt)
        if let established = attempt.handshake(of: client.channel) {
            try await client.shakeHands(established, deadline: deadline)
        }
        return client
    }

    private static func open(
        host: String, port: Int, tls: TLSClientContext?, timeout: Duration, _ attempt: ConnectionAttempt
    ) async throws(TCPClientError) -> TCPClient {
        let inbox = Inbox()
        let limit = TimeAmount(max(.zero, timeout))
        do {
            let bootstrap = ClientBootstrap(group: NIOSingletons.posixEventLoopGroup)
                .connectTimeout(limit)
                .channelOption(.socketOption(.tcp_nodelay), value: 1)
                .channelOption(.socketOption(.so_keepalive), value: 1)
                .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 << 10))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try attempt.began(channel)
                        if let tls {
                            let session = try TLSClientSession(tls, host: host)
                            let handler = TLSClientHandler(session, eventLoop: channel.eventLoop)
                            attempt.shakesHands(channel, handler.established)
                            try channel.pipeline.syncOperations.addHandler(handler)
                        }
                        try channel.pipeline.syncOperations.addHandler(InboundHandler(inbox: inbox))
                    }
                }
            let channel = try await withTaskCancellationHandler {
                try await bootstrap.connect(host: host, port: port).get()
            } onCancel: {
                attempt.cancel()
            }
            return TCPClient(channel: channel, inbox: inbox)
        } catch let error as ChannelError where error == .connectTimeout(limit) {
            throw .timedOut
        } catch {
            throw .closed(reason: describe(error))
        }
    }

    /// Waits for the end of the TLS handshake, and closes the connection when it fails.
    private func shakeHands(
        _ established: EventLoopFuture<Void>, deadline: ContinuousClock.Instant
    ) async throws(TCPClientError) {
        do {
            try await finish(established, until: deadline)
        } catch {
            close()
            throw error
        }
    }

    /// Returns when the bytes are handed to the operating system.
    package func write(_ bytes: [UInt8], deadline: ContinuousClock.Instant) async throws(TCPClientError) {
        try await finish(channel.writeAndFlush(ByteBuffer(bytes: bytes)), until: deadline)
    }

    /// Waits for `work`, and closes the connection at `deadline`, which ends it.
    private func finish(
        _ work: EventLoopFuture<Void>, until deadline: ContinuousClock.Instant
    ) async throws(TCPClientError) {
        let expired = Mutex(false)
        let timeout = channel.eventLoop.scheduleTask(in: TimeAmount(ContinuousClock.now.duration(to: deadline))) {
            [channel] in
            expired.withLock { $0 = true }
            channel.close(promise: nil)
        }
        // On the event loop: by the time this task goes on, the deadline of what ended in time may be over.
        work.whenComplete { _ in timeout.cancel() }
        do {
            try await cancellable { try await work.get() }
        } catch let error as TLSError {
            throw .tls(reason: error.description)
        } catch {
            if expired.withLock({ $0 }) { throw .timedOut }
            throw .closed(reason: inbox.endReason ?? describe(error))
        }
    }

    /// The bytes that have come; waits for at least one. Empty at the peer's end of stream.
    package func read(deadline: ContinuousClock.Instant) async throws(TCPClientError) -> [UInt8] {
        let available = readAvailable()
        if !available.isEmpty { return available }
        let wait = TimeAmount(ContinuousClock.now.duration(to: deadline))
        let ticket = inbox.nextTicket()
        let timeout = channel.eventLoop.scheduleTask(in: wait) { [inbox] in inbox.expire(ticket) }
        defer { timeout.cancel() }
        do {
            return try await cancellable { try await self.inbox.next(ticket) }
        } catch let error as TCPClientError {
            throw error
        } catch {
            throw .closed(reason: describe(error))
        }
    }

    /// The bytes that have come, without waiting.
    package func readAvailable() -> [UInt8] { inbox.takeAvailable() }

    package func close() { channel.close(promise: nil) }

    /// A cancelled task's connection is closed, which ends whatever it waits for.
    private func cancellable<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        try await withTaskCancellationHandler {
            try await body()
        } onCancel: {
            self.channel.close(promise: nil)
        }
    }
}

/// The channels of a connection in the making, to be closed when nobody wants it any more.
private final class ConnectionAttempt: Sendable {
    private struct State {
        var channels: [any Channel] = []
        var handshakes: [ObjectIdentifier: EventLoopFuture<Void>] = [:]
        var isCancelled = false
    }

    private let state = Mutex(State())

    func began(_ channel: any Channel) throws {
        try state.withLock { state in
            if state.isCancelled { throw CancellationError() }
            state.channels.append(channel)
        }
    }

    func shakesHands(_ channel: any Channel, _ established: EventLoopFuture<Void>) {
        state.withLock { $0.handshakes[ObjectIdentifier(channel)] = established }
    }

    /// Nil without TLS.
    func handshake(of channel: any Channel) -> EventLoopFuture<Void>? {
        state.withLock { $0.handshakes[ObjectIdentifier(channel)] }
    }

    func cancel() {
        let channels = state.withLock { state in
            state.isCancelled = true
            return state.channels
        }
        for channel in channels { channel.close(promise: nil) }
    }
}

/// What came and was not read, and who waits for it.
private final class Inbox: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var isAtEnd = false
        var failure: String?
        var reader: CheckedContinuation<[UInt8], any Error>?
        /// Counts the reads, so that a timeout that comes late hits no later read.
        var ticket = 0
        var expiredTicket: Int?
    }

    private let state = Mutex(State())

    var endReason: String? { state.withLock(\.failure) }

    /// - Returns: bytes waiting to be read, this included.
    func append(_ buffer: ByteBuffer) -> Int {
        let (reader, bytes, count) = state.withLock { state in
            state.bytes.append(contentsOf: buffer.readableBytesView)
            let count = state.bytes.count
            guard let reader = state.reader.take() else {
                return (CheckedContinuation<[UInt8], any Error>?.none, [UInt8](), count)
            }
            defer { state.bytes = [] }
            return (reader, state.bytes, 0)
        }
        reader?.resume(returning: bytes)
        return count
    }

    func end(failure: String?) {
        let reader = state.withLock { state in
            state.isAtEnd = true
            if state.failure == nil { state.failure = failure }
            return state.reader.take()
        }
        if let failure {
            reader?.resume(throwing: TCPClientError.closed(reason: failure))
        } else {
            reader?.resume(returning: [])
        }
    }

    func nextTicket() -> Int {
        state.withLock { state in
            state.ticket += 1
            return state.ticket
        }
    }

    func expire(_ ticket: Int) {
        let reader = state.withLock { state -> CheckedContinuation<[UInt8], any Error>? in
            guard state.ticket == ticket else { return nil }
            state.expiredTicket = ticket
            return state.reader.take()
        }
        reader?.resume(throwing: TCPClientError.timedOut)
    }

    func takeAvailable() -> [UInt8] {
        state.withLock { state in
            defer { state.bytes = [] }
            return state.bytes
        }
    }

    func next(_ ticket: Int) async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            let result: Result<[UInt8], any Error>? = state.withLock { state in
                if !state.bytes.isEmpty {
                    defer { state.bytes = [] }
                    return .success(state.bytes)
                }
                if let failure = state.failure { return .failure(TCPClientError.closed(reason: failure)) }
                if state.isAtEnd { return .success([]) }
                if state.expiredTicket == ticket { return .failure(TCPClientError.timedOut) }
                precondition(state.reader == nil, "two readers of one connection")
                state.reader = continuation
                return nil
            }
            if let result { continuation.resume(with: result) }
        }
    }
}

private final class InboundHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let inbox: Inbox

    init(inbox: Inbox) { self.inbox = inbox }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if inbox.append(unwrapInboundIn(data)) > TCPClient.inboundBytesMax {
            inbox.end(failure: "the peer sent more than \(TCPClient.inboundBytesMax) bytes unasked")
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        inbox.end(failure: nil)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        inbox.end(failure: describe(error))
        context.close(promise: nil)
    }
}

/// What a person wants to know of a connection error.
private func describe(_ error: any Error) -> String {
    switch error {
    case let error as IOError: "\(error.description)"
    case let error as NIOConnectionError:
        error.connectionErrors.first.map { describe($0.error) } ?? error.dnsAError.map { "\($0)" } ?? error.dnsAAAAError
            .map { "\($0)" }
            ?? "cannot connect to \(error.host):\(error.port)"
    case ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed: "connection closed"
    case is CancellationError: "cancelled"
    case let error as TCPClientError: error.description
    default: "\(error)"
    }
}
