package import Logging
package import OTLP
package import WriteAheadLog

/// What the program hands to every component it creates.
package struct ComponentSettings: Sendable {
    package let id: ComponentID
    /// Carries `kind` and `name` already.
    package let logger: Logger
    package let metrics: MetricRegistry
    /// For user agents and the like: `otelcol-swift/1.0.0`.
    package let userAgent: String

    package init(id: ComponentID, logger: Logger, metrics: MetricRegistry, userAgent: String) {
        self.id = id
        self.logger = logger
        self.metrics = metrics
        self.userAgent = userAgent
    }
}

/// A configuration block of a component: keys, defaults and checks, read from a `ConfigMap`.
package protocol ComponentConfig: ConfigBlock {}

/// The configuration of a component that has no keys.
package struct NoConfig: ComponentConfig {
    package init(from map: inout ConfigMap) throws(ConfigError) {}
}

/// How settled a component is, in otelcol's words; the `components` command prints it.
package enum Stability: String, Sendable {
    case development = "Development"
    case alpha = "Alpha"
    case beta = "Beta"
    case stable = "Stable"
}

// MARK: Receivers

package protocol Receiver: Sendable {
    /// Listens. Throws when it cannot (port in use, bad certificate); the program then exits.
    func start() async throws
    /// Stops accepting, answers what is open, and returns when that is done or `deadline` has passed.
    func stop(deadline: ContinuousClock.Instant) async
}

package struct ReceiverFactory: Sendable {
    package let type: String
    package let signals: Set<Signal>
    package let stability: Stability
    private let makeReceiver:
        @Sendable (inout ConfigMap) throws(ConfigError) ->
            @Sendable (ComponentSettings, [Signal: any TelemetryConsumer])
            throws -> any Receiver

    package init<Config: ComponentConfig>(
        type: String, signals: Set<Signal>, stability: Stability = .beta, config: Config.Type,
        make: @escaping @Sendable (Config, ComponentSettings, [Signal: any TelemetryConsumer]) throws -> any Receiver
    ) {
        self.type = type
        self.signals = signals
        self.stability = stability
        self.makeReceiver = { (map: inout ConfigMap) throws(ConfigError) in
            let config = try Config(from: &map)
            return { settings, consumers in try make(config, settings, consumers) }
        }
    }

    /// Reads the configuration; the result makes the receiver. One receiver serves all its signals.
    package func configure(
        _ map: inout ConfigMap
    ) throws(ConfigError)
        -> @Sendable (
            ComponentSettings, [Signal: any TelemetryConsumer]
        ) throws -> any Receiver
    {
        try makeReceiver(&map)
    }
}

// MARK: Processors

/// Changes or refuses requests, synchronously, on the receiver's thread. Called from several threads at once.
package protocol Processor: Sendable {
    func start() async throws
    func stop() async
    /// Changes `telemetry` in place. Throws to refuse the whole request.
    func process(_ telemetry: inout Telemetry) throws(RefusalError)
    /// One processor that does what this one and then `next`, its neighbour in the pipeline, do; nil if there is none.
    /// It replaces both and is started and stopped in their place.
    func fused(with next: any Processor) -> (any Processor)?
}

extension Processor {
    package func fused(with next: any Processor) -> (any Processor)? { nil }
    package func start() async throws {}
    package func stop() async {}
}

/// How the pipeline's consumers cut their batches from the log: what the `batch` processor and `sending_queue.batch` set.
package struct BatchSettings: Sendable, Hashable {
    /// Items at which a batch is sent without waiting longer; 0: whatever is there.
    package var sendBatchSize: Int
    /// Items a batch never exceeds; 0: no bound.
    package var sendBatchMaxSize: Int
    /// How long the oldest item may wait for the batch to fill.
    package var timeout: Duration
    package var metadataKeys: [String]
    package var metadataCardinalityLimit: Int

    package init(
        sendBatchSize: Int, sendBatchMaxSize: Int, timeout: Duration, metadataKeys: [String] = [],
        metadataCardinalityLimit: Int = 1000
    ) {
        self.sendBatchSize = sendBatchSize
        self.sendBatchMaxSize = sendBatchMaxSize
        self.timeout = timeout
        self.metadataKeys = metadataKeys
        self.metadataCardinalityLimit = metadataCardinalityLimit
    }
}

