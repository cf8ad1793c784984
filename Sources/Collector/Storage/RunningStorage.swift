import Component
import SendingQueue
import WriteAheadLog

/// A storage whose logs this process has open.
struct RunningStorage: StorageAccess {
    let openLogs: [(name: String, log: DiskLog)]
    let deadLetters: DeadLetterLog
    /// Logs in the same directory that no pipeline uses any more; nil when the storage has no directory.
    let rest: StoppedStorage?

    var replayNotice: String { "now" }

    func logs() throws -> [LogReport] {
        let used = openLogs.map { LogReport(name: $0.name, status: $0.log.status, consumers: $0.log.consumers) }
        let unused = try rest?.logs(except: Set(openLogs.map(\.name))) ?? []
        return (used + unused).sorted { $0.name < $1.name }
    }

    func withLog<Result: Sendable>(_ name: String, _ body: (DiskLog) async throws -> Result) async throws -> Result {
        guard let open = openLogs.first(where: { $0.name == name }) else {
            guard let rest else { throw StorageError("there is no log \(name)") }
            return try await rest.withLog(name, body)
        }
        return try await body(open.log)
    }

    func withDeadLetters<Result: Sendable>(_ body: (DeadLetterLog) async throws -> Result) async throws -> Result? {
        try deadLetters.load()
        return try await body(deadLetters)
    }

    /// Answers what `otelcol wal` sends.
    func answer(_ text: String) async -> (isSuccess: Bool, text: String) {
        do {
            return (true, try await perform(try StorageRequest(text: text)))
        } catch {
            return (false, "\(error)\n")
        }
    }
}
