package import Component

/// The keys of `batch`.
package struct BatchProcessorConfig: ComponentConfig {
    let settings: BatchSettings

    package init(from map: inout ConfigMap) throws(ConfigError) {
        let timeout = try map.take("timeout", default: Duration.milliseconds(200))
        let sendBatchSize = try map.take("send_batch_size", default: 8192)
        let sendBatchMaxSize = try map.take("send_batch_max_size", default: 0)
        let metadataKeys = try map.take("metadata_keys", default: [String]()).map { $0.lowercased() }
        let cardinalityLimit = try map.take("metadata_cardinality_limit", default: 1000)

        for (key, value) in [
            ("send_batch_size", sendBatchSize), ("send_batch_max_size", sendBatchMaxSize),
            ("metadata_cardinality_limit", cardinalityLimit),
        ] where value < 0 {
            throw map.error("\(key) must be greater or equal to 0")
        }
        if sendBatchMaxSize > 0, sendBatchMaxSize < sendBatchSize {
            throw map.error("send_batch_max_size must be greater or equal to send_batch_size")
        }
        var seen: Set<String> = []
        for key in metadataKeys where !seen.insert(key).inserted {
            throw map.error("duplicate entry in metadata_keys: \"\(key)\" (case-insensitive)")
        }
        if timeout < .zero { throw map.error("timeout must be greater or equal to 0") }
        settings = BatchSettings(
            sendBatchSize: sendBatchSize, sendBatchMaxSize: sendBatchMaxSize, timeout: timeout,
            metadataKeys: metadataKeys, metadataCardinalityLimit: cardinalityLimit)
    }
}
