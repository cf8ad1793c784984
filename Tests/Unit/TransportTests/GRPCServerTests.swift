import SocketTestSupport
import Synchronization
import TestSupport
import Testing
import Transport

/// The gRPC server understands real clients (grpc's own C core through Python, nghttp2's load generator), answers every
/// call once, and lets a hostile client cost only its own connection.
@Suite("GRPCServer")
struct GRPCServerTests {
    static let echo = "/test.Service/Echo"

    /// Starts a server, runs `body` with its address, and stops it.
    static func withServer(
        configure: (inout GRPCServerConfiguration) -> Void = { _ in },
        handler: @escaping GRPCServer.Handler = { request, complete in complete(.success(request.message)) },
        _ body: (String) async throws -> Void
    ) async throws {
        var configuration = GRPCServerConfiguration(endpoint: try Endpoint("127.0.0.1:0"), methods: [echo])
        configuration.acceptedEncodings = ["gzip"]
        configure(&configuration)
        let server = GRPCServer(configuration: configuration, handler: handler)
        let address = try await server.start()
        let result = await Result { () async throws in try await body(address) }
        await server.stop(deadline: .now + .seconds(5))
        try result.get()
    }

    static func python(_ address: String, _ program: String) async throws -> String {
        try await GRPCTestClient.run(address: address, path: echo, program)
    }

    @Test("messages of every size come back whole")
    func sizes() async throws {
        try await Self.withServer { address in
            let output = try await Self.python(
                address,
                """
                for count in [0, 1, 4, 5, 1000, 16383, 16384, 65535, 1 << 20, (1 << 20) + 7, 16 << 20]:
                    message = bytes(i * 7 % 251 for i in range(min(count, 4096))) * (count // 4096 + 1)
                    assert call(message[:count]) == message[:count], count
                print('ok')
                """)
            #expect(output == "ok\n")
        }
    }

    @Test("hundreds of calls at once on one connection, answered from other threads and out of order")
    func concurrentCalls() async throws {
        let calls = OpenCalls()
        try await Self.withServer(
            handler: { request, complete in
                calls.begin()
                let yields = request.message.count % 50
                Task.detached {
                    for _ in 0..<yields { await Task.yield() }
                    calls.end()
                    complete(.success(request.message))
                }
            },
            { address in
                let output = try await Self.python(
                    address,
                    """
                    futures = [(i, stub().future(b'%d' % i * (i % 500 + 1))) for i in range(600)]
                    for i, future in futures: assert future.result(timeout=600) == b'%d' % i * (i % 500 + 1)
                    print('ok')
                    """)
                #expect(output == "ok\n")
                #expect(calls.most > 1)
            })
    }

