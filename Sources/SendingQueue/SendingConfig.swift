package import Component

/// What every exporter's configuration may say about its sending: `sending_queue`, `retry_on_failure`, `timeout`, and
/// the older `batcher`.
package struct SendingConfig: Sendable {
    package var queue: QueueConfig
    package var retry: RetryPolicy
    /// Whether failed exports are repeated while a client waits for the answer; else the client hears of the failure at once.
    package var repeatsForClients = true
    /// How long one attempt may take; nil: no limit.
    package var timeout: Duration?
    /// What is accepted but has no effect, or another one than in otelcol; for the start log.
    package var warnings: [ConfigError.Finding] = []

    /// Takes its keys out of an exporter's map and leaves the rest.
    ///
    /// - Parameters:
    ///   - hasQueue: whether the exporter has a queue, and retries, without being told to.
    ///   - defaultTimeout: the exporter's own default of `timeout`; nil: no limit.
    package init(from map: inout ConfigMap, hasQueue: Bool = true, defaultTimeout: Duration?) throws(ConfigError) {
        queue = try map.takeIfPresent("sending_queue") ?? (hasQueue ? QueueConfig() : .absent)
        let retry = try map.takeIfPresent("retry_on_failure", as: RetryBlock.self)?.policy
        self.retry = retry ?? RetryPolicy()
        repeatsForClients = hasQueue || retry != nil
        let timeout = try map.take("timeout", default: defaultTimeout ?? .zero)
        if timeout < .zero { throw map.error("'timeout' must be non-negative") }
        self.timeout = timeout == .zero ? nil : timeout
        warnings = queue.warnings
        if let batcher = try map.takeIfPresent("batcher", as: BatcherBlock.self) {
            warnings.append(
                ConfigError.Finding(
                    position: map.position, path: map.childPath("batcher"),
                    message: "\"batcher\" is deprecated, use \"sending_queue::batch\""))
            if queue.batch == nil { queue.batch = batcher.settings }
        }
    }

    /// Every key at its default.
    package init() {
        queue = QueueConfig()
        retry = RetryPolicy()
        timeout = .seconds(5)
    }
}

/// The `sending_queue` block.
package struct QueueConfig: ConfigBlock {
    /// Of an exporter that has no queue and was given none. Nobody is refused for its being slow: clients wait.
    package static let absent: QueueConfig = {
        var config = QueueConfig()
        config.isEnabled = false
        config.isAbsent = true
        return config
    }()

    package enum Sizer: String, Sendable, Hashable {
        case requests
        case items
        case bytes
    }

    package var isEnabled = true
    /// Neither written nor the exporter's own; then it is not enabled.
    package private(set) var isAbsent = false
    package var numConsumers = 10
    package var queueSize = 1000
    /// The storage extension that keeps the queue; nil: memory.
    package var storage: ComponentID?
    package var sizer = Sizer.requests
    package var blockOnOverflow = false
    package var waitForResult = false
    /// `sending_queue.batch`; it goes before the pipeline's `batch` processor.
    package var batch: BatchSettings?
    var warnings: [ConfigError.Finding] = []

    package init() {}

    package init(from map: inout ConfigMap) throws(ConfigError) {
        isEnabled = try map.take("enabled", default: isEnabled)
        numConsumers = try map.take("num_consumers", default: numConsumers)
        queueSize = try map.take("queue_size", default: queueSize)
        storage = try Self.takeStorage(from: &map)
        sizer = try Self.takeSizer(from: &map) ?? sizer
        // The key was called `blocking` from 0.118 to 0.122.
        let blocking: Bool? = try map.takeIfPresent("blocking")
        blockOnOverflow = try map.takeIfPresent("block_on_overflow") ?? blocking ?? false
        waitForResult = try map.take("wait_for_result", default: false)
        batch = try map.takeIfPresent("batch", as: QueueBatchBlock.self)?.settings
        if map.takeNode("requeue_enabled") != nil {
            warnings.append(
                ConfigError.Finding(
                    position: map.position, path: map.childPath("requeue_enabled"),
                    message: "\"requeue_enabled\" has no effect: a failing batch never holds up the others"))
        }
        guard isEnabled else { return }
        if numConsumers <= 0 { throw map.error("number of queue consumers must be positive") }
        if queueSize <= 0 { throw map.error("queue size must be positive") }
        if storage != nil, waitForResult {
            throw map.error(
                "`wait_for_result` is not supported with a persistent queue configured with `storage`")
        }
    }

    private static func takeStorage(from map: inout ConfigMap) throws(ConfigError) -> ComponentID? {
        guard let text: String = try map.takeIfPresent("storage") else { return nil }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if parts[0].isEmpty {
            throw map.error("in \"\(text)\" id: the part before / should not be empty")
        }
        if parts.count == 2, parts[1].isEmpty {
            throw map.error("in \"\(text)\" id: the part after / should not be empty")
        }
        return ComponentID(type: parts[0], name: parts.count == 2 ? parts[1] : "")
    }

    fileprivate static func takeSizer(from map: inout ConfigMap) throws(ConfigError) -> Sizer? {
        guard let text: String = try map.takeIfPresent("sizer") else { return nil }
        guard let sizer = Sizer(rawValue: text) else {
            throw map.error("invalid sizer \"\(text)\": it must be one of requests, items, bytes")
        }
        return sizer
    }
}

