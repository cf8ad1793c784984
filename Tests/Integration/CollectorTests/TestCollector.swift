import Foundation
import TestSupport
import Testing

/// All tests with the real program. One at a time: each brings processes of its own, and some watch a shutdown that has
/// only seconds.
@Suite("End to end", .serialized)
enum EndToEnd {}

/// What every test's configuration stands on: OTLP on free ports, the program's own metrics on another.
let baseConfig = """
    receivers:
      otlp:
        protocols:
          grpc: {endpoint: "127.0.0.1:0"}
          http: {endpoint: "127.0.0.1:0"}
    extensions:
      health_check: {endpoint: "127.0.0.1:0"}
    service:
      extensions: [health_check]
      telemetry:
        metrics: {address: "127.0.0.1:0"}
    """

/// A pipeline for each signal, from OTLP to `out.json`.
let toFile = """
    exporters:
      file: {path: out.json}
    service:
      pipelines:
        traces: {receivers: [otlp], exporters: [file]}
        metrics: {receivers: [otlp], exporters: [file]}
        logs: {receivers: [otlp], exporters: [file]}
    """

/// Starts otelcol in `directory` with `config` on top of `baseConfig`.
func startCollector(
    _ config: String, in directory: URL, arguments: [String] = [], environment: [String: String] = [:],
    launcher: [String] = []
) async throws -> CollectorProcess {
    let file = directory.appendingPathComponent("own.yaml")
    try config.write(to: file, atomically: true, encoding: .utf8)
    return try await CollectorProcess.start(
        config: baseConfig, in: directory, arguments: ["--config", file.path] + arguments, environment: environment,
        launcher: launcher)
}

/// Starts otelcol, runs `body`, and ends otelcol, whatever happens; unless it has ended, it must end with status 0.
func withCollector(
    _ config: String, arguments: [String] = [], environment: [String: String] = [:],
    _ body: (CollectorProcess) async throws -> Void
) async throws {
    try await withTemporaryDirectory { directory in
        let collector = try await startCollector(
            config, in: directory, arguments: arguments, environment: environment)
        do {
            try await body(collector)
        } catch {
            collector.kill()
            throw error
        }
        guard !collector.hasExited else { return }
        #expect(await collector.terminate() == 0, "\(collector.log)")
    }
}

/// Runs otelcol to its end.
func runCollector(
    _ arguments: [String], in directory: URL? = nil, environment: [String: String] = [:]
) async throws -> SubprocessResult {
    try await runSubprocess(
        [CollectorProcess.binary.path] + arguments, directory: directory, environment: environment)
}

/// Runs one of the Python clients.
func runPython(_ script: String, _ arguments: [String]) async throws -> SubprocessResult {
    let path = packageDirectory.appendingPathComponent("Tests/Integration/python/\(script).py").path
    return try await runSubprocess(["python3", path] + arguments)
}

/// The captured requests of nginx, in order.
func nginxCaptures() throws -> [URL] {
    let folder = packageDirectory.appendingPathComponent("Tests/Fixtures/nginx")
    return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        .filter { $0.pathExtension == "pb" }
        .sorted { $0.path < $1.path }
}

/// What the file exporter wrote; as JSON lines unless said otherwise.
struct ExportedFile {
    let url: URL

    init(_ name: String = "out.json", of collector: CollectorProcess) {
        url = collector.directory.appendingPathComponent(name)
    }

    /// Whole lines only; no file is no lines.
    private func documents() throws -> [[String: Any]] {
        guard let data = FileManager.default.contents(atPath: url.path),
            let end = data.lastIndex(of: UInt8(ascii: "\n"))
        else { return [] }
        return try data[..<end].split(separator: UInt8(ascii: "\n")).map { line in
            try #require(try JSONSerialization.jsonObject(with: line) as? [String: Any])
        }
    }

    private func items(_ outer: String, _ inner: String, _ leaf: String) throws -> [[String: Any]] {
        let resources = try documents().flatMap { $0[outer] as? [[String: Any]] ?? [] }
        let scopes = resources.flatMap { $0[inner] as? [[String: Any]] ?? [] }
        return scopes.flatMap { $0[leaf] as? [[String: Any]] ?? [] }
    }

    func spans() throws -> [[String: Any]] { try items("resourceSpans", "scopeSpans", "spans") }
    func logRecords() throws -> [[String: Any]] { try items("resourceLogs", "scopeLogs", "logRecords") }
    func metrics() throws -> [[String: Any]] { try items("resourceMetrics", "scopeMetrics", "metrics") }

    /// The records of a file in protobuf: each has its length in front, in four bytes.
    func records() throws -> [Data] {
        var rest = try Data(contentsOf: url)
        var records: [Data] = []
        while !rest.isEmpty {
            try #require(rest.count >= 4)
            let count = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            try #require(rest.count >= count)
            records.append(Data(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return records
    }

    func spanIDs() throws -> [String] { try spans().map { try #require($0["spanId"] as? String) } }
    func spanNames() throws -> [String] { try spans().map { try #require($0["name"] as? String) } }
}

/// The text values of an item's attributes.
func textAttributes(_ item: [String: Any]) -> [String: String] {
    var result: [String: String] = [:]
    for attribute in item["attributes"] as? [[String: Any]] ?? [] {
        guard let key = attribute["key"] as? String, let value = attribute["value"] as? [String: Any] else { continue }
        result[key] = value["stringValue"] as? String
    }
    return result
}
