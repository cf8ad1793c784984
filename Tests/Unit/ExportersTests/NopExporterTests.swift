import Component
import OTLP
import Testing

@testable import Exporters

/// `nop` takes everything.
@Suite struct NopExporterTests {
    @Test func everythingIsDelivered() async throws {
        let exporter = try makeExporter(.nop, [:], signal: .traces)
        try await exporter.start()
        #expect(try await exporter.export(batch([[1, 2, 3]], .traces, items: 7)) == .complete)
        await exporter.stop()
    }
}
