package import Foundation
import Synchronization

/// The real `otelcol`, run as a process of its own, its log read line by line.
package final class CollectorProcess: Sendable {
    package struct StartFailure: Error, CustomStringConvertible {
        package let description: String
    }

    private struct State {
        var lines: [String] = []
        var isFinished = false
    }

    private let state = Mutex(State())
    private let process: ChildProcess
    package let directory: URL

    /// Starts `otelcol --config <file>` in `directory` and waits until it says that it is ready.
    ///
    /// - Parameter launcher: the program, and its arguments, that starts otelcol; none starts it directly.
    package static func start(
        config: String, in directory: URL, arguments: [String] = [], environment: [String: String] = [:],
        launcher: [String] = []
    ) async throws -> CollectorProcess {
        let file = directory.appendingPathComponent("config.yaml")
        try config.write(to: file, atomically: true, encoding: .utf8)
        let collector = try CollectorProcess(
            arguments: ["--config", file.path] + arguments, directory: directory, environment: environment,
            launcher: launcher)
        let ready = await eventually {
            collector.hasExited || collector.logLine(containing: "Everything is ready") != nil
        }
        guard ready, !collector.hasExited else {
            collector.kill()
            throw StartFailure(description: "otelcol did not start:\n\(collector.log)")
        }
        return collector
    }

    /// Starts otelcol with `arguments` and waits for nothing.
    package init(
        arguments: [String], directory: URL, environment: [String: String] = [:], launcher: [String] = []
    ) throws {
        self.directory = directory
        process = try ChildProcess(
            launcher + [Self.binary.path] + arguments, directory: directory, environment: environment, output: .null,
            errors: .pipe)
        Thread.detachNewThread { [self] in readLines() }
    }

    /// `otelcol` beside the test program, or what OTELCOL_BINARY names.
    package static var binary: URL {
        if let path = ProcessInfo.processInfo.environment["OTELCOL_BINARY"] { return URL(fileURLWithPath: path) }
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return own.deletingLastPathComponent().appendingPathComponent("otelcol")
    }

    private func readLines() {
        var pending = Data()
        while let data = process.errors?.availableData, !data.isEmpty {
            pending.append(data)
            while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: pending[pending.startIndex..<end], as: UTF8.self)
                pending.removeSubrange(pending.startIndex...end)
                state.withLock { $0.lines.append(line) }
            }
        }
        state.withLock { $0.isFinished = true }
    }

    package var processID: Int32 { process.processID }
    package var hasExited: Bool { process.hasExited }
    package var log: String { state.withLock { $0.lines.joined(separator: "\n") } }

    package func logLine(containing text: String) -> String? {
        state.withLock { state in state.lines.first { $0.contains(text) } }
    }

    /// The address in the `endpoint` (or `address`) field of the first log line with `message`.
    package func endpoint(loggedWith message: String) throws -> String {
        guard let line = logLine(containing: message) else {
            throw StartFailure(description: "no log line \"\(message)\":\n\(log)")
        }
        for key in ["\"endpoint\": \"", "\"address\": \""] {
            if let start = line.range(of: key)?.upperBound, let end = line[start...].firstIndex(of: "\"") {
                return String(line[start..<end])
            }
        }
        throw StartFailure(description: "no address in: \(line)")
    }

    package var grpcEndpoint: String { get throws { try endpoint(loggedWith: "Starting GRPC server") } }
    package var httpEndpoint: String { get throws { try endpoint(loggedWith: "Starting HTTP server") } }
    package var healthEndpoint: String { get throws { try endpoint(loggedWith: "Starting health_check extension") } }
    package var metricsEndpoint: String { get throws { try endpoint(loggedWith: "Serving metrics") } }

    /// SIGTERM; the exit status once the process is gone, nil when it does not go.
    package func terminate() async -> Int32? {
        signal(SIGTERM)
        return await exitStatus()
    }

    /// Nothing for a process that has ended: its number may be another's by now.
    package func signal(_ number: Int32) {
        process.signal(number)
    }

    /// SIGKILL.
    package func kill() { signal(SIGKILL) }

    /// The status the process ended with; nil when it still runs after long. A signal counts as 128 + its number.
    package func exitStatus() async -> Int32? {
        _ = await eventually { hasExited }
        return process.status
    }
}
