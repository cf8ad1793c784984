import Synchronization

/// The write-ahead log: segments on disk, written by one thread, read by any number of consumers.
///
/// Format: docs/formats/wal.md. Appends and control records are queued under one lock, written in groups, synced once a
/// group, and only then visible and acknowledged. Memory is bounded by the configured tail, what waits for the writer,
/// one read-ahead buffer for each consumer that lags, and the open cuts.
package final class DiskLog: Log {
    /// Bytes of read-ahead of a consumer that lags.
    static let readAheadBytes = 256 << 10
    /// Bytes that may wait for the writer; beyond, appends are refused. One record always may.
    static let pendingBytesMax = 64 << 20

    let configuration: DiskLogConfiguration
    let fileSystem: any FileSystem
    /// Drawn for this opening: part of every checksum and batch id.
    let epoch: UInt64
    let wakeUp = WakeUp()
    let quarantine: Quarantine
    /// The time of day, nanoseconds since 1970.
    let wallClock: @Sendable () -> UInt64
    private let onEvent: @Sendable (DiskLogEvent) -> Void
    let state: Mutex<DiskLogState>
    private let lockFile: Mutex<(any OpenFile)?>

    /// Opens the log in `configuration.directory`, making it if it is not there. Blocks for as long as recovery takes,
    /// which writes nothing: the log's own thread makes the first segment, while others may already append.
    ///
    /// - Parameters:
    ///   - epoch: 64 bits that no other opening of this log has; random outside tests.
    ///   - wallClock: what the receive times of records are compared with, when records are kept for a limited time.
    ///   - onEvent: told what the owner should report; called from several threads, without the log's lock.
    /// - Throws: `.inUse` with the other process's id, `.unsupportedFormat`, `.io` when the directory cannot be used.
    package static func open(
        _ configuration: DiskLogConfiguration, fileSystem: any FileSystem = PosixFileSystem(),
        epoch: UInt64 = .random(in: .min ... .max), wallClock: @escaping @Sendable () -> UInt64 = wallClockNanos,
        onEvent: @escaping @Sendable (DiskLogEvent) -> Void = { _ in }
    ) throws(LogError) -> DiskLog {
        let lockFile = try LogLock.acquire(configuration, fileSystem)
        var recovery = LogRecovery(fileSystem: fileSystem, configuration: configuration)
        let recovered = try recovery.run()
        let log = DiskLog(configuration, fileSystem, epoch, recovered, lockFile, wallClock, onEvent)
        for (number, region) in recovered.damage { log.noteDamage(region, segment: number) }
        startThread {
            var writer = LogWriter(log: log, recovered: recovered)
            writer.start()
            writer.run()
        }
        return log
    }

    private init(
        _ configuration: DiskLogConfiguration, _ fileSystem: any FileSystem, _ epoch: UInt64,
        _ recovered: RecoveredLog, _ lockFile: any OpenFile, _ wallClock: @escaping @Sendable () -> UInt64,
        _ onEvent: @escaping @Sendable (DiskLogEvent) -> Void
    ) {
        self.configuration = configuration
        self.fileSystem = fileSystem
        self.epoch = epoch
        self.wallClock = wallClock
        self.onEvent = onEvent
        quarantine = Quarantine(fileSystem: fileSystem, configuration: configuration)
        state = Mutex(
            DiskLogState(
                recovered, tailBytesMax: configuration.tailBytesMax, tailBudget: configuration.tailBudget))
        self.lockFile = Mutex(lockFile)
        configuration.tailBudget?.join()
    }

    deinit {
        state.withLock { $0.tail.removeAll() }
        configuration.tailBudget?.leave()
    }

    // MARK: Log

    package func append(_ record: LogRecord, completion: @escaping @Sendable (Result<UInt64, LogError>) -> Void) {
        let byteCount = record.payload.count
        guard byteCount <= configuration.recordBytesMax, record.itemCount >= 0, record.itemCount <= Int(UInt32.max)
        else {
            state.withLock { $0.ledger.refusedItems += record.itemCount }
            let limit = configuration.recordBytesMax
            completion(.failure(LogError(.recordTooLarge, "a record of \(byteCount) bytes exceeds \(limit)")))
            return
        }
        let refusal = enqueue(PendingRecord(data: record, completion: completion), isBounded: true)
        if let refusal {
            state.withLock { $0.ledger.refusedItems += record.itemCount }
            completion(.failure(refusal))
        }
    }

    package func openConsumer(_ name: String, options: ConsumerOptions) throws(LogError) -> any LogConsumer {
        try DiskLogConsumer(log: self, name: name, options: options)
    }

    package var recordBytesMax: Int { configuration.recordBytesMax }

    package var status: LogStatus {
        var status = state.withLock { $0.status }
        status.capacityBytes = configuration.bytesMax
        (status.quarantinedFiles, status.quarantinedBytes) = quarantine.content
        let free = try? fileSystem.availableBytes(configuration.directory) - configuration.freeBytesMin
        let allowed = configuration.bytesMax.map { $0 - status.fileBytes }
        // Files that are there already count as room, but for the reserve.
        let spare = max(status.fileBytes - status.bytes - status.reserveBytes, 0)
        status.roomBytes = [free, allowed].compactMap { $0 }.min().map { max($0, 0) + spare }
        return status
    }

    package var accounts: [String: ConsumerAccount] { state.withLock { $0.accounts } }

    package func close() async {
        await withCheckedContinuation { continuation in
            let isClosed = state.withLock { state in
                state.isClosing = true
                if !state.isClosed { state.closeWaiters.append(continuation) }
                return state.isClosed
            }
            if isClosed { continuation.resume() }
            wakeUp.signal()
        }
    }

    /// Drops the records kept in memory; consumers read them from disk from now on.
    package func dropTail() {
        state.withLock { $0.tail.removeAll() }
    }

    // MARK: To the writer

    /// Hands a record to the writer. Returns why not, if it did not.
    ///
    /// - Parameter change: made in the same moment, whether or not the record is taken: the writer never sees the one
    ///   without the other, and so frees no segment before what made it free is written.
    func enqueue(
        _ record: PendingRecord, isBounded: Bool = false, with change: (inout DiskLogState) -> Void = { _ in }
    ) -> LogError? {
        let (refusal, isFirst) = state.withLock { state -> (LogError?, Bool) in
            change(&state)
            if state.isClosing { return (LogError(.closed, "the log is closed"), false) }
            let isFull = state.pendingBytes + record.byteCount > DiskLog.pendingBytesMax && !state.pending.isEmpty
            if isBounded, isFull { return (LogError(.full, "the disk does not keep up"), false) }
            state.pending.append(record)
            state.pendingBytes += record.byteCount
            return (nil, state.pending.count == 1)
        }
        if isFirst { wakeUp.signal() }
        return refusal
    }

    /// Enqueues a control record and waits until it is durable and applied.
    func commit(_ record: ControlRecord) async throws(LogError) {
        let result = await withCheckedContinuation { continuation in
            let pending = PendingRecord(record, effect: .apply(record) { continuation.resume(returning: $0) })
            if let refusal = enqueue(pending) { continuation.resume(returning: .failure(refusal)) }
        }
        try result.get()
    }

    func report(_ event: DiskLogEvent) { onEvent(event) }

    func path(_ name: String) -> String { "\(configuration.directory)/\(name)" }

    /// Makes the directory, and takes its lock, again if somebody removed it.
    func ensureDirectory() throws(FileSystemError) {
        let isThere = try lockFile.withLock { (file) throws(FileSystemError) in try file?.isLinked() ?? false }
        if isThere { return }
        do {
            let file = try LogLock.acquire(configuration, fileSystem)
            lockFile.withLock { $0 = file }
        } catch {
            throw FileSystemError.missing(error.path ?? configuration.directory)
        }
    }

    /// The writer has written its last.
    func closed() {
        lockFile.withLock { $0 = nil }
        let (waiters, readers) = state.withLock { state in
            state.isClosed = true
            defer { state.closeWaiters = [] }
            return (state.closeWaiters, state.takeAllWaiters())
        }
        for waiter in waiters + readers { waiter.resume() }
    }
}

