import Foundation
import TelemetryGenerator
import TestSupport
import Testing

extension EndToEnd {
    /// The gRPC receiver serves other people's clients: many calls on one connection, large ones, wrong ones.
    @Suite("gRPC receiver")
    struct GRPCReceiverTests {
        private static let tracesPath = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

        private func write(_ bytes: [UInt8], _ name: String, in directory: URL) throws -> URL {
            let file = directory.appendingPathComponent(name)
            try Data(bytes).write(to: file)
            return file
        }

        /// Scenario: 600 different requests of 3 spans, 300 calls at a time on one connection of grpc's C core.
        /// Guarantees: all are answered OK, and each span is in the file once.
        @Test func manyCallsOfGRPCCore() async throws {
            try await withCollector(toFile) { collector in
                var generator = TelemetryGenerator(.nginx, seed: 1)
                let files = try (0..<600).map { index in
                    try write(generator.request(itemCount: 3), "\(index).pb", in: collector.directory)
                }
                let arguments = [try collector.grpcEndpoint, "traces", "--concurrency", "300"] + files.map(\.path)
                let result = try await runPython("grpc_replay", arguments)
                #expect(result.output.split(separator: "\n").count { $0 == "OK" } == 600, "\(result.errors)")
                #expect(await collector.terminate() == 0)
                let compared = try await runPython(
                    "compare_export", ["traces", ExportedFile(of: collector).url.path] + files.map(\.path))
                #expect(compared.output == "same: 1800 items\n", "\(compared.errors)")
            }
        }

        /// Scenario: 2000 calls of nghttp2's client, 400 at a time on one connection.
        /// Guarantees: every call is answered, and its spans are accepted and written.
        @Test func manyCallsOfNGHTTP2() async throws {
            try await withCollector(toFile) { collector in
                var generator = TelemetryGenerator(.nginx, seed: 2)
                let file = try write(grpcFrame(generator.request(itemCount: 5)), "body", in: collector.directory)
                let result = try await runSubprocess([
                    "h2load", "-n", "2000", "-c", "1", "-m", "400", "-d", file.path, "-H",
                    "content-type: application/grpc",
                    "-H", "te: trailers", "http://\(try collector.grpcEndpoint)\(Self.tracesPath)",
                ])
                #expect(result.output.contains("2000 succeeded, 0 failed, 0 errored, 0 timeout"), "\(result.output)")
                let labels = ["receiver": "otlp", "transport": "grpc"]
                let accepted = try await Series.value("otelcol_receiver_accepted_spans", labels, of: collector)
                #expect(accepted == 10_000)
                #expect(await collector.terminate() == 0)
                #expect(try ExportedFile(of: collector).spanIDs().count == 10_000)
            }
        }

        /// Scenario: 20,000 calls of 5 spans each, 40 at a time, of one client that never waits: far more in all than a
        /// queue of the default size holds. The exporter has no queue of its own, alone or behind a `batch` processor.
        /// Guarantees: nobody is refused, every span is delivered, and no queue is shown.
        @Test(arguments: [false, true]) func nobodyIsRefusedForAQueue(isBatched: Bool) async throws {
            let config = """
                processors:
                  batch: {send_batch_size: 50, timeout: 10ms}
                exporters:
                  nop:
                service:
                  pipelines:
                    traces: {receivers: [otlp], processors: [\(isBatched ? "batch" : "")], exporters: [nop]}
                """
            try await withCollector(config) { collector in
                var generator = TelemetryGenerator(.nginx, seed: 4)
                let file = try write(grpcFrame(generator.request(itemCount: 5)), "body", in: collector.directory)
                let result = try await runSubprocess([
                    "h2load", "-n", "20000", "-c", "4", "-m", "10", "-d", file.path, "-H",
                    "content-type: application/grpc",
                    "-H", "te: trailers", "http://\(try collector.grpcEndpoint)\(Self.tracesPath)",
                ])
                #expect(result.output.contains("20000 succeeded, 0 failed, 0 errored, 0 timeout"), "\(result.output)")
                #expect(
                    try await eventually {
                        try await Series.value("otelcol_exporter_sent_spans", of: collector) == 100_000
                    })
                let series = try await Series.all(of: collector)
                #expect(series.filter { $0.name.hasPrefix("otelcol_exporter_enqueue_failed") }.isEmpty)
                #expect(series.filter { $0.name.hasPrefix("otelcol_receiver_refused") }.isEmpty)
                #expect(series.filter { $0.name.hasPrefix("otelcol_exporter_queue") }.isEmpty)
                #expect(await collector.terminate() == 0)
            }
        }

