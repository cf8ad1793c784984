/// The kinds of telemetry a pipeline carries.
@frozen
package enum Signal: String, Sendable, Hashable, CaseIterable {
    case traces
    case metrics
    case logs
}