/// The lock that keeps a second process out of a log's directory.
enum LogLock {
    /// Makes the directory if need be, and takes its lock, waiting for as long as the configuration says.
    static func acquire(
        _ configuration: DiskLogConfiguration, _ fileSystem: any FileSystem
    ) throws(LogError) -> any OpenFile {
        let path = "\(configuration.directory)/lock"
        do {
            try fileSystem.makeDirectory(
                configuration.directory, permissions: configuration.directoryPermissions)
            let file = try fileSystem.open(path, .create)
            let clock = ContinuousClock()
            let deadline = clock.now + configuration.lockTimeout
            while !(try file.lock()) {
                if clock.now >= deadline {
                    let holder = String(decoding: try file.read(0..<32), as: UTF8.self)
                    let pid = holder.prefix { $0.isNumber }
                    throw LogError(
                        .inUse, "the log is in use by process \(pid.isEmpty ? "of unknown id" : String(pid))",
                        path: configuration.directory)
                }
                pauseBriefly()
            }
            try file.truncate(to: 0)
            try file.writeAll(Array("\(processID())\n".utf8), at: 0)
            return file
        } catch let error as FileSystemError {
            throw LogError(error)
        } catch let error as LogError {
            throw error
        } catch {
            preconditionFailure("an error of another kind: \(error)")
        }
    }
}
