import Synchronization

/// What a log knows of one of its consumers.
package struct ConsumerStatus: Sendable, Hashable {
    package var name: String
    /// Whether somebody reads as this consumer now.
    package var isOpen: Bool
    package var isDurable: Bool
    /// Items in no batch yet.
    package var waitingItems: Int
    package var inFlightItems: Int
    package var inFlightBatches: Int
    package var skippedItems: Int
    package var evictedItems: Int
    package var expiredItems: Int
    package var lostItems: Int
    package var totals: CutOutcome
}

/// A log's files as they are while no process has it open.
package struct LogInspection: Sendable {
    package var status: LogStatus
    /// The durable consumers, by name.
    package var consumers: [ConsumerStatus]
}

extension DiskLog {
    /// Looks at the log in `directory` without changing anything. Reads what a start would read.
    ///
    /// - Throws: `.inUse` with the id of the process that has it open, `.unsupportedFormat` when it is not a log or one
    ///   of another version, `.io` when it cannot be read.
    package static func inspect(
        _ directory: String, fileSystem: any FileSystem = PosixFileSystem()
    ) throws(LogError) -> LogInspection {
        let configuration = DiskLogConfiguration(directory: directory)
        let lock = try LogLock.acquireForReading(configuration, fileSystem)
        var recovery = LogRecovery(
            fileSystem: ReadOnlyFileSystem(underlying: fileSystem), configuration: configuration)
        let state = DiskLogState(try recovery.run(), tailBytesMax: 0)
        return withExtendedLifetime(lock) {
            LogInspection(status: state.status, consumers: state.consumers)
        }
    }

    /// Whether `directory` has the files of a log.
    package static func isLog(_ directory: String, fileSystem: any FileSystem = PosixFileSystem()) -> Bool {
        guard let names = try? fileSystem.list(directory) else { return false }
        return names.contains { Segment.number(inFileName: $0) != nil }
    }

    /// The log's consumers, by name.
    package var consumers: [ConsumerStatus] { state.withLock { $0.consumers } }

    /// Hands what the consumer `name` has not done to `heir`, and forgets `name`. Durable when it returns.
    ///
    /// If `heir` has a place of its own already, it meets again what either of the two has not done.
    /// - Throws: `.misuse` when the log does not know `name`, `.inUse` when one of them is open.
    package func adopt(_ name: String, by heir: String) async throws(LogError) {
        if name == heir { throw LogError(.misuse, "a consumer cannot adopt its own place") }
        try checkIdle(name)
        try checkIdle(heir, mayBeUnknown: true)
        try await commit(.adopt(name, by: heir))
    }

    /// Forgets the consumer `name` and what waits for it. Durable when it returns.
    ///
    /// - Returns: the items that were waiting or in flight.
    /// - Throws: `.misuse` when the log does not know it, `.inUse` when it is open.
    package func forget(_ name: String) async throws(LogError) -> Int {
        let consumer = try checkIdle(name)
        try await commit(.forget(name))
        return consumer.map { $0.waitingItems + $0.inFlightItems } ?? 0
    }

    @discardableResult
    private func checkIdle(_ name: String, mayBeUnknown: Bool = false) throws(LogError) -> ConsumerStatus? {
        let consumer = consumers.first { $0.name == name }
        if consumer == nil, !mayBeUnknown {
            throw LogError(.misuse, "the log has no consumer \(name)", path: configuration.directory)
        }
        if consumer?.isOpen == true {
            throw LogError(.inUse, "consumer \(name) is in use: an exporter reads from it")
        }
        return consumer
    }
}

extension DiskLogState {
    fileprivate var consumers: [ConsumerStatus] {
        var shown = places.map { consumer($0, $1, isOpen: openConsumers[$0] != nil, isDurable: true) }
        for (name, open) in openConsumers where !open.isDurable {
            shown.append(consumer(name, open.volatilePlace, isOpen: true, isDurable: false))
        }
        return shown.sorted { $0.name < $1.name }
    }

    private func consumer(_ name: String, _ place: ConsumerPlace, isOpen: Bool, isDurable: Bool) -> ConsumerStatus {
        let floor = place.covered.floor
        let waiting = floor < committed.item ? place.covered.missing(from: floor..<committed.item) : []
        return ConsumerStatus(
            name: name, isOpen: isOpen, isDurable: isDurable,
            waitingItems: waiting.reduce(0) { $0 + $1.count }, inFlightItems: place.inFlightItems,
            inFlightBatches: place.cuts.count, skippedItems: place.skippedItems,
            evictedItems: place.evictedItems, expiredItems: place.expiredItems, lostItems: place.lostItems,
            totals: place.totals)
    }
}

extension LogLock {
    /// Takes the lock of a log without leaving a trace.
    fileprivate static func acquireForReading(
        _ configuration: DiskLogConfiguration, _ fileSystem: any FileSystem
    ) throws(LogError) -> any OpenFile {
        let directory = configuration.directory
        guard DiskLog.isLog(directory, fileSystem: fileSystem) else {
            throw LogError(.unsupportedFormat, "there is no log", path: directory)
        }
        do {
            let file = try fileSystem.open("\(directory)/lock", .read)
            if try file.lock() { return file }
            let pid = String(decoding: try file.read(0..<32), as: UTF8.self).prefix { $0.isNumber }
            throw LogError(
                .inUse, "the log is in use by process \(pid.isEmpty ? "of unknown id" : String(pid))", path: directory)
        } catch let error as FileSystemError {
            throw LogError(error)
        } catch let error as LogError {
            throw error
        } catch {
            preconditionFailure("an error of another kind: \(error)")
        }
    }
}

/// Reads what another file system has, and takes changes without making them.
private struct ReadOnlyFileSystem: FileSystem {
    let underlying: any FileSystem

    func open(_ path: String, _ access: FileAccess) throws(FileSystemError) -> any OpenFile {
        ReadOnlyFile(underlying: try underlying.open(path, .read))
    }

    func rename(_ path: String, to newPath: String) throws(FileSystemError) {}
    func remove(_ path: String) throws(FileSystemError) {}
    func list(_ directory: String) throws(FileSystemError) -> [String] { try underlying.list(directory) }
    func makeDirectory(_ path: String, permissions: UInt32) throws(FileSystemError) {}
    func synchronizeDirectory(_ path: String) throws(FileSystemError) {}
    func availableBytes(_ path: String) throws(FileSystemError) -> Int { try underlying.availableBytes(path) }
}

private final class ReadOnlyFile: OpenFile {
    private let underlying: any OpenFile

    init(underlying: any OpenFile) { self.underlying = underlying }

    func read(into buffer: inout [UInt8], _ range: Range<Int>, at offset: Int) throws(FileSystemError) -> Int {
        try underlying.read(into: &buffer, range, at: offset)
    }

    func write(_ bytes: [UInt8], _ range: Range<Int>, at offset: Int) throws(FileSystemError) -> Int { range.count }
    func synchronize() throws(FileSystemError) {}
    func truncate(to byteCount: Int) throws(FileSystemError) {}
    func allocate(_ byteCount: Int) throws(FileSystemError) {}
    func byteCount() throws(FileSystemError) -> Int { try underlying.byteCount() }
    func isLinked() throws(FileSystemError) -> Bool { try underlying.isLinked() }
    func lock() throws(FileSystemError) -> Bool { try underlying.lock() }
}