    @Test("a compressed message is handed on with its encoding")
    func compressed() async throws {
        try await Self.withServer(
            handler: { request, complete in
                complete(.success(Array("\(request.encoding ?? "-") \(request.message.prefix(2))".utf8)))
            },
            { address in
                let output = try await Self.python(
                    address,
                    """
                    print(call(b'a' * 1000, compression=grpc.Compression.Gzip).decode())
                    print(call(b'a' * 1000).decode())
                    print(failure(b'a' * 1000, compression=grpc.Compression.Deflate))
                    """)
                #expect(
                    output == """
                        gzip [31, 139]
                        - [97, 97]
                        UNIMPLEMENTED: grpc: Decompressor is not installed for grpc-encoding "deflate"

                        """)
            })
    }

    @Test("each call is judged by its own header, also where it follows calls with another", arguments: [true, false])
    func changingHeaders(keepsMetadata: Bool) async throws {
        try await Self.withServer(
            configure: { configuration in
                configuration.keepsMetadata = keepsMetadata
                configuration.makeContext = { _, metadata in Context(metadata.first { $0.name == "k" }?.value ?? "-") }
            },
            handler: { request, complete in
                let context = (request.header.context as? Context)?.text ?? "none"
                complete(.success(Array("\(request.encoding ?? "-") \(context) \(request.timeout != nil)".utf8)))
            },
            { address in
                let output = try await Self.python(
                    address,
                    """
                    keeps = \(keepsMetadata ? "True" : "False")
                    for i in [0, 0, 1, 1, 2, 0, 3, 3, 7, 6, 5, 4, 4]:
                        options = {'metadata': [('k', 'v%d' % (i & 1))]}
                        if i & 2: options['compression'] = grpc.Compression.Gzip
                        if i & 4: options['timeout'] = 60
                        expected = '%s %s %s' % (
                            'gzip' if i & 2 else '-', 'v%d' % (i & 1) if keeps else '-', 'true' if i & 4 else 'false')
                        assert stub()(b'a' * 1000, **options).decode() == expected, (i, expected)
                        if i & 1: failure(b'', path='/test.Service/Other')
                    print('ok')
                    """)
                #expect(output == "ok\n")
            })
    }

    private final class Context: Sendable {
        let text: String

        init(_ text: String) { self.text = text }
    }

    @Test("failures arrive with code, message and details; odd characters survive")
    func failures() async throws {
        try await Self.withServer(
            configure: { $0.messageBytesMax = 100 },
            handler: { request, complete in
                complete(.failure(.unavailable, "voll: 100 % – später\n", details: [8, 14, 18, 0, 255]))
            },
            { address in
                let output = try await Self.python(
                    address,
                    """
                    try: call(b'x')
                    except grpc.RpcError as error:
                        print(ascii(error.details()), error.code().name)
                        print(dict(error.trailing_metadata())['grpc-status-details-bin'])
                    print(failure(b'x' * 101))
                    print(failure(b'', path='/test.Service/Other'))
                    print(failure(b'', path='/other.Service/Echo'))
                    """)
                #expect(
                    output == #"""
                        'voll: 100 % \u2013 sp\xe4ter\n' UNAVAILABLE
                        b'\x08\x0e\x12\x00\xff'
                        RESOURCE_EXHAUSTED: grpc: received message larger than max (101 vs. 100)
                        UNIMPLEMENTED: unknown method Other for service test.Service
                        UNIMPLEMENTED: unknown service other.Service

                        """#)
            })
    }

    @Test("the handler sees path, metadata, timeout and peer")
    func requestFields() async throws {
        try await Self.withServer(
            configure: { $0.keepsMetadata = true },
            handler: { request, complete in
                let tenant = request.metadata.filter { $0.name == "x-tenant" }.map(\.value)
                let hasPseudo = request.metadata.contains { $0.name.hasPrefix(":") }
                let isTimed = request.timeout.map { $0 > .seconds(300) && $0 <= .seconds(600) } ?? false
                let isLocal = request.remoteAddress.hasPrefix("127.0.0.1:")
                complete(.success(Array("\(request.path) \(tenant) \(hasPseudo) \(isTimed) \(isLocal)".utf8)))
            },
            { address in
                let output = try await Self.python(
                    address, "print(call(b'', metadata=[('x-tenant', 'a'), ('x-tenant', 'b')]).decode())")
                #expect(output == "\(Self.echo) [\"a\", \"b\"] false true true\n")
            })
    }

    @Test("a load generator's answers all succeed")
    func load() async throws {
        try await Self.withServer { address in
            let output = try await run([
                "h2load", "-n", "5000", "-c", "4", "-m", "100", "-H", "content-type: application/grpc", "-H",
                "te: trailers", "-d", "/etc/hostname", "http://\(address)/test.Service/Echo",
            ])
            // The file is no gRPC message, so each answer is an error in trailers; each is an answer nevertheless.
            #expect(output.contains("5000 succeeded, 0 failed, 0 errored, 0 timeout"))
        }
    }

    @Test("stop finishes open calls, refuses new ones, and then closes")
    func gracefulStop() async throws {
        let (arrivals, arrived) = AsyncStream.makeStream(of: GRPCServer.Completion.self)
        let server = GRPCServer(
            configuration: GRPCServerConfiguration(endpoint: try Endpoint("127.0.0.1:0"), methods: [Self.echo])
        ) { _, complete in arrived.yield(complete) }
        let address = try await server.start()
        async let output = Self.python(
            address,
            """
            futures = [stub().future(b'x') for _ in range(50)]
            print({future.result(timeout=600) for future in futures})
            while (outcome := failure(b'late')) == 'no failure': pass
            print(outcome)
            """)
        var completions: [GRPCServer.Completion] = []
        for await completion in arrivals {
            completions.append(completion)
            if completions.count == 50 { break }
        }
        async let stopped: Void = server.stop(deadline: .now + .seconds(600))
        // The listener is closed first; once it is, stopping has begun.
        #expect(try await eventually { try !isListening(on: address) })
        // A call may still come before the client has learned of the stop.
        let late = Task { for await completion in arrivals { completion(.success([])) } }
        for completion in completions { completion(.success(Array("done".utf8))) }
        await stopped
        late.cancel()
        let text = try await output
        #expect(text.hasPrefix("{b'done'}\nUNAVAILABLE: "))
    }

    @Test("a client that disappears takes nothing with it")
    func disappearingClient() async throws {
        let (arrivals, arrived) = AsyncStream.makeStream(of: GRPCServer.Completion.self)
        try await Self.withServer(
            handler: { request, complete in
                if request.message == Array("hold".utf8) { arrived.yield(complete) } else { complete(.success([1])) }
            },
            { address in
                do {
                    let socket = try TestSocket(address)
                    try socket.send(HTTP2Frames.preface + HTTP2Frames.call(stream: 1, path: Self.echo, message: "hold"))
                    // And one that is cut inside its message.
                    try socket.send(HTTP2Frames.headers(stream: 3, path: Self.echo))
                    try socket.send(HTTP2Frames.frame(.data, stream: 3, [0, 0, 0, 0, 9, 1, 2]))
                }
                var iterator = arrivals.makeAsyncIterator()
                let completion = try #require(await iterator.next())
                completion(.success([]))
                #expect(try await Self.python(address, "print(call(b'alive'))") == "b'\\x01'\n")
            })
    }
}

/// How many calls are open, and were at most.
private final class OpenCalls: Sendable {
    private let counts = Mutex((now: 0, most: 0))

    func begin() {
        counts.withLock { counts in
            counts.now += 1
            counts.most = max(counts.most, counts.now)
        }
    }

    func end() { counts.withLock { $0.now -= 1 } }
    var most: Int { counts.withLock { $0.most } }
}
