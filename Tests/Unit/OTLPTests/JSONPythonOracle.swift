import Foundation
import OTLP
import TestSupport

/// Google's protobuf for Python, asked by way of `Tests/Integration/python/json_oracle.py`.
enum JSONPythonOracle {
    enum Command {
        case json(Signal, [UInt8])
        case compareJSON(Signal, [UInt8], with: [UInt8])
        case compareProtobuf(Signal, [UInt8], with: [UInt8])

        fileprivate var line: String {
            switch self {
            case .json(let signal, let request): "json \(signal) \(hex(request))"
            case .compareJSON(let signal, let request, let json): "compare-json \(signal) \(hex(request)) \(hex(json))"
            case .compareProtobuf(let signal, let request, let other):
                "compare-protobuf \(signal) \(hex(request)) \(hex(other))"
            }
        }

        private func hex(_ bytes: [UInt8]) -> String {
            bytes.isEmpty ? "-" : bytes.map { String(format: "%02x", $0) }.joined()
        }
    }

    /// What the oracle itself could not do.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The answer to each command.
    static func answers(to commands: [Command]) throws -> [String] {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Integration/python/json_oracle.py")
        // A file, because two pipes to one process could fill up and wait for each other.
        let input = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try Data(commands.map { $0.line + "\n" }.joined().utf8).write(to: input)
        defer { try? FileManager.default.removeItem(at: input) }
        let complaints = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: complaints) }
        let python = try ChildProcess(["python3", script.path], input: .file(input), errors: .file(complaints))
        let text = String(decoding: python.output?.readDataToEndOfFile() ?? Data(), as: UTF8.self)
        let status = python.waitUntilExit()
        let complaint = try String(contentsOf: complaints, encoding: .utf8)
        guard status == 0 else { throw Failure(description: complaint) }
        let lines = text.split(separator: "\n").map(String.init)
        guard lines.count == commands.count else {
            throw Failure(description: "\(lines.count) answers to \(commands.count) commands; \(complaint)")
        }
        return lines
    }
}
