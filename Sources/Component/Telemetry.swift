package import OTLP

/// A request on its way through a pipeline: the bytes it came as, and what is known of them.
package struct Telemetry: Sendable {
    package var signal: Signal
    /// A canonical `Export{Traces,Metrics,Logs}ServiceRequest` in protobuf.
    package var bytes: [UInt8]
    /// Spans, data points or log records in `bytes`.
    package var itemCount: Int
    /// When the request arrived, nanoseconds since 1970.
    package var receivedAtUnixNanos: UInt64
    /// What the receiver knows of the client; nil unless it was told to keep it (`include_metadata`) or has an address
    /// to tell.
    package var client: ClientInfo?

    package init(
        signal: Signal, bytes: [UInt8], itemCount: Int, receivedAtUnixNanos: UInt64, client: ClientInfo? = nil
    ) {
        self.signal = signal
        self.bytes = bytes
        self.itemCount = itemCount
        self.receivedAtUnixNanos = receivedAtUnixNanos
        self.client = client
    }
}

/// The client of a request, as `from_context` and `metadata_keys` see it.
package final class ClientInfo: Sendable {
    package let address: String
    /// Request headers, names in lower case, in the order they came; empty unless `include_metadata` is set.
    package let metadata: [(name: String, value: String)]

    package init(address: String, metadata: [(name: String, value: String)] = []) {
        self.address = address
        self.metadata = metadata
    }

    /// All values of the header `name`, which is compared without case.
    package func values(of name: String) -> [String] {
        let lowered = name.lowercased()
        return metadata.filter { $0.name == lowered }.map(\.value)
    }
}

/// Why a pipeline did not take a request. Nothing of it was kept.
package struct RefusalError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Whether the client may send the same bytes again.
    package var isRetryable: Bool
    package var reason: String
    /// How long the client should wait first, if known.
    package var retryAfter: Duration?

    package init(isRetryable: Bool, reason: String, retryAfter: Duration? = nil) {
        self.isRetryable = isRetryable
        self.reason = reason
        self.retryAfter = retryAfter
    }

    package var description: String { isRetryable ? reason : "Permanent error: \(reason)" }
}

/// Takes requests: the entry of one or more pipelines, as a receiver sees them.
package protocol TelemetryConsumer: Sendable {
    /// Processes `telemetry` on the caller's thread and hands it to the pipelines' logs.
    ///
    /// `completion` is called exactly once, on any thread and perhaps before `consume` returns: with success once every
    /// pipeline has committed it (only then may the client hear OK), or with the reason why it was refused.
    func consume(
        _ telemetry: consuming Telemetry,
        completion: @escaping @Sendable (Result<Void, RefusalError>) -> Void)
}
