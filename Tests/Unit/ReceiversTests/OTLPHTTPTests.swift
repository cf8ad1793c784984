import Component
import Compression
import OTLP
import Receivers
import SocketTestSupport
import TestSupport
import Testing

/// OTLP over HTTP: statuses, bodies and headers are otelcol's, except where the specification asks for better ones.
@Suite("OTLP over HTTP")
struct OTLPHTTPTests {
    private static let local: Yaml = ["http": ["endpoint": "127.0.0.1:0"]]
    private static let protobuf = ["Content-Type": "application/x-protobuf"]
    private static let json = ["Content-Type": "application/json; charset=utf-8"]
    private static let oneLog = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hi"}}]}]}]}"#

    private func send(
        _ running: RunningReceiver, _ method: String = "POST", _ path: String, _ headers: [String: String] = [:],
        _ body: [UInt8] = []
    ) async throws -> TestHTTPAnswer {
        let address = running.receiver.httpAddress ?? ""
        return try await onThread {
            let socket = try TestSocket(address)
            let fields = headers.map { "\($0.key): \($0.value)\r\n" }.joined()
            let head = "\(method) \(path) HTTP/1.1\r\nHost: x\r\n\(fields)Content-Length: \(body.count)\r\n\r\n"
            try socket.send(Array(head.utf8) + body)
            return try socket.receiveAnswer()
        }
    }

    private func status(_ answer: TestHTTPAnswer) throws -> RPCStatus { try RPCStatus(protobuf: answer.body) }

    @Test("what nginx sent arrives byte for byte, in every encoding")
    func captures() async throws {
        let running = try await RunningReceiver.start(Self.local)
        var expected: [[UInt8]] = []
        for name in Captures.names {
            for encoding in ContentEncoding.allCases {
                let bytes = try Captures.bytes(name)
                var headers = Self.protobuf
                if encoding != .identity { headers["Content-Encoding"] = encoding.rawValue }
                let answer = try await send(
                    running, "POST", "/v1/traces", headers, try compress(bytes, encoding: encoding))
                #expect(answer.status == 200)
                #expect(answer.body.isEmpty)
                #expect(answer.headers["content-type"] == "application/x-protobuf")
                expected.append(bytes)
            }
        }
        await running.stop()
        #expect(running.consumer.received.map(\.bytes) == expected)
        let items = running.consumer.received.reduce(0) { $0 + $1.itemCount }
        #expect(running.counters == ["otelcol_receiver_accepted_spans{otlp,http} \(items)"])
        #expect(running.consumer.received.allSatisfy { $0.client?.address == "127.0.0.1" })
    }

