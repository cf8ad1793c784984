internal import CNGHTTP2
internal import NIOCore

/// The server's side of one HTTP/2 connection, without I/O: bytes in, events and bytes out.
///
/// Ownership: the only owner of its `nghttp2_session`. Confined to one thread at a time. After a thrown error the
/// session only serves to collect the last output (GOAWAY).
@safe final class HTTP2Session {
    private let session: OpaquePointer
    private let state: HTTP2SessionState
    /// Streams to reset once their answer is out; a queued RST_STREAM would overtake it.
    private var answeredEarly: [Int32] = []

    init(settings: HTTP2Settings) {
        let state = HTTP2SessionState(settings)
        let options = unsafe HTTP2Session.makeOptions()
        let callbacks = unsafe HTTP2Session.makeCallbacks()
        defer {
            unsafe nghttp2_option_del(options)
            unsafe nghttp2_session_callbacks_del(callbacks)
        }
        var session: OpaquePointer?
        let code = unsafe nghttp2_session_server_new2(
            &session, callbacks, Unmanaged.passUnretained(state).toOpaque(), options)
        guard code == 0, let session = unsafe session else { fatalError("out of memory for an HTTP/2 session") }
        unsafe self.session = session
        self.state = state
        submit(settings)
    }

    deinit {
        unsafe nghttp2_session_del(session)
    }

    private func submit(_ settings: HTTP2Settings) {
        let entries = [
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue),
                value: UInt32(clamping: settings.maxConcurrentStreams)),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
                value: UInt32(clamping: settings.streamWindowBytes)),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
                value: UInt32(clamping: settings.maxHeaderListBytes)),
        ]
        unsafe nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), entries, entries.count)
        unsafe nghttp2_session_set_local_window_size(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(clamping: settings.connectionWindowBytes))
    }

    // MARK: Input

    /// Reads what a peer sent and hands each event to `handle`, in order, after all of `input` was parsed.
    ///
    /// The ranges of `.data` events are ranges of `input`. What was taken of them is to be reported by `consume`.
    func receive(
        _ input: UnsafeRawBufferPointer, handle: (HTTP2Event) -> Void
    ) throws(HTTP2Error) {
        guard let base = input.baseAddress else { return }
        unsafe state.input = input
        let read = unsafe nghttp2_session_mem_recv(
            session, base.assumingMemoryBound(to: UInt8.self), input.count)
        unsafe state.input = UnsafeRawBufferPointer(start: nil, count: 0)
        state.drainEvents(handle)
        unsafe state.headers.clear()
        guard read >= 0 else { throw HTTP2Error(description: unsafe String(cString: nghttp2_strerror(Int32(read)))) }
    }

    /// The fields of a request whose event is being handled.
    func header(_ block: Range<Int>) -> HTTP2Header { unsafe state.headers.header(block) }

    /// Opens the flow-control windows again by `count` bytes of DATA that are done with.
    func consume(_ count: Int, stream: Int32) {
        unsafe nghttp2_session_consume(session, stream, count)
    }

    // MARK: Output

    /// Queues an answer. Nothing happens when the stream is gone.
    ///
    /// - Parameter reset: the peer has not ended its side and shall not: RST_STREAM(NO_ERROR) follows the answer.
    func respond(_ response: HTTP2Response, stream: Int32, reset: Bool) {
        let hasBody = !response.body.isEmpty
        precondition(hasBody || response.trailers == nil, "without a body, trailers belong into the one header")
        if hasBody { state.setBody(of: response, stream: stream) }
        let code = unsafe HTTP2Session.withNameValues(response.headers) { (fields, count) in
            guard hasBody else { return unsafe nghttp2_submit_response(session, stream, fields, count, nil) }
            var provider = unsafe nghttp2_data_provider()
            unsafe provider.read_callback = readBody
            return unsafe nghttp2_submit_response(session, stream, fields, count, &provider)
        }
        guard code == 0 else {
            state.removeBody(stream: stream)
            return
        }
        if reset { answeredEarly.append(stream) }
    }

    func ping() {
        unsafe nghttp2_submit_ping(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
    }

    /// Tells the peer to start no new streams soon; those it has started until it knows are still served.
    func announceShutdown() {
        unsafe nghttp2_submit_shutdown_notice(session)
    }

    /// Tells the peer which stream was the last one that is served.
    func goAway(code: UInt32 = NGHTTP2_NO_ERROR.rawValue, debug: String = "") {
        let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
        let bytes = Array(debug.utf8)
        unsafe nghttp2_submit_goaway(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, code, bytes, bytes.count)
    }

    /// Appends what is to be sent now to `output`.
    func takeOutput(into output: inout ByteBuffer) {
        takeQueued(into: &output)
        guard !answeredEarly.isEmpty else { return }
        for stream in answeredEarly {
            // Fails only for a stream that is gone, which needs no reset.
            unsafe nghttp2_submit_rst_stream(
                session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, NGHTTP2_NO_ERROR.rawValue)
        }
        answeredEarly = []
        takeQueued(into: &output)
    }

    private func takeQueued(into output: inout ByteBuffer) {
        var frame = unsafe nextQueued()
        while unsafe !frame.isEmpty {
            unsafe output.writeWithUnsafeMutableBytes(minimumWritableBytes: frame.count) { space in
                var used = 0
                while let bytes = frame.baseAddress, frame.count <= space.count - used {
                    unsafe (space.baseAddress! + used).copyMemory(from: bytes, byteCount: frame.count)
                    used += frame.count
                    unsafe frame = nextQueued()
                }
                return used
            }
        }
    }

    /// What is to be sent next, until the next call; without address when there is nothing.
    private func nextQueued() -> UnsafeRawBufferPointer {
        var bytes: UnsafePointer<UInt8>?
        let count = unsafe nghttp2_session_mem_send(session, &bytes)
        return unsafe UnsafeRawBufferPointer(start: count > 0 ? bytes : nil, count: max(0, count))
    }

    /// Hands on what happened since the last call; taking output ends streams too.
    func drainEvents(_ handle: (HTTP2Event) -> Void) { state.drainEvents(handle) }

    /// Whether the connection has nothing more to do and is to be closed.
    var isFinished: Bool {
        unsafe nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
    }
}

