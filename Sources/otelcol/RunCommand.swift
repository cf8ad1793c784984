internal import Collector
internal import Component

/// Why the collector cannot be run.
struct RunError: Error, CustomStringConvertible {
    let description: String
}

/// Runs the collector until it is told to stop.
func runCollector(_ config: CollectorConfig, _ options: ConfigOptions) async throws {
    throw RunError(description: "this build checks configurations and does not run them")
}
