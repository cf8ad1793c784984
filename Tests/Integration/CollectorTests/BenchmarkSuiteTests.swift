import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// The suite behind scripts/bench works, and its figures cannot come from runs in which something was lost.
    @Suite("Benchmark suite")
    struct BenchmarkSuiteTests {
        private struct Document: Decodable {
            struct Result: Decodable {
                let scenario: String
                let medians: [String: [String: Double]?]
            }
            let results: [Result]
        }

        private func runSuite(
            _ arguments: [String], binary: String = CollectorProcess.binary.path
        ) async throws -> (SubprocessResult, [Document.Result]) {
            try await withTemporaryDirectory { directory in
                let file = directory.appendingPathComponent("figures.json")
                let otelgen = CollectorProcess.binary.deletingLastPathComponent().appendingPathComponent("otelgen")
                let result = try await runSubprocess(
                    [
                        "python3", packageDirectory.appendingPathComponent("Tests/Benchmarks/EndToEnd").path,
                        "--binary", binary, "--otelgen", otelgen.path, "--requests", "32", "--rounds", "1",
                        "--directory", directory.path, "--json", file.path,
                    ] + arguments)
                let figures = FileManager.default.contents(atPath: file.path)
                return (result, try figures.map { try JSONDecoder().decode(Document.self, from: $0).results } ?? [])
            }
        }

        /// Scenario: one round of 32 requests of 512 spans to nop, and to a sink that counts with Google's protobuf.
        /// Guarantees: both scenarios end well, and their figures are there: every span accepted and delivered.
        @Test func measures() async throws {
            let (result, figures) = try await runSuite(["--independent-sink", "grpc-nop", "otlphttp-gzip"])
            #expect(result.status == 0, "\(result.output)\(result.errors)")
            #expect(figures.map(\.scenario) == ["grpc-nop", "otlphttp-gzip"])
            for scenario in figures {
                let medians = try #require(scenario.medians["ours"] ?? nil)
                #expect(medians["accepted"] == 32 * 512 && medians["delivered"] == 32 * 512)
                for name in ["items_per_second", "items_per_processor_second", "memory_mib", "p99_ms"] {
                    #expect(try #require(medians[name]) > 0, "\(name)")
                }
            }
        }

        /// Scenario: a program in otelcol's place answers every request with success, but its metrics say that it
        /// refused items.
        /// Guarantees: the round is reported as failed, has no figures, and the suite's status is not 0.
        @Test func doesNotCountLosses() async throws {
            try await withTemporaryDirectory { directory in
                let script = packageDirectory.appendingPathComponent("Tests/Integration/python/lying_otelcol.py").path
                let binary = directory.appendingPathComponent("otelcol")
                try "#!/bin/sh\nexec python3 '\(script)'\n".write(to: binary, atomically: true, encoding: .utf8)
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: binary.path)
                let (result, figures) = try await runSuite(["http-nop"], binary: binary.path)
                #expect(result.status == 1)
                #expect(result.output.contains("FAILED http-nop"), "\(result.output)\(result.errors)")
                #expect(figures.count == 1 && figures.first?.medians["ours"] == .some(nil))
            }
        }
    }
}
