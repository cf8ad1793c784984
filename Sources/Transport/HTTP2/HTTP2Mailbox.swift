internal import NIOCore
internal import Synchronization

/// Where other threads leave answers for a connection. Many that come at once cost one wake-up of its loop.
final class HTTP2Mailbox: Sendable {
    typealias Answer = (stream: Int32, response: HTTP2Response)

    private struct State {
        var answers: [Answer] = []
        /// Somebody will call `take` soon.
        var isExpected = false
        /// Nil once the connection is gone.
        var deliver: (@Sendable () -> Void)?
    }

    private let eventLoop: any EventLoop
    private let state: Mutex<State>

    /// - Parameter deliver: called on `eventLoop` when there is something to take.
    init(eventLoop: any EventLoop, deliver: @escaping @Sendable () -> Void) {
        self.eventLoop = eventLoop
        state = Mutex(State(deliver: deliver))
    }

    func post(_ response: HTTP2Response, stream: Int32) {
        let deliver: (@Sendable () -> Void)? = state.withLock { state in
            guard state.deliver != nil else { return nil }
            state.answers.append((stream, response))
            if state.isExpected { return nil }
            state.isExpected = true
            return state.deliver
        }
        if let deliver { eventLoop.execute(deliver) }
    }

    /// The loop promises to call `take` at the end of its tick, so that nothing has to wake it.
    func hold() {
        state.withLock { $0.isExpected = true }
    }

    /// Exchanges the answers for `empty`, whose storage takes the next ones.
    func take(into empty: inout [Answer]) {
        assert(empty.isEmpty, "answers would be given twice")
        state.withLock { state in
            state.isExpected = false
            swap(&state.answers, &empty)
        }
    }

    func close() {
        state.withLock { state in
            state.deliver = nil
            state.answers = []
        }
    }
}

/// The way back for the answer to one stream. Answering a stream that is gone does nothing.
struct HTTP2Reply: Sendable {
    let mailbox: HTTP2Mailbox
    let stream: Int32

    func callAsFunction(_ response: HTTP2Response) { mailbox.post(response, stream: stream) }
}
