import Foundation
import TestSupport
import Testing

/// As `baseConfig`, for files that list their own extensions.
private let baseWithStorage = """
    receivers:
      otlp:
        protocols:
          grpc: {endpoint: "127.0.0.1:0"}
          http: {endpoint: "127.0.0.1:0"}
    extensions:
      health_check: {endpoint: "127.0.0.1:0"}
    service:
      telemetry:
        metrics: {address: "127.0.0.1:0"}
    """

extension EndToEnd {
    /// The configurations that are in the package are valid, and run where their backends cannot be reached.
    @Suite("Configuration files")
    struct ConfigurationFilesTests {
        private static let folder = packageDirectory.appendingPathComponent("configs")
        static let files = ["default.yaml", "container.yaml", "qa8.yaml", "qa10.yaml"]

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

        /// Scenario: default.yaml with its ports freed, in an empty folder; the SDK sends all signals, over gRPC and HTTP;
        /// it is ended, and started again in the same folder.
        /// Guarantees: both runs end with status 0, and the three files hold what was sent in both.
        @Test func defaultKeepsAllSignals() async throws {
            let config = try String(contentsOf: Self.folder.appendingPathComponent("default.yaml"), encoding: .utf8)
            try await withTemporaryDirectory { directory in
                for run in 1...2 {
                    let collector = try await CollectorProcess.start(
                        config: config, in: directory, arguments: ["--config", "yaml:\(baseWithStorage)"])
                    defer { collector.kill() }
                    for (transport, endpoint) in try [
                        ("grpc", collector.grpcEndpoint), ("http", collector.httpEndpoint),
                    ] {
                        let result = try await runPython("sdk_client", [transport, endpoint, "10"])
                        #expect(result.status == 0, "\(result.output)\(result.errors)")
                    }
                    #expect(await collector.terminate() == 0, "\(collector.log)")
                    #expect(try ExportedFile("data/traces.json", of: collector).spans().count == run * 20)
                    #expect(try ExportedFile("data/logs.json", of: collector).logRecords().count == run * 20)
                    #expect(try ExportedFile("data/metrics.json", of: collector).metrics().count == run * 8)
                }
            }
        }

        /// Scenario: qa10.yaml, whose queues are on disk, with its ports freed and its backends pointed at a closed port;
        /// spans come in; it is ended, and started again with backends that answer.
        /// Guarantees: clients are answered OK; the end comes with status 0 while nothing is delivered; after the start
        /// every backend gets every span once, though no client sends any more.
        @Test func storageOutlivesRestarts() async throws {
            let captures = try nginxCaptures()
            let names = ["uptrace", "clickstack", "openobserve"]
            let config = try String(contentsOf: Self.folder.appendingPathComponent("qa10.yaml"), encoding: .utf8)
            func arguments(_ url: (String) -> String) -> [String] {
                let endpoints = names.flatMap { name in
                    ["--set", "exporters.otlphttp/\(name).traces_endpoint=\(url(name))/v1/traces"]
                        + ["--set", "exporters.otlphttp/\(name).logs_endpoint=\(url(name))/v1/logs"]
                }
                return endpoints + ["--set", "processors.batch.timeout=100ms", "--config", "yaml:\(baseWithStorage)"]
            }
            try await withTemporaryDirectory { directory in
                let first = try await CollectorProcess.start(
                    config: config, in: directory, arguments: arguments { _ in "http://127.0.0.1:1" })
                defer { first.kill() }
                let result = try await runPython(
                    "grpc_replay", [try first.grpcEndpoint, "traces"] + captures.map(\.path))
                #expect(result.status == 0, "\(result.output)\(result.errors)")
                #expect(await first.terminate() == 0, "\(first.log)")

                var backends: [String: CollectorProcess] = [:]
                defer { for backend in backends.values { backend.kill() } }
                for name in names {
                    let folder = directory.appendingPathComponent(name)
                    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                    backends[name] = try await startCollector(toFile, in: folder)
                }
                let urls = try backends.mapValues { "http://\(try $0.httpEndpoint)" }
                let second = try await CollectorProcess.start(
                    config: config, in: directory, arguments: arguments { urls[$0] ?? "" })
                defer { second.kill() }
                for name in names {
                    let labels = ["exporter": "otlphttp/\(name)"]
                    let isSent = try await eventually {
                        try await Series.value("otelcol_exporter_sent_spans", labels, of: second) == 583
                    }
                    #expect(isSent, "\(name)")
                }
                #expect(await second.terminate() == 0)
                for (name, backend) in backends {
                    #expect(await backend.terminate() == 0)
                    let ids = try ExportedFile(of: backend).spanIDs()
                    #expect(ids.count == 583 && Set(ids).count == 583, "\(name)")
                }
            }
        }
    }
}
