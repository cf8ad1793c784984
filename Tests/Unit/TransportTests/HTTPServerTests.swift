import SocketTestSupport
import Synchronization
import TestSupport
import Testing
import Transport

/// The HTTP/1.1 server reads requests however they arrive, answers each once and in order, and lets no client cost more
/// than its connection.
@Suite("HTTPServer")
struct HTTPServerTests {
    /// Starts a server that answers with method, path, query and body, runs `body`, and stops it.
    private func withServer(
        configure: (inout HTTPServerConfiguration) -> Void = { _ in },
        handler: @escaping HTTPServer.Handler = { request, complete in
            let head = "\(request.method) \(request.path) \(request.query) "
            complete(HTTPServerResponse(status: 200, body: Array(head.utf8) + request.body))
        },
        _ body: @escaping @Sendable (String) throws -> Void
    ) async throws {
        var configuration = HTTPServerConfiguration(endpoint: try Endpoint("127.0.0.1:0"))
        configure(&configuration)
        let server = HTTPServer(configuration: configuration, handler: handler)
        let address = try await server.start()
        let result = await Result { () async throws in try await onThread { try body(address) } }
        await server.stop(deadline: .now + .seconds(5))
        try result.get()
    }

    @Test("a request cut at every place is read whole")
    func splitRequest() async throws {
        try await withServer { address in
            let request = Array("POST /a/b?c=d HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello".utf8)
            let socket = try TestSocket(address)
            for cut in stride(from: 1, to: request.count, by: 7) {
                try socket.send(Array(request[..<cut]))
                try socket.send(Array(request[cut...]))
                let answer = try socket.receiveAnswer()
                #expect(answer.status == 200)
                #expect(answer.text == "POST /a/b c=d hello")
            }
        }
    }

