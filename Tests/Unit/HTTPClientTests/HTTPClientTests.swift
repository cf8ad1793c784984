import HTTPClient
import HTTPTestServer
import Synchronization
import Testing

/// Every way in which a peer can answer, or fail to, ends the request once, in time, and as what it is.
@Suite struct HTTPClientTests {
    private func withServer(
        _ configuration: HTTPClientConfiguration = HTTPClientConfiguration(),
        answer: @escaping @Sendable (HTTPTestServer.Request) -> HTTPTestServer.Answer,
        _ body: (HTTPClient, HTTPTestServer) async throws -> Void
    ) async throws {
        let server = HTTPTestServer(answer: answer)
        let client = try HTTPClient(configuration: configuration)
        defer {
            client.shutdown()
            server.stop()
        }
        try await body(client, server)
    }

    private func failure(
        of client: HTTPClient, _ request: HTTPClientRequest
    ) async throws -> HTTPClientError {
        do {
            let response = try await client.send(request)
            throw UnexpectedResponse(status: response.status)
        } catch let error as HTTPClientError {
            return error
        }
    }

    private struct UnexpectedResponse: Error {
        let status: Int
    }

    @Test func theRequestArrivesAsItIsAndTheResponseComesBack() async throws {
        try await withServer(
            answer: { _ in .respond(status: 200, headers: [("X-Answer", " a b "), ("x-twice", "1")], body: [1, 2, 3]) }
        ) { client, server in
            let request = HTTPClientRequest(
                url: "\(server.url)/v1/traces?a=b",
                headers: [("Content-Type", "application/x-protobuf"), ("X-Empty", ""), ("User-Agent", "tester/1")],
                body: [0, 255, 10])
            let response = try await client.send(request)
            #expect(response.status == 200)
            #expect(response.body == [1, 2, 3])
            #expect(response.header("X-ANSWER") == "a b")
            let seen = try #require(server.requests.first)
            #expect(seen.method == "POST")
            #expect(seen.path == "/v1/traces?a=b")
            #expect(seen.body == [0, 255, 10])
            #expect(seen.headers["content-type"] == "application/x-protobuf")
            #expect(seen.headers["x-empty"] == "")
            #expect(seen.headers["user-agent"] == "tester/1")
            #expect(seen.headers["host"] == "127.0.0.1:\(server.port)")
        }
    }

