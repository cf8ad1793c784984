import Component
import Logging
import SendingQueue
import WriteAheadLog

/// The storages that pipelines use: their dead letters, and what operators may ask of them.
struct RunningStorages: Sendable {
    private struct Storage: Sendable {
        let id: ComponentID
        let component: any StorageExtension
        let deadLetters: DeadLetterLog
        var openLogs: [(name: String, log: DiskLog)] = []
    }

    private let config: CollectorConfig
    private let logger: Logger
    private var storages: [Storage] = []
    private var bindings: [ExporterBinding] = []

    /// Opens the dead-letter log of each storage that an exporter of a pipeline names.
    ///
    /// - Throws: `StartError`. What was opened is in `lifecycle` by then.
    init(
        _ config: CollectorConfig, extensions: [(id: ComponentID, component: any Extension)],
        services: SendingServices, logger: Logger, lifecycle: inout Lifecycle
    ) throws {
        self.config = config
        self.logger = logger
        for (id, component) in extensions {
            guard let component = component as? any StorageExtension,
                config.service.pipelines.contains(where: { storage(of: $0) == id })
            else { continue }
            do {
                let log = try component.openLog(name: DeadLetterStorage.logName)
                lifecycle.started("dead letters of \(id)") { await log.close() }
                let letters = try DeadLetterLog(
                    log: log, slice: services.slice,
                    metrics: DeadLetterMetrics(storage: id, registry: services.metrics), logger: logger,
                    loadsLater: true)
                storages.append(Storage(id: id, component: component, deadLetters: letters))
            } catch {
                throw StartError(description: "cannot start pipelines: dead letters of storage \"\(id)\": \(error)")
            }
        }
    }

    /// Where the log of `pipeline` is kept: the storage that its first exporter with one names.
    private func storage(of pipeline: PipelineConfig) -> ComponentID? {
        let storages = pipeline.exporters.lazy.compactMap { id in
            config.exporters.first { $0.id == id }?.sending.queue.storage
        }
        return storages.first
    }

    func deadLetters(of pipeline: PipelineConfig) -> DeadLetterLog? {
        let id = storage(of: pipeline)
        return storages.first { $0.id == id }?.deadLetters
    }

    /// Takes note of a pipeline's log and exporters.
    mutating func add(_ pipeline: PipelineConfig, log: any Log, bindings: [ExporterBinding]) {
        let id = storage(of: pipeline)
        if let log = log as? DiskLog, let index = storages.firstIndex(where: { $0.id == id }) {
            storages[index].openLogs.append(("\(pipeline.id)", log))
        }
        for binding in bindings
        where !self.bindings.contains(where: { $0.id == binding.id && $0.signal == binding.signal }) {
            self.bindings.append(binding)
        }
    }

    /// Begins to send dead letters again, and to answer operators. Called once everything else sends.
    func start(services: SendingServices, lifecycle: inout Lifecycle) async throws {
        for storage in storages {
            storage.deadLetters.startRedrives(bindings, services: services)
            lifecycle.started("replay of dead letters of \(storage.id)") { await storage.deadLetters.stop() }
            let operators = RunningStorage(
                openLogs: storage.openLogs, deadLetters: storage.deadLetters,
                rest: storage.component.directory.flatMap { try? StoppedStorage(directory: $0) })
            do {
                try await storage.component.serveControl { await operators.answer($0) }
            } catch {
                // Telemetry flows all the same.
                logger.error(
                    "otelcol wal cannot reach this collector",
                    metadata: ["storage": "\(storage.id)", "error": "\(error)"])
            }
        }
    }
}
