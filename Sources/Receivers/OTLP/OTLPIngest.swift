internal import Component
internal import Compression
internal import OTLP

/// Why a request could not be read. Nothing of it reached a pipeline.
enum OTLPDecodeError: Error {
    case compression(CompressionError)
    case protobuf(WireError)
    case json(JSONError)

    /// The label under which it is counted.
    var reason: String {
        switch self {
        case .compression(.tooLarge): "too_large"
        case .compression: "compression"
        case .protobuf: "protobuf"
        case .json: "json"
        }
    }
}

/// How the sender wrote a request.
enum OTLPEncoding: Sendable {
    case protobuf
    case json
}

/// Tells a request's sender what became of it.
protocol OTLPResponder: Sendable {
    /// Called exactly once, on any thread.
    func respond(to outcome: OTLPIngest.Outcome)
}

/// The way from a request's bytes to the pipelines, the same for both transports: inflate, validate, hand over, count.
/// A class, so that a request on its way holds one reference to all of it.
final class OTLPIngest: Sendable {
    typealias Outcome = Result<Void, RefusalError>

    /// Where a signal's requests go, and what becomes of them. A class, so that each request's completion holds one
    /// reference to it.
    private final class Route: Sendable {
        let consumer: any TelemetryConsumer
        let accepted: Counter
        let refused: Counter

        init(consumer: any TelemetryConsumer, accepted: Counter, refused: Counter) {
            self.consumer = consumer
            self.accepted = accepted
            self.refused = refused
        }
    }

    private let routes: BySignal<Route>
    private let decodeErrors: [String: Counter]
    private let requestBytesMax: Int

    init(
        consumers: [Signal: any TelemetryConsumer], settings: ComponentSettings, transport: String,
        requestBytesMax: Int
    ) {
        self.requestBytesMax = requestBytesMax
        let id = settings.id.description
        let metrics = settings.metrics
        let labels: MetricLabels = ["receiver": id, "transport": transport]
        routes = BySignal { signal in
            guard let consumer = consumers[signal] else { return nil }
            let items = signal.itemName
            return Route(
                consumer: consumer,
                accepted: metrics.counter(
                    "otelcol_receiver_accepted_\(items)", help: "Number of \(items) pushed into the pipeline.",
                    labels: labels),
                refused: metrics.counter(
                    "otelcol_receiver_refused_\(items)",
                    help: "Number of \(items) that could not be pushed into the pipeline.", labels: labels))
        }
        decodeErrors = ["too_large", "compression", "protobuf", "json"].reduce(into: [:]) { counters, reason in
            counters[reason] = metrics.counter(
                "otelcol_swift_receiver_decode_errors", help: "Number of requests that could not be read.",
                labels: ["receiver": id, "transport": transport, "reason": reason])
        }
    }

    /// Counts a request that was refused for its size before it was read.
    func countTooLarge() { decodeErrors["too_large"]?.add() }

    /// Reads a request and hands it to its signal's pipelines; `responder` hears of the outcome.
    ///
    /// A request without items succeeds without reaching them. `signal` must have a consumer.
    /// - Throws: when the request cannot be read; `responder` is not called then.
    func consume(
        _ body: consuming [UInt8], compressed compression: ContentEncoding, encoding: OTLPEncoding, signal: Signal,
        client: ClientInfo?, responder: some OTLPResponder
    ) throws(OTLPDecodeError) {
        guard let route = routes[signal] else { preconditionFailure("no pipeline for \(signal)") }
        let request: ValidatedRequest
        do {
            request = try decode(body, compressed: compression, encoding: encoding, signal: signal)
        } catch {
            decodeErrors[error.reason]?.add()
            throw error
        }
        let itemCount = request.itemCount
        guard itemCount > 0 else { return responder.respond(to: .success(())) }
        let telemetry = Telemetry(
            signal: signal, bytes: request.bytes, itemCount: itemCount, receivedAtUnixNanos: WallClock.unixNanos,
            client: client)
        route.consumer.consume(telemetry) { outcome in
            switch outcome {
            case .success: route.accepted.add(itemCount)
            case .failure: route.refused.add(itemCount)
            }
            responder.respond(to: outcome)
        }
    }

    private func decode(
        _ body: consuming [UInt8], compressed compression: ContentEncoding, encoding: OTLPEncoding, signal: Signal
    ) throws(OTLPDecodeError) -> ValidatedRequest {
        var bytes = body
        if compression != .identity {
            do { bytes = try decompress(bytes, encoding: compression, limit: requestBytesMax) } catch {
                throw .compression(error)
            }
        }
        if encoding == .json {
            do { bytes = try OTLPRequest.fromJSON(bytes, signal: signal) } catch { throw .json(error) }
        }
        do { return try OTLPRequest.validate(bytes, signal: signal) } catch { throw .protobuf(error) }
    }
}

/// A value for each signal that has one, found without hashing.
private struct BySignal<Value: Sendable>: Sendable {
    private let traces: Value?
    private let metrics: Value?
    private let logs: Value?

    init(_ value: (Signal) -> Value?) {
        traces = value(.traces)
        metrics = value(.metrics)
        logs = value(.logs)
    }

    subscript(signal: Signal) -> Value? {
        switch signal {
        case .traces: traces
        case .metrics: metrics
        case .logs: logs
        }
    }
}

extension Signal {
    /// What its items are called in metric names.
    var itemName: String {
        switch self {
        case .traces: "spans"
        case .metrics: "metric_points"
        case .logs: "log_records"
        }
    }
}
