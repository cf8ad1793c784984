internal import Compression
internal import Glibc
internal import HTTPClient
internal import OTLP

/// Sends export requests by OTLP/gRPC or OTLP/HTTP, and says what the answers mean (OTLP specification, "Failures").
///
/// Its requests share no connection while they are under way: each one at a time has its own.
final class ExportClient: Sendable {
    private let http: HTTPClient
    private let settings: LoadSettings
    private let headers: [(name: String, value: String)]

    init(_ settings: LoadSettings) throws(HTTPClientError) {
        self.settings = settings
        var configuration = HTTPClientConfiguration()
        configuration.tls = settings.tls
        configuration.idleConnectionsMax = settings.clientCount
        configuration.multiplexes = false
        configuration.writeBufferBytes = 512 << 10
        configuration.connectTimeout = settings.timeout
        configuration.usesPriorKnowledge = settings.transport == .grpc
        http = try HTTPClient(configuration: configuration)
        var headers = [("Content-Type", Self.contentType(settings.transport)), ("User-Agent", "otelgen")]
        let encoding = settings.compression.rawValue
        switch (settings.transport, settings.compression) {
        case (.grpc, .identity): headers.append(("TE", "trailers"))
        case (.grpc, _): headers += [("TE", "trailers"), ("grpc-encoding", encoding)]
        case (_, .identity): break
        default: headers.append(("Content-Encoding", encoding))
        }
        self.headers = headers + settings.headers.map { ($0.name, $0.value) }
    }

    private static func contentType(_ transport: LoadSettings.Transport) -> String {
        switch transport {
        case .grpc: "application/grpc"
        case .httpProtobuf: "application/x-protobuf"
        case .httpJSON: "application/json"
        }
    }

    /// The bytes that carry `request`, whose encoding is the transport's.
    func body(_ request: [UInt8]) throws(CompressionError) -> [UInt8] {
        let compressed = try compress(request, encoding: settings.compression)
        guard settings.transport == .grpc else { return compressed }
        return grpcFramed(compressed, isCompressed: settings.compression != .identity)
    }

    func send(_ body: [UInt8]) async -> LoadAnswer {
        let request = HTTPClientRequest(url: settings.url, headers: headers, body: body, timeout: settings.timeout)
        do {
            let response = try await http.send(request)
            return settings.transport == .grpc ? grpcAnswer(response) : httpAnswer(response)
        } catch {
            switch error.kind {
            case .connect, .tls, .invalidRequest: return .unreachable(reason: error.message)
            case .timeout, .sendReceive, .cancelled: return .unknown(reason: error.message)
            }
        }
    }

    func shutdown() { http.shutdown() }
}

// OTLP/HTTP.
extension ExportClient {
    private func httpAnswer(_ response: HTTPClientResponse) -> LoadAnswer {
        let isJSON = response.header("Content-Type")?.lowercased().hasPrefix("application/json") ?? false
        guard response.status == 200 else {
            let status = isJSON ? try? RPCStatus(json: response.body) : try? RPCStatus(protobuf: response.body)
            let reason = "HTTP \(response.status)" + (status.map { ": \($0.message)" } ?? "")
            guard RPCCode.isRetryable(httpStatus: response.status) else { return .refusedForGood(reason: reason) }
            let after = response.header("Retry-After").flatMap { retryAfter($0, nowUnixSeconds: time(nil)) }
            return .refusedRetryable(after: after ?? status?.retryDelay, reason: reason)
        }
        do {
            let answer = isJSON ? try ExportResponse(json: response.body) : try ExportResponse(protobuf: response.body)
            return .acknowledged(rejected: answer.rejectedItems, message: answer.errorMessage)
        } catch {
            return .unknown(reason: "HTTP 200 with an unreadable answer: \(error)")
        }
    }
}

// OTLP/gRPC.
extension ExportClient {
    private func grpcAnswer(_ response: HTTPClientResponse) -> LoadAnswer {
        // An answer without a message has its status among the headers.
        let field = { (name: String) in response.trailer(name) ?? response.header(name) }
        guard let number = field("grpc-status").flatMap({ UInt32($0) }) else {
            // gRPC's own rule: what stands between client and server answered.
            let reason = "HTTP \(response.status) without grpc-status"
            guard response.status != 200, RPCCode.isRetryable(httpStatus: response.status) else {
                return response.status == 200 ? .unknown(reason: reason) : .refusedForGood(reason: reason)
            }
            return .refusedRetryable(after: nil, reason: reason)
        }
        guard number != 0 else { return grpcSuccess(response.body) }
        var status = RPCStatus(code: RPCCode(rawValue: number) ?? .unknown, message: field("grpc-message") ?? "")
        if let details = field("grpc-status-details-bin").flatMap({ bytes(base64: $0) }) {
            status.retryDelay = (try? RPCStatus(protobuf: details))?.retryDelay
        }
        let reason = "\(status)"
        return status.isRetryable
            ? .refusedRetryable(after: status.retryDelay, reason: reason) : .refusedForGood(reason: reason)
    }

    private func grpcSuccess(_ body: [UInt8]) -> LoadAnswer {
        // The message is never compressed, as no grpc-accept-encoding was sent.
        guard body.count >= 5, body[0] == 0, let answer = try? ExportResponse(protobuf: Array(body[5...])) else {
            return .unknown(reason: "status OK without a readable message")
        }
        return .acknowledged(rejected: answer.rejectedItems, message: answer.errorMessage)
    }
}

/// Reads base64, padded or not; nil when it is not that.
func bytes(base64 text: String) -> [UInt8]? {
    var result: [UInt8] = []
    var bits: UInt32 = 0
    var bitCount: UInt32 = 0
    for character in text.utf8.prefix(while: { $0 != UInt8(ascii: "=") }) {
        let value: UInt8
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): value = character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): value = 62
        case UInt8(ascii: "/"): value = 63
        default: return nil
        }
        bits = bits << 6 | UInt32(value)
        bitCount += 6
        if bitCount >= 8 {
            bitCount -= 8
            result.append(UInt8(truncatingIfNeeded: bits >> bitCount))
        }
    }
    return result
}
