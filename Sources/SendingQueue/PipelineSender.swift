package import Component
package import Logging
package import OTLP
import Synchronization
package import WriteAheadLog

/// An exporter of a pipeline, and what it shares with the exporter's queues in other pipelines of the same signal.
package struct ExporterBinding: Sendable {
    package var id: ComponentID
    package var signal: Signal
    package var exporter: any Exporter
    package var config: SendingConfig
    /// Whether the exporter keeps its place in the log over restarts (`sending_queue.storage`).
    package var isDurable: Bool
    package var slots: SendingSlots
    package var metrics: ExporterMetrics

    /// - Parameters:
    ///   - slots: one for each exporter and signal, of `config.queue.numConsumers`.
    ///   - metrics: one for each exporter and signal.
    package init(
        id: ComponentID, signal: Signal, exporter: any Exporter, config: SendingConfig, isDurable: Bool,
        slots: SendingSlots, metrics: ExporterMetrics
    ) {
        self.id = id
        self.signal = signal
        self.exporter = exporter
        self.config = config
        self.isDurable = isDurable
        self.slots = slots
        self.metrics = metrics
    }

    /// Whether a request's answer is its export's: without a queue, or with `wait_for_result`.
    ///
    /// - Parameter isLogged: the pipeline's requests go through its log. Then an exporter that simply has no queue reads
    ///   them there too, so that it gets the same batches as the others and fails without them.
    func isDirect(isLogged: Bool) -> Bool {
        config.queue.isAbsent ? !isLogged : !config.queue.isEnabled || config.queue.waitForResult
    }
}

/// What all the sending of a program shares. One for a program; the worker pool's threads end with it.
package struct SendingServices: Sendable {
    package var workers: WorkerPool
    package var metrics: MetricRegistry
    package var slice: PayloadSlicer
    package var timeline: Timeline

    package init(
        workers: WorkerPool, metrics: MetricRegistry, timeline: Timeline = Timeline(),
        slice: @escaping PayloadSlicer = { (range, request, signal) throws(WireError) in
            try OTLPRequest.items(range, of: request, signal: signal)
        }
    ) {
        self.workers = workers
        self.metrics = metrics
        self.timeline = timeline
        self.slice = slice
    }
}