/// What a processor's configuration turns into.
package enum ProcessorRole: Sendable {
    /// Works on each request before it is logged; one object for each pipeline that names it, or a shared one.
    case perRequest(@Sendable (ComponentSettings, Signal) throws -> any Processor)
    /// Nothing happens at ingest: sets how the pipeline's consumers cut batches.
    case batching(BatchSettings)
}

package struct ProcessorFactory: Sendable {
    package let type: String
    package let signals: Set<Signal>
    package let stability: Stability
    private let read: @Sendable (inout ConfigMap) throws(ConfigError) -> ProcessorRole

    package init<Config: ComponentConfig>(
        type: String, signals: Set<Signal> = Set(Signal.allCases), stability: Stability = .beta,
        config: Config.Type,
        role: @escaping @Sendable (Config) throws(ConfigError) -> ProcessorRole
    ) {
        self.type = type
        self.signals = signals
        self.stability = stability
        self.read = { (map: inout ConfigMap) throws(ConfigError) in try role(try Config(from: &map)) }
    }

    package func configure(_ map: inout ConfigMap) throws(ConfigError) -> ProcessorRole { try read(&map) }
}

// MARK: Exporters

/// A batch on its way out.
package struct Batch: Sendable {
    /// Stable over retries and restarts.
    package var id: BatchID
    package var signal: Signal
    /// Complete export requests in protobuf, in log order; their concatenation is one too.
    package var payloads: [[UInt8]]
    package var itemCount: Int
    /// The exporter's `timeout`: how long this attempt may take. Nil: no limit.
    package var timeout: Duration?
    /// 1 for the first attempt.
    package var attempt: Int
    /// What an earlier attempt of this batch said it had done (`ExportError.retry`); empty at first.
    package var progress: [UInt8]

    package init(
        id: BatchID, signal: Signal, payloads: [[UInt8]], itemCount: Int, timeout: Duration?, attempt: Int = 1,
        progress: [UInt8] = []
    ) {
        self.id = id
        self.signal = signal
        self.payloads = payloads
        self.itemCount = itemCount
        self.timeout = timeout
        self.attempt = attempt
        self.progress = progress
    }
}

/// A finished export.
package struct Delivery: Sendable, Hashable {
    /// Items the peer took the request with, but refused (OTLP partial success). They are counted, not sent again.
    package var rejectedItems: Int
    package var reason: String

    package init(rejectedItems: Int = 0, reason: String = "") {
        self.rejectedItems = rejectedItems
        self.reason = reason
    }

    package static let complete = Delivery()
}

/// How one export attempt ended, from the sending queue's point of view: what to do next, and nothing else.
package enum ExportError: Error, Sendable {
    /// The backend may take the same bytes later. `after` is its own hint, if it gave one; `progress` is what is done already.
    case retry(after: Duration?, progress: [UInt8], reason: String)
    /// Nothing will be accepted until an operator acts: hold the data, retry slowly, show it.
    case misconfigured(reason: String)
    /// These bytes are refused for what they are: narrow down by halves, set the remainder aside.
    case payload(reason: String)

    package var reason: String {
        switch self {
        case .retry(_, _, let reason), .misconfigured(let reason), .payload(let reason): reason
        }
    }
}

/// Sends batches to one backend. Queueing, cutting, retry, timeouts, concurrency and counting are outside it.
///
/// `export` is called from several worker tasks at once (`sending_queue.num_consumers`). It may block its thread.
package protocol Exporter: Sendable {
    /// Opens what needs no peer. A peer that is down is not an error here.
    func start() async throws
    func export(_ batch: Batch) async throws(ExportError) -> Delivery
    /// No export runs when this is called. Flushes and closes.
    func stop() async
    /// How many items a batch had better have while much waits to be sent; nil: batches are always cut as the pipeline
    /// says. Asked before each cut.
    var preferredBacklogItems: Int? { get }
}

extension Exporter {
    package var preferredBacklogItems: Int? { nil }
}

/// An exporter whose export is so little work, and so certain, that it is done on the caller's thread: on event loops too.
package protocol ImmediateExporter: Exporter {
    /// Exports one request by itself. Neither fails nor blocks.
    func deliver(_ request: borrowing Telemetry) -> Delivery
}