        private func grpcFrame(_ message: [UInt8]) -> [UInt8] {
            let count = UInt32(message.count)
            return [0] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } + message
        }

        /// Scenario: two requests of 16 MiB and more, four times above grpc's own limit of 4 MiB, at the same time.
        /// Guarantees: they are taken and written whole, byte for byte.
        @Test func largeRequests() async throws {
            let config = toFile.replacing("path: out.json", with: "path: out.pb, format: proto")
            try await withCollector(config) { collector in
                var generator = TelemetryGenerator(.service, seed: 3)
                let requests = (0..<2).map { _ in
                    let part = generator.request(itemCount: 2_500)
                    // A request repeated is a request, too.
                    return Array(repeatElement(part, count: 10).joined())
                }
                let files = try requests.enumerated().map { index, bytes in
                    try #require(bytes.count > 16 << 20)
                    return try write(bytes, "large-\(index).pb", in: collector.directory)
                }
                let arguments = [try collector.grpcEndpoint, "traces", "--concurrency", "2"] + files.map(\.path)
                let result = try await runPython("grpc_replay", arguments)
                #expect(result.output == "OK\nOK\n", "\(result.output)\(result.errors)")
                #expect(await collector.terminate() == 0)
                let written = try ExportedFile("out.pb", of: collector).records()
                #expect(Set(written) == Set(requests.map { Data($0) }))
            }
        }

        /// Scenario: a service and a method that do not exist, a signal without a pipeline, bytes that are no request,
        /// and a request above the configured size.
        /// Guarantees: each is answered with its own status, and the receiver goes on taking requests.
        @Test func wrongCalls() async throws {
            let config = toFile.replacing("    metrics: {receivers: [otlp], exporters: [file]}\n", with: "")
            let arguments = ["--set", "receivers.otlp.protocols.grpc.max_recv_msg_size_mib=1"]
            try await withCollector(config, arguments: arguments) { collector in
                let endpoint = try collector.grpcEndpoint
                let broken = try write([0x0A, 0xFF], "broken", in: collector.directory)
                let large = try write(Array(repeating: 0x0A, count: (1 << 20) + 1), "large", in: collector.directory)
                let service = "/opentelemetry.proto.collector.trace.v1.TraceService"
                let metrics = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
                let calls: [([String], String)] = [
                    (["/example.Unknown/Export"], "UNIMPLEMENTED: unknown service example.Unknown"),
                    (["\(service)/Import"], "UNIMPLEMENTED: unknown method Import for service"),
                    ([metrics], "UNIMPLEMENTED: unknown service opentelemetry.proto.collector.metrics"),
                    ([Self.tracesPath, broken.path], "INTERNAL: grpc: error unmarshalling request"),
                    ([Self.tracesPath, large.path], "RESOURCE_EXHAUSTED: "),
                    ([Self.tracesPath, try #require(try nginxCaptures().first).path], "OK"),
                ]
                for (arguments, answer) in calls {
                    let result = try await runPython("grpc_call", [endpoint] + arguments)
                    #expect(result.output.hasPrefix(answer), "\(arguments): \(result.output)\(result.errors)")
                }
            }
        }
    }
}
