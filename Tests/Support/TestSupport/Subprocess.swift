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
) async throws -> SubprocessResult {
    try await onThread {
        let process = try ChildProcess(
            arguments, directory: directory, environment: environment, input: input == nil ? .null : .pipe,
            errors: .pipe)
        let errors = Mutex(Data())
        let group = DispatchGroup()
        // Side by side, because a pipe that nobody reads stops the process.
        inThread(of: group) {
            let data = process.errors?.readDataToEndOfFile()
            errors.withLock { $0 = data ?? Data() }
        }
        if let input {
            inThread(of: group) {
                // What a process does not want to read is seen in what it says.
                try? process.input?.write(contentsOf: input)
                try? process.input?.close()
            }
        }
        let output = process.output?.readDataToEndOfFile() ?? Data()
        group.wait()
        return SubprocessResult(
            status: process.waitUntilExit(), outputBytes: output,
            errors: String(decoding: errors.withLock { $0 }, as: UTF8.self))
    }
}

/// Runs blocking code on a thread of its own, so that it takes none from Swift's pool.
package func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Swift.Result(catching: body)) }
    }
}

private func inThread(of group: DispatchGroup, _ body: @escaping @Sendable () -> Void) {
    group.enter()
    Thread.detachNewThread {
        body()
        group.leave()
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
