package import Component
internal import Logging
package import OTLP
internal import Synchronization
internal import Transport

/// Takes OTLP over gRPC and HTTP, and answers when the pipelines have taken or refused it.
package final class OTLPReceiver: Receiver {
    private struct Addresses {
        var grpc: String?
        var http: String?
    }

    private let settings: ComponentSettings
    private let grpc: GRPCServer?
    private let http: HTTPServer?
    private let addresses = Mutex(Addresses())

    package init(
        config: OTLPReceiverConfig, settings: ComponentSettings, consumers: [Signal: any TelemetryConsumer]
    ) throws {
        self.settings = settings
        grpc = try config.grpc.map {
            try OTLPReceiver.makeGRPCServer($0, settings: settings, consumers: consumers)
        }
        http = try config.http.map {
            try OTLPReceiver.makeHTTPServer($0, settings: settings, consumers: consumers)
        }
    }

    /// `host:port` where gRPC is served, once started.
    package var grpcAddress: String? { addresses.withLock { $0.grpc } }
    /// `host:port` where HTTP is served, once started.
    package var httpAddress: String? { addresses.withLock { $0.http } }

    package func start() async throws {
        if let grpc {
            let address = try await grpc.start()
            addresses.withLock { $0.grpc = address }
            settings.logger.info("Starting GRPC server", metadata: ["endpoint": "\(address)"])
        }
        guard let http else { return }
        do {
            let address = try await http.start()
            addresses.withLock { $0.http = address }
            settings.logger.info("Starting HTTP server", metadata: ["endpoint": "\(address)"])
        } catch {
            await grpc?.stop(deadline: .now)
            throw error
        }
    }

    package func stop(deadline: ContinuousClock.Instant) async {
        async let grpcStopped: Void? = grpc?.stop(deadline: deadline)
        async let httpStopped: Void? = http?.stop(deadline: deadline)
        _ = await (grpcStopped, httpStopped)
    }

    private static func makeGRPCServer(
        _ config: OTLPGRPCConfig, settings: ComponentSettings, consumers: [Signal: any TelemetryConsumer]
    ) throws -> GRPCServer {
        let endpoint = try Endpoint(config.endpoint, transport: config.transport)
        var server = GRPCServerConfiguration(
            endpoint: endpoint, methods: Set(consumers.keys.map(OTLPGRPCService.path(of:))))
        server.messageBytesMax = config.messageBytesMax
        server.acceptedEncodings = OTLPGRPCService.acceptedEncodings
        server.maxConcurrentStreams = config.maxConcurrentStreams
        server.readBufferBytesMax = config.readBufferSize
        server.writeBufferBytesMax = config.writeBufferSize
        server.keepalive = config.keepalive.keepalive
        server.keepsMetadata = config.includeMetadata
        server.makeContext = { ClientInfo(address: $0, metadata: $1) }
        let ingest = OTLPIngest(
            consumers: consumers, settings: settings, transport: "grpc", requestBytesMax: config.messageBytesMax)
        server.messageTooLarge = { _ in ingest.countTooLarge() }
        let service = OTLPGRPCService(ingest: ingest, requestBytesMax: config.messageBytesMax)
        return GRPCServer(configuration: server) { service.handle($0, complete: $1) }
    }

    private static func makeHTTPServer(
        _ config: OTLPHTTPConfig, settings: ComponentSettings, consumers: [Signal: any TelemetryConsumer]
    ) throws -> HTTPServer {
        if let cors = config.cors, cors.allowedOrigins.isEmpty, !cors.allowedHeaders.isEmpty {
            settings.logger.warning(
                "The CORS configuration specifies allowed headers but no allowed origins, and is therefore ignored.")
        }
        let ingest = OTLPIngest(
            consumers: consumers, settings: settings, transport: "http", requestBytesMax: config.bodyBytesMax)
        let service = OTLPHTTPService(config: config, ingest: ingest, signals: consumers.keys)
        var server = HTTPServerConfiguration(endpoint: try Endpoint(config.endpoint))
        server.bodyBytesMax = config.bodyBytesMax
        server.readTimeout = config.readTimeout
        server.readHeaderTimeout = config.readHeaderTimeout
        server.writeTimeout = config.writeTimeout
        server.idleTimeout = config.idleTimeout
        server.keepAlive = config.keepAlive
        server.bodyTooLarge = { service.bodyTooLarge($0) }
        return HTTPServer(configuration: server) { service.handle($0, complete: $1) }
    }
}

extension ReceiverFactory {
    package static var otlp: ReceiverFactory {
        ReceiverFactory(type: "otlp", signals: Set(Signal.allCases), config: OTLPReceiverConfig.self) {
            config, settings, consumers in
            try OTLPReceiver(config: config, settings: settings, consumers: consumers)
        }
    }
}
