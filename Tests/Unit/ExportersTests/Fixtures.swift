import Component
import Foundation
import Logging
import OTLP
import Synchronization
import WriteAheadLog

@testable import Exporters

// MARK: Configuration

extension ConfigValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral {
    package init(stringLiteral value: String) { self = .string(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int64) { self = .int(value) }
}

private let position = ConfigPosition(source: "test", line: 1, column: 1)

func block(_ pairs: KeyValuePairs<String, ConfigValue>) -> ConfigValue {
    .map(pairs.map { ConfigEntry(key: $0.key, keyPosition: position, node: ConfigNode($0.value, at: position)) })
}

func configure<Config: ComponentConfig>(
    _ type: Config.Type, _ pairs: KeyValuePairs<String, ConfigValue>
) throws(ConfigError) -> Config {
    try Config.decode(ConfigNode(block(pairs), at: position), path: "")
}

/// `pairs` and what `more` adds to them.
func joined(
    _ pairs: KeyValuePairs<String, ConfigValue>, _ more: KeyValuePairs<String, ConfigValue>
) -> ConfigValue {
    guard case .map(let first) = block(pairs), case .map(let second) = block(more) else { return .null }
    return .map(first + second)
}

/// The message of the one finding, or what happened instead.
func configMessage<Config: ComponentConfig>(
    _ type: Config.Type, _ pairs: KeyValuePairs<String, ConfigValue>
) -> String { configMessage(type, block(pairs)) }

func configMessage<Config: ComponentConfig>(_ type: Config.Type, _ block: ConfigValue) -> String {
    do {
        _ = try Config.decode(ConfigNode(block, at: position), path: "")
        return "(accepted)"
    } catch {
        return error.findings.map(\.message).joined(separator: "\n")
    }
}

/// Makes an exporter as the program does.
func makeExporter(
    _ factory: ExporterFactory, _ pairs: KeyValuePairs<String, ConfigValue>, signal: Signal,
    logger: Logger = Logger(label: "test")
) throws -> any Exporter { try makeExporter(factory, block(pairs), signal: signal, logger: logger) }

func makeExporter(
    _ factory: ExporterFactory, _ block: ConfigValue, signal: Signal, logger: Logger
) throws -> any Exporter {
    var map = try ConfigMap(ConfigNode(block, at: position), path: "")
    let make = try factory.configure(&map)
    try map.finish()
    let settings = ComponentSettings(
        id: ComponentID(type: factory.type), logger: logger, metrics: MetricRegistry(), userAgent: "tester/1")
    return try make(settings, signal)
}

func batch(
    _ payloads: [[UInt8]], _ signal: Signal, items: Int, timeout: Duration? = nil, progress: [UInt8] = []
) -> Batch {
    Batch(
        id: BatchID(high: 1, low: 2), signal: signal, payloads: payloads, itemCount: items, timeout: timeout,
        progress: progress)
}

// MARK: Protobuf

/// A length-delimited field.
func field(_ number: Int, _ content: [UInt8]) -> [UInt8] { varint(number << 3 | 2) + varint(content.count) + content }
func field(_ number: Int, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }
func number(_ number: Int, _ value: Int) -> [UInt8] { varint(number << 3) + varint(value) }
func fixed(_ number: Int, _ value: UInt64) -> [UInt8] {
    varint(number << 3 | 1) + (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}
func double(_ number: Int, _ value: Double) -> [UInt8] { fixed(number, value.bitPattern) }

private func varint(_ value: Int) -> [UInt8] {
    var rest = UInt64(bitPattern: Int64(value))
    var bytes: [UInt8] = []
    while rest >= 0x80 {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
    }
    return bytes + [UInt8(rest)]
}

func attribute(_ key: String, _ value: [UInt8], in number: Int) -> [UInt8] {
    field(number, field(1, key) + field(2, value))
}
func text(_ value: String) -> [UInt8] { field(1, value) }

/// A request with one resource, one scope, and these items (spans, log records, metrics).
func request(_ items: [[UInt8]], service: String? = "shop") -> [UInt8] {
    let resource = service.map { attribute("service.name", text($0), in: 1) } ?? []
    let scope = field(1, "lib") + field(2, "1.2")
    return field(1, field(1, resource) + field(2, field(1, scope) + items.flatMap { field(2, $0) }))
}

func logRecord(_ body: String) -> [UInt8] { field(5, text(body)) }

// MARK: Files and logs

func withTemporaryDirectory(_ body: (String) async throws -> Void) async throws {
    let path = NSTemporaryDirectory() + "exporters-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await body(path)
}

func contents(_ path: String) -> String {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? "(no file)"
}

/// Keeps what is logged.
final class LogRecorder: Sendable {
    private let entries = Mutex<[String]>([])
    var lines: [String] { entries.withLock { $0 } }

    func record(_ line: String) { entries.withLock { $0.append(line) } }

    var logger: Logger { Logger(label: "test") { _ in RecordingHandler(recorder: self) } }
}

private struct RecordingHandler: LogHandler {
    let recorder: LogRecorder
    var logLevel = Logger.Level.debug
    var metadata: Logger.Metadata = [:]

    init(recorder: LogRecorder) { self.recorder = recorder }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        recorder.record(([event.level.rawValue, "\(event.message)"] + fields).joined(separator: " | "))
    }
}

// MARK: Outcomes

/// How an export failed, or that it did not, in a form that compares.
struct Failure: Equatable {
    enum Kind {
        case none
        case retry
        case misconfigured
        case payload
    }

    var kind = Kind.none
    var after: Duration?
    var progress: [UInt8] = []
    var reason = ""
}

func failure(of exporter: any Exporter, _ batch: Batch) async -> Failure {
    do {
        _ = try await exporter.export(batch)
        return Failure()
    } catch {
        switch error {
        case .retry(let after, let progress, let reason):
            return Failure(kind: .retry, after: after, progress: progress, reason: reason)
        case .misconfigured(let reason): return Failure(kind: .misconfigured, reason: reason)
        case .payload(let reason): return Failure(kind: .payload, reason: reason)
        }
    }
}
