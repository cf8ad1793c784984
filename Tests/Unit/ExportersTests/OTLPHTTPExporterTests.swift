import Component
import Compression
import Foundation
import HTTPClient
import HTTPTestServer
import OTLP
import Testing

@testable import Exporters

/// Each batch is one request of the right form, and each answer leads to what the queue must do next.
@Suite struct OTLPHTTPExporterTests {
    private let payload = request([logRecord("a"), logRecord("b")])

    private func withExporter(
        _ pairs: KeyValuePairs<String, ConfigValue> = [:], signal: Signal = .logs,
        recorder: LogRecorder = LogRecorder(),
        answer: @escaping @Sendable (HTTPTestServer.Request) -> HTTPTestServer.Answer = { _ in .respond(status: 200) },
        _ body: (any Exporter, HTTPTestServer) async throws -> Void
    ) async throws {
        let server = HTTPTestServer(answer: answer)
        defer { server.stop() }
        let block = joined(["endpoint": .string(server.url)], pairs)
        let exporter = try makeExporter(.otlphttp, block, signal: signal, logger: recorder.logger)
        try await exporter.start()
        try await body(exporter, server)
        await exporter.stop()
    }

    // MARK: The request

    @Test(arguments: ["gzip", "zlib", "deflate", "zstd", "lz4", "none", ""])
    func theBodyIsAllPayloadsCompressedOnce(compression: String) async throws {
        try await withExporter(["compression": .string(compression)]) { exporter, server in
            let second = request([logRecord("c")])
            #expect(try await exporter.export(batch([payload, second], .logs, items: 3)) == .complete)
            let seen = try #require(server.requests.first)
            let encoding = compression == "none" ? "" : compression
            #expect(server.requests.count == 1)
            #expect(seen.method == "POST" && seen.path == "/v1/logs")
            #expect(seen.headers["content-type"] == "application/x-protobuf")
            #expect(seen.headers["user-agent"] == "tester/1")
            #expect(seen.headers["content-encoding"] ?? "" == encoding)
            let content = try #require(ContentEncoding(rawValue: encoding))
            #expect(try decompress(seen.body, encoding: content, limit: 1 << 20) == payload + second)
        }
    }

    @Test func jsonBodies() async throws {
        try await withExporter(["encoding": "json", "compression": "none"]) { exporter, server in
            _ = try await exporter.export(batch([payload], .logs, items: 2))
            var expected: [UInt8] = []
            try OTLPRequest.appendJSON(of: payload, signal: .logs, to: &expected)
            #expect(server.requests[0].body == expected)
            #expect(server.requests[0].headers["content-type"] == "application/json")
        }
    }

    @Test func headersOfTheUserWin() async throws {
        let headers = block(["user-agent": "mine", "X-Key": "secret", "Host": "elsewhere.example"])
        try await withExporter(["headers": headers]) { exporter, server in
            _ = try await exporter.export(batch([payload], .logs, items: 2))
            let seen = server.requests[0].headers
            #expect(seen["user-agent"] == "mine" && seen["x-key"] == "secret" && seen["host"] == "elsewhere.example")
            #expect(seen["content-encoding"] == "gzip")
        }
    }

