package import Component
import Compression
import Glibc
import HTTPClient
import Logging
import OTLP

/// Sends each batch as one OTLP/HTTP request.
struct OTLPHTTPExporter: Exporter {
    private let config: OTLPHTTPExporterConfig
    private let signal: Signal
    private let url: String
    private let headers: [(name: String, value: String)]
    private let client: HTTPClient
    private let logger: Logger

    init(config: OTLPHTTPExporterConfig, settings: ComponentSettings, signal: Signal) throws {
        guard let url = config.urls[signal] else { throw MissingEndpointError(signal: signal) }
        self.config = config
        self.signal = signal
        self.url = url
        headers = Self.headers(config, userAgent: settings.userAgent)
        client = try HTTPClient(configuration: config.http.client)
        logger = settings.logger
        for key in config.http.keysWithoutEffect {
            logger.warning("The key has no effect in this exporter", metadata: ["key": "\(key)"])
        }
    }

    func start() async throws { try config.http.client.tls.checkFiles() }

    func export(_ batch: Batch) async throws(ExportError) -> Delivery {
        let request = HTTPClientRequest(
            url: url, headers: headers, body: try body(of: batch), timeout: batch.timeout)
        let response: HTTPClientResponse
        do {
            response = try await client.send(request)
        } catch {
            let reason = "failed to make an HTTP request: \(error.message)"
            if error.kind == .invalidRequest { throw .misconfigured(reason: reason) }
            throw .retry(after: nil, progress: [], reason: reason)
        }
        let outcome = OTLPHTTPOutcome(response, url: withoutCredentials(url), nowUnixSeconds: time(nil))
        switch outcome {
        case .delivered(let answer): return delivery(answer, of: batch)
        case .failed(let error): throw error
        case .unreadable(let reason):
            logger.warning("The response could not be read", metadata: ["error": "\(reason)"])
            return .complete
        }
    }

    func stop() async { client.shutdown() }

    /// What the user sets wins.
    private static func headers(
        _ config: OTLPHTTPExporterConfig, userAgent: String
    ) -> [(name: String, value: String)] {
        var headers = [("Content-Type", config.encoding.contentType), ("User-Agent", userAgent)]
        if config.http.compression != .identity {
            headers.append(("Content-Encoding", config.http.compression.rawValue))
        }
        let own = Set(config.http.headers.pairs.map { $0.key.lowercased() })
        headers.removeAll { own.contains($0.0.lowercased()) }
        return headers + config.http.headers.pairs.map { ($0.key, $0.value.secret) }
    }

    private func body(of batch: Batch) throws(ExportError) -> [UInt8] {
        var body = OTLPRequest.merge(batch.payloads)
        do {
            if config.encoding == .json {
                var json: [UInt8] = []
                try OTLPRequest.appendJSON(of: body, signal: signal, to: &json)
                body = json
            }
            return try compress(body, encoding: config.http.compression, level: config.http.compressionLevel)
        } catch {
            throw .payload(reason: "the request could not be encoded: \(error)")
        }
    }

    private func delivery(_ answer: ExportResponse, of batch: Batch) -> Delivery {
        guard !answer.isFullSuccess else { return .complete }
        let rejected = min(max(0, answer.rejectedItems), batch.itemCount)
        let field =
            switch signal {
            case .traces: "dropped_spans"
            case .metrics: "dropped_data_points"
            case .logs: "dropped_log_records"
            }
        logger.warning(
            "Partial success response",
            metadata: ["message": "\(answer.errorMessage)", field: "\(answer.rejectedItems)"])
        return Delivery(rejectedItems: rejected, reason: answer.errorMessage)
    }
}

private struct MissingEndpointError: Error, CustomStringConvertible {
    let signal: Signal
    var description: String { "either endpoint or \(signal.rawValue)_endpoint must be specified" }
}

extension ExporterFactory {
    /// The exporter `otlphttp`.
    package static var otlphttp: ExporterFactory { otlpHTTP(type: "otlphttp") }

    /// The same under its newer name.
    package static var otlp_http: ExporterFactory { otlpHTTP(type: "otlp_http") }

    private static func otlpHTTP(type: String) -> ExporterFactory {
        ExporterFactory(type: type, defaultTimeout: .seconds(30), config: OTLPHTTPExporterConfig.self) {
            config, settings, signal in
            try OTLPHTTPExporter(config: config, settings: settings, signal: signal)
        }
    }
}
