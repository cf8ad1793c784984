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
        static let files = ["default.yaml", "container.yaml", "clickstack-local.yaml", "qa8.yaml", "qa10.yaml"]

        /// Scenario: each file in configs/.
        /// Guarantees: `validate` takes it: status 0, and on stderr at most which exporters have no storage.
        @Test(arguments: files)
        func isValid(file: String) async throws {
            let result = try await runCollector(["validate", "--config", Self.folder.appendingPathComponent(file).path])
            #expect(result.status == 0, "\(result.errors)")
            let remarks = result.errors.split(separator: "\n")
            #expect(remarks.filter { !$0.hasPrefix("info: Exporter has no storage") } == [])
        }

        /// Scenario: qa8.yaml with its ports freed and all its backends pointed at a closed port; 23 000 spans come in.
        /// Guarantees: clients are answered OK, health stays 200, every exporter's queue grows, nothing is counted as
        /// lost, and the program ends with status 0.
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

        /// Scenario: default.yaml with its ports freed, in an empty folder; the SDK sends all signals, over gRPC and
        /// HTTP; it is ended at once, and started again in the same folder, where the same happens.
        /// Guarantees: the first run ends with status 0 though its last batches wait on disk; in the second one the
        /// three files come to hold what was sent in both, no span twice.
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
                    if run == 2 {
                        let isWritten = try await eventually {
                            let traces = try ExportedFile("data/traces.json", of: collector).spans()
                            let logs = try ExportedFile("data/logs.json", of: collector).logRecords()
                            let metrics = try ExportedFile("data/metrics.json", of: collector).metrics()
                            return traces.count >= 40 && logs.count >= 40 && metrics.count >= 16
                        }
                        #expect(isWritten)
                    }
                    #expect(await collector.terminate() == 0, "\(collector.log)")
                    let ids = try ExportedFile("data/traces.json", of: collector).spanIDs()
                    #expect(Set(ids).count == ids.count)
                    if run == 2 { #expect(ids.count == 40) }
                }
            }
        }

        /// Scenario: qa10.yaml, whose queues are on disk, with its ports freed and its backends pointed at a closed
        /// port; spans come in; it is ended, and started again with backends that answer.
        /// Guarantees: clients are answered OK; the end comes with status 0 while nothing is delivered; after the start
        /// each backend whose queue is on disk gets every span once, though no client sends any more; what the one
        /// without storage has lost is told in the log.
        @Test func storageOutlivesRestarts() async throws {
            let captures = try nginxCaptures()
            let names = ["uptrace", "clickstack", "openobserve"]
            let config = try String(contentsOf: Self.folder.appendingPathComponent("qa10.yaml"), encoding: .utf8)
            func arguments(_ url: (String) -> String) -> [String] {
                let endpoints = names.flatMap { name in
                    ["--set", "exporters.otlphttp/\(name).traces_endpoint=\(url(name))/v1/traces"]
                        + ["--set", "exporters.otlphttp/\(name).logs_endpoint=\(url(name))/v1/logs"]
                }
                let storage = "exporters.otlphttp/clickstack.sending_queue.storage=file_storage/otc"
                return endpoints + [
                    "--set", storage, "--set", "processors.batch.timeout=100ms", "--config", "yaml:\(baseWithStorage)",
                ]
            }
            try await withTemporaryDirectory { directory in
                let first = try await CollectorProcess.start(
                    config: config, in: directory, arguments: arguments { _ in "http://127.0.0.1:1" })
                defer { first.kill() }
                let result = try await runPython(
                    "grpc_replay", [try first.grpcEndpoint, "traces"] + captures.map(\.path))
                #expect(result.status == 0, "\(result.output)\(result.errors)")
                #expect(await first.terminate() == 0, "\(first.log)")
                let stopped = first.logLine(containing: "Pipeline stopped before all was sent")
                #expect(stopped?.contains(#""items dropped": "583""#) == true, "\(first.log)")

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
                for name in names.dropLast() {
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
                    let count = name == "openobserve" ? 0 : 583
                    #expect(ids.count == count && Set(ids).count == count, "\(name)")
                }
            }
        }
    }
}