/// `sending_queue.batch`.
private struct QueueBatchBlock: ConfigBlock {
    var settings: BatchSettings

    init(from map: inout ConfigMap) throws(ConfigError) {
        settings = BatchSettings(
            sendBatchSize: try map.take("min_size", default: 8192),
            sendBatchMaxSize: try map.take("max_size", default: 0),
            timeout: try map.take("flush_timeout", default: .milliseconds(200)))
        switch try QueueConfig.takeSizer(from: &map) {
        case nil, .items: break
        case .bytes: throw map.error("the sizer \"bytes\" is not supported for batches, use \"items\"")
        case .requests: throw map.error("`batch` supports only `items` or `bytes` sizer")
        }
        if let partition = try map.takeIfPresent("partition", as: PartitionBlock.self) {
            settings.metadataKeys = partition.metadataKeys
        }
        if settings.timeout <= .zero { throw map.error("`flush_timeout` must be positive") }
        if settings.sendBatchSize < 0 { throw map.error("`min_size` must be non-negative") }
        if settings.sendBatchMaxSize < 0 { throw map.error("`max_size` must be non-negative") }
        if settings.sendBatchMaxSize > 0, settings.sendBatchMaxSize < settings.sendBatchSize {
            throw map.error("`max_size` must be greater or equal to `min_size`")
        }
    }
}

private struct PartitionBlock: ConfigBlock {
    var metadataKeys: [String]

    init(from map: inout ConfigMap) throws(ConfigError) {
        metadataKeys = try map.take("metadata_keys", default: [])
        var seen: Set<String> = []
        for key in metadataKeys where !seen.insert(key.lowercased()).inserted {
            throw map.error("duplicate entry in metadata_keys: \"\(key.lowercased())\" (case-insensitive)")
        }
    }
}

/// The `batcher` block of otlp and otlphttp up to 0.122.
private struct BatcherBlock: ConfigBlock {
    /// Nil when it is not enabled.
    var settings: BatchSettings?

    init(from map: inout ConfigMap) throws(ConfigError) {
        let isEnabled = try map.take("enabled", default: false)
        let read = BatchSettings(
            sendBatchSize: try map.take("min_size_items", default: 8192),
            sendBatchMaxSize: try map.take("max_size_items", default: 0),
            timeout: try map.take("flush_timeout", default: .milliseconds(200)))
        guard isEnabled else { return }
        if read.timeout <= .zero { throw map.error("timeout must be greater than zero") }
        if read.sendBatchSize < 0 { throw map.error("min_size_items must be greater than or equal to zero") }
        if read.sendBatchMaxSize < 0 { throw map.error("max_size_items must be greater than or equal to zero") }
        if read.sendBatchMaxSize > 0, read.sendBatchMaxSize < read.sendBatchSize {
            throw map.error("max_size_items must be greater than or equal to min_size_items")
        }
        settings = read
    }
}

/// `retry_on_failure`.
private struct RetryBlock: ConfigBlock {
    var policy = RetryPolicy()

    init(from map: inout ConfigMap) throws(ConfigError) {
        policy.isEnabled = try map.take("enabled", default: policy.isEnabled)
        policy.initialInterval = try map.take("initial_interval", default: policy.initialInterval)
        policy.randomizationFactor = try map.take("randomization_factor", default: policy.randomizationFactor)
        policy.multiplier = try map.take("multiplier", default: policy.multiplier)
        policy.maxInterval = try map.take("max_interval", default: policy.maxInterval)
        if let written: Duration = try map.takeIfPresent("max_elapsed_time") {
            policy.maxElapsedTime = written
            policy.isMaxElapsedTimeWritten = true
        }
        guard policy.isEnabled else { return }
        if policy.initialInterval < .zero { throw map.error("'initial_interval' must be non-negative") }
        if !(0...1).contains(policy.randomizationFactor) {
            throw map.error("'randomization_factor' must be within [0, 1]")
        }
        if policy.multiplier < 0 { throw map.error("'multiplier' must be non-negative") }
        if policy.maxInterval < .zero { throw map.error("'max_interval' must be non-negative") }
        if policy.maxElapsedTime < .zero { throw map.error("'max_elapsed_time' must be non-negative") }
        guard policy.maxElapsedTime > .zero else { return }
        if policy.maxElapsedTime < policy.initialInterval {
            throw map.error("'max_elapsed_time' must not be less than 'initial_interval'")
        }
        if policy.maxElapsedTime < policy.maxInterval {
            throw map.error("'max_elapsed_time' must not be less than 'max_interval'")
        }
    }
}
