import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// OpenTelemetry's own SDK delivers all signals over both protocols.
    @Suite("OpenTelemetry SDK")
    struct SDKTests {
        private static let count = 300

        /// Scenario: the Python SDK sends 300 spans, 300 log records and two metrics with 300 and one data points, over
        /// gRPC, and over HTTP with gzip.
        /// Guarantees: every export is acknowledged, and the file holds each span, record and point by its name.
        @Test(arguments: ["grpc", "http"])
        func deliversAllSignals(transport: String) async throws {
            try await withCollector(toFile) { collector in
                let endpoint = try transport == "grpc" ? collector.grpcEndpoint : collector.httpEndpoint
                let result = try await runPython("sdk_client", [transport, endpoint, "\(Self.count)"])
                #expect(result.status == 0 && result.output.isEmpty, "\(result.output)\(result.errors)")
                // The SDK exports its metrics twice: when it is flushed, and when it is shut down.
                let pointCount = 2 * (Self.count + 1)
                for (name, count) in [
                    ("spans", Self.count), ("metric_points", pointCount), ("log_records", Self.count),
                ] {
                    let labels = ["receiver": "otlp", "transport": transport]
                    let value = try await Series.value("otelcol_receiver_accepted_\(name)", labels, of: collector)
                    #expect(value == Double(count), "\(name)")
                }
                #expect(await collector.terminate() == 0)

                let file = ExportedFile(of: collector)
                let indices = 0..<Self.count
                #expect(try file.spanNames().sorted() == indices.map { "span-\($0)" }.sorted())
                let bodies = try file.logRecords().map {
                    ($0["body"] as? [String: Any])?["stringValue"] as? String ?? ""
                }
                #expect(bodies.sorted() == indices.map { "log-\($0)" }.sorted())
                let span = try #require(try file.spans().first)
                #expect(textAttributes(span)["text"] == "käse")
                #expect((span["events"] as? [Any])?.count == 1)

                let metrics = try file.metrics()
                #expect(
                    metrics.compactMap { $0["name"] as? String }.sorted() == [
                        "latency", "latency", "requests", "requests",
                    ])
                let requests = try #require(
                    metrics.first { $0["name"] as? String == "requests" }?["sum"] as? [String: Any])
                #expect((requests["dataPoints"] as? [Any])?.count == Self.count)
                let latency = metrics.first { $0["name"] as? String == "latency" }?["histogram"] as? [String: Any]
                let point = try #require((latency?["dataPoints"] as? [[String: Any]])?.first)
                #expect(point["count"] as? String == "\(Self.count)")
            }
        }
    }
}
