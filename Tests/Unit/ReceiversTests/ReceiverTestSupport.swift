import Component
import Foundation
import Logging
import OTLP
import Receivers
import SocketTestSupport
import Synchronization

/// A pipeline that keeps what it gets, and answers as it is told.
final class FakeConsumer: TelemetryConsumer {
    typealias Completion = @Sendable (Result<Void, RefusalError>) -> Void

    enum Behaviour: Sendable {
        case accept
        case refuse(RefusalError)
        /// Leaves the completion to the test.
        case hold
    }

    private struct State {
        var received: [Telemetry] = []
        var held: [Completion] = []
        var behaviour = Behaviour.accept
    }

    private let state = Mutex(State())
    /// One element for each request.
    let arrivals: AsyncStream<Void>
    private let arrived: AsyncStream<Void>.Continuation

    init(_ behaviour: Behaviour = .accept) {
        (arrivals, arrived) = AsyncStream.makeStream()
        state.withLock { $0.behaviour = behaviour }
    }

    var received: [Telemetry] { state.withLock { $0.received } }
    var held: [Completion] { state.withLock { $0.held } }

    func consume(_ telemetry: consuming Telemetry, completion: @escaping Completion) {
        let kept = telemetry
        let behaviour = state.withLock { state in
            state.received.append(kept)
            if case .hold = state.behaviour { state.held.append(completion) }
            return state.behaviour
        }
        arrived.yield()
        switch behaviour {
        case .accept: Thread.detachNewThread { completion(.success(())) }
        case .refuse(let error): completion(.failure(error))
        case .hold: break
        }
    }
}

/// A configuration as the YAML reader would hand it over.
indirect enum Yaml: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    case value(ConfigValue)

    init(stringLiteral value: String) { self = .value(.string(value)) }
    init(integerLiteral value: Int64) { self = .value(.int(value)) }
    init(booleanLiteral value: Bool) { self = .value(.bool(value)) }
    init(nilLiteral: ()) { self = .value(.null) }
    init(arrayLiteral elements: Yaml...) { self = .value(.list(elements.map(\.node))) }
    init(dictionaryLiteral elements: (String, Yaml)...) {
        self = .value(
            .map(elements.map { ConfigEntry(key: $0, keyPosition: Yaml.position, node: $1.node) }))
    }

    private static let position = ConfigPosition(source: "test.yaml", line: 1, column: 1)

    var node: ConfigNode {
        switch self {
        case .value(let value): ConfigNode(value, at: Yaml.position)
        }
    }
}

/// Reads `receivers::otlp`.
func otlpConfig(_ yaml: Yaml) throws(ConfigError) -> OTLPReceiverConfig {
    try OTLPReceiverConfig.decode(yaml.node, path: "receivers::otlp")
}

/// A started receiver with a fake pipeline for each of `signals`.
struct RunningReceiver: Sendable {
    let receiver: OTLPReceiver
    let consumer: FakeConsumer
    let metrics: MetricRegistry

    static func start(
        _ protocols: Yaml, signals: [Signal] = Signal.allCases, consumer: FakeConsumer = FakeConsumer()
    ) async throws -> RunningReceiver {
        let metrics = MetricRegistry()
        let settings = ComponentSettings(
            id: ComponentID(type: "otlp"), logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            metrics: metrics, userAgent: "test/1")
        let consumers = Dictionary(uniqueKeysWithValues: signals.map { ($0, consumer as any TelemetryConsumer) })
        let receiver = try OTLPReceiver(
            config: otlpConfig(["protocols": protocols]), settings: settings, consumers: consumers)
        try await receiver.start()
        return RunningReceiver(receiver: receiver, consumer: consumer, metrics: metrics)
    }

    func stop() async { await receiver.stop(deadline: .now + .seconds(30)) }

    /// `name{label,…} value` for every series, sorted.
    var counters: [String] {
        metrics.snapshot().flatMap { family in
            family.samples.map { sample in
                let labels = sample.labels.pairs.map(\.value).joined(separator: ",")
                guard case .number(let value) = sample.value else { return family.name }
                return "\(family.name){\(labels)} \(Int(value))"
            }
        }.sorted()
    }
}

/// Requests that nginx sent.
enum Captures {
    static let names = ["003", "008", "014", "016", "018"]

    static func path(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Fixtures/nginx/\(name).pb").standardizedFileURL.path
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path(name))))
    }

    static func itemCount(_ name: String) throws -> Int {
        try OTLPRequest.validate(try bytes(name), signal: .traces).itemCount
    }
}
