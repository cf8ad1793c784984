import Component
import Logging
import OTLP
import Synchronization

/// A configuration written as Swift literals.
indirect enum ConfigLiteral: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    case value(ConfigValue)
    case list([ConfigLiteral])
    case map([(String, ConfigLiteral)])

    init(dictionaryLiteral elements: (String, ConfigLiteral)...) { self = .map(elements) }
    init(arrayLiteral elements: ConfigLiteral...) { self = .list(elements) }
    init(stringLiteral value: String) { self = .value(.string(value)) }
    init(integerLiteral value: Int64) { self = .value(.int(value)) }
    init(floatLiteral value: Double) { self = .value(.double(value)) }
    init(booleanLiteral value: Bool) { self = .value(.bool(value)) }
    init(nilLiteral: ()) { self = .value(.null) }

    var node: ConfigNode {
        let position = ConfigPosition(source: "test.yaml", line: 3, column: 5)
        switch self {
        case .value(let value): return ConfigNode(value, at: position)
        case .list(let values): return ConfigNode(.list(values.map(\.node)), at: position)
        case .map(let pairs):
            return ConfigNode(
                .map(pairs.map { ConfigEntry(key: $0.0, keyPosition: position, node: $0.1.node) }), at: position)
        }
    }
}

extension ProcessorFactory {
    /// Reads a whole block, as the program does.
    func role(_ config: ConfigLiteral) throws -> ProcessorRole {
        var map = try ConfigMap(config.node, path: "processors::\(type)")
        let role = try configure(&map)
        try map.finish()
        return role
    }

    func make(
        _ config: ConfigLiteral, _ signal: Signal = .traces, settings: ComponentSettings = .test()
    ) throws -> any Processor {
        guard case .perRequest(let make) = try role(config) else { throw NotPerRequest() }
        return try make(settings, signal)
    }

    /// The findings that a configuration is refused with: at reading, or when a processor of `signal` is made.
    func findings(_ config: ConfigLiteral, _ signal: Signal = .traces) -> [String] {
        do {
            _ = try make(config, signal)
            return []
        } catch let error as ConfigError {
            return error.findings.map(\.message)
        } catch {
            return ["\(error)"]
        }
    }
}

struct NotPerRequest: Error {}

extension ComponentSettings {
    static func test(
        _ id: ComponentID = ComponentID(type: "test"), metrics: MetricRegistry = MetricRegistry(),
        log: LogRecorder = LogRecorder()
    ) -> ComponentSettings {
        ComponentSettings(
            id: id, logger: Logger(label: "test", factory: { _ in log }), metrics: metrics, userAgent: "test/1")
    }
}

extension MetricRegistry {
    /// The value of a counter; nil when it is not shown.
    func value(_ name: String, _ label: String? = nil) -> Double? {
        for sample in snapshot().first(where: { $0.name == name })?.samples ?? [] {
            guard label == nil || sample.labels.pairs.contains(where: { $0.value == label }) else { continue }
            if case .number(let value) = sample.value { return value }
        }
        return nil
    }
}

/// Keeps log lines as `level message`.
final class LogRecorder: LogHandler {
    private let recorded = Mutex<[String]>([])
    var lines: [String] { recorded.withLock { $0 } }

    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) { recorded.withLock { $0.append("\(event.level) \(event.message)") } }
}