    /// A server that waits for the body before it answers would stall a client that waits for "100 Continue".
    @Test func aLargeBodyGoesWithoutAskingAndOneConnectionServesAll() async throws {
        var configuration = HTTPClientConfiguration()
        // A machine that is busy elsewhere may let minutes pass between two of the requests.
        configuration.idleConnectionTimeout = .seconds(3600)
        try await withServer(configuration, answer: { .respond(status: 200, body: Array("\($0.body.count)".utf8)) }) {
            client, server in
            let body = (0..<(8 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            for count in [body.count, 0, 1, 100_000] {
                let request = HTTPClientRequest(url: server.url, body: Array(body.prefix(count)))
                let response = try await client.send(request)
                #expect(response.body == Array("\(count)".utf8))
            }
            #expect(server.requests[0].body == body)
            #expect(server.requests.allSatisfy { $0.headers["expect"] == nil && $0.headers["content-type"] == nil })
            #expect(server.connectionCount == 1)
        }
    }

    @Test(arguments: ["GET", "HEAD", "PUT", "DELETE"])
    func otherMethods(method: String) async throws {
        try await withServer(answer: { _ in .respond(status: 204) }) { client, server in
            let body: [UInt8] = method == "PUT" ? [1] : []
            let response = try await client.send(HTTPClientRequest(method: method, url: server.url, body: body))
            #expect(response.status == 204)
            #expect(server.requests.map(\.method) == [method])
            #expect(server.requests[0].body == body)
        }
    }

    @Test(arguments: [301, 400, 401, 404, 413, 429, 500, 503])
    func everyStatusIsAResponse(status: Int) async throws {
        try await withServer(
            answer: { _ in .respond(status: status, headers: [("Retry-After", "7"), ("Location", "/elsewhere")]) }
        ) { client, server in
            let response = try await client.send(HTTPClientRequest(url: server.url, body: [1]))
            #expect(response.status == status)
            #expect(response.header("retry-after") == "7")
            #expect(server.requests.count == 1)
        }
    }

    @Test func informationalResponsesAreSkipped() async throws {
        let text = "HTTP/1.1 103 Early\r\nX-A: early\r\n\r\nHTTP/1.1 200 OK\r\nX-A: late\r\nContent-Length: 2\r\n\r\nok"
        try await withServer(answer: { _ in .raw(text) }) { client, server in
            let response = try await client.send(HTTPClientRequest(url: server.url))
            #expect(response.headers.map(\.value) == ["late", "2"])
            #expect(response.body == Array("ok".utf8))
        }
    }

    @Test func aLongResponseIsCutNotRefused() async throws {
        let long = [UInt8](repeating: 65, count: 1 << 20)
        try await withServer(answer: { _ in .respond(status: 500, body: long) }) { client, server in
            let response = try await client.send(HTTPClientRequest(url: server.url))
            #expect(response.status == 500)
            #expect(response.body == Array(long.prefix(65_536)))
        }
    }

    @Test func aServerThatHangsTimesOut() async throws {
        try await withServer(answer: { _ in .hang }) { client, server in
            let start = ContinuousClock.now
            let error = try await failure(
                of: client, HTTPClientRequest(url: server.url, body: [1], timeout: .milliseconds(100)))
            #expect(error.kind == .timeout)
            #expect(ContinuousClock.now - start >= .milliseconds(95))
        }
    }

    /// Too long for a name: resolvers say so themselves, and no server is asked, which could take longer than connecting
    /// may.
    private static let impossibleName = String(repeating: "x", count: 64) + ".invalid"

    @Test func aClosedPortIsAConnectError() async throws {
        let server = HTTPTestServer { _ in .hang }
        server.stop()
        let client = try HTTPClient(configuration: HTTPClientConfiguration())
        defer { client.shutdown() }
        let error = try await failure(
            of: client, HTTPClientRequest(url: "http://user:secret@127.0.0.1:\(server.port)/x"))
        #expect(error.kind == .connect)
        #expect(error.message.contains("\"http://127.0.0.1:\(server.port)/x\""))
        #expect(!error.message.contains("secret"))
        let unknown = try await failure(of: client, HTTPClientRequest(url: "http://\(Self.impossibleName)/"))
        #expect(unknown.kind == .connect)
    }

    @Test(arguments: [
        "", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "SSH-2.0-OpenSSH\r\n",
    ])
    func aBrokenAnswerIsASendReceiveError(text: String) async throws {
        try await withServer(answer: { _ in .raw(text) }) { client, server in
            let error = try await failure(of: client, HTTPClientRequest(url: server.url, body: [1]))
            #expect([.sendReceive, .invalidRequest].contains(error.kind))
        }
    }

    /// Scenario: the server reads a request on a connection that is open already, and is gone before it answers.
    /// Guarantees: although another attempt finds nobody, the error does not say that the request never got there.
    @Test func aRequestThatWasSentIsNoConnectError() async throws {
        let running = Mutex<HTTPTestServer?>(nil)
        let answer: @Sendable (HTTPTestServer.Request) -> HTTPTestServer.Answer = { request in
            guard request.body == [2] else { return .respond(status: 200) }
            running.withLock(\.self)?.stop()
            return .raw("")
        }
        try await withServer(answer: answer) { client, server in
            running.withLock { $0 = server }
            #expect(try await client.send(HTTPClientRequest(url: server.url, body: [1])).status == 200)
            let error = try await failure(of: client, HTTPClientRequest(url: server.url, body: [2]))
            #expect(error.kind == .sendReceive)
            let next = try await failure(of: client, HTTPClientRequest(url: server.url, body: [3]))
            #expect(next.kind == .connect)
        }
    }

    @Test func trailersAreNoHeaders() async throws {
        let answer =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Head: 1\r\n\r\n2\r\nok\r\n0\r\nX-Tail: 2\r\n\r\n"
        try await withServer(answer: { _ in .raw(answer) }) { client, server in
            let response = try await client.send(HTTPClientRequest(url: server.url))
            #expect(response.body == Array("ok".utf8))
            #expect(response.header("x-head") == "1" && response.trailer("x-head") == nil)
            #expect(response.trailer("x-tail") == "2" && response.header("x-tail") == nil)
        }
    }

    @Test func aPlainPeerIsATLSError() async throws {
        try await withServer(answer: { _ in .respond(status: 200) }) { client, server in
            // The server waits for the end of a head, which a handshake never sends: the time limit ends it.
            let request = HTTPClientRequest(url: "https://127.0.0.1:\(server.port)", timeout: .milliseconds(200))
            let error = try await failure(of: client, request)
            #expect([.timeout, .tls].contains(error.kind))
        }
    }

    @Test func cancellingTheTaskAbortsTheTransfer() async throws {
        try await withServer(answer: { _ in .hang }) { client, server in
            let task = Task { try await client.send(HTTPClientRequest(url: server.url, body: [1])) }
            while server.requests.isEmpty { await Task.yield() }
            task.cancel()
            let result = await task.result
            #expect(throws: HTTPClientError(.cancelled, "the request was cancelled")) { try result.get() }
        }
    }

    @Test func aTaskCancelledBeforehandSendsNothing() async throws {
        try await withServer(answer: { _ in .hang }) { client, server in
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                return try await client.send(HTTPClientRequest(url: server.url))
            }
            task.cancel()
            let result = await task.result
            #expect(throws: HTTPClientError.self) { try result.get() }
            #expect(server.requests.isEmpty)
        }
    }

    @Test func shutdownEndsOpenTransfersAndRefusesNewOnes() async throws {
        try await withServer(answer: { _ in .hang }) { client, server in
            let task = Task { try await client.send(HTTPClientRequest(url: server.url)) }
            while server.requests.isEmpty { await Task.yield() }
            client.shutdown()
            let shutDown = HTTPClientError(.cancelled, "the HTTP client is shut down")
            let result = await task.result
            #expect(throws: shutDown) { try result.get() }
            await #expect(throws: shutDown) { try await client.send(HTTPClientRequest(url: server.url)) }
        }
    }

    @Test func manyRequestsAtOnceEachGetTheirOwnAnswer() async throws {
        try await withServer(answer: { .respond(status: 200, body: Array($0.path.utf8)) }) { client, server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<60 {
                    group.addTask {
                        let url = "\(server.url)/\(index)"
                        let response = try await client.send(HTTPClientRequest(url: url, body: [UInt8(index)]))
                        #expect(response.body == Array("/\(index)".utf8))
                    }
                }
                try await group.waitForAll()
            }
            #expect(server.requests.count == 60)
        }
    }

