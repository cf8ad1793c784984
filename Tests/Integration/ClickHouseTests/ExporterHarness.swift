import Component
import Foundation
import Logging
import OTLP
import Synchronization
import TelemetryGenerator
import TestSupport
import WriteAheadLog

@testable import Exporters

/// An exporter as the program makes it, with what it logs and counts at hand.
struct ExporterHarness {
    let exporter: any Exporter
    let metrics = MetricRegistry()
    let log = LogRecorder()

    /// - Parameter keys: of the exporter's configuration.
    init(_ signal: Signal, _ keys: [String: ConfigValue]) throws {
        let position = ConfigPosition(source: "test", line: 1, column: 1)
        let entries = keys.map {
            ConfigEntry(key: $0.key, keyPosition: position, node: ConfigNode($0.value, at: position))
        }
        var map = ConfigMap(entries: entries, path: "exporters::clickhouse", position: position)
        let make = try ExporterFactory.clickhouse.configure(&map)
        try map.finish()
        exporter = try make(
            ComponentSettings(
                id: ComponentID(type: "clickhouse"), logger: log.logger, metrics: metrics, userAgent: "tester/1.2.3"),
            signal)
    }

    /// - Parameters:
    ///   - scheme: `tcp` or `http`.
    ///   - parameters: of the endpoint.
    init(
        _ signal: Signal, port: Int, database: String, scheme: String = "tcp", user: String = "otel",
        password: String = "secret", parameters: String = "", createSchema: Bool = true
    ) throws {
        try self.init(
            signal,
            [
                "endpoint": .string("\(scheme)://127.0.0.1:\(port)?dial_timeout=60s\(parameters)"),
                "username": .string(user), "password": .string(password), "database": .string(database),
                "create_schema": .bool(createSchema),
            ])
    }

    /// How an attempt ended, in a form that compares.
    func outcome(of batch: Batch) async -> Outcome {
        do {
            _ = try await exporter.export(batch)
            return .delivered
        } catch {
            switch error {
            case .retry(_, let progress, let reason):
                return .retry(progress: String(decoding: progress, as: UTF8.self), reason: reason)
            case .misconfigured(let reason): return .misconfigured(reason: reason)
            case .payload(let reason): return .payload(reason: reason)
            }
        }
    }

    enum Outcome: Equatable {
        case delivered
        case retry(progress: String, reason: String)
        case misconfigured(reason: String)
        case payload(reason: String)
    }

    func counter(_ name: String) -> Int {
        metrics.snapshot().first { $0.name == name }?.samples.reduce(0) { sum, sample in
            if case .number(let value) = sample.value { sum + Int(value) } else { sum }
        } ?? 0
    }
}

/// Keeps what is logged: `level message key=value …`.
final class LogRecorder: Sendable {
    private let entries = Mutex<[String]>([])
    var lines: [String] { entries.withLock { $0 } }
    var logger: Logger { Logger(label: "test") { _ in RecordingHandler(recorder: self) } }

    func record(_ line: String) { entries.withLock { $0.append(line) } }
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
        recorder.record(([event.level.rawValue, "\(event.message)"] + fields).joined(separator: " "))
    }
}

/// Batches whose rows can be told apart.
enum Batches {
    static let startUnixSeconds: UInt64 = 1_790_000_000

    static func spans(_ seed: UInt64, id: UInt64 = 1, count: Int = 50) -> Batch {
        var generator = TelemetryGenerator(.service, seed: seed)
        return batch(id, .traces, generator.request(itemCount: count), count)
    }

    /// - Parameter days: one record on each.
    static func logs(_ id: UInt64, days: Range<UInt64>) -> Batch {
        let records = days.map { day in
            message(
                2, [time(1, day), ProtobufField(5, .message(ProtobufMessage([text(1, "batch \(id) day \(day)")])))])
        }
        return batch(id, .logs, wrapped(records), days.count)
    }

    /// One gauge and one sum with `count` points each.
    static func metrics(_ id: UInt64, count: Int) -> Batch {
        let points = (0..<UInt64(count)).map { message(1, [time(3, 0, nanos: $0), ProtobufField(6, .fixed64($0))]) }
        let gauge = message(2, [text(1, "g\(id)"), message(5, points)])
        let sum = message(2, [text(1, "s\(id)"), message(7, points)])
        return batch(id, .metrics, wrapped([gauge, sum]), 2 * count)
    }

    private static func batch(_ id: UInt64, _ signal: Signal, _ payload: [UInt8], _ count: Int) -> Batch {
        Batch(
            id: BatchID(high: 7, low: id), signal: signal, payloads: [payload], itemCount: count,
            timeout: .seconds(60))
    }

    private static func wrapped(_ items: [ProtobufField]) -> [UInt8] {
        ProtobufMessage([message(1, [message(2, items)])]).bytes
    }

    private static func message(_ number: UInt32, _ fields: [ProtobufField]) -> ProtobufField {
        ProtobufField(number, .message(ProtobufMessage(fields)))
    }

    private static func text(_ number: UInt32, _ text: String) -> ProtobufField {
        ProtobufField(number, .bytes(Array(text.utf8)))
    }

    private static func time(_ number: UInt32, _ day: UInt64, nanos: UInt64 = 0) -> ProtobufField {
        ProtobufField(number, .fixed64((startUnixSeconds + day * 86_400) * 1_000_000_000 + nanos))
    }
}

extension TestServer {
    /// The answer's text without its last line break.
    static func text(_ sql: String, httpPort: Int) throws -> String {
        var text = String(decoding: try query(sql, httpPort: httpPort), as: UTF8.self)
        if text.last == "\n" { text.removeLast() }
        return text
    }

    func text(_ sql: String) throws -> String { try Self.text(sql, httpPort: httpPort) }

    func count(_ table: String) throws -> Int { Int(try text("SELECT count() FROM \(table)")) ?? -1 }
}
