import Component
import Synchronization

/// Calls a completion once several parts have ended: with success if all succeeded, else with the first refusal.
final class Join: Sendable {
    private struct State {
        var left: Int
        var refusal: RefusalError?
    }

    private let state: Mutex<State>
    private let completion: @Sendable (Result<Void, RefusalError>) -> Void

    init(_ count: Int, completion: @escaping @Sendable (Result<Void, RefusalError>) -> Void) {
        precondition(count > 0, "a join of nothing never ends")
        state = Mutex(State(left: count))
        self.completion = completion
    }

    func end(_ result: Result<Void, RefusalError>) {
        let outcome: Result<Void, RefusalError>? = state.withLock { state in
            state.left -= 1
            if case .failure(let refusal) = result, state.refusal == nil { state.refusal = refusal }
            guard state.left == 0 else { return nil }
            return state.refusal.map { .failure($0) } ?? .success(())
        }
        if let outcome { completion(outcome) }
    }
}
