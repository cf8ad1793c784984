package import Component
internal import Transport

/// `protocols::grpc`.
package struct OTLPGRPCConfig: ConfigBlock {
    package var endpoint: String
    package var transport: String
    /// Of a message, compressed and decompressed.
    package var messageBytesMax: Int
    package var maxConcurrentStreams: Int
    package var readBufferSize: Int
    package var writeBufferSize: Int
    package var includeMetadata: Bool
    package var keepalive: OTLPKeepaliveConfig

    private static let messageMiBMax = 8_796_093_022_207

    package init(from map: inout ConfigMap) throws(ConfigError) {
        try map.refuseUnsupported(["tls", "auth", "middlewares"])
        transport = try map.take("transport", default: "tcp")
        endpoint = try map.takeEndpoint(default: "localhost:4317", transport: transport)
        let mebibytes = try map.take("max_recv_msg_size_mib", default: 0)
        let most = OTLPGRPCConfig.messageMiBMax
        guard (0...most).contains(mebibytes) else {
            throw map.error(
                "invalid max_recv_msg_size_mib value, must be between 1 and \(most): \(mebibytes)"
            )
        }
        messageBytesMax = mebibytes == 0 ? otlpRequestBytesMax : mebibytes << 20
        let streams = try map.takeSize("max_concurrent_streams", default: 0)
        maxConcurrentStreams = streams == 0 ? 1024 : streams
        let readBuffer = try map.takeSize("read_buffer_size", default: 512 << 10)
        readBufferSize = readBuffer == 0 ? 512 << 10 : readBuffer
        let writeBuffer = try map.takeSize("write_buffer_size", default: 32 << 10)
        writeBufferSize = writeBuffer == 0 ? 32 << 10 : writeBuffer
        includeMetadata = try map.take("include_metadata", default: false)
        keepalive = try map.take("keepalive", default: OTLPKeepaliveConfig())
    }
}

/// The size of a request, after decompression too, that the OTLP specification recommends to accept.
let otlpRequestBytesMax = 64 << 20

/// `keepalive` of a gRPC server.
package struct OTLPKeepaliveConfig: ConfigBlock {
    var keepalive = HTTP2Keepalive()

    init() {}

    package init(from map: inout ConfigMap) throws(ConfigError) {
        let server: ServerParameters? = try map.takeIfPresent("server_parameters")
        let enforcement: EnforcementPolicy? = try map.takeIfPresent("enforcement_policy")
        keepalive.maxConnectionIdle = server?.maxConnectionIdle
        keepalive.maxConnectionAge = server?.maxConnectionAge
        keepalive.maxConnectionAgeGrace = server?.maxConnectionAgeGrace
        if let time = server?.time { keepalive.time = time }
        if let timeout = server?.timeout { keepalive.timeout = timeout }
        keepalive.minPingInterval = enforcement?.minTime
        keepalive.permitsPingWithoutStream = enforcement?.permitWithoutStream ?? false
    }

    private struct ServerParameters: ConfigBlock {
        var maxConnectionIdle: Duration?
        var maxConnectionAge: Duration?
        var maxConnectionAgeGrace: Duration?
        var time: Duration?
        var timeout: Duration?

        init(from map: inout ConfigMap) throws(ConfigError) {
            maxConnectionIdle = try map.takeTimeout("max_connection_idle", default: .zero)
            maxConnectionAge = try map.takeTimeout("max_connection_age", default: .zero)
            maxConnectionAgeGrace = try map.takeTimeout("max_connection_age_grace", default: .zero)
            time = try map.takeTimeout("time", default: .zero)
            timeout = try map.takeTimeout("timeout", default: .zero)
        }
    }

    private struct EnforcementPolicy: ConfigBlock {
        var minTime: Duration?
        var permitWithoutStream: Bool

        init(from map: inout ConfigMap) throws(ConfigError) {
            // The block asks for the policy; its default is otelcol's five minutes.
            minTime = try map.takeTimeout("min_time", default: .zero) ?? .seconds(300)
            permitWithoutStream = try map.take("permit_without_stream", default: false)
        }
    }
}
