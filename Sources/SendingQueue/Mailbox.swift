import Synchronization

/// Events for one task that owns something: any thread posts, one task receives.
final class Mailbox<Event: Sendable>: Sendable {
    private struct State {
        var events: [Event] = []
        var receiver: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func post(_ event: Event) {
        let receiver = state.withLock { state in
            state.events.append(event)
            return state.receiver.take()
        }
        receiver?.resume()
    }

    /// The events posted since the last call, oldest first; suspends until there is one.
    func receive() async -> [Event] {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                precondition(state.receiver == nil, "a mailbox has one receiver")
                if state.events.isEmpty { state.receiver = continuation }
                return !state.events.isEmpty
            }
            if isReady { continuation.resume() }
        }
        return state.withLock { state in
            defer { state.events = [] }
            return state.events
        }
    }
}
