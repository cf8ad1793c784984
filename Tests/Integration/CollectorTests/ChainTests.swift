import Foundation
import HTTPTestServer
import Synchronization
import TestSupport
import Testing

extension EndToEnd {
    /// What one otelcol took arrives at the next, whatever happens to that one in between.
    @Suite("Chain of collectors")
    struct ChainTests {
        private func forwarding(to url: String, _ keys: String = "") -> String {
            """
            exporters:
              otlphttp:
                endpoint: "\(url)"
                retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}
                \(keys)
            service:
              pipelines:
                traces: {receivers: [otlp], exporters: [otlphttp]}
                metrics: {receivers: [otlp], exporters: [otlphttp]}
                logs: {receivers: [otlp], exporters: [otlphttp]}
            """
        }

        private func replay(_ captures: [URL], to collector: CollectorProcess) async throws {
            let arguments = [try collector.grpcEndpoint, "traces"] + captures.map(\.path)
            let result = try await runPython("grpc_replay", arguments)
            #expect(result.status == 0, "\(result.output)\(result.errors)")
        }

        private func compare(_ file: ExportedFile, with requests: [URL]) async throws {
            let result = try await runPython("compare_export", ["traces", file.url.path] + requests.map(\.path))
            #expect(result.status == 0, "\(result.output)\(result.errors)")
        }

        /// Scenario: nginx's requests and the SDK's signals pass two otelcols, with each compression and in JSON.
        /// Guarantees: the second one's file holds every span with all its fields once, and all records and metrics.
        @Test(arguments: ["compression: gzip", "compression: zstd", "compression: none", "encoding: json"])
        func passesThroughTwo(keys: String) async throws {
            // What is not UTF-8 is replaced on the way through JSON; the comparison expects just that.
            let captures = try nginxCaptures()
            try await withCollector(toFile) { last in
                try await withCollector(forwarding(to: "http://\(try last.httpEndpoint)", keys)) { first in
                    try await replay(captures, to: first)
                    let result = try await runPython("sdk_client", ["http", try first.httpEndpoint, "20"])
                    #expect(result.status == 0, "\(result.output)\(result.errors)")
                    #expect(await first.terminate() == 0, "\(first.log)")
                }
                #expect(await last.terminate() == 0)
                let file = ExportedFile(of: last)
                #expect(try file.logRecords().count == 20)
                #expect(try file.metrics().count == 4)
                let ids = try file.spanIDs()
                #expect(ids.count == 603 && Set(ids).count == 603)
            }
        }

        /// Scenario: the backend is down when nginx's requests come in, and starts later, on the same port.
        /// Guarantees: clients are answered OK while it is down; each span arrives, complete and once; nothing is
        /// counted as lost.
        @Test func backendComesBack() async throws {
            let captures = try nginxCaptures()
            try await withTemporaryDirectory { directory in
                let probe = try await startCollector(toFile, in: directory)
                let endpoint = try probe.httpEndpoint
                #expect(await probe.terminate() == 0)
                try await withCollector(forwarding(to: "http://\(endpoint)")) { first in
                    try await replay(captures, to: first)
                    let retries = "otelcol_swift_exporter_retries"
                    #expect(try await eventually { try await Series.value(retries, of: first) ?? 0 >= 3 })
                    let last = try await startCollector(
                        toFile, in: directory,
                        arguments: ["--set", "receivers.otlp.protocols.http.endpoint=\(endpoint)"])
                    defer { last.kill() }
                    let sent = "otelcol_exporter_sent_spans"
                    #expect(try await eventually { try await Series.value(sent, of: first) == 583 })
                    #expect(try await Series.value("otelcol_exporter_send_failed_spans", of: first) ?? 0 == 0)
                    #expect(await last.terminate() == 0)
                    try await compare(ExportedFile(of: last), with: captures)
                }
            }
        }

