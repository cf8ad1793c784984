import Component
import Foundation
import Testing

@testable import Collector

/// A node as one line, for comparisons: `{a: 1, b: ["x", null]}`.
func rendered(_ node: ConfigNode?) -> String {
    guard let node else { return "(none)" }
    switch node.value {
    case .null: return "null"
    case .bool(let value): return "\(value)"
    case .int(let value): return "\(value)"
    case .double(let value): return "\(value)"
    case .string(let text): return "\"\(text)\""
    case .list(let nodes): return "[" + nodes.map { rendered($0) }.joined(separator: ", ") + "]"
    case .map(let entries):
        return "{" + entries.map { "\($0.key): \(rendered($0.node))" }.joined(separator: ", ") + "}"
    }
}

func parsed(_ text: String) throws(ConfigError) -> ConfigNode? {
    try YAMLParser.parse(Array(text.utf8), source: "config.yaml").root
}

/// The text of the error that `body` throws; nil when it throws none.
func failure<Value>(_ body: () throws -> Value) -> String? {
    do {
        _ = try body()
        return nil
    } catch {
        return "\(error)"
    }
}

/// What `sources` resolve to with the given variables.
func resolved(_ sources: [ConfigSource], _ environment: [String: String] = [:]) throws -> ResolvedConfig {
    try ConfigResolver.resolve(sources) { environment[$0] }
}

/// A directory of its own for one test, gone with it.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "collector-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: false, encoding: .utf8)
        return file
    }

    func read(_ name: String) throws -> String { try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }
}

/// The configurations that users run, in Tests/Support/Configs.
enum UserConfigs {
    static let names = ["clickstack-local", "clickstack-redis", "qa8", "qa10"]

    static func path(_ name: String) -> String {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return tests.appendingPathComponent("Support/Configs/\(name).yaml").path
    }

    static func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }
}

/// A generator whose sequence a seed decides. `TEST_SEED` replays one.
struct Randomness: RandomNumberGenerator {
    private var state: UInt64

    static let seeds: [UInt64] = {
        if let seed = ProcessInfo.processInfo.environment["TEST_SEED"].flatMap({ UInt64($0) }) { return [seed] }
        return [1, 2, 3, UInt64.random(in: 4...UInt64.max)]
    }()

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