    @Test func withoutKeepAlivesEveryRequestHasItsConnection() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.disablesKeepAlives = true
        try await withServer(configuration, answer: { _ in .respond(status: 200) }) { client, server in
            for _ in 0..<3 { _ = try await client.send(HTTPClientRequest(url: server.url)) }
            #expect(server.connectionCount == 3)
            #expect(server.requests.allSatisfy { $0.headers["connection"] == "close" })
        }
    }

    @Test(arguments: [true, false])
    func cookiesAreKeptOnlyWhenAsked(keepsCookies: Bool) async throws {
        var configuration = HTTPClientConfiguration()
        configuration.keepsCookies = keepsCookies
        try await withServer(
            configuration, answer: { _ in .respond(status: 200, headers: [("Set-Cookie", "session=42; Path=/")]) }
        ) { client, server in
            for _ in 0..<2 { _ = try await client.send(HTTPClientRequest(url: server.url)) }
            #expect(server.requests.map { $0.headers["cookie"] } == [nil, keepsCookies ? "session=42" : nil])
        }
    }

    @Test func aProxyGetsTheAbsoluteURL() async throws {
        let proxy = HTTPTestServer { _ in .respond(status: 200) }
        defer { proxy.stop() }
        var configuration = HTTPClientConfiguration()
        configuration.proxyURL = proxy.url
        let client = try HTTPClient(configuration: configuration)
        defer { client.shutdown() }
        _ = try await client.send(HTTPClientRequest(url: "http://example.invalid/v1/logs"))
        #expect(proxy.requests.map(\.path) == ["http://example.invalid/v1/logs"])
    }

    @Test func aServerNameTakesTheHostsPlaceOnlyForTLS() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.tls.serverName = "collector.example"
        try await withServer(configuration, answer: { _ in .respond(status: 200) }) { client, server in
            _ = try await client.send(HTTPClientRequest(url: "\(server.url)/v1/logs"))
            #expect(server.requests.map(\.path) == ["/v1/logs"])
            #expect(server.requests[0].headers["host"] == "127.0.0.1:\(server.port)")
        }
    }

    @Test(arguments: [("X\r\nEvil", "a"), ("X", "a\r\nEvil: b"), ("", "a"), ("X Y", "a")])
    func headersThatWouldBreakTheRequestAreRefused(name: String, value: String) async throws {
        try await withServer(answer: { _ in .respond(status: 200) }) { client, server in
            let error = try await failure(of: client, HTTPClientRequest(url: server.url, headers: [(name, value)]))
            #expect(error.kind == .invalidRequest)
            #expect(server.requests.isEmpty)
        }
    }

    @Test(arguments: ["", impossibleName, "ftp://127.0.0.1/x", "file:///etc/passwd"])
    func otherURLsAreRefused(url: String) async throws {
        let client = try HTTPClient(configuration: HTTPClientConfiguration())
        defer { client.shutdown() }
        let error = try await failure(of: client, HTTPClientRequest(url: url))
        #expect([.invalidRequest, .connect].contains(error.kind))
    }

    @Test(arguments: [
        ("http://u:p@host/x", "http://host/x"), ("http://host/a@b", "http://host/a@b"), ("http://u@h", "http://h"),
        ("no url", "no url"), ("http://a:b@c@host:1?q=@", "http://host:1?q=@"),
    ])
    func credentialsLeaveTheURL(url: String, expected: String) {
        #expect(withoutCredentials(url) == expected)
    }
}
