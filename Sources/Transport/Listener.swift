internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Why a server could not listen.
package struct ListenError: Error, Sendable, Hashable, CustomStringConvertible {
    package let endpoint: String
    package let reason: String

    package var description: String { "cannot listen on \(endpoint): \(reason)" }
}

/// A listening socket and the connections that came through it.
///
/// All listeners share one group of event loops, one loop per core. A connection that shall finish what is open, take
/// nothing new and close gets a `ChannelShouldQuiesceEvent`.
final class Listener: Sendable {
    struct Options: Sendable {
        var endpoint: Endpoint
        /// The most that one read takes from a socket.
        var readBufferBytesMax: Int
        /// Unsent bytes of a connection from which on it is not read from.
        var writeBufferBytesMax = 64 << 10
    }

    private struct State {
        var server: (any Channel)?
        var connections: [ObjectIdentifier: any Channel] = [:]
        var isStopping = false
        /// Fulfilled when the last connection is gone; set while `stop` waits.
        var drained: EventLoopPromise<Void>?
    }

    private let options: Options
    private let state = Mutex(State())

    init(options: Options) {
        self.options = options
    }

    /// Binds, and serves each connection with the handlers that `configure` adds, which runs on the connection's loop.
    ///
    /// - Returns: the bound address.
    func start(configure: @escaping @Sendable (any Channel) throws -> Void) async throws -> String {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    try configure(channel)
                    add(channel)
                }
            }
            .childChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(
                .writeBufferWaterMark,
                value: .init(low: options.writeBufferBytesMax / 2, high: options.writeBufferBytesMax)
            )
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 2048, initial: min(16384, options.readBufferBytesMax),
                    maximum: max(2048, options.readBufferBytesMax)))
        let server = try await bind(bootstrap)
        state.withLock { $0.server = server }
        return server.localAddress?.text ?? options.endpoint.description
    }

    private func bind(_ bootstrap: ServerBootstrap) async throws -> any Channel {
        var reason = ""
        do {
            for address in try options.endpoint.bindAddresses() {
                do {
                    if case .unix(let path) = options.endpoint {
                        return try await bootstrap.bind(
                            unixDomainSocketPath: path, cleanupExistingSocketFile: true
                        ).get()
                    }
                    return try await bootstrap.bind(to: address).get()
                } catch let error as IOError {
                    reason = "\(error)"
                    // Only a missing family lets another address do: a busy port must not hide behind a half-bound
                    // wildcard.
                    guard [EAFNOSUPPORT, EADDRNOTAVAIL].contains(error.errnoCode) else { break }
                }
            }
        } catch {
            reason = "\(error)"
        }
        throw ListenError(endpoint: options.endpoint.description, reason: reason)
    }

    private func add(_ channel: any Channel) {
        let isStopping = state.withLock { state in
            state.connections[ObjectIdentifier(channel)] = channel
            return state.isStopping
        }
        channel.closeFuture.whenComplete { [self] _ in remove(channel) }
        if isStopping { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }

    private func remove(_ channel: any Channel) {
        let drained: EventLoopPromise<Void>? = state.withLock { state in
            state.connections[ObjectIdentifier(channel)] = nil
            guard state.isStopping, state.connections.isEmpty else { return nil }
            defer { state.drained = nil }
            return state.drained
        }
        drained?.succeed()
    }

    /// Stops accepting, lets every connection finish what is open, and returns when all are closed; those left at
    /// `deadline` are cut.
    func stop(deadline: ContinuousClock.Instant) async {
        let server = state.withLock { state -> (any Channel)? in
            defer { state.server = nil }
            return state.server
        }
        // Closing fails only when the socket is closed already, which is what is wanted.
        try? await server?.close().get()
        let promise = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: Void.self)
        // Each connection is told exactly once: those of this list here, later ones when they are added.
        let connections = state.withLock { state -> [any Channel] in
            state.isStopping = true
            if !state.connections.isEmpty { state.drained = promise }
            return Array(state.connections.values)
        }
        guard !connections.isEmpty else {
            promise.succeed()
            return
        }
        for channel in connections { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        let timer = promise.futureResult.eventLoop.scheduleTask(in: TimeAmount(deadline - .now)) { [self] in
            for channel in state.withLock({ Array($0.connections.values) }) { channel.close(promise: nil) }
        }
        // The promise is never failed: every connection's close fulfils it.
        try? await promise.futureResult.get()
        timer.cancel()
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (nanos, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        self = .nanoseconds(overflow ? (seconds < 0 ? 0 : .max / 2) : max(0, nanos + attoseconds / 1_000_000_000))
    }
}
