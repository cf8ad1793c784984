package import Component
import Logging
import Synchronization
package import WriteAheadLog

/// Keeps logs in a directory of its own for each: what `sending_queue.storage: file_storage` names.
package final class FileStorageExtension: StorageExtension {
    private let config: FileStorageConfig
    private let settings: ComponentSettings
    private let fileSystem: any FileSystem
    /// Tells what happens in a log, besides what is logged and counted here.
    private let onEvent: @Sendable (String, DiskLogEvent) -> Void
    private let control = Mutex<ControlSocket?>(nil)

    package init(
        config: FileStorageConfig, settings: ComponentSettings, fileSystem: any FileSystem = PosixFileSystem(),
        onEvent: @escaping @Sendable (String, DiskLogEvent) -> Void = { _, _ in }
    ) {
        self.config = config
        self.settings = settings
        self.fileSystem = fileSystem
        self.onEvent = onEvent
    }

    /// Makes the directory if it may, and tries whether it can be written.
    package func start() async throws {
        try prepareDirectory()
        if config.hasCompaction {
            settings.logger.info("compaction is not needed: logs give their space back by whole files")
        }
        if !config.fsync {
            settings.logger.warning("fsync is off: a power failure loses what was acknowledged shortly before")
        }
    }

    package var directory: String? { config.directory }

    package func serveControl(_ answer: @escaping StorageControl) async throws {
        let socket = try ControlSocket(directory: config.directory, answer: answer)
        try await socket.start()
        control.withLock { $0 = socket }
    }

    package func stop() async { await control.withLock { $0.take() }?.stop() }

    package func openLog(name: String) throws(LogError) -> any Log {
        let directory = "\(config.directory)/\(FileStorageExtension.directoryName(name))"
        var configuration = DiskLogConfiguration(
            directory: directory, fsync: config.fsync, bytesMax: config.bytesMax, freeBytesMin: config.freeBytesMin,
            onFull: config.onFull, retention: config.retention,
            tailBudget: .process, lockTimeout: config.timeout, directoryPermissions: config.directoryPermissions)
        if name == DeadLetterStorage.logName {
            configuration.bytesMax = config.deadLettersBytesMax
            configuration.onFull = .refuse
            configuration.retention = nil
            configuration.segmentBytes = DeadLetterStorage.segmentBytes
            configuration.spareSegments = DeadLetterStorage.spareSegments
        }
        let reporter = makeReporter(name)
        do {
            return try DiskLog.open(configuration, fileSystem: fileSystem, onEvent: reporter)
        } catch let error where config.recreate && error.code == .unsupportedFormat {
            try setAside(directory, because: error)
            return try DiskLog.open(configuration, fileSystem: fileSystem, onEvent: reporter)
        }
    }

    /// The directory name of a log: letters, digits, `.`, `_` and `-` stay, a slash becomes `__`, other bytes `~XX`.
    package static func directoryName(_ name: String) -> String {
        var result = ""
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                result.append(Character(Unicode.Scalar(byte)))
            case UInt8(ascii: ".") where !result.isEmpty: result.append(".")
            case UInt8(ascii: "/"): result += "__"
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += "~" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return result
    }

    private func prepareDirectory() throws(ConfigError) {
        let directory = config.directory
        do {
            _ = try fileSystem.list(directory)
        } catch let error where error.isMissing {
            guard config.createDirectory else {
                throw refusal(
                    "directory must exist: stat \(directory): \(error.reason). "
                        + "You can enable the create_directory option to automatically create it")
            }
            do {
                try fileSystem.makeDirectory(directory, permissions: config.directoryPermissions)
            } catch {
                throw refusal("the directory cannot be made: \(error)")
            }
        } catch {
            throw refusal("the directory cannot be read: \(error)")
        }
        let probe = "\(directory)/.writable"
        do {
            let file = try fileSystem.open(probe, .create)
            try file.writeAll([1], at: 0)
            try fileSystem.remove(probe)
        } catch {
            throw refusal("the directory cannot be written: \(error)")
        }
    }

    private func refusal(_ message: String) -> ConfigError { ConfigError(at: nil, path: config.path, message) }

    /// Moves a log's directory out of the way, as `recreate` asks for.
    private func setAside(_ directory: String, because error: LogError) throws(LogError) {
        var number = 1
        while (try? fileSystem.list("\(directory).backup.\(number)")) != nil { number += 1 }
        let backup = "\(directory).backup.\(number)"
        do {
            try fileSystem.rename(directory, to: backup)
        } catch {
            throw LogError(.io, "\(error.operation): \(error.reason)", path: directory)
        }
        settings.logger.error(
            "a log was set aside and made anew",
            metadata: ["directory": "\(directory)", "backup": "\(backup)", "error": "\(error)"])
    }

    private func makeReporter(_ name: String) -> @Sendable (DiskLogEvent) -> Void {
        let logger = settings.logger
        let latency = settings.metrics.histogram(
            "otelcol_storage_commit_duration_seconds", help: "Time to write and sync a group of records.",
            bounds: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
            labels: ["extension": "\(settings.id)", "log": name])
        let size = settings.metrics.histogram(
            "otelcol_storage_commit_records", help: "Records that were written and synced together.",
            bounds: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
            labels: ["extension": "\(settings.id)", "log": name])
        let onEvent = onEvent
        return { event in
            switch event {
            case .committed(let latencyNanos, let records, _):
                latency.record(Double(latencyNanos) / 1e9)
                size.record(Double(records))
            case .damaged(let file, let records, let items):
                logger.error(
                    "stored records cannot be read back",
                    metadata: ["log": "\(name)", "file": "\(file)", "records": "\(records)", "items": "\(items)"])
            case .faulted(let error):
                logger.error("the log takes no records", metadata: ["log": "\(name)", "error": "\(error)"])
            case .recovered: logger.warning("the log takes records again", metadata: ["log": "\(name)"])
            case .dropped(let consumer, let items, let reason):
                logger.error(
                    "records that a consumer was not done with were dropped",
                    metadata: [
                        "log": "\(name)", "consumer": "\(consumer)", "items": "\(items)",
                        "reason": reason == .evicted ? "their room was needed" : "they were older than retention",
                    ])
            }
            onEvent(name, event)
        }
    }
}

extension ExtensionFactory {
    package static var fileStorage: ExtensionFactory {
        ExtensionFactory(type: "file_storage", isStorage: true, config: FileStorageConfig.self) { (config, settings) in
            FileStorageExtension(config: config, settings: settings)
        }
    }
}
