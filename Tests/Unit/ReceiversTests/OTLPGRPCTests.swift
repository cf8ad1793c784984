import Component
import OTLP
import Receivers
import SocketTestSupport
import Testing

/// OTLP over gRPC: what a client sends reaches the pipeline byte for byte, and the client hears OK only after the
/// pipeline has said so.
@Suite("OTLP over gRPC")
struct OTLPGRPCTests {
    static let traces = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    private static let local: Yaml = ["grpc": ["endpoint": "127.0.0.1:0"]]

    private func client(
        _ running: RunningReceiver, arguments: [String] = [], _ program: String
    ) async throws -> String {
        try await GRPCTestClient.run(
            address: running.receiver.grpcAddress ?? "", path: Self.traces, arguments: arguments, program)
    }

    @Test("what nginx sent arrives byte for byte, plain and compressed")
    func captures() async throws {
        let running = try await RunningReceiver.start(Self.local)
        let output = try await client(
            running, arguments: Captures.names.map(Captures.path),
            """
            for compression in [None, grpc.Compression.Gzip, grpc.Compression.Deflate]:
                for path in arguments: print(call(open(path, 'rb').read(), compression=compression))
            """)
        await running.stop()
        #expect(output == String(repeating: "b''\n", count: 15))
        let expected = try Captures.names.map(Captures.bytes)
        let received = running.consumer.received
        #expect(received.map(\.bytes) == expected + expected + expected)
        #expect(received.map(\.itemCount) == (try (0..<3).flatMap { _ in try Captures.names.map(Captures.itemCount) }))
        #expect(received.allSatisfy { $0.signal == .traces && $0.client?.address.hasPrefix("127.0.0.1:") == true })
        #expect(received.allSatisfy { $0.receivedAtUnixNanos > 1_700_000_000_000_000_000 })
        let items = received.reduce(0) { $0 + $1.itemCount }
        #expect(running.counters == ["otelcol_receiver_accepted_spans{otlp,grpc} \(items)"])
    }

    @Test("a message of sixteen megabytes is taken")
    func large() async throws {
        let running = try await RunningReceiver.start(Self.local)
        let output = try await client(
            running, arguments: [Captures.path("003")],
            """
            unit = open(arguments[0], 'rb').read()
            message = unit * ((16 << 20) // len(unit) + 1)
            print(call(message), len(message))
            """)
        await running.stop()
        let count = running.consumer.received.first?.bytes.count ?? 0
        #expect(count > 16 << 20)
        #expect(output == "b'' \(count)\n")
    }

    @Test("the answer waits for the pipeline's completion")
    func answerWaits() async throws {
        let running = try await RunningReceiver.start(Self.local, consumer: FakeConsumer(.hold))
        async let output = client(
            running, arguments: [Captures.path("003")],
            """
            futures = [stub().future(open(arguments[0], 'rb').read()) for _ in range(3)]
            done = []
            for i, future in enumerate(futures): future.add_done_callback(lambda _, i=i: done.append(i))
            for i in [2, 0, 1]: futures[i].result(timeout=600)
            print(done)
            """)
        var arrivals = running.consumer.arrivals.makeAsyncIterator()
        for _ in 0..<3 { await arrivals.next() }
        #expect(running.counters.isEmpty)
        for completion in running.consumer.held { completion(.success(())) }
        #expect(try await output.count == "[0, 1, 2]\n".count)
        await running.stop()
    }

    @Test("refusals: retryable with a delay, retryable without, permanent")
    func refusals() async throws {
        let program = """
            try: call(open(arguments[0], 'rb').read())
            except grpc.RpcError as error:
                details = dict(error.trailing_metadata() or []).get('grpc-status-details-bin', b'')
                print(error.code().name, error.details(), b'RetryInfo' in details)
            """
        let cases: [(RefusalError, String)] = [
            (
                .init(isRetryable: true, reason: "log is full", retryAfter: .seconds(3)),
                "UNAVAILABLE log is full True\n"
            ),
            (.init(isRetryable: true, reason: "log is full"), "UNAVAILABLE log is full False\n"),
            (.init(isRetryable: false, reason: "no"), "INTERNAL Permanent error: no False\n"),
        ]
        for (refusal, expected) in cases {
            let running = try await RunningReceiver.start(Self.local, consumer: FakeConsumer(.refuse(refusal)))
            #expect(try await client(running, arguments: [Captures.path("003")], program) == expected)
            await running.stop()
            let items = try Captures.itemCount("003")
            #expect(running.counters == ["otelcol_receiver_refused_spans{otlp,grpc} \(items)"])
        }
    }

    @Test("what cannot be read is refused and counted by reason; nothing of it reaches the pipeline")
    func undecodable() async throws {
        let running = try await RunningReceiver.start(
            ["grpc": ["endpoint": "127.0.0.1:0", "max_recv_msg_size_mib": 1]], signals: [.traces])
        let output = try await client(
            running,
            """
            print(call(b''))
            print(failure(b'\\x0a\\x05abc'))
            print(failure(b'\\x00' * (2 << 20), compression=grpc.Compression.Gzip))
            print(failure(b'\\x00' * (2 << 20)))
            print(failure(b'', path='/opentelemetry.proto.collector.logs.v1.LogsService/Export'))
            """)
        await running.stop()
        #expect(
            output == """
                b''
                INTERNAL: grpc: error unmarshalling request: unexpected EOF
                RESOURCE_EXHAUSTED: grpc: received message after decompression larger than max 1048576
                RESOURCE_EXHAUSTED: grpc: received message larger than max (2097152 vs. 1048576)
                UNIMPLEMENTED: unknown service opentelemetry.proto.collector.logs.v1.LogsService

                """)
        #expect(running.consumer.received.isEmpty)
        #expect(
            running.counters == [
                "otelcol_swift_receiver_decode_errors{otlp,grpc,protobuf} 1",
                "otelcol_swift_receiver_decode_errors{otlp,grpc,too_large} 2",
            ])
    }

    @Test("metadata is kept only when asked for")
    func metadata() async throws {
        for isIncluded in [false, true] {
            let running = try await RunningReceiver.start(
                ["grpc": ["endpoint": "127.0.0.1:0", "include_metadata": .value(.bool(isIncluded))]])
            _ = try await client(
                running, arguments: [Captures.path("003")],
                "call(open(arguments[0], 'rb').read(), metadata=[('x-tenant', 'acme')])")
            await running.stop()
            let client = try #require(running.consumer.received.first?.client)
            #expect(client.values(of: "X-Tenant") == (isIncluded ? ["acme"] : []))
        }
    }

    @Test("stop answers what is open")
    func stop() async throws {
        let running = try await RunningReceiver.start(Self.local, consumer: FakeConsumer(.hold))
        async let output = client(
            running, arguments: [Captures.path("003")], "print(call(open(arguments[0], 'rb').read()))")
        var arrivals = running.consumer.arrivals.makeAsyncIterator()
        await arrivals.next()
        async let stopped: Void = running.stop()
        for completion in running.consumer.held { completion(.success(())) }
        #expect(try await output == "b''\n")
        await stopped
    }
}
