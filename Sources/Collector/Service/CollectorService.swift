package import Component
import Glibc
import Logging
import OTLP
import SendingQueue
import WriteAheadLog

/// Why the collector could not start.
package struct StartError: Error, Sendable, CustomStringConvertible {
    package let description: String
}

/// The running collector: starts what a configuration names, waits for a signal, stops it all again.
package struct CollectorService: Sendable {
    private let config: CollectorConfig
    private let logging: TelemetryLogging
    private let logger: Logger
    private let registry = MetricRegistry()
    /// What all logs in memory hold together: a quarter of the memory that the process may use.
    private let memoryBudget: MemoryBudget

    /// How long open requests may take to be answered, and how long queues may drain, once the end has come. Together they
    /// stay below the ten seconds that container runtimes wait before they kill.
    private static let receiversStopLimit: Duration = .seconds(3)
    private static let queuesStopLimit: Duration = .seconds(5)

    /// After how long the memory is given back that only starting needed.
    private static let tidyingDelay: Duration = .seconds(1)

    /// Assumed where neither a control group nor the machine tells.
    private static let unknownMemoryTotal: UInt64 = 1 << 30

    /// - Throws: `ConfigError` when the log's outputs cannot be opened.
    package init(config: CollectorConfig) throws(ConfigError) {
        self.config = config
        logging = try TelemetryLogging(config.service.telemetry.logs)
        logger = logging.makeLogger()
        let total = (try? ProcessMemory.total()) ?? Self.unknownMemoryTotal
        memoryBudget = MemoryBudget(capacityBytes: Int(clamping: total / 4))
    }

    /// Runs until SIGTERM or SIGINT, then shuts down in order. A second signal ends the process at once.
    ///
    /// - Throws: `StartError`; what had been started is stopped by then.
    package func run(until signals: AsyncStream<TerminationSignals.Signal>) async throws {
        logger.log(config.notices)
        var running = RunningCollector(lifecycle: Lifecycle(), extensions: [])
        do {
            try await start(&running)
        } catch {
            await running.lifecycle.stopAll()
            throw error
        }
        logger.info("Everything is ready. Begin running and processing data.")
        let tidying = Task {
            // Not while the first requests come in, which need the code that starting has loaded.
            try? await Task.sleep(for: Self.tidyingDelay)
            guard !Task.isCancelled else { return }
            ProcessMemory.releaseImage()
            ProcessMemory.trim()
        }
        await waitForEnd(signals)
        tidying.cancel()
        logger.info("Starting shutdown...")
        let watch = Task {
            for await signal in signals where signal != .hangUp {
                logger.error("Received another signal from OS, exiting at once", metadata: ["signal": "\(signal)"])
                _exit(1)
            }
        }
        for (_, component) in running.extensions.reversed() { await component.pipelinesNotReady() }
        await running.lifecycle.stopAll()
        watch.cancel()
        logger.info("Shutdown complete.")
    }

    private func waitForEnd(_ signals: AsyncStream<TerminationSignals.Signal>) async {
        for await signal in signals {
            logger.info("Received signal from OS", metadata: ["signal": "\(signal)"])
            if signal != .hangUp { return }
            logger.warning("Reloading on SIGHUP is not supported by this version; the running configuration stays")
        }
    }

    // MARK: Start

    private func start(_ running: inout RunningCollector) async throws {
        try await startTelemetry(&running)
        logger.info(
            "Starting \(BuildInfo.command)...",
            metadata: ["Version": "\(BuildInfo.version)", "NumCPU": "\(WorkerPool.coreCount)"])
        try await startExtensions(&running)
        let exporters = try await startExporters(&running)
        let (pipelines, consumers) = try await startPipelines(&running, exporters: exporters)
        pipelines.reportRecovered(logger)
        try await startReceivers(&running, consumers: consumers)
        for (_, component) in running.extensions { await component.pipelinesReady(on: pipelines) }
    }

    private func startTelemetry(_ running: inout RunningCollector) async throws {
        logger.info("Setting up own telemetry...")
        ProcessMetrics.register(in: registry)
        let telemetry = config.service.telemetry
        let resource = telemetry.resourceAttributes(instanceID: randomUUID())
        for reader in telemetry.metrics.readers {
            let server = try MetricsServer(reader: reader, resource: resource, registry: registry)
            do {
                let address = try await server.start()
                logger.info(
                    "Serving metrics",
                    metadata: ["address": "\(address)", "metrics level": "\(telemetry.metrics.level.rawValue)"])
            } catch {
                throw StartError(description: "failed to serve metrics: \(error)")
            }
            running.lifecycle.started("metrics") { await server.stop() }
        }
    }

    private func startExtensions(_ running: inout RunningCollector) async throws {
        logger.info("Starting extensions...")
        for id in config.service.extensions {
            guard let configured = config.extensions.first(where: { $0.id == id }) else { continue }
            let settings = settings(id, .extension)
            do {
                let component = try configured.make(settings)
                settings.logger.info("Extension is starting...")
                try await component.start()
                settings.logger.info("Extension started.")
                running.extensions.append((id, component))
                running.lifecycle.started("\(id)") { await component.stop() }
            } catch {
                throw StartError(description: "failed to start \"\(id)\" extension: \(error)")
            }
        }
    }

    private func startExporters(_ running: inout RunningCollector) async throws -> [ExporterKey: RunningExporter] {
        var exporters: [ExporterKey: RunningExporter] = [:]
        for pipeline in config.service.pipelines {
            for id in pipeline.exporters {
                let key = ExporterKey(id: id, signal: pipeline.id.signal)
                guard exporters[key] == nil, let configured = config.exporters.first(where: { $0.id == id }) else {
                    continue
                }
                exporters[key] = try await startExporter(configured, key.signal, &running)
            }
        }
        return exporters
    }

    private func startExporter(
        _ configured: ConfiguredExporter, _ signal: Signal, _ running: inout RunningCollector
    ) async throws -> RunningExporter {
        let exporter: any Exporter
        do {
            exporter = try configured.make(settings(configured.id, .exporter, signal), signal)
        } catch {
            throw StartError(
                description: "failed to build pipelines: failed to create \"\(configured.id)\" exporter for data type "
                    + "\"\(signal.rawValue)\": \(error)")
        }
        do {
            try await exporter.start()
        } catch {
            throw StartError(
                description: "cannot start pipelines: failed to start \"\(configured.id)\" exporter: \(error)")
        }
        running.lifecycle.started("\(configured.id)") { await exporter.stop() }
        let queue = configured.sending.queue
        return RunningExporter(
            exporter: exporter, slots: SendingSlots(count: queue.numConsumers),
            metrics: ExporterMetrics(
                exporter: configured.id, signal: signal, queueCapacity: queue.isEnabled ? queue.queueSize : nil,
                registry: registry))
    }

    private func startReceivers(
        _ running: inout RunningCollector, consumers: [ComponentID: [Signal: [any TelemetryConsumer]]]
    ) async throws {
        for configured in config.receivers {
            guard let signals = consumers[configured.id] else { continue }
            do {
                let receiver = try configured.make(
                    settings(configured.id, .receiver), signals.mapValues { FanOut.joining($0) })
                try await receiver.start()
                running.lifecycle.started("\(configured.id)") {
                    await receiver.stop(deadline: .now + Self.receiversStopLimit)
                }
            } catch {
                throw StartError(
                    description: "cannot start pipelines: failed to start \"\(configured.id)\" receiver: \(error)")
            }
        }
    }

    // MARK: Pipelines

    /// Starts logs, processors and sending queues.
    ///
    /// - Returns: what runs, and for each receiver the pipelines it feeds.
    private func startPipelines(
        _ running: inout RunningCollector, exporters: [ExporterKey: RunningExporter]
    ) async throws -> (RunningPipelines, [ComponentID: [Signal: [any TelemetryConsumer]]]) {
        let services = SendingServices(workers: WorkerPool(), metrics: registry) {
            range, payload, signal throws(WireError) in
            try OTLPRequest.items(range, of: payload, signal: signal)
        }
        var consumers: [ComponentID: [Signal: [any TelemetryConsumer]]] = [:]
        var senders: [PipelineSender] = []
        var storages = try RunningStorages(
            config, extensions: running.extensions, services: services, logger: logger, lifecycle: &running.lifecycle)
        for pipeline in config.service.pipelines {
            let (log, isOnDisk) = try openLog(of: pipeline, &running)
            let bindings = bindings(of: pipeline, exporters: exporters)
            storages.add(pipeline, log: log, bindings: bindings)
            let stages = try await startProcessors(of: pipeline, &running)
            let sender = PipelineSender(
                pipeline: "\(pipeline.id)", signal: pipeline.id.signal, log: log,
                exporters: bindings, batch: stages.batch, services: services,
                deadLetters: storages.deadLetters(of: pipeline), logger: logger)
            try await sender.start()
            senders.append(sender)
            LedgerMetrics.register(sender, isOnDisk: isOnDisk, in: registry)
            let entry = PipelineEntry(processors: stages.processors, sender: sender)
            for receiver in pipeline.receivers {
                consumers[receiver, default: [:]][pipeline.id.signal, default: []].append(entry)
            }
        }
        let pipelines = RunningPipelines(senders: senders)
        running.lifecycle.started("sending queues") { [logger] in
            await pipelines.stop(deadline: .now + Self.queuesStopLimit, logger)
        }
        try await storages.start(services: services, lifecycle: &running.lifecycle)
        return (pipelines, consumers)
    }

    private func openLog(
        of pipeline: PipelineConfig, _ running: inout RunningCollector
    ) throws -> (log: any Log, isOnDisk: Bool) {
        let storages = pipeline.exporters.compactMap { id in
            config.exporters.first { $0.id == id }?.sending.queue.storage
        }
        guard let id = storages.first else {
            let log = MemoryLog(budget: memoryBudget)
            running.lifecycle.started("log \(pipeline.id)") { await log.close() }
            return (log, false)
        }
        if let other = storages.first(where: { $0 != id }) {
            logger.warning(
                "A pipeline has one log: it is kept in the storage that its first exporter names",
                metadata: ["pipeline": "\(pipeline.id)", "storage": "\(id)", "not used": "\(other)"])
        }
        guard let storage = running.extensions.first(where: { $0.id == id })?.component as? any StorageExtension else {
            throw StartError(
                description:
                    "cannot start pipelines: storage \"\(id)\" of pipeline \"\(pipeline.id)\" is not a storage extension "
                    + "that runs")
        }
        do {
            let log = try storage.openLog(name: "\(pipeline.id)")
            running.lifecycle.started("log \(pipeline.id)") { await log.close() }
            return (log, true)
        } catch {
            throw StartError(description: "cannot start pipelines: log of pipeline \"\(pipeline.id)\": \(error)")
        }
    }

    private func startProcessors(
        of pipeline: PipelineConfig, _ running: inout RunningCollector
    ) async throws -> PipelineStages {
        let stages = try makeProcessors(of: pipeline)
        for (_, processor) in stages.processors {
            do {
                try await processor.start()
            } catch {
                throw StartError(
                    description: "cannot start pipelines: a processor of pipeline \"\(pipeline.id)\": \(error)")
            }
            running.lifecycle.started("processor of \(pipeline.id)") { await processor.stop() }
        }
        return stages
    }

    /// Makes a pipeline's processors; neighbours that can work in one walk over the bytes become one.
    private func makeProcessors(of pipeline: PipelineConfig) throws -> PipelineStages {
        var stages = PipelineStages()
        for id in pipeline.processors {
            guard let configured = config.processors.first(where: { $0.id == id }) else { continue }
            switch configured.role {
            case .batching(let settings): stages.batch = (id, settings)
            case .perRequest(let make):
                let signal = pipeline.id.signal
                do {
                    let processor = try make(settings(id, .processor, signal, pipeline.id), signal)
                    if let last = stages.processors.last, let fused = last.processor.fused(with: processor) {
                        stages.processors[stages.processors.count - 1] = ("\(last.name)+\(id)", fused)
                    } else {
                        stages.processors.append(("\(id)", processor))
                    }
                } catch {
                    throw StartError(
                        description: "failed to build pipelines: failed to create \"\(id)\" processor, in pipeline "
                            + "\"\(pipeline.id)\": \(error)")
                }
            }
        }
        return stages
    }

    /// Makes what can be made without touching the machine, to find what only that finds. What is wrong without being
    /// an error is told on stderr, whatever the log's outputs.
    package static func check(_ config: CollectorConfig) throws {
        var config = config
        config.service.telemetry.logs.outputPaths = ["stderr"]
        config.service.telemetry.logs.level = .warning
        let service = try CollectorService(config: config)
        for pipeline in config.service.pipelines { _ = try service.makeProcessors(of: pipeline) }
    }

    private func bindings(
        of pipeline: PipelineConfig, exporters: [ExporterKey: RunningExporter]
    ) -> [ExporterBinding] {
        pipeline.exporters.compactMap { id in
            guard let running = exporters[ExporterKey(id: id, signal: pipeline.id.signal)],
                let configured = config.exporters.first(where: { $0.id == id })
            else { return nil }
            return ExporterBinding(
                id: id, signal: pipeline.id.signal, exporter: running.exporter, config: configured.sending,
                isDurable: configured.sending.queue.storage != nil, slots: running.slots, metrics: running.metrics)
        }
    }

    private func settings(
        _ id: ComponentID, _ kind: ComponentKind, _ signal: Signal? = nil, _ pipeline: PipelineID? = nil
    ) -> ComponentSettings {
        ComponentSettings(
            id: id, logger: logging.makeLogger(component: id, kind: kind, signal: signal, pipeline: pipeline),
            metrics: registry, userAgent: BuildInfo.userAgent)
    }
}

/// What runs, and how to stop it.
private struct RunningCollector: Sendable {
    var lifecycle: Lifecycle
    var extensions: [(id: ComponentID, component: any Extension)]
}

private struct ExporterKey: Hashable {
    let id: ComponentID
    let signal: Signal
}

/// One exporter object for each id and signal, whatever the number of pipelines that name it.
private struct RunningExporter {
    let exporter: any Exporter
    let slots: SendingSlots
    let metrics: ExporterMetrics
}

private struct PipelineStages {
    /// With their ids, joined where several work as one.
    var processors: [(name: String, processor: any Processor)] = []
    var batch: (processor: ComponentID, settings: BatchSettings)?
}

/// A random (version 4) UUID.
private func randomUUID() -> String {
    var bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max) }
    bytes[6] = bytes[6] & 0x0f | 0x40
    bytes[8] = bytes[8] & 0x3f | 0x80
    let digits = bytes.map { byte in
        let text = String(byte, radix: 16)
        return text.count == 1 ? "0" + text : text
    }
    return [digits[0..<4], digits[4..<6], digits[6..<8], digits[8..<10], digits[10..<16]]
        .map { $0.joined() }.joined(separator: "-")
}
