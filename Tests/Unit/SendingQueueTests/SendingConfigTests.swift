import Component
import Testing

@testable import SendingQueue

/// The keys, defaults and error texts are otelcol's, and other keys of the exporter stay where they are.
@Suite struct SendingConfigTests {
    private func node(_ value: ConfigValue) -> ConfigNode {
        ConfigNode(value, at: ConfigPosition(source: "test", line: 1, column: 1))
    }

    private func map(_ entries: [(String, ConfigValue)]) -> ConfigValue {
        .map(
            entries.map {
                ConfigEntry(
                    key: $0.0, keyPosition: ConfigPosition(source: "test", line: 1, column: 1), node: node($0.1))
            })
    }

    private func read(
        _ entries: [(String, ConfigValue)], defaultTimeout: Duration? = .seconds(5)
    ) throws(ConfigError) -> (config: SendingConfig, rest: [String]) {
        var block = try ConfigMap(node(map(entries)), path: "exporters::otlp")
        let config = try SendingConfig(from: &block, defaultTimeout: defaultTimeout)
        return (config, block.remainingEntries.map(\.key))
    }

    private func message(_ entries: [(String, ConfigValue)]) -> String? {
        do throws(ConfigError) {
            _ = try read(entries)
            return nil
        } catch {
            return error.findings.map { "\($0.path): \($0.message)" }.joined(separator: "\n")
        }
    }

    @Test("defaults, and keys of the exporter's own stay")
    func defaults() throws {
        let (config, rest) = try read([("endpoint", .string("x"))])
        #expect(rest == ["endpoint"])
        #expect(config.queue.isEnabled && config.queue.numConsumers == 10 && config.queue.queueSize == 1000)
        #expect(config.queue.storage == nil && config.queue.batch == nil && config.queue.sizer == .requests)
        #expect(!config.queue.blockOnOverflow && !config.queue.waitForResult)
        #expect(config.retry == RetryPolicy())
        #expect(config.retry.maxElapsedTime == .seconds(300) && !config.retry.isMaxElapsedTimeWritten)
        #expect(config.timeout == .seconds(5))
        #expect(config.warnings.isEmpty)
        #expect(try read([], defaultTimeout: nil).config.timeout == nil)
    }

    @Test("an exporter without a queue of its own has one only if it is written")
    func noQueueOfItsOwn() throws {
        func read(_ entries: [(String, ConfigValue)]) throws(ConfigError) -> SendingConfig {
            var block = try ConfigMap(node(map(entries)), path: "exporters::file")
            return try SendingConfig(from: &block, hasQueue: false, defaultTimeout: nil)
        }
        let bare = try read([])
        #expect(bare.queue.isAbsent && !bare.queue.isEnabled && !bare.repeatsForClients)
        let queued = try read([("sending_queue", map([("queue_size", .int(7))]))])
        #expect(!queued.queue.isAbsent && queued.queue.isEnabled && queued.queue.queueSize == 7)
        #expect(try read([("retry_on_failure", map([]))]).repeatsForClients)
        let off = try read([("sending_queue", map([("enabled", .bool(false))]))])
        #expect(!off.queue.isAbsent && !off.queue.isEnabled)
    }

