import Component
import Testing

@testable import Processors

/// Guarantees: `batch` turns into the settings otelcol's defaults and checks give.
@Suite struct BatchProcessorTests {
    private func settings(_ config: ConfigLiteral) throws -> BatchSettings? {
        if case .batching(let settings) = try ProcessorFactory.batch.role(config) { settings } else { nil }
    }

    @Test func defaults() throws {
        #expect(
            try settings([:]) == BatchSettings(sendBatchSize: 8192, sendBatchMaxSize: 0, timeout: .milliseconds(200)))
    }

    @Test func everyKey() throws {
        let config: ConfigLiteral = [
            "timeout": "10s", "send_batch_size": 1024, "send_batch_max_size": 2048,
            "metadata_keys": ["X-Tenant", "b"], "metadata_cardinality_limit": 10,
        ]
        #expect(
            try settings(config)
                == BatchSettings(
                    sendBatchSize: 1024, sendBatchMaxSize: 2048, timeout: .seconds(10),
                    metadataKeys: ["x-tenant", "b"], metadataCardinalityLimit: 10))
        #expect(try settings(["timeout": 0, "send_batch_size": 0])?.timeout == .zero)
    }

    @Test func wrongValues() {
        let cases: [(ConfigLiteral, String)] = [
            (
                ["send_batch_size": 10, "send_batch_max_size": 9],
                "send_batch_max_size must be greater or equal to send_batch_size"
            ),
            (["send_batch_max_size": 100], "send_batch_max_size must be greater or equal to send_batch_size"),
            (["metadata_keys": ["A", "b", "a"]], "duplicate entry in metadata_keys: \"a\" (case-insensitive)"),
            (["timeout": "-1s"], "timeout must be greater or equal to 0"),
            (["send_batch_size": -1], "send_batch_size must be greater or equal to 0"),
        ]
        for (config, message) in cases { #expect(ProcessorFactory.batch.findings(config) == [message]) }
    }
}
