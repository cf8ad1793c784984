import Component
import Extensions
import LogTestSupport
import Logging
import Testing
import WriteAheadLog

/// `file_storage` reads otelcol's keys, refuses a directory it cannot use by name, and opens logs in it.
@Suite struct FileStorageExtensionTests {
    static let position = ConfigPosition(source: "test", line: 1, column: 1)

    static func config(_ keys: [String: ConfigValue]) throws(ConfigError) -> FileStorageConfig {
        let entries = keys.sorted { $0.key < $1.key }.map {
            ConfigEntry(key: $0.key, keyPosition: position, node: ConfigNode($0.value, at: position))
        }
        return try FileStorageConfig.decode(ConfigNode(.map(entries), at: position), path: "extensions::file_storage")
    }

    static func make(
        _ config: FileStorageConfig, _ fileSystem: FaultyFileSystem
    ) -> FileStorageExtension {
        let settings = ComponentSettings(
            id: ComponentID(type: "file_storage"), logger: Logger(label: "test"), metrics: MetricRegistry(),
            userAgent: "test")
        return FileStorageExtension(config: config, settings: settings, fileSystem: fileSystem)
    }

    @Test("defaults")
    func defaults() throws {
        let config = try Self.config([:])
        #expect(config.directory == "/var/lib/otelcol/file_storage")
        #expect(config.timeout == .seconds(1))
        #expect(config.fsync)
        #expect(config.createDirectory)
        #expect(config.directoryPermissions == 0o750)
        #expect(config.bytesMax == nil)
        #expect(config.deadLettersBytesMax == 1 << 30)
        #expect(config.onFull == .refuse)
        #expect(config.retention == nil)
    }

    @Test("every key of otelcol's is read")
    func keys() throws {
        let compaction = ["on_start", "on_rebound", "cleanup_on_start"].map {
            ConfigEntry(key: $0, keyPosition: Self.position, node: ConfigNode(.bool(true), at: Self.position))
        }
        let config = try Self.config([
            "directory": .string("/x"), "timeout": .string("3s"), "fsync": .bool(false),
            "create_directory": .bool(false), "directory_permissions": .string("0700"), "recreate": .bool(true),
            "max_size": .int(10_000_000), "compaction": .map(compaction), "min_free_disk_mib": .int(5),
            "dead_letters_max_mib": .int(7), "on_full": .string("evict_oldest"), "retention": .string("36h"),
        ])
        #expect(config.onFull == .evictOldest)
        #expect(config.retention == .seconds(36 * 3600))
        #expect(config.deadLettersBytesMax == 7 << 20)
        #expect(config.directory == "/x")
        #expect(!config.fsync)
        #expect(config.directoryPermissions == 0o700)
        #expect(config.bytesMax == 10_000_000)
        #expect(config.freeBytesMin == 5 << 20)
        #expect(config.hasCompaction)
    }

    @Test(
        "wrong values are refused by path",
        arguments: [
            ("directory_permissions", ConfigValue.string("rwx"), "octal"), ("max_size", .int(10), "at least"),
            ("timeout", .string("-1s"), "negative"), ("fsyncs", .bool(true), "invalid keys"),
            ("directory", .string(""), "empty"), ("min_free_disk_mib", .int(-1), "range"),
            ("dead_letters_max_mib", .int(0), "range"), ("on_full", .string("drop"), "refuse or evict_oldest"),
            ("retention", .string("10ms"), "at least 1s"), ("retention", .string("-1h"), "at least 1s"),
        ])
    func refusals(key: String, value: ConfigValue, message: String) {
        let error = #expect(throws: ConfigError.self) { _ = try Self.config([key: value]) }
        #expect(error?.description.contains(message) == true)
        #expect(error?.findings.first?.path.hasPrefix("extensions::file_storage") == true)
    }

    @Test("a missing directory is refused or made")
    func missingDirectory() async throws {
        let fileSystem = FaultyFileSystem(seed: 1)
        let strict = Self.make(
            try Self.config(["directory": .string("/d"), "create_directory": .bool(false)]), fileSystem)
        let error = await #expect(throws: ConfigError.self) { try await strict.start() }
        #expect(
            error?.description
                == "extensions::file_storage: directory must exist: stat /d: no such file or directory. "
                + "You can enable the create_directory option to automatically create it")
        try await Self.make(try Self.config(["directory": .string("/d")]), fileSystem).start()
        try await strict.start()
    }

    @Test("a directory that cannot be written is refused, with its name and the cause")
    func readOnlyDirectory() async throws {
        let fileSystem = FaultyFileSystem(seed: 1)
        let storage = Self.make(try Self.config(["directory": .string("/d")]), fileSystem)
        try await storage.start()
        fileSystem.setFaults { $0.isReadOnly = true }
        let error = await #expect(throws: ConfigError.self) { try await storage.start() }
        #expect(error?.description.contains("/d") == true)
        #expect(error?.description.contains("read-only file system") == true)
    }

    @Test("logs are kept apart, and keep their records")
    func logs() async throws {
        let fileSystem = FaultyFileSystem(seed: 1)
        let storage = Self.make(
            try Self.config(["directory": .string("/d"), "max_size": .int(1 << 20)]), fileSystem)
        try await storage.start()
        for round in 0..<2 {
            for name in ["traces", "traces/2"] {
                let log = try storage.openLog(name: name)
                do {
                    let consumer = try log.openConsumer("c", options: ConsumerOptions(isDurable: true))
                    let records = try consumer.next(maxRecords: 10, maxBytes: .max)
                    #expect(records.map(\.payload) == (round == 0 ? [] : [Array(name.utf8)]))
                }
                let record = LogRecord(payload: Array(name.utf8), itemCount: 1, receivedAtUnixNanos: 1)
                if round == 0 { _ = try await LogConformance.append(record, to: log) }
                await log.close()
            }
        }
        #expect(fileSystem.paths.contains { $0.hasPrefix("/d/traces/") })
        #expect(fileSystem.paths.contains { $0.hasPrefix("/d/traces__2/") })
    }

    @Test(
        "log names become safe directory names",
        arguments: [
            ("traces", "traces"), ("logs/a", "logs__a"), ("x/../y", "x__..__y"), ("..", "~2E."), ("ü", "~C3~BC"),
        ])
    func names(name: String, directory: String) {
        #expect(FileStorageExtension.directoryName(name) == directory)
    }
}
