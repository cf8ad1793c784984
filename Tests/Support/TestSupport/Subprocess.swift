package import Foundation
import Synchronization

/// What a finished program said.
package struct SubprocessResult: Sendable {
    package let status: Int32
    package let outputBytes: Data
    package let errors: String
    package var output: String { String(decoding: outputBytes, as: UTF8.self) }
}

/// Runs `arguments[0]`, a path or a name found in PATH, to its end.
package func runSubprocess(
    _ arguments: [String], input: Data? = nil, directory: URL? = nil, environment: [String: String] = [:]
) async throws
    -> SubprocessResult
{
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    if let directory { process.currentDirectoryURL = directory }
    let output = Pipe()
    let errors = Pipe()
    let standardInput = Pipe()
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = input == nil ? FileHandle.nullDevice : standardInput
    let collected = Mutex((output: Data(), errors: Data()))
    return try await withCheckedThrowingContinuation { continuation in
        do {
            try process.run()
        } catch {
            continuation.resume(throwing: error)
            return
        }
        let group = DispatchGroup()
        let queue = DispatchQueue(label: "subprocess", attributes: .concurrent)
        queue.async(group: group) {
            let data = output.fileHandleForReading.readDataToEndOfFile()
            collected.withLock { $0.output = data }
        }
        queue.async(group: group) {
            let data = errors.fileHandleForReading.readDataToEndOfFile()
            collected.withLock { $0.errors = data }
        }
        if let input {
            queue.async(group: group) {
                try? standardInput.fileHandleForWriting.write(contentsOf: input)
                try? standardInput.fileHandleForWriting.close()
            }
        }
        group.notify(queue: queue) {
            process.waitUntilExit()
            let (output, errors) = collected.withLock { $0 }
            continuation.resume(
                returning: SubprocessResult(
                    status: process.terminationStatus, outputBytes: output,
                    errors: String(decoding: errors, as: UTF8.self)))
        }
    }
}

/// The package's folder, found from this file.
package let packageDirectory: URL = {
    var directory = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { directory.deleteLastPathComponent() }
    return directory
}()

/// A new empty folder, removed by `body`'s end.
package func withTemporaryDirectory<Result>(_ body: (URL) async throws -> Result) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("otelcol-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    return try await body(directory)
}
