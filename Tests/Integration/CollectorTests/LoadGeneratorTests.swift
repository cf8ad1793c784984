import Foundation
import HTTPTestServer
import Synchronization
import TestSupport
import Testing

extension EndToEnd {
    /// What `otelgen load` says about its items is true: what it calls acknowledged was taken, and nothing is forgotten.
    @Suite("Load generator")
    struct LoadGeneratorTests {
        private static let run = "00000000000a11ce"

        /// The summary of a run, in JSON.
        private struct Summary: Decodable {
            var sentItems = 0
            var acknowledgedItems = 0
            var rejectedItems = 0
            var refusedRetryableItems = 0
            var refusedForGoodItems = 0
            var unknownItems = 0
            var unreachableItems = 0
            var requests = 0
            var retries = 0
            var elapsedSeconds = 0.0

            /// Whether every item that was sent is accounted for once.
            var isBalanced: Bool {
                sentItems == acknowledgedItems + rejectedItems + refusedRetryableItems + refusedForGoodItems
                    + unknownItems + unreachableItems
            }
        }

        private static func arguments(_ words: String) -> [String] {
            let binary = CollectorProcess.binary.deletingLastPathComponent().appendingPathComponent("otelgen").path
            let common = ["--run", run, "--json", "--quiet"]
            return [binary, "load"] + common + words.split(separator: " ").map(String.init)
        }

        private static func summary(_ output: Data) throws -> Summary {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(Summary.self, from: output)
        }

        private func load(_ words: String) async throws -> (status: Int32, summary: Summary) {
            let result = try await runSubprocess(Self.arguments(words))
            let summary = try Self.summary(result.outputBytes)
            #expect(summary.isBalanced, "\(result.output)")
            return (result.status, summary)
        }

        /// The ids of items from 1 to `count`, as they stand in a file.
        private func ids(_ count: Int) -> Set<String> {
            Set(
                (1...count).map { number in
                    let digits = String(number, radix: 16)
                    return Self.run + String(repeating: "0", count: 16 - digits.count) + digits
                })
        }

