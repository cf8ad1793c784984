internal import Compression
internal import HTTPClient
internal import OTLP
internal import TelemetryGenerator

/// What one load run does.
struct LoadSettings: Sendable {
    enum Transport: String, Sendable, CaseIterable {
        case grpc
        case httpProtobuf = "http/protobuf"
        case httpJSON = "http/json"
    }

    var transport = Transport.grpc
    /// With a scheme, without a slash at the end.
    var endpoint = "http://127.0.0.1:4317"
    var shape = TelemetryGenerator.Shape.service
    var signal = Signal.traces
    var seed: UInt64 = 1
    /// The first half of every trace id.
    var runID: UInt64 = 1
    /// Items per second; 0: as many as are acknowledged.
    var rate = 0.0
    /// Nil: no limit.
    var duration: Duration?
    /// Items; nil: no limit.
    var total: UInt64?
    /// Connections, each with one request at a time.
    var clientCount = 1
    /// Items per request.
    var batch = 512
    var compression = ContentEncoding.identity
    var headers: [(name: String, value: String)] = []
    /// For each attempt of a request.
    var timeout: Duration = .seconds(10)
    /// Nil: nothing is sent again.
    var retry: LoadRetryPolicy?
    var tls = HTTPClientTLS()

    /// Where requests go.
    var url: String {
        switch (transport, signal) {
        case (.grpc, .traces): "\(endpoint)/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        case (.grpc, .metrics): "\(endpoint)/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
        case (.grpc, .logs): "\(endpoint)/opentelemetry.proto.collector.logs.v1.LogsService/Export"
        default: "\(endpoint)/v1/\(signal.rawValue)"
        }
    }
}

/// What is sent again, and when.
struct LoadRetryPolicy: Sendable {
    /// Also what got no answer, and may have been taken: that makes duplicates.
    var includesUnanswered = false
    /// From the first attempt on; then the last answer counts.
    var elapsedMax: Duration = .seconds(300)

    private static let firstDelay = 1.0
    private static let delayMax = 30.0

    /// The time before another attempt: doubled each time, up to half of it by chance, or what the server asks for if
    /// that is longer.
    func delay(attempt: Int, serverDelay: Duration?) -> Duration {
        let delay = min(Self.firstDelay * Double(1 << min(attempt, 10)), Self.delayMax)
        return max(.seconds(delay * Double.random(in: 0.5...1)), serverDelay ?? .zero)
    }
}
