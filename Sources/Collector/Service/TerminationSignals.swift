import Glibc
import Synchronization

/// Delivers the signals that end the process, as a stream.
///
/// A handler writes the signal's number into a pipe, which a thread of its own reads: nothing else runs in signal
/// context. Handlers, and not `sigwait`: the runtime keeps a thread that blocks no signal. They also work for PID 1 of
/// a container, where the default actions of signals do not exist.
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

    /// The signals, one after another.
    package let signals: AsyncStream<Signal>

    /// Installs the handlers; from now on these signals no longer end the process by themselves.
    package init() {
        let (stream, continuation) = AsyncStream<Signal>.makeStream()
        signals = stream
        var ends: [Int32] = [0, 0]
        precondition(unsafe pipe(&ends) == 0, "no pipe for signals")
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        writeEnd.store(ends[1], ordering: .releasing)
        SignalReader(descriptor: ends[0]) { continuation.yield($0) }.start()
        for awaited in Self.awaited { Self.handle(awaited.rawValue) }
        // A peer that closes its socket shows as EPIPE where the write happens, not as a signal.
        signal(SIGPIPE, SIG_IGN)
    }

    private static func handle(_ number: Int32) {
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { number in
            let saved = errno
            var byte = UInt8(truncatingIfNeeded: number)
            // A full pipe already holds more signals than anybody will act on.
            _ = unsafe write(writeEnd.load(ordering: .acquiring), &byte, 1)
            errno = saved
        }
        action.sa_flags = SA_RESTART
        unsafe sigaction(number, &action, nil)
    }
}

/// Where the handler writes; it can reach nothing but globals.
private let writeEnd = Atomic<Int32>(-1)

private final class SignalReader: Sendable {
    private let descriptor: Int32
    private let received: @Sendable (TerminationSignals.Signal) -> Void

    init(descriptor: Int32, received: @escaping @Sendable (TerminationSignals.Signal) -> Void) {
        self.descriptor = descriptor
        self.received = received
    }

    func start() {
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let status = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<SignalReader>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context)
        precondition(status == 0, "no thread for signals")
        pthread_detach(thread)
    }

    private func run() {
        var byte: UInt8 = 0
        while true {
            let count = unsafe read(descriptor, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return }
            if let signal = TerminationSignals.Signal(rawValue: Int32(byte)) { received(signal) }
        }
    }
}
