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

        /// Scenario: a span whose attributes are the integer 0, an empty text, false, 0.0, an empty list, no value at all, a
        /// key that comes twice, an empty key, bytes, and text that is not UTF-8.
        /// Guarantees: the file has all of them, in their order, both of the twins, nothing for what was not there.
        @Test func oddAttributesAreKept() async throws {
            let values: [(key: String, value: [ProtobufField]?)] = [
                ("zero", [ProtobufField(3, .varint(0))]), ("empty", [ProtobufField(1, .bytes([]))]),
                ("twin", [ProtobufField(3, .varint(1))]), ("false", [ProtobufField(2, .varint(0))]),
                ("double", [ProtobufField(4, .fixed64(0))]),
                ("list", [ProtobufField(5, .message(ProtobufMessage([])))]),
                ("none", []), ("missing", nil), ("twin", [ProtobufField(3, .varint(UInt64.max))]),
                ("", [ProtobufField(7, .bytes([0, 255]))]), ("broken", [ProtobufField(1, .bytes([0xE2, 0x82, 0x41]))]),
            ]
            let attributes = values.map { entry in
                let key = ProtobufField(1, .bytes(Array(entry.key.utf8)))
                let value = entry.value.map { ProtobufField(2, .message(ProtobufMessage($0))) }
                return ProtobufField(9, .message(ProtobufMessage([key] + [value].compactMap { $0 })), .repeated)
            }
            let identifiers = [
                ProtobufField(1, .bytes(Array(repeating: 7, count: 16))),
                ProtobufField(2, .bytes(Array(repeating: 9, count: 8))),
            ]
            let span = ProtobufMessage(identifiers + attributes)
            let request = [2, 2, 1].reduce(span) { inner, number in
                ProtobufMessage([ProtobufField(UInt32(number), .message(inner), .repeated)])
            }
            try await withCollector(toFile) { collector in
                let file = collector.directory.appendingPathComponent("odd.pb")
                try Data(request.bytes).write(to: file)
                try await replay([file], to: collector)
                #expect(await collector.terminate() == 0)
                let result = try await compare(ExportedFile(of: collector).url, with: [file])
                #expect(result == "same: 1 items\n")
                let written = try #require(try ExportedFile(of: collector).spans().first)
                let keys = (written["attributes"] as? [[String: Any]])?.map { $0["key"] as? String ?? "" }
                #expect(keys == values.map(\.key))
                #expect(textAttributes(written) == ["empty": "", "broken": "\u{fffd}\u{fffd}A"])
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