package struct ExporterFactory: Sendable {
    package let type: String
    package let signals: Set<Signal>
    package let stability: Stability
    /// Whether its exporters have a sending queue, and retry, without being told to. Those that do not make their clients
    /// wait for them.
    package let hasQueue: Bool
    /// The default of the exporter's `timeout` key; nil: no limit.
    package let defaultTimeout: Duration?
    private let makeExporter:
        @Sendable (inout ConfigMap) throws(ConfigError) -> @Sendable (ComponentSettings, Signal) throws -> any Exporter

    package init<Config: ComponentConfig>(
        type: String, signals: Set<Signal> = Set(Signal.allCases), stability: Stability = .beta,
        hasQueue: Bool = true, defaultTimeout: Duration? = .seconds(5), config: Config.Type,
        make: @escaping @Sendable (Config, ComponentSettings, Signal) throws -> any Exporter
    ) {
        self.type = type
        self.signals = signals
        self.stability = stability
        self.hasQueue = hasQueue
        self.defaultTimeout = defaultTimeout
        self.makeExporter = { (map: inout ConfigMap) throws(ConfigError) in
            let config = try Config(from: &map)
            return { settings, signal in try make(config, settings, signal) }
        }
    }

    /// Reads the configuration without `sending_queue`, `retry_on_failure` and `timeout`, which the sending queue has taken
    /// out of `map`. The result is called once for each signal that a pipeline sends to this exporter.
    package func configure(
        _ map: inout ConfigMap
    ) throws(ConfigError)
        -> @Sendable (ComponentSettings, Signal) throws ->
        any Exporter
    {
        try makeExporter(&map)
    }
}

// MARK: Extensions

package protocol Extension: Sendable {
    func start() async throws
    /// All pipelines run.
    func pipelinesReady() async
    /// All pipelines run; `host` tells how they fare, for as long as they do. Called in place of `pipelinesReady()`.
    func pipelinesReady(on host: any Host) async
    /// Shutdown has begun.
    func pipelinesNotReady() async
    func stop() async
}

extension Extension {
    package func pipelinesReady() async {}
    package func pipelinesReady(on host: any Host) async { await pipelinesReady() }
    package func pipelinesNotReady() async {}
}

/// An extension that keeps logs: what `sending_queue.storage` names.
package protocol StorageExtension: Extension {
    /// Opens the log called `name` (a pipeline id, for example `traces` or `traces/2`), making it if it is not there.
    func openLog(name: String) throws(LogError) -> any Log
    /// The directory that holds a directory for each log; nil for storages elsewhere.
    var directory: String? { get }
    /// Lets operators of this machine ask questions while the collector runs. Called once its logs are open.
    ///
    /// - Parameter answer: takes a request's text, and gives back the answer's and whether it was successful.
    func serveControl(_ answer: @escaping StorageControl) async throws
}

/// Answers an operator's request.
package typealias StorageControl = @Sendable (_ request: String) async -> (isSuccess: Bool, text: String)

extension StorageExtension {
    package var directory: String? { nil }
    package func serveControl(_ answer: @escaping StorageControl) async throws {}
}

/// The log of a storage that holds what was given up.
package enum DeadLetterStorage {
    package static let logName = "dead-letters"
    /// Small, since the log is mostly empty.
    package static let segmentBytes = 8 << 20
    package static let spareSegments = 1
}

package struct ExtensionFactory: Sendable {
    package let type: String
    package let stability: Stability
    /// Whether its extensions are `StorageExtension`s, which `sending_queue.storage` may name.
    package let isStorage: Bool
    private let makeExtension:
        @Sendable (inout ConfigMap) throws(ConfigError) -> @Sendable (ComponentSettings) throws -> any Extension

    package init<Config: ComponentConfig>(
        type: String, stability: Stability = .beta, isStorage: Bool = false, config: Config.Type,
        make: @escaping @Sendable (Config, ComponentSettings) throws -> any Extension
    ) {
        self.type = type
        self.stability = stability
        self.isStorage = isStorage
        self.makeExtension = { (map: inout ConfigMap) throws(ConfigError) in
            let config = try Config(from: &map)
            return { settings in try make(config, settings) }
        }
    }

    package func configure(
        _ map: inout ConfigMap
    ) throws(ConfigError)
        -> @Sendable (ComponentSettings) throws ->
        any Extension
    {
        try makeExtension(&map)
    }
}