/// What the C callbacks work on: they append to its events, and read the bodies that are on their way out.
///
/// Confined to one thread at a time. The properties that take part in every request are accessed for no longer than it
/// takes to read or change them; nothing is called meanwhile, so that no check is needed that accesses do not overlap.
@safe final class HTTP2SessionState {
    private struct OutgoingBody {
        let response: HTTP2Response
        var offset = 0
    }

    let headerListBytesMax: Int
    @exclusivity(unchecked) var headers: HTTP2HeaderStore
    /// What is being parsed; empty between calls.
    var input: UnsafeRawBufferPointer
    /// Until their streams are closed.
    @exclusivity(unchecked) private var bodies = HTTP2StreamTable<OutgoingBody>()
    @exclusivity(unchecked) private var events: [HTTP2Event] = []
    /// The storage of the events handled last, to be filled again.
    private var spareEvents: [HTTP2Event] = []

    /// Events whose storage is kept.
    private static let spareEventsMax = 1024

    init(_ settings: HTTP2Settings) {
        headerListBytesMax = settings.maxHeaderListBytes
        unsafe headers = HTTP2HeaderStore(keptFields: settings.keptFields)
        unsafe input = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    func append(_ event: HTTP2Event) { unsafe events.append(event) }

    func drainEvents(_ handle: (HTTP2Event) -> Void) {
        guard unsafe !events.isEmpty else { return }
        var batch: [HTTP2Event] = []
        unsafe swap(&batch, &events)
        unsafe swap(&events, &spareEvents)
        for event in batch { handle(event) }
        guard batch.count <= Self.spareEventsMax else { return }
        batch.removeAll(keepingCapacity: true)
        spareEvents = batch
    }

    // MARK: Bodies

    func setBody(of response: HTTP2Response, stream: Int32) {
        unsafe bodies.set(OutgoingBody(response: response), for: stream)
    }

    func removeBody(stream: Int32) { unsafe bodies.remove(stream) }

    /// Copies what comes next of a stream's body to `space`.
    ///
    /// - Returns: the bytes copied, and the response when all of its body has been; nil for a stream without body.
    func readBody(stream: Int32, into space: UnsafeMutableRawBufferPointer) -> (count: Int, ended: HTTP2Response?)? {
        guard var body = unsafe bodies[stream] else { return nil }
        let bytes = body.response.body
        let count = min(space.count, bytes.count - body.offset)
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe space.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[body.offset..<body.offset + count]))
        }
        body.offset += count
        if body.offset == bytes.count { return (count, body.response) }
        unsafe bodies.set(body, for: stream)
        return (count, nil)
    }
}
