internal import Component
internal import Compression
internal import OTLP
internal import Transport

/// Answers OTLP/HTTP: finds the signal by path, checks what came, and tells the client the pipelines' verdict.
struct OTLPHTTPService: Sendable {
    private let ingest: OTLPIngest
    private let signals: [String: Signal]
    private let encodings: [String: ContentEncoding]
    private let cors: CORSPolicy?
    private let responseHeaders: [(String, String)]
    private let includeMetadata: Bool

    init(config: OTLPHTTPConfig, ingest: OTLPIngest, signals: some Sequence<Signal>) {
        self.ingest = ingest
        self.signals = signals.reduce(into: [:]) { signals, signal in
            if let path = config.paths[signal] { signals[path] = signal }
        }
        encodings = config.compressionAlgorithms.reduce(into: ["": .identity, "identity": .identity]) {
            if let encoding = ContentEncoding(rawValue: $1) { $0[$1] = encoding }
        }
        cors = config.cors.flatMap { $0.allowedOrigins.isEmpty ? nil : CORSPolicy($0) }
        responseHeaders = config.responseHeaders.map { ($0.name, $0.value) }
        includeMetadata = config.includeMetadata
    }

    func handle(_ request: HTTPServerRequest, complete: @escaping HTTPServer.Completion) {
        guard let signal = signals[request.path] else { return complete(decorated(.notFound, corsFields: [])) }
        let contentEncoding = (request.headers["content-encoding"] ?? "").lowercased()
        guard let compression = encodings[contentEncoding] else {
            let status = RPCStatus(code: .invalidArgument, message: "unsupported Content-Encoding: \(contentEncoding)")
            return complete(decorated(failure(400, status, in: encoding(of: request) ?? .json), corsFields: []))
        }
        if let preflight = cors?.preflight(request) { return complete(decorated(preflight, corsFields: [])) }
        let corsFields = cors?.fields(for: request) ?? []
        guard request.method == "POST" else {
            return complete(
                decorated(.plain(405, "405 method not allowed, supported: [POST]"), corsFields: corsFields))
        }
        guard let encoding = encoding(of: request) else {
            let text = "415 unsupported media type, supported: [application/json, application/x-protobuf]"
            return complete(decorated(.plain(415, text), corsFields: corsFields))
        }
        do {
            try ingest.consume(
                request.body, compressed: compression, encoding: encoding, signal: signal,
                client: client(of: request),
                responder: Responder(
                    service: self, signal: signal, encoding: encoding, corsFields: corsFields, complete: complete))
        } catch {
            complete(decorated(response(to: error, in: encoding), corsFields: corsFields))
        }
    }

    /// The answer to a request whose body is larger than the limit as sent.
    func bodyTooLarge(_ request: HTTPServerRequest) -> HTTPServerResponse {
        guard signals[request.path] != nil else { return decorated(.notFound, corsFields: []) }
        ingest.countTooLarge()
        let status = RPCStatus(code: .invalidArgument, message: "http: request body too large")
        return decorated(
            failure(413, status, in: encoding(of: request) ?? .json), corsFields: cors?.fields(for: request) ?? [])
    }

    private func client(of request: HTTPServerRequest) -> ClientInfo {
        // otelcol knows HTTP clients by address alone, gRPC clients by address and port.
        let address = request.remoteAddress.lastIndex(of: ":").map { String(request.remoteAddress[..<$0]) } ?? ""
        let metadata = includeMetadata ? request.headers.pairs.map { ($0.name.lowercased(), $0.value) } : []
        return ClientInfo(address: address, metadata: metadata)
    }

    /// Nil for a media type that is not OTLP's.
    private func encoding(of request: HTTPServerRequest) -> OTLPEncoding? {
        let contentType = request.headers["content-type"] ?? ""
        let mediaType = contentType.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        return switch mediaType {
        case "application/x-protobuf": .protobuf
        case "application/json": .json
        default: nil
        }
    }
}

// MARK: Answers

extension OTLPHTTPService {
    private struct Responder: OTLPResponder {
        let service: OTLPHTTPService
        let signal: Signal
        let encoding: OTLPEncoding
        let corsFields: [(String, String)]
        let complete: HTTPServer.Completion

        func respond(to outcome: OTLPIngest.Outcome) {
            let response = service.response(to: outcome, signal: signal, in: encoding)
            complete(service.decorated(response, corsFields: corsFields))
        }
    }

    private func response(
        to outcome: OTLPIngest.Outcome, signal: Signal, in encoding: OTLPEncoding
    ) -> HTTPServerResponse {
        switch outcome {
        case .success:
            let response = ExportResponse()
            let body = encoding == .json ? response.encodeJSON(signal: signal) : response.encodeProtobuf()
            return HTTPServerResponse(status: 200, headers: [("Content-Type", encoding.mediaType)], body: body)
        case .failure(let refusal):
            let status = RPCStatus(refusal)
            var response = failure(status.code.httpStatus, status, in: encoding)
            if let delay = status.retryDelay {
                let (seconds, fraction) = delay.components
                response.headers.append(("Retry-After", String(max(0, seconds) + (fraction > 0 ? 1 : 0))))
            }
            return response
        }
    }

    private func response(to error: OTLPDecodeError, in encoding: OTLPEncoding) -> HTTPServerResponse {
        let (httpStatus, message) =
            switch error {
            case .compression(.tooLarge): (413, "http: request body too large")
            case .compression(let error): (400, error.description)
            case .protobuf(let error): (400, error.description)
            case .json(let error): (400, error.description)
            }
        return failure(httpStatus, RPCStatus(code: .invalidArgument, message: message), in: encoding)
    }

    private func failure(_ httpStatus: Int, _ status: RPCStatus, in encoding: OTLPEncoding) -> HTTPServerResponse {
        let body = encoding == .json ? status.encodeJSON() : status.encodeProtobuf()
        return HTTPServerResponse(status: httpStatus, headers: [("Content-Type", encoding.mediaType)], body: body)
    }

    private func decorated(_ response: HTTPServerResponse, corsFields: [(String, String)]) -> HTTPServerResponse {
        var response = response
        response.headers += corsFields + responseHeaders
        return response
    }
}

extension OTLPEncoding {
    var mediaType: String {
        switch self {
        case .protobuf: "application/x-protobuf"
        case .json: "application/json"
        }
    }
}

extension HTTPServerResponse {
    fileprivate static let notFound = HTTPServerResponse.text(404, "404 page not found\n")

    fileprivate static func plain(_ status: Int, _ text: String) -> HTTPServerResponse {
        HTTPServerResponse(status: status, headers: [("Content-Type", "text/plain")], body: Array(text.utf8))
    }
}
