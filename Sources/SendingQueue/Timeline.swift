/// Time as the sending queue counts it: durations since the timeline was made, read from any clock.
package struct Timeline: Sendable {
    private let read: @Sendable () -> Duration
    private let rest: @Sendable (Duration) async throws -> Void

    package init(_ clock: any Clock<Duration> = ContinuousClock()) {
        self.init(opened: clock)
    }

    private init(opened clock: some Clock<Duration>) {
        let origin = clock.now
        read = { origin.duration(to: clock.now) }
        rest = { try await clock.sleep(until: origin.advanced(by: $0), tolerance: nil) }
    }

    var now: Duration { read() }

    /// Returns at `time`, or throws `CancellationError` when the task is cancelled before.
    func sleep(until time: Duration) async throws { try await rest(time) }
}
