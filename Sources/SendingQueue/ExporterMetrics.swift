package import Component
package import OTLP
import Synchronization

/// The series of one exporter and signal, shared by all its sending queues.
package final class ExporterMetrics: Sendable {
    /// What a queue shows at scrape.
    struct Reading: Sendable {
        var queued = 0
        var waitingItems = 0
        var inFlightItems = 0
    }

    let sent: Counter
    let sendFailed: Counter
    let enqueueFailed: Counter
    let rejected: Counter
    let deadLettered: Counter
    let replayed: Counter
    let retries: Counter
    private let dropped: [GiveUpCause: Counter]
    private let readers = Mutex<[@Sendable () -> Reading]>([])

    /// - Parameter queueCapacity: `queue_size`; nil without a queue.
    package init(exporter: ComponentID, signal: Signal, queueCapacity: Int?, registry: MetricRegistry) {
        let labels: MetricLabels = ["exporter": "\(exporter)"]
        let items = Self.itemName(signal)
        sent = registry.counter(
            "otelcol_exporter_sent_\(items.metric)",
            help: "Number of \(items.text) successfully sent to destination.", labels: labels)
        sendFailed = registry.counter(
            "otelcol_exporter_send_failed_\(items.metric)",
            help: "Number of \(items.text) in failed attempts to send to destination.", labels: labels)
        enqueueFailed = registry.counter(
            "otelcol_exporter_enqueue_failed_\(items.metric)",
            help: "Number of \(items.text) failed to be added to the sending queue.", labels: labels)
        let own: MetricLabels = ["exporter": "\(exporter)", "data_type": signal.rawValue]
        rejected = registry.counter(
            "otelcol_swift_exporter_rejected_items",
            help: "Items of delivered requests that the peer refused (partial success).", labels: own)
        deadLettered = registry.counter(
            "otelcol_swift_exporter_dead_lettered_items", help: "Items set aside as dead letters.", labels: own)
        replayed = registry.counter(
            "otelcol_swift_exporter_replayed_items",
            help: "Items of dead letters that were sent again, whatever became of them.", labels: own)
        retries = registry.counter(
            "otelcol_swift_exporter_retries", help: "Attempts that failed and are to be repeated.", labels: own)
        var dropped: [GiveUpCause: Counter] = [:]
        for cause in GiveUpCause.allCases {
            dropped[cause] = registry.counter(
                "otelcol_swift_exporter_dropped_items", help: "Items given up, by reason.",
                labels: ["exporter": "\(exporter)", "data_type": signal.rawValue, "reason": cause.rawValue])
        }
        self.dropped = dropped
        if let queueCapacity { registerGauges(exporter, signal, queueCapacity: queueCapacity, registry: registry) }
    }

    private func registerGauges(
        _ exporter: ComponentID, _ signal: Signal, queueCapacity: Int, registry: MetricRegistry
    ) {
        let labels: MetricLabels = ["exporter": "\(exporter)", "data_type": signal.rawValue]
        registry.observe(
            "otelcol_exporter_queue_size", help: "Current size of the retry queue (in batches)", kind: .gauge,
            labels: labels
        ) { [weak self] in self.map { Double($0.reading.queued) } }
        registry.observe(
            "otelcol_exporter_queue_capacity", help: "Fixed capacity of the retry queue (in batches)", kind: .gauge,
            labels: ["exporter": "\(exporter)"]
        ) { [weak self] in self.map { _ in Double(queueCapacity) } }
        registry.observe(
            "otelcol_swift_exporter_waiting_items", help: "Items in the logs that are in no batch yet.", kind: .gauge,
            labels: labels
        ) { [weak self] in self.map { Double($0.reading.waitingItems) } }
        registry.observe(
            "otelcol_swift_exporter_in_flight_items", help: "Items in batches being sent or waiting for a retry.",
            kind: .gauge, labels: labels
        ) { [weak self] in self.map { Double($0.reading.inFlightItems) } }
    }

    func addQueue(_ read: @escaping @Sendable () -> Reading) { readers.withLock { $0.append(read) } }

    private var reading: Reading {
        var sum = Reading()
        for read in readers.withLock({ $0 }) {
            let reading = read()
            sum.queued += reading.queued
            sum.waitingItems += reading.waitingItems
            sum.inFlightItems += reading.inFlightItems
        }
        return sum
    }

    func drop(_ itemCount: Int, _ cause: GiveUpCause) { dropped[cause]?.add(itemCount) }

    func droppedItems(_ cause: GiveUpCause) -> Int { dropped[cause]?.value ?? 0 }

    private static func itemName(_ signal: Signal) -> (metric: String, text: String) {
        switch signal {
        case .traces: ("spans", "spans")
        case .metrics: ("metric_points", "metric points")
        case .logs: ("log_records", "log records")
        }
    }
}

/// The series of the `batch` processor, whose work the sending queues do.
package final class BatchMetrics: Sendable {
    let size: Histogram
    let sizeTriggers: Counter
    let timeoutTriggers: Counter

    package init(processor: ComponentID, registry: MetricRegistry) {
        let labels: MetricLabels = ["processor": "\(processor)"]
        size = registry.histogram(
            "otelcol_processor_batch_batch_send_size", help: "Number of units in the batch", bounds: Self.bounds,
            labels: labels)
        sizeTriggers = registry.counter(
            "otelcol_processor_batch_batch_size_trigger_send",
            help: "Number of times the batch was sent due to a size trigger", labels: labels)
        timeoutTriggers = registry.counter(
            "otelcol_processor_batch_timeout_trigger_send",
            help: "Number of times the batch was sent due to a timeout trigger", labels: labels)
    }

    func record(_ batch: PlannedBatch) {
        size.record(Double(batch.itemCount))
        switch batch.trigger {
        case .size: sizeTriggers.add()
        case .timeout: timeoutTriggers.add()
        case .none: break
        }
    }

    private static let bounds: [Double] = [
        10, 25, 50, 75, 100, 250, 500, 750, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 20_000,
        30_000, 50_000, 100_000,
    ]
}
