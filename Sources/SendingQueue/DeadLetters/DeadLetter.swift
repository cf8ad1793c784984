package import Component
package import OTLP
package import WriteAheadLog

/// What a sending queue gave up, with the reason.
package struct DeadLetter: Sendable {
    package var exporter: ComponentID
    package var signal: Signal
    /// The pipeline it came through, for example `traces/2`.
    package var pipeline: String
    package var batchID: BatchID
    package var itemCount: Int
    /// Why, as a label: `permanent_error`, `retry_exhausted`, `retry_disabled`.
    package var cause: GiveUpCause
    /// The exporter's last error.
    package var reason: String
    package var attempts: Int
    /// Nanoseconds since 1970.
    package var givenUpAtUnixNanos: UInt64
    /// A complete export request in protobuf.
    package var payload: [UInt8]

    package init(
        exporter: ComponentID, signal: Signal, pipeline: String, batchID: BatchID, itemCount: Int, cause: GiveUpCause,
        reason: String, attempts: Int, givenUpAtUnixNanos: UInt64, payload: [UInt8]
    ) {
        self.exporter = exporter
        self.signal = signal
        self.pipeline = pipeline
        self.batchID = batchID
        self.itemCount = itemCount
        self.cause = cause
        self.reason = reason
        self.attempts = attempts
        self.givenUpAtUnixNanos = givenUpAtUnixNanos
        self.payload = payload
    }
}

/// Why items did not reach their backend; the `reason` label of `otelcol_swift_exporter_dropped_items`.
package enum GiveUpCause: String, Sendable, Hashable, CaseIterable {
    case permanentError = "permanent_error"
    case retryExhausted = "retry_exhausted"
    case retryDisabled = "retry_disabled"
    case queueFull = "queue_full"
    case shutdown
    /// The log needed their room (`on_full: evict_oldest`, or a consumer that is not configured any more).
    case evicted
    /// They were older than the log's `retention`.
    case expired
    /// The stored bytes could not be read or taken apart.
    case corrupt
}

/// Keeps dead letters.
package protocol DeadLetterSink: Sendable {
    /// Keeps a letter; it is durable when this returns.
    ///
    /// - Throws: when the letter cannot be kept (its limit, the disk); the batch then stays in its log.
    func accept(_ letter: DeadLetter) async throws(LogError)

    /// A batch has reached its backend, so that others may too. Called for every batch.
    func delivered(by exporter: ComponentID, _ signal: Signal)

    /// What became of letters that came through `pipeline` when they were sent again, since the start of the process.
    func replays(of exporter: ComponentID, pipeline: String) -> ReplayCounts
}

extension DeadLetterSink {
    package func delivered(by exporter: ComponentID, _ signal: Signal) {}
    package func replays(of exporter: ComponentID, pipeline: String) -> ReplayCounts { ReplayCounts() }
}

/// The part of an exporter's account that comes from its dead letters.
package struct ReplayCounts: Sendable, Hashable {
    /// Items of letters that were sent again.
    package var items = 0
    /// What became of them.
    package var outcome = CutOutcome()

    package init() {}
}