    @Test func addressesOfTheSignals() throws {
        let config = try configure(
            OTLPHTTPExporterConfig.self, ["endpoint": "http://h:4318/base/", "logs_endpoint": "https://l/x?y=z"])
        #expect(
            config.urls == [
                .traces: "http://h:4318/base/v1/traces", .metrics: "http://h:4318/base/v1/metrics",
                .logs: "https://l/x?y=z",
            ])
        #expect(throws: (any Error).self) {
            try makeExporter(.otlphttp, ["traces_endpoint": "http://h"], signal: .logs)
        }
    }

    // MARK: The answer

    /// Every status there is.
    @Test func everyStatusHasItsConsequence() {
        for status in 200...599 {
            let response = HTTPClientResponse(status: status, headers: [("Retry-After", "3")])
            let expected: Failure.Kind =
                switch status {
                case 200..<300: .none
                case 300..<400, 401, 403, 404, 407: .misconfigured
                case 429, 502, 503, 504: .retry
                default: .payload
                }
            var found = Failure.Kind.none
            switch OTLPHTTPOutcome(response, url: "u", nowUnixSeconds: 0) {
            case .delivered(let answer): #expect(answer.isFullSuccess)
            case .unreadable: Issue.record("an empty body is readable")
            case .failed(.retry(let after, let progress, _)):
                found = .retry
                #expect(after == .seconds(3) && progress.isEmpty)
            case .failed(.misconfigured): found = .misconfigured
            case .failed(.payload(let reason)):
                found = .payload
                #expect(reason == "error exporting items, request to u responded with HTTP Status Code \(status)")
            }
            #expect(found == expected, "status \(status)")
        }
    }

    @Test(arguments: [true, false])
    func theStatusOfTheBodyIsTold(isJSON: Bool) async throws {
        let status = RPCStatus(code: .unavailable, message: "full", retryDelay: .seconds(9))
        let body = isJSON ? status.encodeJSON() : status.encodeProtobuf()
        let type = isJSON ? "application/json; charset=utf-8" : "application/x-protobuf"
        try await withExporter(
            answer: { _ in .respond(status: 503, headers: [("Content-Type", type)], body: body) }
        ) { exporter, server in
            let failure = await failure(of: exporter, batch([payload], .logs, items: 2))
            #expect(failure.kind == .retry && failure.after == .seconds(9))
            let start = "error exporting items, request to \(server.url)/v1/logs responded with HTTP Status Code 503"
            #expect(failure.reason.hasPrefix("\(start), Message=full, Details=["))
        }
    }

    @Test func bodiesOfProxiesAreLeftAlone() async throws {
        let html = Array("<html>".utf8)
        try await withExporter(
            answer: { _ in .respond(status: 502, headers: [("Content-Type", "text/html")], body: html) }
        ) { exporter, server in
            let reason = "error exporting items, request to \(server.url)/v1/logs responded with HTTP Status Code 502"
            #expect(
                await failure(of: exporter, batch([payload], .logs, items: 2)) == Failure(kind: .retry, reason: reason))
        }
    }

    @Test(arguments: [(1, 1), (5, 2), (-3, 0)])
    func partialSuccessIsDeliveredAndTold(rejected: Int, counted: Int) async throws {
        let recorder = LogRecorder()
        let body = ExportResponse(rejectedItems: rejected, errorMessage: "too old").encodeProtobuf()
        try await withExporter(
            recorder: recorder,
            answer: { _ in .respond(status: 200, headers: [("Content-Type", "application/x-protobuf")], body: body) }
        ) { exporter, _ in
            let delivery = try await exporter.export(batch([payload], .logs, items: 2))
            #expect(delivery == Delivery(rejectedItems: counted, reason: "too old"))
            #expect(
                recorder.lines == [
                    "warning | Partial success response | dropped_log_records=\(rejected) | message=too old"
                ])
        }
    }

    @Test func aSuccessWithAnUnreadableBodyIsASuccess() async throws {
        let recorder = LogRecorder()
        try await withExporter(
            recorder: recorder,
            answer: { _ in .respond(status: 202, headers: [("Content-Type", "application/json")], body: [123]) }
        ) { exporter, _ in
            let delivery = try await exporter.export(batch([payload], .logs, items: 2))
            #expect(delivery == .complete)
            #expect(
                recorder.lines.count == 1 && recorder.lines[0].hasPrefix("warning | The response could not be read"))
        }
    }

    @Test func aPeerThatHangsOrIsGoneIsRetried() async throws {
        try await withExporter(answer: { $0.path == "/v1/logs" ? .hang : .raw("") }) { exporter, server in
            let failure = await failure(
                of: exporter, batch([payload], .logs, items: 2, timeout: .milliseconds(50)))
            #expect(failure.kind == .retry && failure.after == nil)
            #expect(failure.reason.hasPrefix("failed to make an HTTP request: POST \"\(server.url)/v1/logs\": "))
        }
        try await withExporter(answer: { _ in .raw("HTTP/1.1 200") }) { exporter, _ in
            #expect(await failure(of: exporter, batch([payload], .logs, items: 2)).kind == .retry)
        }
    }

    @Test(
        arguments: [
            ("0", 0), ("120", 120), ("-1", nil), ("1.5", nil), ("soon", nil), ("", nil),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 37), ("Sun, 06 Nov 1994 08:48:37 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 CET", nil), ("Sun, 99 Nov 1994 08:49:37 GMT", nil),
            ("99999999999999999999", nil),
        ] as [(String, Int?)])
    func retryAfterHeaders(text: String, expected: Int?) {
        #expect(retryAfter(text, nowUnixSeconds: 784_111_740) == expected.map { .seconds($0) })
    }

    // MARK: Configuration

    @Test func mistakesInTheConfiguration() {
        func message(_ pairs: KeyValuePairs<String, ConfigValue>) -> String {
            configMessage(OTLPHTTPExporterConfig.self, joined(["endpoint": "http://h"], pairs))
        }
        func tls(_ pairs: KeyValuePairs<String, ConfigValue>) -> String { message(["tls": block(pairs)]) }
        #expect(configMessage(OTLPHTTPExporterConfig.self, [:]) == "at least one endpoint must be specified")
        for text in ["h:4318", "ftp://h", "http://", "http://:80", "http://h /x"] {
            #expect(
                configMessage(OTLPHTTPExporterConfig.self, ["endpoint": .string(text)])
                    == "endpoint must be a valid URL")
        }
        #expect(message(["traces_endpoint": "x"]) == "traces_endpoint must be a valid URL")
        #expect(message(["encoding": "xml"]) == "invalid encoding type: xml")
        #expect(message(["compression": "brotli"]) == "unsupported compression type \"brotli\"")
        #expect(message(["compression": "snappy"]).contains("not supported"))
        #expect(message(["auth": block(["authenticator": "x"])]).contains("not supported"))
        #expect(
            message(["compression_params": block(["level": 10])])
                == "unsupported parameters {Level:10} for compression type \"gzip\"")
        #expect(
            tls(["ca_file": "a", "ca_pem": "b"]) == "provide either a CA file or the PEM-encoded string, but not both")
        #expect(
            tls(["cert_file": "a", "cert_pem": "b"])
                == "provide either a certificate or the PEM-encoded string, but not both")
        #expect(
            tls(["key_file": "a", "key_pem": "b"]) == "provide either a key or the PEM-encoded string, but not both")
        #expect(tls(["cert_file": "a"]) == "for auth via TLS, provide both certificate and key, or neither")
        #expect(tls(["min_version": "0.9"]) == "invalid TLS min_version: unsupported TLS version: \"0.9\"")
        #expect(
            tls(["min_version": "1.3", "max_version": "1.2"])
                == "invalid TLS configuration: min_version cannot be greater than max_version")
        #expect(tls(["cipher_suites": "X"]) == "invalid TLS cipher suite: \"X\"")
        #expect(message(["compresion": "gzip"]).contains("did you mean \"compression\"?"))
    }

    @Test func everyKeyIsKnown() throws {
        let config = try configure(
            OTLPHTTPExporterConfig.self,
            [
                "endpoint": "https://h", "proxy_url": "http://proxy:3128", "read_buffer_size": 1,
                "write_buffer_size": 2,
                "max_idle_conns": 3, "max_idle_conns_per_host": 4, "max_conns_per_host": 5, "idle_conn_timeout": "6s",
                "disable_keep_alives": true, "cookies": block(["enabled": true]), "http2_ping_timeout": "1s",
                "http2_read_idle_timeout": "1s", "force_attempt_http2": true, "compression": "zstd",
                "compression_params": block(["level": 11]),
                "tls": block([
                    "ca_file": "/ca", "include_system_ca_certs_pool": true, "server_name_override": "name",
                    "insecure_skip_verify": true, "min_version": "1.3", "insecure": false, "reload_interval": "1h",
                ]),
            ])
        let client = config.http.client
        #expect(client.proxyURL == "http://proxy:3128" && client.tls.serverName == "name")
        #expect(client.tls.certificateAuthorities == .file("/ca") && client.tls.minimumVersion == .tls13)
        #expect(client.idleConnectionsMax == 3 && client.connectionsPerHostMax == 5 && client.keepsCookies)
        #expect(config.http.compression == .zstd && config.http.compressionLevel == 11)
        #expect(
            config.http.keysWithoutEffect == [
                "max_idle_conns_per_host", "http2_read_idle_timeout", "http2_ping_timeout",
            ])
    }

    @Test func filesThatAreNotThereFailTheStart() async throws {
        let exporter = try makeExporter(
            .otlp_http, ["endpoint": "https://h", "tls": block(["ca_file": "/nowhere/ca.pem"])], signal: .logs)
        await #expect(throws: (any Error).self) { try await exporter.start() }
        await exporter.stop()
    }
}
