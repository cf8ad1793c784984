import ClickHouseNative
import Component
import HTTPClient
import Logging
import OTLP
import Synchronization
import WriteAheadLog

/// Stores batches in ClickHouse: one batch is one INSERT of one block for each table, done when the server has
/// confirmed all of them.
///
/// A repeated insert carries the same deduplication token, so that rows whose confirmation was lost are not stored
/// twice.
final class ClickHouseExporter: Exporter {
    private let config: ClickHouseExporterConfig
    private let signal: Signal
    private let logger: Logger
    private let metrics: ClickHouseMetrics
    private let pool: ClickHousePool
    private let httpClient: HTTPClient?
    private let setup: TableSetup
    private let encoders = EncoderPool()
    private let insertSettings: ClickHouseInsertSettings
    /// The last insert was too much for the server, or for the time there was.
    private let isStrained = Mutex(false)
    /// Makes the tables ahead of the first batch.
    private let preparation = Mutex<Task<Void, Never>?>(nil)

    init(config: ClickHouseExporterConfig, settings: ComponentSettings, signal: Signal) throws {
        self.config = config
        self.signal = signal
        logger = settings.logger
        metrics = ClickHouseMetrics(exporter: settings.id, registry: settings.metrics)
        httpClient = try config.makeHTTPClient()
        pool = config.makePool(httpClient: httpClient, userAgent: settings.userAgent)
        setup = TableSetup(config: config, logger: settings.logger)
        insertSettings = ClickHouseInsertSettings(config)
    }

    func start() async throws {
        try config.tls?.checkFiles()
        for warning in insertSettings.warnings { logger.warning("\(warning)") }
        for key in config.endpoint.keysWithoutEffect {
            logger.warning("The endpoint's key has no effect in this exporter", metadata: ["key": "\(key)"])
        }
        guard config.createSchema else { return }
        preparation.withLock { $0 = Task { await prepareTables() } }
    }

    func stop() async {
        let task = preparation.withLock { $0.take() }
        task?.cancel()
        await task?.value
        await pool.close()
        httpClient?.shutdown()
    }

