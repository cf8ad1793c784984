import Synchronization

/// The sends that one exporter may have in flight for one signal (`num_consumers`), over all of its logs.
package final class SendingSlots: Sendable {
    private struct State {
        var free: Int
        var waiting: [(key: ObjectIdentifier, grant: @Sendable () -> Void)] = []
    }

    package let count: Int
    private let state: Mutex<State>

    package init(count: Int) {
        self.count = max(count, 1)
        state = Mutex(State(free: self.count))
    }

    /// Takes a slot, if one is free. If none is, `grant` is called once a slot has been set aside for the caller, who
    /// then owns it; until then further calls with the same `key` change nothing.
    func take(for key: ObjectIdentifier, grant: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            if state.free > 0 {
                state.free -= 1
                return true
            }
            if !state.waiting.contains(where: { $0.key == key }) { state.waiting.append((key, grant)) }
            return false
        }
    }

    /// Gives a slot back, or on to who has waited longest.
    func give() {
        let next = state.withLock { state in
            if state.waiting.isEmpty {
                state.free += 1
                return (@Sendable () -> Void)?.none
            }
            return state.waiting.removeFirst().grant
        }
        next?()
    }

    /// Ends the wait of `key`, if it waits.
    func forget(_ key: ObjectIdentifier) {
        state.withLock { $0.waiting.removeAll { $0.key == key } }
    }

    package var inUse: Int { state.withLock { count - $0.free } }
}