        /// Scenario: the backend is killed (SIGKILL) and started again and again while requests come in.
        /// It answers only once it has written.
        /// Guarantees: every span that was acknowledged arrives, at least as often as it was sent.
        @Test func backendIsKilledAgainAndAgain() async throws {
            let captures = try Array(nginxCaptures().prefix(4))
            try await withTemporaryDirectory { directory in
                let config = toFile.replacing(
                    "path: out.json", with: "path: out.json, append: true, sending_queue: {enabled: false}")
                var last = try await startCollector(config, in: directory)
                let endpoint = try last.httpEndpoint
                defer { last.kill() }
                try await withCollector(forwarding(to: "http://\(endpoint)")) { first in
                    for _ in 0..<3 {
                        try await replay(captures, to: first)
                        last.kill()
                        #expect(await last.exitStatus() == 128 + SIGKILL)
                        try await replay(captures, to: first)
                        last = try await startCollector(
                            config, in: directory,
                            arguments: ["--set", "receivers.otlp.protocols.http.endpoint=\(endpoint)"])
                    }
                    let sent = "otelcol_exporter_sent_spans"
                    #expect(try await eventually { try await Series.value(sent, of: first) == 71 * 6 })
                }
                #expect(await last.terminate() == 0)
                let ids = try ExportedFile(of: last).spanIDs()
                #expect(Set(ids).count == 71)
                let counts = Dictionary(ids.map { ($0, 1) }, uniquingKeysWith: +)
                #expect(counts.values.allSatisfy { $0 >= 6 }, "\(counts.values.min() ?? 0)")
            }
        }

        /// Scenario: a backend answers 503 with `Retry-After: 1` three times, then 200.
        /// Guarantees: the same bytes come each time, not sooner than a second after the refusal; they are counted as
        /// sent.
        @Test func retryAfterIsHonoured() async throws {
            let clock = ContinuousClock()
            let times = Mutex<[ContinuousClock.Instant]>([])
            let server = HTTPTestServer { _ in
                let count = times.withLock { times in
                    times.append(clock.now)
                    return times.count
                }
                return count <= 3
                    ? .respond(status: 503, headers: [("Retry-After", "1")])
                    : .respond(status: 200, headers: [("Content-Type", "application/x-protobuf")])
            }
            defer { server.stop() }
            try await withCollector(forwarding(to: server.url)) { first in
                try await replay([nginxCaptures()[0]], to: first)
                let sent = "otelcol_exporter_sent_spans"
                #expect(try await eventually { try await Series.value(sent, of: first) ?? 0 > 0 })
                let times = times.withLock { $0 }
                #expect(times.count == 4)
                for (earlier, later) in zip(times, times.dropFirst()) { #expect(later - earlier >= .seconds(1)) }
                let requests = server.requests
                #expect(Set(requests.map(\.body)).count == 1)
                #expect(requests.allSatisfy { $0.path == "/v1/traces" && $0.headers["content-encoding"] == "gzip" })
            }
        }

        /// Scenario: a pipeline has a file, and a backend that takes connections and never answers.
        /// Guarantees: all spans are in the file while the backend has answered nothing.
        @Test func deadExporterDelaysNobody() async throws {
            let server = HTTPTestServer { _ in .hang }
            defer { server.stop() }
            let config = """
                exporters:
                  otlphttp: {endpoint: "\(server.url)", timeout: 1h}
                  file: {path: out.json}
                service: {pipelines: {traces: {receivers: [otlp], exporters: [otlphttp, file]}}}
                """
            try await withCollector(config) { collector in
                let captures = try nginxCaptures()
                try await replay(captures + captures + captures, to: collector)
                #expect(try await eventually { try ExportedFile(of: collector).spanIDs().count == 3 * 583 })
                #expect(await eventually { !server.requests.isEmpty })
                #expect(
                    try await Series.value("otelcol_exporter_sent_spans", ["exporter": "file"], of: collector) == 1749)
                let other = ["exporter": "otlphttp"]
                #expect(try await Series.value("otelcol_exporter_sent_spans", other, of: collector) ?? 0 == 0)
                #expect(try await Series.value("otelcol_exporter_send_failed_spans", other, of: collector) ?? 0 == 0)
            }
        }
    }
}
