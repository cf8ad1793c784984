import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// What nginx sends arrives complete: every span, field and attribute, whatever bytes they hold.
    @Suite("nginx's requests")
    struct NginxCaptureTests {
        private func replay(_ files: [URL], to collector: CollectorProcess, _ options: [String] = []) async throws {
            let arguments = [try collector.grpcEndpoint, "traces"] + options + files.map(\.path)
            let result = try await runPython("grpc_replay", arguments)
            #expect(result.status == 0, "\(result.output)\(result.errors)")
        }

        private func compare(_ file: URL, with requests: [URL]) async throws -> String {
            let result = try await runPython("compare_export", ["traces", file.path] + requests.map(\.path))
            return result.output + result.errors
        }

        /// Scenario: five captured requests, one with invalid UTF-8, go over gRPC, plain or gzip, to the file exporter,
        /// with and without the batch processor.
        /// Guarantees: the file holds each span once, with its resource and scope, every field equal and every
        /// attribute in its place; each byte that is not UTF-8 is U+FFFD.
        @Test(
            arguments: [[], ["--gzip"]], ["", "batch: {timeout: 50ms, send_batch_max_size: 100, send_batch_size: 100}"])
        func jsonIsComplete(options: [String], processor: String) async throws {
            let captures = try nginxCaptures()
            try #require(captures.count == 5)
            let config = """
                processors: {\(processor)}
                exporters: {file: {path: out.json}}
                service:
                  pipelines:
                    traces: {receivers: [otlp], processors: [\(processor.isEmpty ? "" : "batch")], exporters: [file]}
                """
            try await withCollector(config) { collector in
                try await replay(captures, to: collector, options)
                #expect(await collector.terminate() == 0)
                let result = try await compare(ExportedFile(of: collector).url, with: captures)
                #expect(result == "same: 583 items\n")
            }
        }

        /// Scenario: the comparison itself is given a file with one span less.
        /// Guarantees: it says so.
        @Test func comparisonFindsLosses() async throws {
            let captures = try nginxCaptures()
            try await withCollector(toFile) { collector in
                try await replay(Array(captures.dropLast()), to: collector)
                #expect(await collector.terminate() == 0)
                let result = try await compare(ExportedFile(of: collector).url, with: captures)
                #expect(result.hasPrefix("512 items missing"), "\(result)")
            }
        }

        /// Scenario: the captured requests go to a protobuf file without a batch processor.
        /// Guarantees: each request is one record, byte for byte.
        @Test func protobufIsUnchanged() async throws {
            let captures = try nginxCaptures()
            let config = toFile.replacing("path: out.json", with: "path: out.pb, format: proto")
            try await withCollector(config) { collector in
                try await replay(captures, to: collector)
                #expect(await collector.terminate() == 0)
                let written = try ExportedFile("out.pb", of: collector).records()
                #expect(try Set(written) == Set(captures.map { try Data(contentsOf: $0) }))
                #expect(written.count == captures.count)
            }
        }

        /// Scenario: the same with a batch processor that waits for all of them.
        /// Guarantees: the one record is the requests' concatenation, byte for byte.
        @Test func protobufIsMerged() async throws {
            let captures = try nginxCaptures()
            let config = """
                processors: {batch: {timeout: 1h, send_batch_size: 100000}}
                exporters: {file: {path: out.pb, format: proto}}
                service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [file]}}}
                """
            try await withCollector(config) { collector in
                try await replay(captures, to: collector)
                #expect(await collector.terminate() == 0)
                let written = try ExportedFile("out.pb", of: collector).records()
                #expect(try written == [captures.map { try Data(contentsOf: $0) }.reduce(Data(), +)])
            }
        }

        /// Scenario: the captures pass the attributes processor with the rule that takes `upstream_addr` apart.
        /// Guarantees: exactly the spans whose address matches get `upstream_primary`, and `upstream_secondary` with
        /// the second address or the empty text; all other spans stay as they were.
        @Test func upstreamAddressIsExtracted() async throws {
            let config = #"""
                processors:
                  attributes:
                    actions:
                      - key: upstream_addr
                        pattern: '^(?P<upstream_primary>[^,\s]+)(?:,\s*(?P<upstream_secondary>[^,\s]+))?'
                        action: extract
                exporters: {file: {path: out.json}}
                service: {pipelines: {traces: {receivers: [otlp], processors: [attributes], exporters: [file]}}}
                """#
            try await withCollector(config) { collector in
                try await replay(nginxCaptures(), to: collector)
                #expect(await collector.terminate() == 0)
                var pairCount = 0
                var singleCount = 0
                for span in try ExportedFile(of: collector).spans() {
                    let attributes = textAttributes(span)
                    let addresses = (attributes["upstream_addr"] ?? "").split(separator: ", ").map(String.init)
                    guard let first = addresses.first else {
                        #expect(attributes["upstream_primary"] == nil)
                        continue
                    }
                    #expect(attributes["upstream_primary"] == first)
                    #expect(attributes["upstream_secondary"] == (addresses.count > 1 ? addresses[1] : ""))
                    pairCount += addresses.count > 1 ? 1 : 0
                    singleCount += addresses.count == 1 ? 1 : 0
                }
                #expect(pairCount > 0 && singleCount > 0)
            }
        }
    }
}
