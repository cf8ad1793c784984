package import Component
package import WriteAheadLog

/// The keys of `file_storage`. Those of otelcol are all accepted; `max_size_mib`, `min_free_disk_mib`,
/// `on_full`, `retention` and `dead_letters_max_mib` are our own.
package struct FileStorageConfig: ComponentConfig {
    package static let defaultDirectory = "/var/lib/otelcol/file_storage"

    package let directory: String
    /// How long to wait for another process to let go of a log.
    package let timeout: Duration
    package let fsync: Bool
    package let createDirectory: Bool
    /// Mode bits for directories that are made.
    package let directoryPermissions: UInt32
    package let recreate: Bool
    /// Bytes that each log may take; nil: no limit of its own.
    package let bytesMax: Int?
    /// Free bytes of the file system below which logs do not grow.
    package let freeBytesMin: Int
    /// What happens at those limits.
    package let onFull: DiskLogConfiguration.OnFull
    /// How long pipelines' records are kept at most; nil: until they are delivered.
    package let retention: Duration?
    /// Bytes that the dead-letter log may take.
    package let deadLettersBytesMax: Int
    /// Whether keys of `compaction` are written, which change nothing.
    package let hasCompaction: Bool
    /// The block's path in the configuration, for messages at start.
    package let path: String

    package init(from map: inout ConfigMap) throws(ConfigError) {
        path = map.path
        directory = try map.take("directory", default: FileStorageConfig.defaultDirectory)
        timeout = try map.take("timeout", default: .seconds(1))
        fsync = try map.take("fsync", default: true)
        createDirectory = try map.take("create_directory", default: true)
        let permissions = try map.take("directory_permissions", default: "0750")
        guard let mode = UInt32(permissions, radix: 8), mode <= 0o7777 else {
            throw map.error("directory_permissions should contain octal value: \"\(permissions)\"")
        }
        directoryPermissions = mode
        recreate = try map.take("recreate", default: false)
        let compaction = map.remainingEntries.contains { $0.key == "compaction" }
        _ = try map.take("compaction", default: FileStorageCompactionConfig.defaults(path: map.childPath("compaction")))
        hasCompaction = compaction
        let maxSize = try map.take("max_size", default: 0)
        let maxSizeMiB = try map.take("max_size_mib", default: 0)
        let minFreeMiB = try map.take("min_free_disk_mib", default: 0)
        let deadLettersMaxMiB = try map.take("dead_letters_max_mib", default: 1024)
        let onFullName = try map.take("on_full", default: DiskLogConfiguration.OnFull.refuse.rawValue)
        let kept = try map.take("retention", default: Duration.zero)
        guard let onFull = DiskLogConfiguration.OnFull(rawValue: onFullName) else {
            throw map.error("on_full must be refuse or evict_oldest: \"\(onFullName)\"")
        }
        self.onFull = onFull
        if kept != .zero, kept < .seconds(1) || kept > .seconds(100 * 365 * 86_400) {
            throw map.error("retention is out of range: at least 1s, or 0 for no limit")
        }
        retention = kept == .zero ? nil : kept
        if directory.isEmpty { throw map.error("directory must not be empty") }
        if timeout < .zero { throw map.error("timeout must not be negative") }
        for (key, value) in [("max_size", maxSize), ("max_size_mib", maxSizeMiB), ("min_free_disk_mib", minFreeMiB)]
        where value < 0 || value > Int.max >> 20 {
            throw map.error("\(key) is out of range: \(value)")
        }
        if maxSize > 0, maxSizeMiB > 0 { throw map.error("max_size and max_size_mib cannot both be set") }
        let limit = maxSizeMiB > 0 ? maxSizeMiB << 20 : maxSize
        if limit > 0, limit < FileStorageConfig.bytesMaxLeast {
            throw map.error("a log needs at least \(FileStorageConfig.bytesMaxLeast) bytes, the limit is \(limit)")
        }
        guard deadLettersMaxMiB > 0, deadLettersMaxMiB <= Int.max >> 20 else {
            throw map.error("dead_letters_max_mib is out of range: \(deadLettersMaxMiB)")
        }
        deadLettersBytesMax = deadLettersMaxMiB << 20
        bytesMax = limit > 0 ? limit : nil
        freeBytesMin = minFreeMiB << 20
    }

    /// The smallest limit that leaves room for a few segments and the reserve.
    private static let bytesMaxLeast = 1 << 20
}

/// `compaction`: checked as otelcol does, and without effect, since logs give their space back by whole files.
package struct FileStorageCompactionConfig: ConfigBlock {
    package init(from map: inout ConfigMap) throws(ConfigError) {
        _ = try map.take("on_start", default: false)
        let onRebound = try map.take("on_rebound", default: false)
        _ = try map.take("cleanup_on_start", default: false)
        _ = try map.takeIfPresent("directory", as: String.self)
        _ = try map.take("rebound_needed_threshold_mib", default: 100)
        _ = try map.take("rebound_trigger_threshold_mib", default: 10)
        let maxTransactionSize = try map.take("max_transaction_size", default: 65_536)
        let checkInterval = try map.take("check_interval", default: Duration.seconds(5))
        if maxTransactionSize < 0 {
            throw map.error("max transaction size for compaction cannot be less than 0")
        }
        if onRebound, checkInterval <= .zero {
            throw map.error("compaction check interval must be positive when rebound compaction is set")
        }
    }
}
