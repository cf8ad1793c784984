import Component
import OTLP
import SendingQueue
import WriteAheadLog

/// A storage's logs as operators reach them: those that a running collector has open, or those of a stopped one.
protocol StorageAccess: Sendable {
    /// The logs but for the dead letters, by name.
    func logs() throws -> [LogReport]
    /// Works on the log called `name`, and closes it again if need be.
    func withLog<Result: Sendable>(_ name: String, _ body: (DiskLog) async throws -> Result) async throws -> Result
    /// Works on the dead letters. Nil: there are none, and never were.
    func withDeadLetters<Result: Sendable>(_ body: (DeadLetterLog) async throws -> Result) async throws -> Result?
    /// How the dead letters that were asked for will go out.
    var replayNotice: String { get }
}

extension StorageAccess {
    /// Bytes of telemetry that are shown at once.
    static var shownPayloadBytesMax: Int { 32 << 20 }

    /// Carries out `request`.
    ///
    /// - Returns: what to show.
    /// - Throws: `StorageError` and `LogError`.
    func perform(_ request: StorageRequest) async throws -> String {
        switch request.operation {
        case .list: return try await list(request)
        case .showLog: return try await showLog(request)
        case .showDeadLetters: return try await showDeadLetters(request)
        case .replay: return try await replay(request)
        case .purgeDeadLetters: return try await purgeDeadLetters(request)
        case .adopt:
            try await withLog(request.log) { try await $0.adopt(request.consumer, by: request.heir) }
            return request.isJSON
                ? line(.object([("log", .string(request.log)), ("consumer", .string(request.heir))]))
                : "\(request.heir) goes on in log \(request.log) where \(request.consumer) stopped.\n"
        case .purgeConsumer:
            let items = try await withLog(request.log) { try await $0.forget(request.consumer) }
            return request.isJSON
                ? line(.object([("log", .string(request.log)), ("purgedItems", .number(items))]))
                : "Consumer \(request.consumer) of log \(request.log) is gone, with \(items) items.\n"
        }
    }

    private func list(_ request: StorageRequest) async throws -> String {
        var reports = try logs()
        do {
            let letters = try await withDeadLetters { letters in
                LogReport(
                    name: DeadLetterStorage.logName, status: letters.status, consumers: [], letters: letters.letters())
            }
            if let letters { reports.append(letters) }
        } catch let error as LogError {
            reports.append(
                LogReport(
                    name: DeadLetterStorage.logName, status: LogStatus(), consumers: [], problem: "\(error)"))
        }
        if request.isJSON { return line(.object([("logs", .array(reports.map(\.json)))])) }
        return reports.isEmpty ? "No logs.\n" : reports.map(\.text).joined()
    }

    private func showLog(_ request: StorageRequest) async throws -> String {
        guard let report = try logs().first(where: { $0.name == request.log }) else {
            throw StorageError("there is no log \(request.log)")
        }
        if let problem = report.problem { throw StorageError("log \(request.log): \(problem)") }
        return request.isJSON ? line(report.json) : report.text
    }

    private func showDeadLetters(_ request: StorageRequest) async throws -> String {
        let filter = try request.filter()
        let shown = try await withDeadLetters { letters in
            let meant = letters.letters(filter)
            let bytes = meant.reduce(0) { $0 + $1.payloadBytes }
            // The collector must not run out of memory over a question.
            if request.withPayload, bytes > Self.shownPayloadBytesMax, meant.count > 1 {
                throw StorageError(
                    "the telemetry of \(meant.count) dead letters has \(bytes) bytes: ask for one --batch, "
                        + "or without --payload")
            }
            return try meant.map { kept in
                let payload = request.withPayload ? try letters.json(of: kept) : nil
                return request.isJSON ? kept.json(payload: payload).text : kept.text(payload: payload)
            }
        }
        guard let shown, !shown.isEmpty else { return request.isJSON ? "[]\n" : "No dead letters.\n" }
        return request.isJSON ? "[\(shown.joined(separator: ","))]\n" : shown.joined()
    }

    private func replay(_ request: StorageRequest) async throws -> String {
        let filter = try request.filter()
        let meant = try await withDeadLetters { try await $0.replay(filter) } ?? []
        return outcome(request, meant, key: "toBeReplayed", words: "will be sent again \(replayNotice)")
    }

    private func purgeDeadLetters(_ request: StorageRequest) async throws -> String {
        let filter = try request.filter()
        let meant = try await withDeadLetters { try await $0.purge(filter) } ?? []
        return outcome(request, meant, key: "purged", words: "are gone")
    }

    private func outcome(_ request: StorageRequest, _ meant: [KeptLetter], key: String, words: String) -> String {
        let items = meant.reduce(0) { $0 + $1.letter.itemCount }
        if request.isJSON {
            return line(.object([("\(key)Letters", .number(meant.count)), ("\(key)Items", .number(items))]))
        }
        return meant.isEmpty ? "No dead letters.\n" : "\(meant.count) letters with \(items) items \(words).\n"
    }

    private func line(_ json: JSONText) -> String { json.text + "\n" }
}

extension DeadLetterLog {
    /// The letter's request as OTLP/JSON.
    fileprivate func json(of kept: KeptLetter) throws -> [UInt8] {
        var output: [UInt8] = []
        try OTLPRequest.appendJSON(of: try payload(of: kept.sequence), signal: kept.letter.signal, to: &output)
        return output
    }
}
