internal import NIOCore

/// What a server sets for its HTTP/2 connections.
struct HTTP2ServerConfiguration: Sendable {
    var settings = HTTP2Settings()
    var keepalive = HTTP2Keepalive()
}

/// How long connections live, and how it is found out that they do.
package struct HTTP2Keepalive: Sendable, Hashable {
    /// A connection without streams for this long is closed, gracefully. Nil: never.
    package var maxConnectionIdle: Duration?
    /// A connection older than this is closed, gracefully. Nil: never.
    package var maxConnectionAge: Duration?
    /// How long streams may go on after `maxConnectionAge`. Nil: as long as they take.
    package var maxConnectionAgeGrace: Duration?
    /// After this much silence the client is sent a PING …
    package var time: Duration = .seconds(7200)
    /// … and cut when it stays silent for this long.
    package var timeout: Duration = .seconds(20)
    /// Clients that send PINGs more often than this, without an answer in between, are sent away. Nil: only floods are.
    package var minPingInterval: Duration?
    /// Whether PINGs are welcome while no stream is open; only with `minPingInterval`.
    package var permitsPingWithoutStream = false

    package init() {}
}

/// Clocks and counts of one connection.
struct HTTP2Lifetime {
    /// Control frames that a client may send at once, and then per second.
    static let overheadBurst = 1000.0
    static let overheadPerSecond = 100.0
    /// How long a client has to answer the first GOAWAY before the second names the last stream.
    static let shutdownNoticeTimeout = Duration.seconds(1)

    var silence: LazyDeadline?
    var idle: LazyDeadline?
    var age: LazyDeadline?
    var drainStep: LazyDeadline?
    var hasHeard = false
    var awaitsPingAnswer = false
    var isDraining = false
    var hasNamedLastStream = false
    var overheadTokens = HTTP2Lifetime.overheadBurst
    var overheadSince = NIODeadline.now()
    var lastPing: NIODeadline?
    var pingStrikes = 0

    mutating func cancel() {
        for deadline in [silence, idle, age, drainStep] { deadline?.cancel() }
        silence = nil
        idle = nil
        age = nil
        drainStep = nil
    }
}

extension HTTP2ServerHandler {
    func startLifetime(on eventLoop: any EventLoop, prefaceTimeout: Duration) {
        let keepalive = configuration.keepalive
        let silence = LazyDeadline(eventLoop: eventLoop) { [weak self] in self?.silenceExpired() }
        silence.set(prefaceTimeout)
        lifetime.silence = silence
        if keepalive.maxConnectionIdle != nil {
            lifetime.idle = LazyDeadline(eventLoop: eventLoop) { [weak self] in self?.drain() }
            noteStreams(hasAny: false)
        }
        if let age = keepalive.maxConnectionAge {
            lifetime.age = LazyDeadline(eventLoop: eventLoop) { [weak self] in self?.ageExpired() }
            // A tenth of jitter keeps connections that were opened together from closing together.
            lifetime.age?.set(age * Double.random(in: 0.9...1.1))
        }
    }

    private func silenceExpired() {
        guard lifetime.hasHeard, !lifetime.awaitsPingAnswer else {
            context?.close(promise: nil)
            return
        }
        lifetime.awaitsPingAnswer = true
        session.ping()
        flush()
        lifetime.silence?.set(configuration.keepalive.timeout)
    }

    private func ageExpired() {
        guard !lifetime.isDraining else {
            context?.close(promise: nil)
            return
        }
        drain()
        lifetime.age?.set(configuration.keepalive.maxConnectionAgeGrace)
    }

    /// Bytes came: the client lives.
    func noteActivity() {
        lifetime.hasHeard = true
        lifetime.awaitsPingAnswer = false
        lifetime.silence?.set(configuration.keepalive.time)
    }

    func noteStreams(hasAny: Bool) {
        lifetime.idle?.set(hasAny ? nil : configuration.keepalive.maxConnectionIdle)
    }

    /// An answer goes out, after which a client may measure the round trip with a PING, as many do all the time.
    func noteAnswer() {
        lifetime.pingStrikes = 0
        lifetime.lastPing = nil
    }

    /// A call pays for the control frames that come with it.
    func noteCall() {
        noteStreams(hasAny: true)
        lifetime.overheadTokens += 2
    }

    func notePing() {
        noteOverhead()
        guard let interval = configuration.keepalive.minPingInterval else { return }
        let now = NIODeadline.now()
        let required = hasStreams || configuration.keepalive.permitsPingWithoutStream ? interval : .seconds(7200)
        if let last = lifetime.lastPing, now - last < TimeAmount(required) {
            lifetime.pingStrikes += 1
            if lifetime.pingStrikes > 2 { sendAway("too_many_pings") }
        }
        lifetime.lastPing = now
    }

    /// Takes a token from a bucket that fills with time.
    func noteOverhead() {
        let now = NIODeadline.now()
        let seconds = Double((now - lifetime.overheadSince).nanoseconds) / 1e9
        lifetime.overheadSince = now
        lifetime.overheadTokens =
            min(HTTP2Lifetime.overheadBurst, lifetime.overheadTokens + seconds * HTTP2Lifetime.overheadPerSecond) - 1
        if lifetime.overheadTokens < 0 { sendAway("too_many_control_frames") }
    }

    private func sendAway(_ reason: String) {
        session.goAway(code: 0xb, debug: reason)  // ENHANCE_YOUR_CALM
        flush()
        context?.close(promise: nil)
    }

    // MARK: Graceful shutdown

    /// Sends a first GOAWAY that lets streams on their way still in; once the client has surely seen it, a second one
    /// that names the last stream; and closes when the last stream is done.
    func drain() {
        guard let context, !lifetime.isDraining else { return }
        lifetime.isDraining = true
        // A client that has not said anything yet has no streams on their way.
        guard lifetime.hasHeard else { return nameLastStream() }
        session.announceShutdown()
        session.ping()
        let step = LazyDeadline(eventLoop: context.eventLoop) { [weak self] in self?.nameLastStream() }
        step.set(HTTP2Lifetime.shutdownNoticeTimeout)
        lifetime.drainStep = step
        flush()
    }

    func notePingAcknowledged() {
        if lifetime.isDraining { nameLastStream() }
    }

    private func nameLastStream() {
        guard !lifetime.hasNamedLastStream else { return }
        lifetime.hasNamedLastStream = true
        session.goAway()
        flush()
    }
}