        private func exportedIDs(_ signal: String, _ file: ExportedFile) throws -> [String] {
            switch signal {
            case "traces": try file.spans().map { try #require($0["traceId"] as? String) }
            case "logs": try file.logRecords().map { try #require($0["traceId"] as? String) }
            default:
                try file.metrics().flatMap { metric in
                    try ["gauge", "sum", "histogram", "exponentialHistogram", "summary"].flatMap { kind in
                        let data = metric[kind] as? [String: Any]
                        return try (data?["dataPoints"] as? [[String: Any]] ?? []).map { point in
                            try #require(textAttributes(point)["otelgen.id"])
                        }
                    }
                }
            }
        }

        /// Scenario: 1030 items of each kind, in requests of 100, on three connections, by each protocol.
        /// Guarantees: all are acknowledged, the status is 0, and the collector's file holds each number once.
        @Test(arguments: [
            ("grpc", "none", "traces"), ("grpc", "gzip", "logs"), ("grpc", "zstd", "metrics"),
            ("http/protobuf", "none", "metrics"), ("http/protobuf", "gzip", "traces"), ("http/json", "none", "traces"),
            ("http/json", "zstd", "logs"), ("http/json", "gzip", "metrics"),
        ])
        func acknowledgedItemsArrive(transport: String, compression: String, signal: String) async throws {
            try await withCollector(toFile) { collector in
                let endpoint = transport == "grpc" ? try collector.grpcEndpoint : try collector.httpEndpoint
                let idFile = collector.directory.appendingPathComponent("ids")
                let (status, summary) = try await load(
                    "--endpoint \(endpoint) --protocol \(transport) --compression \(compression) --signal \(signal) "
                        + "--total 1030 --batch 100 --clients 3 --ids \(idFile.path)")
                #expect(status == 0)
                #expect(summary.acknowledgedItems == 1030 && summary.requests == 11)
                #expect(try String(contentsOf: idFile, encoding: .utf8) == "run \(Self.run)\nacknowledged 1-1030\n")
                #expect(await collector.terminate() == 0)
                let exported = try exportedIDs(signal, ExportedFile(of: collector))
                #expect(exported.count == 1030)
                #expect(Set(exported) == ids(1030))
            }
        }

        /// Scenario: 500 items at 250 a second, in requests of 50.
        /// Guarantees: just these are sent, none of them early: the last request is due after 1.8 seconds.
        @Test func aRateIsNotExceeded() async throws {
            try await withCollector(toFile) { collector in
                let (status, summary) = try await load(
                    "--endpoint \(try collector.grpcEndpoint) --rate 250 --total 500 --batch 50 --clients 2")
                #expect(status == 0)
                #expect(summary.acknowledgedItems == 500 && summary.requests == 10)
                #expect(summary.elapsedSeconds >= 1.8)
            }
        }

        /// Scenario: an OTLP/HTTP server takes a request, rejects 3 items of the next, refuses one for now and one for
        /// good, does not answer the fifth, and breaks the sixth connection.
        /// Guarantees: each is counted as what it is, with its numbers, and the status is 1.
        @Test func answersOfHTTPAreCounted() async throws {
            let number = Mutex(0)
            let server = HTTPTestServer { _ in
                switch number.withLock({
                    $0 += 1
                    return $0
                }) {
                case 1: .respond(status: 200)
                case 2:
                    .respond(
                        status: 200, headers: [("Content-Type", "application/json")],
                        body: Array(#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"odd"}}"#.utf8))
                case 3: .respond(status: 503)
                case 4: .respond(status: 400)
                case 5: .hang
                default: .raw("")
                }
            }
            defer { server.stop() }
            try await withTemporaryDirectory { directory in
                let idFile = directory.appendingPathComponent("ids")
                let (status, summary) = try await load(
                    "--endpoint \(server.url) --protocol http/json --total 60 --batch 10 --timeout 2 --ids \(idFile.path)"
                )
                #expect(status == 1)
                #expect(summary.acknowledgedItems == 17 && summary.rejectedItems == 3)
                #expect(summary.refusedRetryableItems == 10 && summary.refusedForGoodItems == 10)
                #expect(summary.unknownItems == 20 && summary.unreachableItems == 0)
                let lines = "acknowledged 1-10\npartial 11-20\nrefused 21-40\nunknown 41-60\n"
                #expect(try String(contentsOf: idFile, encoding: .utf8) == "run \(Self.run)\n" + lines)
            }
        }

        /// Scenario: a server answers 503 twice, and asks for patience once; then it takes everything.
        /// Guarantees: with --retry everything is acknowledged in the end, and the status is 0.
        @Test func refusedRequestsAreSentAgain() async throws {
            let number = Mutex(0)
            let server = HTTPTestServer { _ in
                switch number.withLock({
                    $0 += 1
                    return $0
                }) {
                case 1: .respond(status: 503)
                case 2: .respond(status: 429, headers: [("Retry-After", "1")])
                default: .respond(status: 200)
                }
            }
            defer { server.stop() }
            let (status, summary) = try await load(
                "--endpoint \(server.url) --protocol http/protobuf --total 30 --batch 10 --retry")
            #expect(status == 0)
            #expect(summary.acknowledgedItems == 30 && summary.requests == 5 && summary.retries == 2)
            let bodies = server.requests.map(\.body)
            #expect(bodies.count == 5 && bodies[0] == bodies[1] && bodies[1] == bodies[2] && bodies[2] != bodies[3])
        }

        /// Scenario: a gRPC server takes a request, rejects 4 items of the next, is unavailable, exhausted with and
        /// without the promise of better times, and refuses one for good.
        /// Guarantees: each is counted as OTLP means it, and the status is 1.
        @Test func answersOfGRPCAreCounted() async throws {
            let answers = "OK PARTIAL:4 UNAVAILABLE RESOURCE_EXHAUSTED RESOURCE_EXHAUSTED:1 INVALID_ARGUMENT"
            try await withGRPCServer(answers) { endpoint in
                let (status, summary) = try await load("--endpoint \(endpoint) --total 70 --batch 10")
                #expect(status == 1)
                #expect(summary.acknowledgedItems == 26 && summary.rejectedItems == 4)
                #expect(summary.refusedRetryableItems == 20 && summary.refusedForGoodItems == 20)
            }
        }

        /// Scenario: the collector is killed while it takes items, and stays away.
        /// Guarantees: the rest is not called acknowledged, every item is accounted for, and the status is 1.
        @Test func aKilledCollectorAcknowledgesNothing() async throws {
            try await withCollector(toFile) { collector in
                async let loaded = load(
                    "--endpoint \(try collector.grpcEndpoint) --total 600 --batch 10 --rate 200 --clients 2")
                let accepted = "otelcol_receiver_accepted_spans"
                #expect(try await eventually { try await Series.value(accepted, of: collector) ?? 0 > 0 })
                collector.kill()
                let (status, summary) = try await loaded
                #expect(status == 1)
                #expect(summary.sentItems == 600)
                #expect(summary.acknowledgedItems > 0 && summary.unreachableItems > 0)
                #expect(await collector.exitStatus() == 128 + SIGKILL)
            }
        }

        /// Scenario: an endless run is interrupted.
        /// Guarantees: it waits for its answers, prints its summary and ends with 0; what it counts is what arrived.
        @Test func anInterruptEndsTheRun() async throws {
            try await withCollector(toFile) { collector in
                let arguments = Self.arguments("--endpoint \(try collector.grpcEndpoint) --batch 20 --rate 2000")
                let process = try ChildProcess(arguments)
                let accepted = "otelcol_receiver_accepted_spans"
                #expect(try await eventually { try await Series.value(accepted, of: collector) ?? 0 > 0 })
                process.signal(SIGINT)
                #expect(await eventually { process.hasExited })
                #expect(process.status == 0)
                let summary = try Self.summary(process.output?.readDataToEndOfFile() ?? Data())
                #expect(summary.isBalanced && summary.acknowledgedItems > 0)
                #expect(await collector.terminate() == 0)
                #expect(try ExportedFile(of: collector).spanIDs().count == summary.acknowledgedItems)
            }
        }

        /// Runs `body` beside a server that gives these answers.
        private func withGRPCServer(_ answers: String, _ body: (String) async throws -> Void) async throws {
            let script = packageDirectory.appendingPathComponent("Tests/Integration/python/grpc_answers.py").path
            let process = try ChildProcess(
                ["python3", script] + answers.split(separator: " ").map(String.init), input: .pipe)
            defer { process.signal(SIGTERM) }
            let line = String(decoding: process.output?.availableData ?? Data(), as: UTF8.self)
            let port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)))
            try await body("127.0.0.1:\(port)")
        }
    }
}
