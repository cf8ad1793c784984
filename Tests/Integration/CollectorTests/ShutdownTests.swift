import Foundation
import TelemetryGenerator
import TestSupport
import Testing

extension EndToEnd {
    /// SIGTERM and SIGINT end the program in order: what was acknowledged is delivered, open requests are answered.
    @Suite("Shutdown")
    struct ShutdownTests {
        /// Spans wait for an hour in the batch processor, in memory.
        private let waiting = """
            processors: {batch: {timeout: 1h, send_batch_size: 100000}}
            exporters: {file: {path: out.json, append: true}}
            service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [file]}}}
            """

        private func replay(_ captures: [URL], to collector: CollectorProcess) async throws {
            let arguments = [try collector.grpcEndpoint, "traces"] + captures.map(\.path)
            let result = try await runPython("grpc_replay", arguments)
            #expect(result.status == 0, "\(result.output)\(result.errors)")
        }

        /// Scenario: acknowledged spans wait in memory when the signal comes; then otelcol is started again in the same
        /// folder, and the same happens once more.
        /// Guarantees: nothing was written before the signal; status 0 after it, and all spans are in the file, those
        /// of both runs.
        @Test(arguments: [SIGTERM, SIGINT])
        func drainsMemory(signal: Int32) async throws {
            let captures = try nginxCaptures()
            try await withTemporaryDirectory { directory in
                for run in 1...2 {
                    let collector = try await startCollector(waiting, in: directory)
                    try await replay(captures, to: collector)
                    let file = ExportedFile(of: collector)
                    #expect(try file.spanIDs().count == 583 * (run - 1))
                    collector.signal(signal)
                    #expect(await collector.exitStatus() == 0, "\(collector.log)")
                    #expect(try file.spanIDs().count == 583 * run)
                    #expect(collector.logLine(containing: "Received signal from OS") != nil)
                    #expect(collector.logLine(containing: "Shutdown complete.") != nil)
                }
            }
        }

        /// Scenario: 50 calls have sent half of their request when SIGTERM comes, and the other half after GOAWAY.
        /// Guarantees: GOAWAY covers all of them, all are answered OK, the program ends with status 0, and their spans
        /// are in the file.
        @Test func answersOpenCalls() async throws {
            let capture = try nginxCaptures()[0]
            try await withCollector(toFile) { collector in
                let arguments = [try collector.grpcEndpoint, "\(collector.processID)", "50", capture.path]
                let result = try await runPython("http2_drain", arguments)
                let words = result.output.split(whereSeparator: \.isWhitespace)
                try #require(words.count == 4, "\(result.output)\(result.errors)\(collector.log)")
                #expect(try #require(Int(words[1])) >= 99 && words[3] == "50", "\(result.output)")
                #expect(await collector.exitStatus() == 0)
                let compared = try await runPython(
                    "compare_export",
                    ["traces", ExportedFile(of: collector).url.path] + Array(repeating: capture.path, count: 50))
                #expect(compared.status == 0, "\(compared.errors)")
            }
        }

