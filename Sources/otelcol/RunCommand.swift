import Collector
import Component

/// Runs the collector until it is told to stop.
func runCollector(_ config: CollectorConfig) async throws {
    ProcessMemory.shareHeaps()
    let service = try CollectorService(config: config)
    try await service.run(until: TerminationSignals().signals)
}
