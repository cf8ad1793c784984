import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// The configurations that are in the package are valid, and run where their backends cannot be reached.
    @Suite("Configuration files")
    struct ConfigurationFilesTests {
        private static let folder = packageDirectory.appendingPathComponent("configs")
        static let files = ["qa8.yaml"]

        /// Scenario: each file in configs/.
        /// Guarantees: `validate` takes it: status 0, nothing on stderr.
        @Test(arguments: files)
        func isValid(file: String) async throws {
            let result = try await runCollector(["validate", "--config", Self.folder.appendingPathComponent(file).path])
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.errors.isEmpty, "\(result.errors)")
        }

        /// Scenario: qa8.yaml with its ports freed and all its backends pointed at a closed port; 23 000 spans come in.
        /// Guarantees: clients are answered OK, health stays 200, every exporter's queue grows, nothing is counted as lost,
        /// and the program ends with status 0.
        @Test func runsWithoutBackends() async throws {
            let exporters = ["uptrace": ["traces"], "clickstack": ["traces", "logs"], "signoz": ["traces", "logs"]]
            var arguments = exporters.flatMap { name, signals in
                signals.flatMap { ["--set", "exporters.otlphttp/\(name).\($0)_endpoint=http://127.0.0.1:1/v1/\($0)"] }
            }
            arguments += ["--set", "exporters.otlphttp/victorialogs.logs_endpoint=http://127.0.0.1:1/v1/logs"]
            arguments += ["--set", "processors.batch.timeout=100ms"]
            arguments += ["--config", "yaml:\(baseConfig)"]
            try await withTemporaryDirectory { directory in
                let config = try String(contentsOf: Self.folder.appendingPathComponent("qa8.yaml"), encoding: .utf8)
                let collector = try await CollectorProcess.start(config: config, in: directory, arguments: arguments)
                defer { collector.kill() }
                let result = try await runPython(
                    "grpc_replay",
                    [try collector.grpcEndpoint, "traces", "--repeat", "40"] + nginxCaptures().map(\.path))
                #expect(result.status == 0, "\(result.output)\(result.errors)")
                for name in exporters.keys {
                    let labels = ["exporter": "otlphttp/\(name)", "data_type": "traces"]
                    let isWaiting = try await eventually {
                        try await Series.value("otelcol_exporter_queue_size", labels, of: collector) ?? 0 > 0
                    }
                    #expect(isWaiting, "\(name)")
                }
                let series = try await Series.all(of: collector)
                let lost = series.filter { $0.name.contains("failed") || $0.name.contains("dropped") }
                #expect(lost.allSatisfy { $0.value == 0 }, "\(lost)")
                #expect(try await curl("http://\(try collector.healthEndpoint)/").status == 200)
                #expect(!collector.hasExited)
                #expect(await collector.terminate() == 0, "\(collector.log)")
            }
        }
    }
}
