import ClickHouseNative
import Logging
import Synchronization

/// Makes the tables when they are not there, and knows their columns: once for each table, when it is first needed.
///
/// All statements may run twice or side by side: they create only what is missing.
final class TableSetup: Sendable {
    private let config: ClickHouseExporterConfig
    private let schema: ClickHouseSchema
    private let logger: Logger
    /// The insertable columns of the tables that are ready.
    private let ready = Mutex<[ClickHouseTable: [NativeBlock.Column]]>([:])
    private let warned = Mutex<Set<String>>([])

    init(config: ClickHouseExporterConfig, logger: Logger) {
        self.config = config
        schema = ClickHouseSchema(config: config)
        self.logger = logger
    }

    /// The columns of `table`, which is made and looked at if that was not done yet.
    func columns(
        of table: ClickHouseTable, over session: any ClickHouseSession, deadline: ContinuousClock.Instant?
    ) async throws(ClickHouseError) -> [NativeBlock.Column] {
        if let columns = ready.withLock({ $0[table] }) { return columns }
        if config.createSchema { try await create(table, over: session, deadline: deadline) }
        let columns = try await describe(table, over: session, deadline: deadline)
        try await checkDeduplication(of: table, over: session, deadline: deadline)
        ready.withLock { $0[table] = columns }
        return columns
    }

    /// Looks at the table anew the next time: somebody changed or dropped it.
    func forget(_ table: ClickHouseTable) { ready.withLock { $0[table] = nil } }

    func qualifiedName(_ table: ClickHouseTable) -> String { schema.qualified(config.tableName(table)) }

    private func create(
        _ table: ClickHouseTable, over session: any ClickHouseSession, deadline: ContinuousClock.Instant?
    ) async throws(ClickHouseError) {
        let hasTextIndexes =
            config.tableLayout == .v0_162 ? try await hasTextIndexes(session, deadline: deadline) : false
        let database = schema.createDatabase.map { [$0] } ?? []
        for statement in database + schema.createTables(for: table, hasTextIndexes: hasTextIndexes) {
            _ = try await session.execute(statement, settings: config.endpoint.settings, deadline: deadline)
        }
        logger.debug(
            "The table is there or was made", metadata: ["table": "\(schema.qualified(config.tableName(table)))"])
    }

    private func hasTextIndexes(
        _ session: any ClickHouseSession, deadline: ContinuousClock.Instant?
    ) async throws(ClickHouseError) -> Bool {
        let blocks = try await session.execute("SELECT version() AS version", settings: [], deadline: deadline)
        let version = blocks.first?[column: "version"]?.strings.first ?? ""
        let numbers = version.split(separator: ".").prefix(2).compactMap { Int($0) }
        guard numbers.count == 2 else { throw .malformed("an unexpected answer to SELECT version()") }
        return (numbers[0], numbers[1]) >= ClickHouseSchema.textIndexVersion
    }

    private func describe(
        _ table: ClickHouseTable, over session: any ClickHouseSession, deadline: ContinuousClock.Instant?
    ) async throws(ClickHouseError) -> [NativeBlock.Column] {
        let blocks = try await session.execute(
            "DESCRIBE TABLE \(schema.qualified(config.tableName(table)))", settings: [], deadline: deadline)
        var columns: [NativeBlock.Column] = []
        for block in blocks {
            let names = block[column: "name"]?.strings ?? []
            let types = block[column: "type"]?.strings ?? []
            let defaults = block[column: "default_type"]?.strings ?? []
            guard names.count == block.rowCount, types.count == names.count, defaults.count == names.count else {
                throw .malformed("an unexpected answer to DESCRIBE TABLE")
            }
            for (index, name) in names.enumerated() where ["", "DEFAULT"].contains(defaults[index]) {
                columns.append(NativeBlock.Column(name: name, typeName: types[index]))
            }
        }
        return columns
    }

    // MARK: Deduplication

    /// A table without a deduplication window would store the rows of a repeated insert twice: gives it one, or says
    /// so.
    private func checkDeduplication(
        of table: ClickHouseTable, over session: any ClickHouseSession, deadline: ContinuousClock.Instant?
    ) async throws(ClickHouseError) {
        let names = schema.writtenTables(of: table)
        let list = names.map(ClickHouseSchema.literal).joined(separator: ", ")
        let blocks: [NativeBlock]
        do {
            blocks = try await session.execute(
                "SELECT name, engine, engine_full FROM system.tables "
                    + "WHERE database = \(ClickHouseSchema.literal(config.database)) AND name IN (\(list))",
                settings: [], deadline: deadline)
        } catch .server(let exception) {
            warnOnce(names[0], "Cannot see whether the table recognises repeated inserts", "\(exception)")
            return
        }
        for block in blocks {
            let names = block[column: "name"]?.strings ?? []
            let engines = block[column: "engine"]?.strings ?? []
            let details = block[column: "engine_full"]?.strings ?? []
            for ((name, engine), detail) in zip(zip(names, engines), details)
            where Self.lacksWindow(engine: engine, detail: detail) {
                try await addWindow(to: name, over: session, deadline: deadline)
            }
        }
    }

    /// - Parameter detail: the engine with its clauses and settings.
    static func lacksWindow(engine: String, detail: String) -> Bool {
        ClickHouseSchema.needsDeduplicationSetting(engine)
            && (!detail.contains("non_replicated_deduplication_window = ")
                || detail.contains("non_replicated_deduplication_window = 0"))
    }

    private func addWindow(
        to name: String, over session: any ClickHouseSession, deadline: ContinuousClock.Instant?
    ) async throws(ClickHouseError) {
        var reason = "create_schema is off"
        if config.createSchema {
            do {
                _ = try await session.execute(
                    schema.addDeduplicationWindow(to: name), settings: config.endpoint.settings, deadline: deadline)
                logger.info(
                    "Set a deduplication window on an existing table", metadata: ["table": "\(schema.qualified(name))"])
                return
            } catch .server(let exception) {
                reason = "\(exception)"
            }
        }
        warnOnce(
            name, "The table has no deduplication window: a repeated insert may store its rows twice",
            "\(reason); remedy: \(schema.addDeduplicationWindow(to: name))")
    }

    private func warnOnce(_ name: String, _ message: Logger.Message, _ reason: String) {
        guard warned.withLock({ $0.insert(name).inserted }) else { return }
        logger.warning(message, metadata: ["table": "\(schema.qualified(name))", "reason": "\(reason)"])
    }
}