    /// Makes the signal's tables as soon as the server is there, so that they can be queried before the first batch.
    private func prepareTables() async {
        var pause = Duration.seconds(1)
        var lastReason = ""
        while !Task.isCancelled {
            do {
                let lease = try await pool.checkOut(deadline: nil)
                do {
                    for table in ClickHouseTable.tables(of: signal) {
                        _ = try await setup.columns(of: table, over: lease.session, deadline: nil)
                    }
                } catch {
                    await pool.checkIn(lease)
                    throw error
                }
                await pool.checkIn(lease)
                logger.info("The tables are ready", metadata: ["database": "\(config.database)"])
                return
            } catch {
                let reason = "\(error)"
                if !Task.isCancelled, reason != lastReason {
                    logger.warning(
                        "The tables cannot be made yet; going on trying", metadata: ["error": "\(reason.prefix(1000))"])
                }
                lastReason = reason
            }
            // A cancelled sleep ends the loop by its condition.
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(30))
        }
    }

    // MARK: Export

    /// Fewer and larger inserts make a backlog cheap, and ClickHouse's parts large; unless inserts are failing for what
    /// may be their size.
    var preferredBacklogItems: Int? {
        config.backlogBatchSize > 0 && !isStrained.withLock { $0 } ? config.backlogBatchSize : nil
    }

    func export(_ batch: Batch) async throws(ExportError) -> Delivery {
        let tables: [ClickHouseTable]
        do {
            tables = try ClickHouseTable.present(in: batch.payloads, signal: signal)
        } catch {
            throw .payload(reason: "the request cannot be read: \(error)")
        }
        var progress = ClickHouseProgress(batch.progress)
        let before = progress
        let failures = await insert(batch, into: tables.filter { !progress.isDone($0) }, progress: &progress)
        isStrained.withLock { $0 = failures.contains(where: \.mayBeForSize) }
        if failures.isEmpty { return .complete }
        let reason = failures.map(\.reason).joined(separator: "; ")
        // Only a retry tells the queue what is done; the next attempt then finds what else is wrong.
        if failures.contains(where: { $0.verdict == .retry }) || progress != before {
            throw .retry(after: nil, progress: progress.bytes, reason: reason)
        }
        if failures.contains(where: { $0.verdict == .misconfigured }) { throw .misconfigured(reason: reason) }
        throw .payload(reason: reason)
    }

    /// - Returns: what failed; a table that fails does not keep the others from being tried.
    private func insert(
        _ batch: Batch, into tables: [ClickHouseTable], progress: inout ClickHouseProgress
    ) async -> [InsertFailure] {
        let deadline = batch.timeout.map { ContinuousClock.now + $0 }
        let lease: ClickHousePool.Lease
        do {
            lease = try await pool.checkOut(deadline: deadline)
        } catch {
            let failure = connectionFailure(error)
            metrics.failed(code: failure.code)
            return [failure]
        }
        var failures: [InsertFailure] = []
        for table in tables {
            let insert = TableInsert(batch: batch, table: table, session: lease.session, deadline: deadline)
            do {
                try await store(insert, progress: &progress)
            } catch {
                metrics.failed(code: error.code, table: config.tableName(table))
                failures.append(error)
                guard await lease.session.isUsable, !Task.isCancelled else { break }
            }
        }
        await pool.checkIn(lease)
        return failures
    }

    private func connectionFailure(_ error: ClickHouseError) -> InsertFailure {
        if case .malformed(let reason) = error {
            return InsertFailure(
                verdict: .misconfigured, reason: "not a ClickHouse server of this endpoint's protocol: \(reason)",
                code: "protocol")
        }
        if case .connection(.tls, let reason) = error {
            return InsertFailure(
                verdict: .misconfigured, reason: "cannot connect to ClickHouse: \(reason)", code: "connection")
        }
        return InsertFailure(error, subject: "cannot connect to ClickHouse", sawData: false)
    }

    /// Inserts a table's rows: at once, or each day for itself where they are of too many partitions for one insert.
    private func store(_ insert: TableInsert, progress: inout ClickHouseProgress) async throws(InsertFailure) {
        if !progress.isDivided(insert.table) {
            if try await storeBlock(insert, day: nil) == .stored {
                progress.finished(insert.table)
                return
            }
            logger.info(
                "The batch's rows are of too many partitions for one insert; inserting each day for itself",
                metadata: ["table": "\(config.tableName(insert.table))"])
        }
        let days: Set<UInt32>
        do {
            days = try ClickHouseTable.days(in: insert.batch.payloads, signal: signal)
        } catch {
            throw InsertFailure(verdict: .payload, reason: "the request cannot be read: \(error)", code: "encoding")
        }
        for day in days.sorted() where !progress.isDone(insert.table, day: day) {
            guard try await storeBlock(insert, day: day) == .stored else {
                throw InsertFailure(
                    verdict: .misconfigured,
                    reason: "table \(config.tableName(insert.table)): the rows of one day are of too many partitions",
                    code: "\(ServerErrorCode.tooManyParts)")
            }
            progress.finished(insert.table, day: day)
        }
        progress.finished(insert.table)
    }

    private enum BlockResult {
        case stored
        /// Nothing was stored.
        case tooManyPartitions
    }

    private func storeBlock(_ insert: TableInsert, day: UInt32?) async throws(InsertFailure) -> BlockResult {
        let tableName = config.tableName(insert.table)
        let encoder = encoders.take(insert.table, tableName: tableName)
        defer { encoders.giveBack(encoder, of: insert.table) }
        var mayCreate = config.createSchema
        while true {
            let block = TableBlock(table: insert.table, batch: insert.batch, day: day, encoder: encoder)
            do {
                try await send(block, insert)
                metrics.inserted(block.rowCount, table: tableName)
                return .stored
            } catch {
                if block.isEmpty, case .encoding = error { return .stored }
                // The table is looked at again: it may be gone or have changed, and be mended meanwhile.
                if !error.isConnectionLoss { setup.forget(insert.table) }
                guard case .server(let exception) = error else { throw block.failure(error, tableName: tableName) }
                if exception.isTooManyPartitions { return .tooManyPartitions }
                guard exception.isMissingTable, mayCreate else { throw block.failure(error, tableName: tableName) }
                mayCreate = false
                logger.warning(
                    "The table is gone; making it again", metadata: ["table": "\(tableName)", "error": "\(exception)"])
            }
        }
    }

    private func send(_ block: TableBlock, _ insert: TableInsert) async throws(ClickHouseError) {
        let columns = try await setup.columns(of: block.table, over: insert.session, deadline: insert.deadline)
        let statement = block.statement(into: setup.qualifiedName(block.table), columns: columns)
        try await insert.session.insert(
            statement, settings: insertSettings.settings(token: block.deduplicationToken), deadline: insert.deadline
        ) { (header, output) throws(ClickHouseError) in
            try block.write(header: header, to: &output)
        }
    }
}

/// A table's part in an attempt at a batch.
private struct TableInsert: Sendable {
    let batch: Batch
    let table: ClickHouseTable
    let session: any ClickHouseSession
    let deadline: ContinuousClock.Instant?
}
