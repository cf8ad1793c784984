internal import Glibc
internal import Synchronization

/// Whether the user wants the run to end: SIGINT or SIGTERM came. A second one ends the process at once.
enum StopRequest {
    static var isMade: Bool { stopIsRequested.load(ordering: .relaxed) }

    static func install() {
        for number in [SIGINT, SIGTERM] {
            var action = sigaction()
            unsafe action.__sigaction_handler.sa_handler = { _ in stopIsRequested.store(true, ordering: .relaxed) }
            action.sa_flags = SA_RESTART | Int32(bitPattern: UInt32(SA_RESETHAND))
            unsafe sigaction(number, &action, nil)
        }
    }

    /// Waits until `instant`; false when the run was told to end before.
    static func wait(until instant: ContinuousClock.Instant) async -> Bool {
        let clock = ContinuousClock()
        while !isMade {
            let now = clock.now
            guard now < instant else { return true }
            // Nobody cancels these tasks.
            try? await clock.sleep(until: min(instant, now + checkInterval), tolerance: .zero)
        }
        return false
    }

    private static let checkInterval: Duration = .milliseconds(100)
}

/// A handler can reach nothing but globals.
private let stopIsRequested = Atomic(false)
