import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// The HTTP receiver takes what OTLP/HTTP allows, and says of everything else what is wrong with it.
    @Suite("HTTP receiver")
    struct HTTPReceiverTests {
        /// The example of OTLP's documentation.
        private static let trace = """
            {"resourceSpans": [{
              "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]},
              "scopeSpans": [{
                "scope": {"name": "my.library", "version": "1.0.0",
                  "attributes": [{"key": "my.scope.attribute", "value": {"stringValue": "some scope attribute"}}]},
                "spans": [{
                  "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174",
                  "parentSpanId": "EEE19B7EC3C1B173", "name": "I'm a server span",
                  "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": "1544712661000000000", "kind": 2,
                  "attributes": [{"key": "my.span.attr", "value": {"stringValue": "some value"}}]}]}]}]}
            """

        private func send(
            _ body: Data, to collector: CollectorProcess, path: String = "/v1/traces",
            contentType: String = "application/json", headers: [String] = []
        ) async throws -> HTTPAnswer {
            try await curl(
                "http://\(try collector.httpEndpoint)\(path)", contentType: contentType, body: body, headers: headers)
        }

        /// Scenario: curl posts the JSON example of OTLP's documentation, then a captured request as protobuf.
        /// Guarantees: both are answered 200 with an empty response in their own encoding, and written with all they
        /// hold.
        @Test func takesJSONAndProtobuf() async throws {
            try await withCollector(toFile) { collector in
                let json = try await send(Data(Self.trace.utf8), to: collector)
                #expect(json.status == 200 && json.contentType == "application/json")
                let response = try JSONSerialization.jsonObject(with: json.body) as? [String: Any]
                #expect(try #require(response).keys.allSatisfy { $0 == "partialSuccess" })
                let capture = try #require(try nginxCaptures().first)
                let protobuf = try await send(
                    try Data(contentsOf: capture), to: collector, contentType: "application/x-protobuf")
                #expect(
                    protobuf.status == 200 && protobuf.contentType == "application/x-protobuf" && protobuf.body.isEmpty)
                #expect(await collector.terminate() == 0)

                let spans = try ExportedFile(of: collector).spans()
                let span = try #require(spans.first { $0["spanId"] as? String == "eee19b7ec3c1b174" })
                #expect(span["traceId"] as? String == "5b8efff798038103d269b633813fc60c")
                #expect(span["parentSpanId"] as? String == "eee19b7ec3c1b173")
                #expect(span["name"] as? String == "I'm a server span" && span["kind"] as? Int == 2)
                #expect(span["startTimeUnixNano"] as? String == "1544712660000000000")
                #expect(span["endTimeUnixNano"] as? String == "1544712661000000000")
                #expect(textAttributes(span) == ["my.span.attr": "some value"])
                #expect(spans.count > 1)
            }
        }

        /// Scenario: a wrong path, method, content type and content encoding, and a path of a signal without a
        /// pipeline.
        /// Guarantees: 404, 405, 415 and 400; nothing is counted as accepted.
        @Test func refusesWrongRequests() async throws {
            let config = toFile.replacing("    logs: {receivers: [otlp], exporters: [file]}", with: "")
            try await withCollector(config) { collector in
                let body = Data(Self.trace.utf8)
                #expect(try await send(body, to: collector, path: "/v1/spans").status == 404)
                #expect(try await send(body, to: collector, path: "/v1/logs").status == 404)
                #expect(try await send(body, to: collector, path: "/").status == 404)
                let url = "http://\(try collector.httpEndpoint)/v1/traces"
                let get = try await curl(url)
                #expect(get.status == 405 && get.text.contains("supported: [POST]"))
                #expect(try await curl(url, options: ["-X", "PUT"]).status == 405)
                let text = try await send(body, to: collector, contentType: "text/plain")
                #expect(
                    text.status == 415 && text.text.contains("supported: [application/json, application/x-protobuf]"))
                let encoding = try await send(body, to: collector, headers: ["Content-Encoding: br"])
                #expect(encoding.status == 400)
                #expect(try encoding.rpcStatus().code == 3)
                #expect(try encoding.rpcStatus().message == "unsupported Content-Encoding: br")
                #expect(try await Series.value("otelcol_receiver_accepted_spans", of: collector) ?? 0 == 0)
            }
        }

        /// Scenario: a body that is no gzip, JSON with a mistake on its second line, JSON of another shape, and
        /// protobuf that ends too early.
        /// Guarantees: 400 with a google.rpc.Status of code 3 (INVALID_ARGUMENT) in the request's encoding; JSON
        /// mistakes are told with line, column and path; each is counted by its reason.
        @Test func explainsWhatIsUnreadable() async throws {
            try await withCollector(toFile) { collector in
                let gzip = try await send(Data("no gzip".utf8), to: collector, headers: ["Content-Encoding: gzip"])
                #expect(gzip.status == 400)
                #expect(try gzip.rpcStatus().code == 3)
                let syntax = try await send(Data("{\"resourceSpans\":\n [}".utf8), to: collector)
                #expect(syntax.status == 400)
                #expect(try syntax.rpcStatus().code == 3)
                let syntaxMessage = try syntax.rpcStatus().message
                #expect(syntaxMessage.contains("line 2, column 3"), "\(syntaxMessage)")
                let shape = #"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5B8E"}]}]}]}"#
                let identifier = try await send(Data(shape.utf8), to: collector)
                #expect(identifier.status == 400)
                let message = try identifier.rpcStatus().message
                #expect(message.contains("resourceSpans[0].scopeSpans[0].spans[0].traceId"), "\(message)")
                #expect(message.contains("line 1, column"), "\(message)")
                let protobuf = try await send(
                    Data([0x0A, 0x20, 0x0A]), to: collector, contentType: "application/x-protobuf")
                #expect(protobuf.status == 400 && protobuf.contentType == "application/x-protobuf")
                #expect(try protobuf.rpcStatus().code == 3)
                for (reason, count) in [("compression", 1.0), ("json", 2), ("protobuf", 1)] {
                    let name = "otelcol_swift_receiver_decode_errors"
                    #expect(try await Series.value(name, ["reason": reason], of: collector) == count, "\(reason)")
                }
            }
        }

        /// Scenario: bodies above the configured limit: as sent, and once decompressed.
        /// Guarantees: 413 with a google.rpc.Status; a body at the limit is taken.
        @Test func refusesOversizeBodies() async throws {
            let arguments = ["--set", "receivers.otlp.protocols.http.max_request_body_size=65536"]
            try await withCollector(toFile, arguments: arguments) { collector in
                let body = Data(Self.trace.utf8)
                let fits = body + Data(repeating: UInt8(ascii: " "), count: 65536 - body.count)
                #expect(try await send(fits, to: collector).status == 200)
                let large = try await send(fits + Data(" ".utf8), to: collector)
                #expect(large.status == 413)
                #expect(try large.rpcStatus().message.contains("too large"))
                let bomb = try await runSubprocess(["gzip", "-c"], input: fits + Data(repeating: 0x20, count: 1 << 22))
                try #require(bomb.outputBytes.count < 65536)
                let inflated = try await send(bomb.outputBytes, to: collector, headers: ["Content-Encoding: gzip"])
                #expect(inflated.status == 413)
                #expect(try inflated.rpcStatus().code == 3)
                #expect(await collector.terminate() == 0)
                #expect(try ExportedFile(of: collector).spanIDs() == ["eee19b7ec3c1b174"])
            }
        }

        /// Scenario: a request compressed with gzip and zlib, under both names of the latter.
        /// Guarantees: all are taken.
        @Test func takesCompressedBodies() async throws {
            try await withCollector(toFile) { collector in
                let program = "import gzip,sys,zlib; sys.stdout.buffer.write(%s(sys.stdin.buffer.read()))"
                for (encoding, function) in [
                    ("gzip", "gzip.compress"), ("zlib", "zlib.compress"), ("deflate", "zlib.compress"),
                ] {
                    let packed = try await runSubprocess(
                        ["python3", "-c", program.replacing("%s", with: function)], input: Data(Self.trace.utf8))
                    let answer = try await send(
                        packed.outputBytes, to: collector, headers: ["Content-Encoding: \(encoding)"])
                    #expect(answer.status == 200, "\(encoding): \(answer.text)")
                }
                #expect(await collector.terminate() == 0)
                #expect(try ExportedFile(of: collector).spanIDs().count == 3)
            }
        }
    }
}
