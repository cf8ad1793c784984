import Component
import OTLP

/// A processor's `otelcol_processor_incoming_items` and `otelcol_processor_outgoing_items`.
struct ItemCounters: Sendable {
    let incoming: Counter
    let outgoing: Counter

    init(_ settings: ComponentSettings, signal: Signal) {
        let labels: MetricLabels = ["processor": "\(settings.id)", "otel_signal": signal.rawValue]
        incoming = settings.metrics.counter(
            "otelcol_processor_incoming_items", help: "Number of items passed to the processor.", labels: labels)
        outgoing = settings.metrics.counter(
            "otelcol_processor_outgoing_items", help: "Number of items emitted from the processor.", labels: labels)
    }
}