        /// Scenario: 3000 calls, 100 at a time, come from grpc's C core; after some of them SIGTERM ends otelcol, and
        /// another one starts on the same port.
        /// Guarantees: every call is answered OK, by the one or the other, and each span is written exactly once.
        @Test func restartUnderLoad() async throws {
            let config = toFile.replacing("path: out.json", with: "path: out.json, append: true")
            try await withTemporaryDirectory { directory in
                var generator = TelemetryGenerator(.nginx, seed: 4)
                let files = try (0..<3000).map { index in
                    let file = directory.appendingPathComponent("\(index).pb")
                    try Data(generator.request(itemCount: 2)).write(to: file)
                    return file.path
                }
                let first = try await startCollector(config, in: directory)
                let endpoint = try first.grpcEndpoint
                async let replayed = runPython(
                    "grpc_replay", [endpoint, "traces", "--concurrency", "100"] + files)
                let accepted = "otelcol_receiver_accepted_spans"
                #expect(try await eventually { try await Series.value(accepted, of: first) ?? 0 > 0 })
                #expect(await first.terminate() == 0)
                let written = try ExportedFile(of: first).spanIDs().count
                #expect(written > 0 && written < 6000, "the signal came too late")
                let second = try await startCollector(
                    config, in: directory, arguments: ["--set", "receivers.otlp.protocols.grpc.endpoint=\(endpoint)"])
                defer { second.kill() }
                let answers = try await replayed.output.split(separator: "\n")
                let failures = answers.filter { $0 != "OK" }
                #expect(answers.count == 3000 && failures.isEmpty, "\(failures.prefix(3))")
                #expect(await second.terminate() == 0)
                let compared = try await runPython(
                    "compare_export", ["traces", ExportedFile(of: second).url.path] + files)
                #expect(compared.output == "same: 6000 items\n", "\(compared.errors)")
            }
        }

        /// Scenario: otelcol runs as process 1 of its own process namespace, as it does in a container, and is told to
        /// end.
        /// Guarantees: it takes the signal there too, drains, and ends with status 0.
        @Test func runsAsProcessOne() async throws {
            try await withTemporaryDirectory { directory in
                let launcher = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
                let collector = try await startCollector(waiting, in: directory, launcher: launcher)
                defer { collector.kill() }
                let children = try String(
                    contentsOfFile: "/proc/\(collector.processID)/task/\(collector.processID)/children", encoding: .utf8
                )
                let child = try #require(Int32(children.trimmingCharacters(in: .whitespaces)))
                let status = try String(contentsOfFile: "/proc/\(child)/status", encoding: .utf8)
                #expect(status.contains(/NSpid:\s+[0-9]+\s+(?:[0-9]+\s+)*1\n/), "\(status)")
                try await replay(nginxCaptures(), to: collector)
                try #require(kill(child, SIGTERM) == 0)
                #expect(await collector.exitStatus() == 0, "\(collector.log)")
                #expect(try ExportedFile(of: collector).spanIDs().count == 583)
            }
        }

        /// Scenario: the health check is asked while all is well, and while a request that was opened before SIGTERM
        /// holds the shutdown up.
        /// Guarantees: 200, then 503, each with its status in the body.
        @Test func healthFollowsTheState() async throws {
            try await withCollector(toFile) { collector in
                let url = "http://\(try collector.healthEndpoint)/"
                let healthy = try await curl(url)
                #expect(healthy.status == 200 && healthy.text.contains(#""status":"Server available""#))
                #expect(healthy.text.contains(#""upSince""#) && healthy.text.contains(#""uptime""#))
                let request = try OpenRequest(to: collector.httpEndpoint)
                defer { request.close() }
                #expect(await request.isAwaited())
                let result = try await runPython("health_watch", [url, "\(collector.processID)"])
                #expect(result.output == "200 Server available\n503 Server not available\n", "\(result.errors)")
                #expect(await collector.exitStatus() == 0)
            }
        }
    }

    /// An HTTP request whose body has not come yet.
    final class OpenRequest {
        private let client: ChildProcess

        init(to endpoint: String) throws {
            client = try ChildProcess(
                [
                    "curl", "-sS", "-o", "/dev/null", "--trace-ascii", "-", "-T", "-", "-X", "POST", "-H",
                    "Expect: 100-continue", "--expect100-timeout", "60", "-H", "Content-Type: application/json",
                    "http://\(endpoint)/v1/traces",
                ], input: .pipe, errors: .null)
        }

        /// Whether the server has asked for the body.
        func isAwaited() async -> Bool {
            var seen = Data()
            while let data = client.output?.availableData, !data.isEmpty {
                seen += data
                if seen.range(of: Data("100 Continue".utf8)) != nil { return true }
            }
            return false
        }

        func close() {
            try? client.input?.close()
            client.signal(SIGTERM)
        }
    }
}