/// The end of a pipeline: its log, and a sending queue for each exporter that reads it.
///
/// Exporters and log belong to the caller: started and opened before `start`, stopped and closed after `stop`.
package final class PipelineSender: TelemetryConsumer {
    /// Where requests go in.
    private final class Entrance: Sendable {
        /// Nil: no exporter reads the log.
        let writer: PipelineLogWriter?
        let directs: [DirectSender]
        /// The one sender of a pipeline that has only an immediate exporter.
        let immediate: DirectSender?

        init(writer: PipelineLogWriter?, directs: [DirectSender]) {
            self.writer = writer
            self.directs = directs
            immediate = writer == nil && directs.count == 1 && directs[0].isImmediate ? directs[0] : nil
        }
    }

    package let pipeline: String
    package let log: any Log
    /// What becomes of the requests; who runs processors before `consume` tells it what they do.
    package let account = PipelineAccount()
    private let signal: Signal
    /// The exporters that read the log, and those that are sent each request directly.
    let queued: [ExporterBinding]
    let direct: [ExporterBinding]
    private let batch: BatchSettings?
    private let batchMetrics: BatchMetrics?
    private let partitions: PartitionTable?
    private let services: SendingServices
    let deadLetters: (any DeadLetterSink)?
    private let logger: Logger
    /// Made by `start`. Neither lock nor count of its own is taken for a request to find it.
    private let entrance = PublishedReference<Entrance>()
    private let isStopped = Atomic(false)
    private let queues = Mutex<[SendingQueue]>([])
    private let lines = Mutex(LineLimiter(interval: .seconds(1)))

    /// - Parameters:
    ///   - pipeline: the pipeline's id, for example `traces/2`.
    ///   - batch: the settings of the pipeline's `batch` processor, and its id for the metrics. An exporter's own
    ///     `sending_queue.batch` goes before it. Without either, each request is one batch.
    ///   - deadLetters: where given-up batches go; nil: they are dropped and counted.
    package init(
        pipeline: String, signal: Signal, log: any Log, exporters: [ExporterBinding],
        batch: (processor: ComponentID, settings: BatchSettings)?, services: SendingServices,
        deadLetters: (any DeadLetterSink)?, logger: Logger
    ) {
        self.pipeline = pipeline
        self.signal = signal
        self.log = log
        let isLogged = batch != nil || exporters.contains { !$0.config.queue.isAbsent && !$0.isDirect(isLogged: true) }
        queued = exporters.filter { !$0.isDirect(isLogged: isLogged) }
        direct = exporters.filter { $0.isDirect(isLogged: isLogged) }
        self.batch = batch?.settings
        self.services = services
        self.deadLetters = deadLetters
        self.logger = logger
        batchMetrics = batch.map { BatchMetrics(processor: $0.processor, registry: services.metrics) }
        partitions = Self.partitions(batch?.settings, exporters)
        if let batch {
            services.metrics.observe(
                "otelcol_processor_batch_metadata_cardinality",
                help: "Number of distinct metadata value combinations being processed", kind: .gauge,
                labels: ["processor": "\(batch.processor)"]
            ) { [partitions] in Double(partitions?.count ?? 1) }
        }
    }

    /// One log has one set of partitions: by the keys of the pipeline and of all its exporters together.
    private static func partitions(_ batch: BatchSettings?, _ exporters: [ExporterBinding]) -> PartitionTable? {
        let settings = [batch].compactMap { $0 } + exporters.compactMap(\.config.queue.batch)
        var keys: [String] = []
        for key in settings.flatMap(\.metadataKeys) where !keys.contains(key.lowercased()) {
            keys.append(key.lowercased())
        }
        guard !keys.isEmpty else { return nil }
        let limits = settings.filter { !$0.metadataKeys.isEmpty }.map(\.metadataCardinalityLimit)
        return PartitionTable(keys: keys, limit: limits.contains(0) ? 0 : limits.max() ?? 0)
    }

    // MARK: Life

    /// Opens the exporters' consumers and begins to send.
    ///
    /// - Throws: `LogError` when a consumer cannot be opened.
    package func start() async throws {
        var queues: [SendingQueue] = []
        var blockers: [PipelineLogWriter.Blocker] = []
        let room = RoomSignal()
        for binding in queued {
            let limit = binding.config.queue.limit(batch: batch)
            let isBlocking = binding.config.queue.blockOnOverflow || binding.config.queue.isAbsent
            // Whoever blocks its clients must not be skipped forward: the writer minds the limit instead of the log.
            let options = ConsumerOptions(
                isDurable: binding.isDurable, limit: binding.isDurable || isBlocking ? nil : limit)
            let consumer = try log.openConsumer("\(binding.id)", options: options)
            if isBlocking { blockers.append(PipelineLogWriter.Blocker(consumer: consumer, limit: limit)) }
            // The batch processor's metrics count each batch once, whatever the number of exporters.
            let isFirst = queues.isEmpty && binding.config.queue.batch == nil
            queues.append(queue(binding, consumer, room: room, batchMetrics: isFirst ? batchMetrics : nil))
        }
        let directs = direct.map { binding in
            DirectSender(
                binding, pipeline: pipeline, workers: services.workers, logger: logger(of: binding),
                timeline: services.timeline)
        }
        let writer = PipelineLogWriter(
            log: log, recordBytesMax: log.recordBytesMax, partitions: partitions, blockers: blockers,
            account: account, workers: services.workers, timeline: services.timeline, slice: services.slice)
        room.connect(writer)
        for queue in queues { queue.start() }
        self.queues.withLock { [queues] in $0 = queues }
        entrance.publish(Entrance(writer: queues.isEmpty ? nil : writer, directs: directs))
    }

    private func queue(
        _ binding: ExporterBinding, _ consumer: any LogConsumer, room: RoomSignal, batchMetrics: BatchMetrics?
    ) -> SendingQueue {
        SendingQueue(
            SendingContext(
                exporterID: binding.id, pipeline: pipeline, signal: signal, exporter: binding.exporter,
                config: binding.config, batch: binding.config.queue.batch ?? batch, isPartitioned: partitions != nil,
                isDurable: binding.isDurable, consumer: consumer, slots: binding.slots, workers: services.workers,
                metrics: binding.metrics, batchMetrics: batchMetrics, deadLetters: deadLetters,
                logger: logger(of: binding), timeline: services.timeline, slice: services.slice,
                madeRoom: { room.notify() }))
    }

    private func logger(of binding: ExporterBinding) -> Logger {
        var logger = logger
        logger[metadataKey: "kind"] = "exporter"
        logger[metadataKey: "name"] = "\(binding.id)"
        logger[metadataKey: "data_type"] = "\(signal.rawValue)"
        return logger
    }

    /// Refuses new requests and ends sending: see `StopReport` for what was left.
    package func stop(deadline: ContinuousClock.Instant) async -> StopReport {
        guard let entrance = entrance.value, !isStopped.exchange(true, ordering: .sequentiallyConsistent) else {
            return StopReport()
        }
        let queues = queues.withLock { queues in
            defer { queues = [] }
            return queues
        }
        let end = services.timeline.now + ContinuousClock.now.duration(to: deadline)
        entrance.writer?.close()
        return await withTaskGroup(of: StopReport.self) { group in
            for queue in queues { group.addTask { await queue.stop(deadline: end) } }
            for direct in entrance.directs {
                group.addTask {
                    await direct.stop(deadline: end)
                    return StopReport()
                }
            }
            var sum = StopReport()
            for await report in group { sum = sum + report }
            return sum
        }
    }

    /// How the exporters fare at this moment, in the order of the configuration, those without a queue last.
    package var states: [ExporterState] {
        guard let entrance = open else { return [] }
        return queues.withLock { $0 }.map(\.state) + entrance.directs.map(\.exporterState)
    }

    // MARK: Requests

    /// Nil before `start` and after `stop`.
    private var open: Entrance? { isStopped.load(ordering: .acquiring) ? nil : entrance.value }

    /// Takes a request that `account` was told of: appends it once for all exporters with a queue, and sends it directly to
    /// those without.
    ///
    /// A refusal after a part of this succeeded makes the client send the whole request again.
    package func consume(
        _ telemetry: consuming Telemetry, completion: @escaping @Sendable (Result<Void, RefusalError>) -> Void
    ) {
        let itemCount = telemetry.itemCount
        guard let entrance = open else {
            account.refused(itemCount)
            return completion(.failure(.shuttingDown))
        }
        // A request without items has nothing to deliver.
        guard itemCount > 0 else { return completion(.success(())) }
        if let immediate = entrance.immediate {
            immediate.sendAtOnce(telemetry)
            account.appended(itemCount)
            return completion(.success(()))
        }
        switch (entrance.writer, entrance.directs.count) {
        case (let writer?, 0):
            append(telemetry, itemCount, to: writer, completion: completion)
        case (let writer?, let count):
            // It is the log that says, for each record, how the items have ended.
            let join = Join(count + 1, completion: completion)
            for direct in entrance.directs { direct.send(telemetry) { join.end($0) } }
            append(telemetry, itemCount, to: writer) { join.end($0) }
        case (nil, 1):
            entrance.directs[0].send(telemetry) { [account] result in
                account.ended(itemCount, result)
                completion(result)
            }
        case (nil, let count):
            precondition(count > 0, "a pipeline has an exporter")
            let join = Join(count) { [account] result in
                account.ended(itemCount, result)
                completion(result)
            }
            for direct in entrance.directs { direct.send(telemetry) { join.end($0) } }
        }
    }

    private func append(
        _ telemetry: consuming Telemetry, _ itemCount: Int, to writer: PipelineLogWriter,
        completion: @escaping @Sendable (Result<Void, RefusalError>) -> Void
    ) {
        writer.append(telemetry) { [self] result in
            if case .failure(let refusal) = result { refused(itemCount, refusal) }
            completion(result)
        }
    }

    private func refused(_ itemCount: Int, _ refusal: RefusalError) {
        for binding in queued { binding.metrics.enqueueFailed.add(itemCount) }
        let now = services.timeline.now
        guard lines.withLock({ $0.mayWrite(now: now) }) else { return }
        logger.error(
            "Exporting failed. Rejecting data.",
            metadata: ["error": "\(refusal.reason)", "rejected_items": "\(itemCount)"])
    }
}

/// Tells the writer of a log, which is made after the queues, that batches have ended.
private final class RoomSignal: Sendable {
    private let writer = Mutex<PipelineLogWriter?>(nil)

    func connect(_ writer: PipelineLogWriter) { self.writer.withLock { $0 = writer } }

    func notify() { writer.withLock { $0 }?.madeRoom() }
}
