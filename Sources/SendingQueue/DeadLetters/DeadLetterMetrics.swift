package import Component
import OTLP
import Synchronization
import WriteAheadLog

/// The gauges of one dead-letter log.
package final class DeadLetterMetrics: Sendable {
    private struct Series: Hashable {
        var destination: DeadLetterIndex.Destination
        var cause: GiveUpCause
    }

    private let storage: ComponentID
    private let registry: MetricRegistry
    private let seen = Mutex<Set<Series>>([])
    private let source = Mutex<WeakSource>(WeakSource())

    private struct WeakSource: Sendable {
        weak var log: DeadLetterLog?
    }

    /// - Parameter storage: the extension that keeps the log.
    package init(storage: ComponentID, registry: MetricRegistry) {
        self.storage = storage
        self.registry = registry
    }

    func observe(_ log: DeadLetterLog) {
        source.withLock { $0.log = log }
        registry.observe(
            "otelcol_swift_dead_letter_bytes", help: "Bytes that the dead letters take on disk.", kind: .gauge,
            labels: ["extension": "\(storage)"]
        ) { [weak log] in log.map { Double($0.status.bytes) } }
    }

    /// Shows the series that `letter` belongs to, from now on.
    func add(_ letter: DeadLetter) {
        let series = Series(destination: DeadLetterIndex.Destination(letter), cause: letter.cause)
        guard seen.withLock({ $0.insert(series).inserted }) else { return }
        registry.observe(
            "otelcol_swift_dead_letter_items", help: "Items kept as dead letters.", kind: .gauge,
            labels: [
                "extension": "\(storage)", "exporter": "\(letter.exporter)", "data_type": letter.signal.rawValue,
                "reason": letter.cause.rawValue,
            ]
        ) { [weak self] in
            self?.source.withLock { $0.log }.map { Double($0.itemCount(of: series.destination, series.cause)) }
        }
    }
}
