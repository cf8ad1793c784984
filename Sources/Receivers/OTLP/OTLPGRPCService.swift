internal import Component
internal import Compression
internal import OTLP
internal import Transport

/// Answers OTLP calls: a gRPC request in, the pipelines' verdict out.
struct OTLPGRPCService: Sendable {
    let ingest: OTLPIngest
    let requestBytesMax: Int

    /// What clients may compress with.
    static let acceptedEncodings = [ContentEncoding.gzip, .zstd, .deflate].map(\.rawValue)

    private static let tracesPath = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    private static let metricsPath = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
    private static let logsPath = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"

    static func path(of signal: Signal) -> String {
        switch signal {
        case .traces: tracesPath
        case .metrics: metricsPath
        case .logs: logsPath
        }
    }

    private static func signal(of path: String) -> Signal? {
        // The server passes on the very strings it was given, which compare by identity.
        if path == tracesPath { return .traces }
        if path == logsPath { return .logs }
        return path == metricsPath ? .metrics : nil
    }

    func handle(_ request: GRPCRequest, complete: @escaping GRPCServer.Completion) {
        guard let signal = OTLPGRPCService.signal(of: request.path),
            let compression = request.encoding.map(ContentEncoding.init(rawValue:)) ?? .identity
        else { preconditionFailure("the server passed on a call or an encoding that it was not told to accept") }
        do {
            try ingest.consume(
                request.message, compressed: compression, encoding: .protobuf, signal: signal,
                client: request.header.context as? ClientInfo, responder: Responder(complete: complete))
        } catch {
            complete(response(to: error))
        }
    }

    private struct Responder: OTLPResponder {
        let complete: GRPCServer.Completion

        func respond(to outcome: OTLPIngest.Outcome) { complete(OTLPGRPCService.response(to: outcome)) }
    }

    private static func response(to outcome: OTLPIngest.Outcome) -> GRPCResponse {
        switch outcome {
        case .success:
            return .success(ExportResponse().encodeProtobuf())
        case .failure(let refusal):
            let status = RPCStatus(refusal)
            let code = GRPCStatusCode(rawValue: Int(status.code.rawValue)) ?? .unknown
            let details = status.retryDelay == nil ? [] : status.encodeProtobuf()
            return .failure(code, status.message, details: details)
        }
    }

    private func response(to error: OTLPDecodeError) -> GRPCResponse {
        switch error {
        case .compression(.tooLarge):
            .failure(
                .resourceExhausted,
                "grpc: received message after decompression larger than max \(requestBytesMax)")
        case .compression(let error):
            .failure(.internal, "grpc: failed to decompress the received message: \(error)")
        case .protobuf(let error):
            .failure(.internal, "grpc: error unmarshalling request: \(error)")
        case .json(let error):
            .failure(.internal, "grpc: error unmarshalling request: \(error)")
        }
    }
}

extension RPCStatus {
    /// How a pipeline's refusal is told to clients.
    init(_ refusal: RefusalError) {
        self.init(
            code: refusal.isRetryable ? .unavailable : .internal, message: refusal.description,
            retryDelay: refusal.isRetryable ? refusal.retryAfter : nil)
    }
}