    @Test("JSON comes in and goes out")
    func jsonRequests() async throws {
        let running = try await RunningReceiver.start(Self.local)
        let good = try await send(running, "POST", "/v1/logs", Self.json, Array(Self.oneLog.utf8))
        #expect(good.status == 200)
        #expect(good.text == #"{"partialSuccess":{}}"#)
        let empty = try await send(running, "POST", "/v1/logs", Self.json, Array("{}".utf8))
        #expect(empty.status == 200)
        let bad = try await send(running, "POST", "/v1/logs", Self.json, Array("{\"resourceLogs\":[".utf8))
        #expect(bad.status == 400)
        #expect(bad.headers["content-type"] == "application/json")
        #expect(bad.text.contains("\"code\":3"))
        await running.stop()
        #expect(running.consumer.received.map(\.itemCount) == [1])
        #expect(running.consumer.received.map(\.signal) == [.logs])
        #expect(
            running.counters == [
                "otelcol_receiver_accepted_log_records{otlp,http} 1",
                "otelcol_swift_receiver_decode_errors{otlp,http,json} 1",
            ])
    }

    @Test("path, encoding, method and content type are checked in this order")
    func checks() async throws {
        let running = try await RunningReceiver.start(Self.local, signals: [.traces])
        let odd = ["Content-Encoding": "br", "Content-Type": "text/plain"]
        for path in ["/v1/logs", "/", "/v1/traces/"] {
            let answer = try await send(running, "GET", path, odd)
            #expect(answer.status == 404)
            #expect(answer.text == "404 page not found\n")
        }
        let encoding = try await send(running, "GET", "/v1/traces", odd)
        #expect(encoding.status == 400)
        #expect(encoding.text.contains("unsupported Content-Encoding: br"))
        let method = try await send(running, "GET", "/v1/traces", ["Content-Type": "text/plain"])
        #expect(method.status == 405)
        #expect(method.text == "405 method not allowed, supported: [POST]")
        let type = try await send(running, "POST", "/v1/traces", ["Content-Type": "text/plain"])
        #expect(type.status == 415)
        #expect(type.text == "415 unsupported media type, supported: [application/json, application/x-protobuf]")
        #expect(type.headers["content-type"] == "text/plain")
        await running.stop()
    }

    @Test("broken and oversize bodies are refused with a Status and counted")
    func broken() async throws {
        let running = try await RunningReceiver.start(
            ["http": ["endpoint": "127.0.0.1:0", "max_request_body_size": 1000]])
        let invalid = try await send(running, "POST", "/v1/traces", Self.protobuf, [10, 5, 1])
        #expect(invalid.status == 400)
        #expect(try status(invalid) == RPCStatus(code: .invalidArgument, message: "unexpected EOF"))
        let gzip = Self.protobuf.merging(["Content-Encoding": "gzip"]) { $1 }
        let notGzip = try await send(running, "POST", "/v1/traces", gzip, [1, 2, 3])
        #expect(notGzip.status == 400)
        #expect(try status(notGzip).code == .invalidArgument)
        let bomb = try compress([UInt8](repeating: 0, count: 1001), encoding: .gzip)
        let inflated = try await send(running, "POST", "/v1/traces", gzip, bomb)
        #expect(inflated.status == 413)
        let raw = try await send(running, "POST", "/v1/traces", Self.protobuf, [UInt8](repeating: 0, count: 1001))
        #expect(raw.status == 413)
        #expect(try status(raw).message == "http: request body too large")
        await running.stop()
        #expect(running.consumer.received.isEmpty)
        #expect(
            running.counters == [
                "otelcol_swift_receiver_decode_errors{otlp,http,compression} 1",
                "otelcol_swift_receiver_decode_errors{otlp,http,protobuf} 1",
                "otelcol_swift_receiver_decode_errors{otlp,http,too_large} 2",
            ])
    }

    @Test("refusals: 503 with Retry-After in whole seconds, 503 without, 500")
    func refusals() async throws {
        let cases: [(RefusalError, Int, String?, RPCStatus)] = [
            (
                .init(isRetryable: true, reason: "full", retryAfter: .milliseconds(1500)), 503, "2",
                .init(code: .unavailable, message: "full", retryDelay: .milliseconds(1500))
            ),
            (.init(isRetryable: true, reason: "full"), 503, nil, .init(code: .unavailable, message: "full")),
            (.init(isRetryable: false, reason: "no"), 500, nil, .init(code: .internal, message: "Permanent error: no")),
        ]
        for (refusal, httpStatus, retryAfter, expected) in cases {
            let running = try await RunningReceiver.start(Self.local, consumer: FakeConsumer(.refuse(refusal)))
            let answer = try await send(running, "POST", "/v1/traces", Self.protobuf, try Captures.bytes("003"))
            await running.stop()
            #expect(answer.status == httpStatus)
            #expect(answer.headers["retry-after"] == retryAfter)
            #expect(try status(answer) == expected)
            let items = try Captures.itemCount("003")
            #expect(running.counters == ["otelcol_receiver_refused_spans{otlp,http} \(items)"])
        }
    }

    @Test("browsers of allowed origins are let in")
    func cors() async throws {
        let running = try await RunningReceiver.start([
            "http": [
                "endpoint": "127.0.0.1:0", "response_headers": ["X-Served-By": "us"], "include_metadata": true,
                "cors": [
                    "allowed_origins": ["https://*.example.org"], "allowed_headers": ["X-Token"], "max_age": 600,
                ],
            ]
        ])
        let good = "https://app.example.org"
        let preflight = ["Origin": good, "Access-Control-Request-Method": "POST"]
        let answer = try await send(
            running, "OPTIONS", "/v1/traces",
            preflight.merging(["Access-Control-Request-Headers": "content-type, x-token"]) { $1 })
        #expect(answer.status == 204)
        #expect(answer.headers["access-control-allow-origin"] == good)
        #expect(answer.headers["access-control-allow-headers"] == "content-type, x-token")
        #expect(answer.headers["access-control-max-age"] == "600")
        #expect(answer.headers["x-served-by"] == "us")
        let refused = [
            preflight.merging(["Origin": "https://example.org.evil"]) { $1 },
            preflight.merging(["Access-Control-Request-Headers": "x-other"]) { $1 },
            preflight.merging(["Access-Control-Request-Method": "DELETE"]) { $1 },
        ]
        for headers in refused {
            let answer = try await send(running, "OPTIONS", "/v1/traces", headers)
            #expect(answer.headers["access-control-allow-origin"] == nil)
        }
        let body = try Captures.bytes("003")
        let actual = try await send(
            running, "POST", "/v1/traces", Self.protobuf.merging(["Origin": good, "X-Token": "t"]) { $1 }, body)
        #expect(actual.status == 200)
        #expect(actual.headers["access-control-allow-origin"] == good)
        await running.stop()
        #expect(running.consumer.received.first?.client?.values(of: "x-token") == ["t"])
    }

    @Test("the answer waits for the pipeline's completion")
    func answerWaits() async throws {
        let running = try await RunningReceiver.start(Self.local, consumer: FakeConsumer(.hold))
        let body = try Captures.bytes("003")
        async let answer = send(running, "POST", "/v1/traces", Self.protobuf, body)
        var arrivals = running.consumer.arrivals.makeAsyncIterator()
        await arrivals.next()
        async let stopped: Void = running.stop()
        for completion in running.consumer.held { completion(.success(())) }
        #expect(try await answer.status == 200)
        await stopped
    }

    @Test("a receiver whose second port is busy does not keep the first")
    func busyPort() async throws {
        let first = try await RunningReceiver.start(Self.local)
        let busy = try #require(first.receiver.httpAddress)
        await #expect(throws: (any Error).self) {
            _ = try await RunningReceiver.start([
                "grpc": ["endpoint": "127.0.0.1:0"], "http": ["endpoint": .value(.string(busy))],
            ])
        }
        await first.stop()
    }
}
