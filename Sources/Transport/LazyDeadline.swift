internal import NIOCore

/// A deadline that is moved often and reached rarely: moving it later costs a store, not a timer.
///
/// Confined to one event loop.
final class LazyDeadline {
    private let eventLoop: any EventLoop
    private let expired: () -> Void
    private var deadline: NIODeadline?
    private var timer: (task: Scheduled<Void>, at: NIODeadline)?

    /// - Parameter expired: called on `eventLoop` when the deadline in force is reached; keep the owner weakly in it.
    init(eventLoop: any EventLoop, expired: @escaping () -> Void) {
        self.eventLoop = eventLoop
        self.expired = expired
    }

    /// Sets the deadline `timeout` from now; nil lifts it.
    func set(_ timeout: Duration?) {
        deadline = timeout.map { .now() + TimeAmount($0) }
        guard let deadline else { return }
        if let timer {
            guard deadline < timer.at else { return }
            timer.task.cancel()
        }
        schedule(at: deadline)
    }

    /// Ends all timing; for a connection that is gone.
    func cancel() {
        deadline = nil
        timer?.task.cancel()
        timer = nil
    }

    private func schedule(at time: NIODeadline) {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        timer = (eventLoop.scheduleTask(deadline: time) { bound.value.fire() }, time)
    }

    private func fire() {
        timer = nil
        guard let deadline else { return }
        if deadline > .now() {
            schedule(at: deadline)
        } else {
            self.deadline = nil
            expired()
        }
    }
}
