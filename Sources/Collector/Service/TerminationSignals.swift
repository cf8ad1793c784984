import Glibc
import Synchronization

/// Waits for the signals that end the process, on a thread of its own.
///
/// The signals are blocked in every thread and taken by `sigwait`, so that nothing runs in signal context, and so that they
/// also reach a process that is PID 1 of a container, where their default actions do not exist.
package final class TerminationSignals: Sendable {
    package enum Signal: Int32, Sendable, CustomStringConvertible {
        case interrupt = 2
        case terminate = 15
        case hangUp = 1

        package var description: String {
            switch self {
            case .interrupt: "interrupt"
            case .terminate: "terminated"
            case .hangUp: "hangup"
            }
        }
    }

    private static let awaited: [Signal] = [.interrupt, .terminate, .hangUp]
    private let stream: AsyncStream<Signal>

    /// Blocks the signals in this thread and in all that it starts from now on. Call it before any other thread exists.
    package static func block() {
        var set = signalSet()
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        // A peer that closes its socket shows as EPIPE where the write happens, not as a signal.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Starts waiting. `block` must have been called.
    package init() {
        let (stream, continuation) = AsyncStream<Signal>.makeStream()
        self.stream = stream
        let waiter = SignalThread { continuation.yield($0) }
        waiter.start()
    }

    /// The signals, one after another.
    package var signals: AsyncStream<Signal> { stream }

    fileprivate static func signalSet() -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in awaited { unsafe sigaddset(&set, signal.rawValue) }
        return set
    }
}

private final class SignalThread: Sendable {
    private let received: @Sendable (TerminationSignals.Signal) -> Void

    init(received: @escaping @Sendable (TerminationSignals.Signal) -> Void) { self.received = received }

    func start() {
        var thread = pthread_t()
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let status = unsafe pthread_create(
            &thread, &attributes,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<SignalThread>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context)
        precondition(status == 0, "no thread for signals")
        unsafe pthread_attr_destroy(&attributes)
    }

    private func run() {
        var set = TerminationSignals.signalSet()
        while true {
            var number: Int32 = 0
            guard unsafe sigwait(&set, &number) == 0 else { continue }
            if let signal = TerminationSignals.Signal(rawValue: number) { received(signal) }
        }
    }
}
