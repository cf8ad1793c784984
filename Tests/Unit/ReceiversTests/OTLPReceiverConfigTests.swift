import Component
import OTLP
import Receivers
import Testing

/// Every key of the otlp receiver is read with otelcol's defaults and rules, or refused by name.
@Suite("OTLPReceiverConfig")
struct OTLPReceiverConfigTests {
    @Test("a protocol without a body has all defaults; one that is absent is off")
    func defaults() throws {
        let config = try otlpConfig(["protocols": ["grpc": nil]])
        let grpc = try #require(config.grpc)
        #expect(config.http == nil)
        #expect(grpc.endpoint == "localhost:4317")
        #expect(grpc.transport == "tcp")
        #expect(grpc.messageBytesMax == 64 << 20)
        #expect(grpc.readBufferSize == 512 << 10)
        #expect(!grpc.includeMetadata)
        let http = try #require(try otlpConfig(["protocols": ["http": [:]]]).http)
        #expect(http.endpoint == "localhost:4318")
        #expect(http.bodyBytesMax == 64 << 20)
        #expect(http.paths == [.traces: "/v1/traces", .metrics: "/v1/metrics", .logs: "/v1/logs"])
        #expect(http.cors == nil)
    }

    @Test("keys that are written are honoured")
    func written() throws {
        let config = try otlpConfig([
            "protocols": [
                "grpc": [
                    "endpoint": "0.0.0.0:1", "max_recv_msg_size_mib": 16, "max_concurrent_streams": 7,
                    "read_buffer_size": 1000, "write_buffer_size": 2000, "include_metadata": true,
                    "keepalive": [
                        "server_parameters": ["max_connection_age": "1m", "time": "10s"],
                        "enforcement_policy": ["min_time": "5s", "permit_without_stream": true],
                    ],
                ],
                "http": [
                    "endpoint": "[::1]:2", "max_request_body_size": 99, "traces_url_path": "in/spans",
                    "compression_algorithms": ["", "gzip"], "read_timeout": "3s", "idle_timeout": 0,
                    "cors": ["allowed_origins": ["https://*.example.org"], "max_age": 7200],
                    "response_headers": ["X-A": "b"], "keep_alives_enabled": false,
                ],
            ]
        ])
        let grpc = try #require(config.grpc)
        #expect(grpc.endpoint == "0.0.0.0:1")
        #expect(grpc.messageBytesMax == 16 << 20)
        #expect(grpc.maxConcurrentStreams == 7)
        #expect(grpc.readBufferSize == 1000)
        #expect(grpc.writeBufferSize == 2000)
        #expect(grpc.includeMetadata)
        let http = try #require(config.http)
        #expect(http.bodyBytesMax == 99)
        #expect(http.paths[.traces] == "/in/spans")
        #expect(http.compressionAlgorithms == ["", "gzip"])
        #expect(http.readTimeout == .seconds(3))
        #expect(http.idleTimeout == nil)
        #expect(http.cors?.maxAgeSeconds == 7200)
        #expect(!http.keepAlive)
    }

    @Test(
        "what cannot be served is refused with its place",
        arguments: [
            ([:], "must specify at least one protocol when using the OTLP receiver"),
            (["protocols": [:]], "must specify at least one protocol when using the OTLP receiver"),
            (["protocols": ["grpc": ["tls": [:]]]], "protocols::grpc::tls: \"tls\" is not supported by this version"),
            (["protocols": ["http": ["auth": ["authenticator": "x"]]]], "\"auth\" is not supported by this version"),
            (["protocols": ["http": ["compression_algorithms": ["snappy"]]]], "\"snappy\" is not supported"),
            (["protocols": ["grpc": ["max_recv_msg_size_mib": -1]]], "must be between 1 and 8796093022207: -1"),
            (["protocols": ["grpc": ["read_buffer_size": -1]]], "invalid read_buffer_size value: -1"),
            (["protocols": ["grpc": ["transport": "carrier pigeon"]]], "invalid transport type \"carrier pigeon\""),
            (["protocols": ["grpc": ["endpoint": "nowhere"]]], "missing port in address"),
            (["protocols": ["grpc": ["endpont": "localhost:1"]]], "did you mean \"endpoint\"?"),
            (["protocols": ["thrift": nil]], "'' has invalid keys: thrift"),
        ] as [(Yaml, String)])
    func refused(yaml: Yaml, message: String) throws {
        let error = #expect(throws: ConfigError.self) { try otlpConfig(yaml) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }
}
