import Component
import Logging
import OTLP
import SendingQueue
import WriteAheadLog

/// A storage directory that no collector serves. What changes a log, and the dead letters, are opened exclusively.
package struct StoppedStorage: StorageAccess {
    private let directory: String

    /// - Throws: when the directory cannot be read.
    package init(directory: String) throws(StorageError) {
        self.directory = directory
        do {
            _ = try PosixFileSystem().list(directory)
        } catch {
            throw StorageError("\(directory): \(error.reason)")
        }
    }

    var replayNotice: String { "when the collector starts" }

    func logs() throws -> [LogReport] { try logs(except: []) }

    func logs(except known: Set<String>) throws -> [LogReport] {
        try names().compactMap { directoryName in
            let name = Self.logName(directoryName)
            if name == DeadLetterStorage.logName || known.contains(name) { return nil }
            do {
                let found = try DiskLog.inspect("\(directory)/\(directoryName)")
                return LogReport(name: name, status: found.status, consumers: found.consumers)
            } catch {
                return LogReport(name: name, status: LogStatus(), consumers: [], problem: "\(error)")
            }
        }
    }

    private func names() throws(StorageError) -> [String] {
        do {
            return try PosixFileSystem().list(directory).filter { DiskLog.isLog("\(directory)/\($0)") }.sorted()
        } catch {
            throw StorageError("\(directory): \(error.reason)")
        }
    }

    func withLog<Result: Sendable>(_ name: String, _ body: (DiskLog) async throws -> Result) async throws -> Result {
        guard let directoryName = try names().first(where: { $0 == name || Self.logName($0) == name }) else {
            throw StorageError("there is no log \(name) in \(directory)")
        }
        let log = try DiskLog.open(DiskLogConfiguration(directory: "\(directory)/\(directoryName)"))
        return try await closing(log) { try await body(log) }
    }

    func withDeadLetters<Result: Sendable>(
        _ body: (DeadLetterLog) async throws -> Result
    ) async throws -> Result? {
        let path = "\(directory)/\(DeadLetterStorage.logName)"
        guard DiskLog.isLog(path) else { return nil }
        let log = try DiskLog.open(
            DiskLogConfiguration(
                directory: path, segmentBytes: DeadLetterStorage.segmentBytes,
                spareSegments: DeadLetterStorage.spareSegments))
        return try await closing(log) {
            var logger = Logger(label: "wal")
            logger.handler = SwiftLogNoOpLogHandler()
            let letters = try DeadLetterLog(
                log: log,
                slice: { (range, request, signal) throws(WireError) in
                    try OTLPRequest.items(range, of: request, signal: signal)
                }, logger: logger)
            return try await body(letters)
        }
    }

    private func closing<Result>(_ log: DiskLog, _ body: () async throws -> Result) async throws -> Result {
        do {
            let result = try await body()
            await log.close()
            return result
        } catch {
            await log.close()
            throw error
        }
    }

    /// `traces__2` is the directory of the log `traces/2`; other bytes are written `~XX`.
    static func logName(_ directoryName: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(directoryName.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "~"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else if byte == UInt8(ascii: "_"), rest.first == UInt8(ascii: "_") {
                bytes.append(UInt8(ascii: "/"))
                rest = rest.dropFirst()
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
