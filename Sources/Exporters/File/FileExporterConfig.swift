package import Component

/// The keys of the `file` exporter.
package struct FileExporterConfig: ComponentConfig, Hashable {
    /// What one batch becomes.
    package enum Format: String, Sendable {
        /// One line of OTLP/JSON.
        case json
        /// A 4-byte big-endian length and the export request in protobuf.
        case proto
    }

    package struct Rotation: ConfigBlock, Hashable {
        /// A file that would grow above this is rotated first.
        package var maxMegabytes: Int
        /// Backups older than this are removed; 0: never.
        package var maxDays: Int
        /// Backups above this number are removed, oldest first; 0: never.
        package var maxBackups: Int
        /// Backups are named by local time, not UTC.
        package var localtime: Bool

        package init(from map: inout ConfigMap) throws(ConfigError) {
            maxMegabytes = try map.take("max_megabytes", default: 100)
            maxDays = try map.take("max_days", default: 0)
            maxBackups = try map.take("max_backups", default: 100)
            localtime = try map.take("localtime", default: false)
            guard maxMegabytes >= 0, maxDays >= 0, maxBackups >= 0 else {
                throw map.error("max_megabytes, max_days and max_backups must not be negative")
            }
            // Zero is "the default" there, not "no limit".
            if maxMegabytes == 0 { maxMegabytes = 100 }
        }
    }

    package struct GroupBy: ConfigBlock, Hashable {
        package var enabled: Bool
        /// The resource attribute whose value takes the place of `*` in the path.
        package var resourceAttribute: String
        package var maxOpenFiles: Int

        package init(from map: inout ConfigMap) throws(ConfigError) {
            enabled = try map.take("enabled", default: false)
            resourceAttribute = try map.take("resource_attribute", default: "fileexporter.path_segment")
            maxOpenFiles = try map.take("max_open_files", default: 100)
            guard enabled else { return }
            if resourceAttribute.isEmpty {
                throw map.error("resource_attribute must not be empty when group_by is enabled")
            }
            if maxOpenFiles <= 0 { throw map.error("max_open_files must be positive") }
        }
    }

    package var path: String
    package var append: Bool
    package var rotation: Rotation?
    package var format: Format
    /// Each record is a zstd frame of its own.
    package var compresses: Bool
    package var groupBy: GroupBy
    /// Batches count as delivered only when they are on the disk, not when the system has them.
    package var fsync: Bool

    package init(from map: inout ConfigMap) throws(ConfigError) {
        path = try map.take("path", default: "")
        append = try map.take("append", default: false)
        rotation = try map.takeIfPresent("rotation")
        let formatName: String = try map.take("format", default: "json")
        let compression: String = try map.take("compression", default: "")
        groupBy = try map.take("group_by", default: GroupBy.defaults(path: map.childPath("group_by")))
        fsync = try map.take("fsync", default: false)
        let flushInterval: Duration = try map.take("flush_interval", default: .seconds(1))
        if try map.takeIfPresent("encoding", as: String.self) != nil {
            throw map.error("encoding: encoding extensions are not supported; use format: json or format: proto")
        }

        if path.isEmpty { throw map.error("path must be non-empty") }
        if append, !compression.isEmpty {
            throw map.error("append and compression enabled at the same time is not supported")
        }
        if append, rotation != nil {
            throw map.error("append and rotation enabled at the same time is not supported")
        }
        guard let format = Format(rawValue: formatName) else { throw map.error("format type is not supported") }
        self.format = format
        guard ["", "zstd"].contains(compression) else { throw map.error("compression is not supported") }
        compresses = compression == "zstd"
        // Checked only: a batch is written whole at once, so that nothing waits to be flushed.
        if flushInterval < .zero { throw map.error("flush_interval must be larger than zero") }
        if groupBy.enabled {
            if path.hasPrefix("*") { throw map.error("path must not start with * when group_by is enabled") }
            if path.count(where: { $0 == "*" }) != 1 {
                throw map.error("path must contain exatcly one * when group_by is enabled")
            }
        }
    }

    /// Whether a record ends with a newline and may not hold another.
    var isLines: Bool { format == .json && !compresses }
}