    @Test("every key is read")
    func all() throws {
        let (config, rest) = try read([
            (
                "sending_queue",
                map([
                    ("enabled", .bool(true)), ("num_consumers", .int(3)), ("queue_size", .int(7)),
                    ("storage", .string("file_storage/wal")), ("sizer", .string("items")), ("blocking", .bool(true)),
                    ("requeue_enabled", .bool(true)),
                    (
                        "batch",
                        map([
                            ("flush_timeout", .string("1s")), ("min_size", .int(5)), ("max_size", .int(9)),
                            ("sizer", .string("items")),
                            ("partition", map([("metadata_keys", .list([node(.string("tenant"))]))])),
                        ])
                    ),
                ])
            ),
            (
                "retry_on_failure",
                map([
                    ("enabled", .bool(true)), ("initial_interval", .string("1s")),
                    ("randomization_factor", .double(0.1)), ("multiplier", .int(2)),
                    ("max_interval", .string("10s")), ("max_elapsed_time", .string("0s")),
                ])
            ),
            ("timeout", .string("0s")),
        ])
        #expect(rest.isEmpty)
        #expect(config.queue.numConsumers == 3 && config.queue.queueSize == 7 && config.queue.sizer == .items)
        #expect(config.queue.storage == ComponentID(type: "file_storage", name: "wal"))
        #expect(config.queue.blockOnOverflow)
        #expect(
            config.queue.batch
                == BatchSettings(
                    sendBatchSize: 5, sendBatchMaxSize: 9, timeout: .seconds(1), metadataKeys: ["tenant"]))
        #expect(config.retry.multiplier == 2 && config.retry.randomizationFactor == 0.1)
        #expect(config.retry.isMaxElapsedTimeWritten && config.retry.timeLimit(isDurable: false) == nil)
        #expect(config.timeout == nil)
        #expect(config.warnings.map(\.path) == ["exporters::otlp::sending_queue::requeue_enabled"])
    }

    @Test("the older batcher block sets the batch, with a warning")
    func batcher() throws {
        let written = map([("enabled", .bool(true)), ("min_size_items", .int(4)), ("flush_timeout", .string("3s"))])
        let (config, _) = try read([("batcher", written)])
        #expect(
            config.queue.batch == BatchSettings(sendBatchSize: 4, sendBatchMaxSize: 0, timeout: .seconds(3)))
        #expect(config.warnings.count == 1)
        #expect(try read([("batcher", map([]))]).config.queue.batch == nil)
    }

    @Test("errors name the block and use otelcol's words")
    func errors() {
        func queue(_ key: String, _ value: ConfigValue) -> String? { message([("sending_queue", map([(key, value)]))]) }
        func retry(_ key: String, _ value: ConfigValue) -> String? {
            message([("retry_on_failure", map([(key, value)]))])
        }
        let queuePath = "exporters::otlp::sending_queue: "
        let retryPath = "exporters::otlp::retry_on_failure: "
        #expect(queue("num_consumers", .int(0)) == queuePath + "number of queue consumers must be positive")
        #expect(queue("queue_size", .int(-1)) == queuePath + "queue size must be positive")
        #expect(retry("initial_interval", .string("-1s")) == retryPath + "'initial_interval' must be non-negative")
        #expect(
            retry("randomization_factor", .double(1.1)) == retryPath + "'randomization_factor' must be within [0, 1]")
        #expect(retry("multiplier", .int(-1)) == retryPath + "'multiplier' must be non-negative")
        #expect(retry("max_interval", .string("-1s")) == retryPath + "'max_interval' must be non-negative")
        #expect(retry("max_elapsed_time", .string("-1s")) == retryPath + "'max_elapsed_time' must be non-negative")
        #expect(
            retry("max_elapsed_time", .string("1s"))
                == retryPath + "'max_elapsed_time' must not be less than 'initial_interval'")
        #expect(
            retry("max_elapsed_time", .string("10s"))
                == retryPath + "'max_elapsed_time' must not be less than 'max_interval'")
        #expect(message([("timeout", .string("-1s"))]) == "exporters::otlp: 'timeout' must be non-negative")
        #expect(queue("queue_sice", .int(1))?.contains("'' has invalid keys: queue_sice") == true)
        #expect(queue("sizer", .string("bits"))?.contains("invalid sizer") == true)
        #expect(
            queue("batch", map([("max_size", .int(5))]))
                == "exporters::otlp::sending_queue::batch: `max_size` must be greater or equal to `min_size`")
    }

    @Test("a block that is switched off is not checked")
    func disabled() {
        let off: (String, ConfigValue) = ("enabled", .bool(false))
        #expect(message([("sending_queue", map([off, ("queue_size", .int(0))]))]) == nil)
        #expect(message([("retry_on_failure", map([off, ("multiplier", .int(-1))]))]) == nil)
    }
}