    @Test("a chunked body is put together")
    func chunked() async throws {
        try await withServer { address in
            let socket = try TestSocket(address)
            try socket.send("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            try socket.send("a;ext=1\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n")
            #expect(try socket.receiveAnswer().text == "PUT /  abc0123456789")
        }
    }

    @Test("a client that asks to continue is told to")
    func expectContinue() async throws {
        try await withServer { address in
            let socket = try TestSocket(address)
            try socket.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            #expect(try socket.receiveAnswer().status == 100)
            try socket.send("ok")
            #expect(try socket.receiveAnswer().text == "POST /  ok")
        }
    }

    @Test("pipelined requests are answered in order, also when their handler is slow")
    func pipelined() async throws {
        try await withServer(
            handler: { request, complete in
                Task {
                    for _ in 0..<(request.path == "/0" ? 1000 : 0) { await Task.yield() }
                    complete(.text(200, request.path))
                }
            },
            { address in
                let socket = try TestSocket(address)
                try socket.send((0..<20).map { "GET /\($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
                for index in 0..<20 { #expect(try socket.receiveAnswer().text == "/\(index)") }
            })
    }

    @Test("a body declared too large is refused before it is sent")
    func declaredTooLarge() async throws {
        try await withServer(
            configure: { configuration in
                configuration.bodyBytesMax = 10
                configuration.bodyTooLarge = { .text(413, "no: \($0.path)") }
            },
            { address in
                let socket = try TestSocket(address)
                try socket.send("POST /big HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n")
                let answer = try socket.receiveAnswer()
                #expect(answer.status == 413)
                #expect(answer.text == "no: /big")
                #expect(answer.headers["connection"] == "close")
                #expect(try socket.receiveAll().isEmpty)
            })
    }

    @Test("a chunked body that grows too large is refused on the way")
    func chunkedTooLarge() async throws {
        try await withServer(
            configure: { $0.bodyBytesMax = 10 },
            { address in
                let socket = try TestSocket(address)
                try socket.send(
                    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n")
                #expect(try socket.receiveAnswer().status == 413)
                #expect(try socket.receiveAll().isEmpty)
            })
    }

    @Test(
        "what is not HTTP is answered 400 and closed",
        arguments: [
            "garbage\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}",
            "GET / HTTP/1.1\r\nA: " + String(repeating: "b", count: 100_000) + "\r\n\r\n",
        ])
    func malformed(text: String) async throws {
        try await withServer { address in
            let socket = try TestSocket(address)
            try socket.send(text)
            let answer = String(decoding: try socket.receiveAll(), as: UTF8.self)
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 400"))
        }
    }

    @Test("a client that has ended its side still gets its answer")
    func halfClosed() async throws {
        try await withServer { address in
            let socket = try TestSocket(address)
            try socket.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na")
            socket.endWriting()
            #expect(try socket.receiveAnswer().text == "POST /  a")
        }
    }

    @Test("HTTP/1.0 and Connection: close end the connection; HEAD has no body")
    func connectionEnds() async throws {
        try await withServer { address in
            for head in ["GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"] {
                let socket = try TestSocket(address)
                try socket.send(head)
                #expect(try socket.receiveAnswer().status == 200)
                #expect(try socket.receiveAll().isEmpty)
            }
            let socket = try TestSocket(address)
            try socket.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try socket.receiveAnswer(isHead: true).headers["content-length"] == "8")
            #expect(try socket.receiveAnswer().text == "GET /2  ")
        }
    }

    @Test("a client that is slow with its header is cut", arguments: ["", "GET / HT"])
    func slowHeader(text: String) async throws {
        try await withServer(
            configure: { $0.readHeaderTimeout = .milliseconds(50) },
            { address in
                let socket = try TestSocket(address)
                try socket.send(text)
                #expect(try socket.receiveAll().isEmpty)
            })
    }

    @Test("a client that is slow with its body is cut")
    func slowBody() async throws {
        try await withServer(
            configure: { $0.readTimeout = .milliseconds(50) },
            { address in
                let socket = try TestSocket(address)
                try socket.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na")
                #expect(try socket.receiveAll().isEmpty)
            })
    }

    @Test("a connection that stays idle after an answer is closed")
    func idle() async throws {
        try await withServer(
            configure: { $0.idleTimeout = .milliseconds(50) },
            { address in
                let socket = try TestSocket(address)
                try socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try socket.receiveAnswer().status == 200)
                #expect(try socket.receiveAll().isEmpty)
            })
    }

    @Test("stop lets open requests finish and closes idle connections at once")
    func stop() async throws {
        let (arrivals, arrived) = AsyncStream.makeStream(of: HTTPServer.Completion.self)
        let server = HTTPServer(
            // An address of its own: a port of 127.0.0.1 could be another test's by the time it must be closed.
            configuration: HTTPServerConfiguration(endpoint: try Endpoint("127.0.0.77:0"))
        ) { _, complete in arrived.yield(complete) }
        let address = try await server.start()
        let idle = try TestSocket(address)
        let busy = try TestSocket(address)
        try busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        var iterator = arrivals.makeAsyncIterator()
        let complete = try #require(await iterator.next())
        async let stopped: Void = server.stop(deadline: .now + .seconds(600))
        #expect(try await onThread { try idle.receiveAll() }.isEmpty)
        complete(.text(200, "done"))
        let answer = try await onThread { try busy.receiveAnswer() }
        #expect(answer.text == "done")
        #expect(answer.headers["connection"] == "close")
        await stopped
        #expect(try !isListening(on: address))
    }

    @Test("stop cuts at its deadline what does not finish; a late completion is harmless")
    func stopDeadline() async throws {
        let (arrivals, arrived) = AsyncStream.makeStream(of: HTTPServer.Completion.self)
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(endpoint: try Endpoint("127.0.0.1:0"))
        ) { _, complete in arrived.yield(complete) }
        let busy = try TestSocket(try await server.start())
        try busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        var iterator = arrivals.makeAsyncIterator()
        let complete = try #require(await iterator.next())
        await server.stop(deadline: .now + .milliseconds(50))
        #expect(try await onThread { try busy.receiveAll() }.isEmpty)
        complete(.text(200, "too late"))
    }

    @Test("a busy port is an error that names the endpoint")
    func busyPort() async throws {
        let configuration = HTTPServerConfiguration(endpoint: try Endpoint("127.0.0.1:0"))
        let first = HTTPServer(configuration: configuration) { _, complete in complete(.text(200, "")) }
        let address = try await first.start()
        let second = HTTPServer(
            configuration: HTTPServerConfiguration(endpoint: try Endpoint(address))
        ) { _, complete in complete(.text(200, "")) }
        let error = await #expect(throws: ListenError.self) { _ = try await second.start() }
        #expect(error?.description.contains("cannot listen on \(address): ") == true)
        #expect(error?.description.contains("Address already in use") == true)
        await first.stop(deadline: .now + .seconds(5))
    }
}

extension Result where Failure == any Error {
    init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
