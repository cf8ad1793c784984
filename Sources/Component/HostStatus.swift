/// How the running collector fares, for extensions that show it.
package struct HostStatus: Sendable {
    /// One exporter in one pipeline.
    package struct Exporter: Sendable {
        package enum Health: String, Sendable {
            case healthy
            /// Attempts fail, and are repeated.
            case failing
            /// Nothing will be delivered before an operator acts.
            case misconfigured
        }

        package var id: ComponentID
        package var pipeline: String
        package var health: Health
        /// The last error; empty when healthy.
        package var error: String
        /// Whether what waits survives a restart.
        package var isDurable: Bool
        package var waitingItems: Int
        package var inFlightItems: Int
        /// Batches that wait for their next attempt.
        package var parkedBatches: Int
        /// Receive time of the oldest item that is not delivered, nanoseconds since 1970.
        package var oldestReceivedAtUnixNanos: UInt64?

        package init(
            id: ComponentID, pipeline: String, health: Health, error: String, isDurable: Bool, waitingItems: Int,
            inFlightItems: Int, parkedBatches: Int, oldestReceivedAtUnixNanos: UInt64?
        ) {
            self.id = id
            self.pipeline = pipeline
            self.health = health
            self.error = error
            self.isDurable = isDurable
            self.waitingItems = waitingItems
            self.inFlightItems = inFlightItems
            self.parkedBatches = parkedBatches
            self.oldestReceivedAtUnixNanos = oldestReceivedAtUnixNanos
        }
    }

    /// The log of one pipeline.
    package struct Log: Sendable {
        package var pipeline: String
        package var bytes: Int
        /// Why it takes no records at this moment.
        package var fault: String?

        package init(pipeline: String, bytes: Int, fault: String?) {
            self.pipeline = pipeline
            self.bytes = bytes
            self.fault = fault
        }
    }

    package var exporters: [Exporter]
    package var logs: [Log]

    package init(exporters: [Exporter], logs: [Log]) {
        self.exporters = exporters
        self.logs = logs
    }

    /// Whether the collector takes new items and every exporter may deliver them, sooner or later. An exporter whose
    /// backend is down does not count against it: its items wait.
    package var isReady: Bool {
        logs.allSatisfy { $0.fault == nil } && exporters.allSatisfy { $0.health != .misconfigured }
    }
}

/// The running collector, as extensions see it.
package protocol Host: Sendable {
    /// How it fares at this moment.
    var status: HostStatus { get }
}
