package import Component
internal import OTLP
internal import SendingQueue

extension CollectorConfig {
    /// Reads `sources`, has every component read its own block, and checks that the parts fit together.
    ///
    /// - Parameter environment: looks up a variable; nil for one that is not set.
    /// - Throws: everything that is wrong, each finding with its place; its context says at which step, as otelcol does.
    package static func load(
        sources: [ConfigSource], factories: ComponentFactories,
        environment: @escaping ConfigResolver.Environment = ProcessEnvironment.value
    ) throws(ConfigError) -> CollectorConfig {
        let resolved: ResolvedConfig
        do {
            resolved = try ConfigResolver.resolve(sources, environment: environment)
        } catch {
            throw error.within("failed to get config: cannot resolve the configuration")
        }
        var loader = ConfigLoader(factories: factories, notices: resolved.notices)
        let config = loader.load(resolved.root)
        guard let config, loader.findings.isEmpty else {
            let cannotDecode = loader.findings.contains { $0.kind == .decoding }
            throw ConfigError(
                loader.findings,
                context: cannotDecode
                    ? "failed to get config: cannot unmarshal the configuration" : "invalid configuration")
        }
        return config
    }
}

/// Turns a resolved tree into a `CollectorConfig`, going on after each finding.
struct ConfigLoader {
    private let factories: ComponentFactories
    private var notices: [ConfigNotice]
    private(set) var findings: [ConfigError.Finding] = []

    /// Ids as written, with their places: what references are checked against. They hold those with a broken block too.
    private(set) var declared: [ComponentKind: [ComponentID: ConfigPosition]] = [:]
    /// `sending_queue.storage` of each exporter whose queue is enabled.
    private var storageReferences: [(exporter: ComponentID, storage: ComponentReference)] = []

    init(factories: ComponentFactories, notices: [ConfigNotice]) {
        self.factories = factories
        self.notices = notices
    }

    mutating func load(_ root: ConfigNode) -> CollectorConfig? {
        guard case .map(let sections) = root.value, !sections.isEmpty else {
            report(.validation, at: nil, path: "", "empty configuration file")
            return nil
        }
        var map = ConfigMap(entries: sections, path: "", position: root.position)
        let receivers = receivers(map.takeNode("receivers"))
        let processors = processors(map.takeNode("processors"))
        let exporters = exporters(map.takeNode("exporters"))
        connectors(map.takeNode("connectors"))
        let extensions = extensions(map.takeNode("extensions"))
        let serviceNode = map.takeNode("service")
        collect { () throws(ConfigError) in try map.finish() }

        if declared[.receiver, default: [:]].isEmpty {
            report(.validation, at: nil, path: "", "no receiver configuration specified in config")
        }
        if declared[.exporter, default: [:]].isEmpty {
            report(.validation, at: nil, path: "", "no exporter configuration specified in config")
        }
        guard let draft = service(serviceNode) else { return nil }
        let signals = ComponentSignals(
            receivers: Dictionary(uniqueKeysWithValues: receivers.map { ($0.id, $0.signals) }),
            processors: Dictionary(uniqueKeysWithValues: processors.map { ($0.id, $0.signals) }),
            exporters: Dictionary(uniqueKeysWithValues: exporters.map { ($0.id, $0.signals) }))
        check(draft, signals: signals)
        checkStorage(draft, storageExtensions: Set(extensions.filter(\.isStorage).map(\.id)))
        noteUnused(draft)
        noteVolatile(draft.service, exporters)
        for warning in exporters.flatMap(\.sending.warnings) {
            notices.append(ConfigNotice(.warning, warning.description))
        }
        for key in draft.telemetry.ineffectiveKeys {
            notices.append(ConfigNotice(.warning, "Configuration key has no effect", [("key", key)]))
        }
        return CollectorConfig(
            receivers: receivers, processors: processors, exporters: exporters, extensions: extensions,
            service: draft.service, notices: notices)
    }

    // MARK: Findings

    mutating func report(_ kind: ConfigError.Finding.Kind, at position: ConfigPosition?, path: String, _ text: String) {
        findings.append(ConfigError.Finding(kind: kind, position: position, path: path, message: text))
    }

    @discardableResult
    mutating func collect<Value>(_ body: () throws(ConfigError) -> Value) -> Value? {
        do {
            return try body()
        } catch {
            findings += error.findings
            return nil
        }
    }

    // MARK: Components

    private mutating func receivers(_ section: ConfigNode?) -> [ConfiguredReceiver] {
        components(.receiver, section, factories.receivers, type: \.type) { factory, id, map throws(ConfigError) in
            ConfiguredReceiver(id: id, signals: factory.signals, make: try factory.configure(&map))
        }
    }

    private mutating func processors(_ section: ConfigNode?) -> [ConfiguredProcessor] {
        components(.processor, section, factories.processors, type: \.type) { factory, id, map throws(ConfigError) in
            ConfiguredProcessor(id: id, signals: factory.signals, role: try factory.configure(&map))
        }
    }

    private mutating func exporters(_ section: ConfigNode?) -> [ConfiguredExporter] {
        var references: [(exporter: ComponentID, storage: ComponentReference)] = []
        defer { storageReferences = references }
        return components(.exporter, section, factories.exporters, type: \.type) {
            factory, id, map throws(ConfigError) in
            if let storage = try Self.storage(of: map) { references.append((id, storage)) }
            let sending = try SendingConfig(
                from: &map, hasQueue: factory.hasQueue, defaultTimeout: factory.defaultTimeout)
            return ConfiguredExporter(
                id: id, signals: factory.signals, sending: sending, make: try factory.configure(&map))
        }
    }

    private mutating func extensions(_ section: ConfigNode?) -> [ConfiguredExtension] {
        components(.extension, section, factories.extensions, type: \.type) { factory, id, map throws(ConfigError) in
            ConfiguredExtension(id: id, isStorage: factory.isStorage, make: try factory.configure(&map))
        }
    }

    private mutating func connectors(_ section: ConfigNode?) {
        let none: [ExtensionFactory] = []
        let _: [Void] = components(.connector, section, none, type: \.type) { _, _, _ throws(ConfigError) in }
    }

    /// Reads one section: each id's factory reads its block, and leaves no key.
    private mutating func components<Factory, Component>(
        _ kind: ComponentKind, _ section: ConfigNode?, _ factories: [Factory], type: (Factory) -> String,
        configure: (Factory, ComponentID, inout ConfigMap) throws(ConfigError) -> Component
    ) -> [Component] {
        let name = "\(kind.rawValue)s"
        guard let section, let entries = collect({ () throws(ConfigError) in try ConfigMap(section, path: name) })
        else { return [] }
        var components: [Component] = []
        for entry in entries.remainingEntries {
            guard let id = declare(kind, entry, section: name) else { continue }
            guard let factory = factories.first(where: { type($0) == id.type }) else {
                let message = Self.unknownType(id, section: name, types: factories.map(type))
                report(.decoding, at: entry.keyPosition, path: "", message)
                continue
            }
            collect { () throws(ConfigError) in
                var map = try ConfigMap(entry.node, path: "\(name)::\(id)")
                components.append(try configure(factory, id, &map))
                try map.finish()
            }
        }
        return components
    }

    /// The id that `entry` declares; nil, and a finding, when it is none or was declared before.
    private mutating func declare(_ kind: ComponentKind, _ entry: ConfigEntry, section: String) -> ComponentID? {
        let id: ComponentID
        do {
            id = try ComponentID(parsing: entry.key)
        } catch {
            report(.decoding, at: entry.keyPosition, path: "", "error decoding '\(section)': \(error.message)")
            return nil
        }
        guard declared[kind, default: [:]][id] == nil else {
            report(
                .decoding, at: entry.keyPosition, path: "",
                "error decoding '\(section)': duplicate name \"\(id)\" after trimming spaces \(entry.key)")
            return nil
        }
        declared[kind, default: [:]][id] = entry.keyPosition
        return id
    }

    private static func unknownType(_ id: ComponentID, section: String, types: [String]) -> String {
        if section == "exporters", id.type == "logging" {
            return
                "error decoding 'exporters': the logging exporter has been deprecated, use the debug exporter instead"
        }
        let hint = nearestName(to: id.type, in: types).map { "; did you mean \"\($0)\"?" } ?? ""
        let valid = types.sorted().joined(separator: " ")
        return
            "error decoding '\(section)': unknown type: \"\(id.type)\" for id: \"\(id)\" (valid values: [\(valid)]\(hint))"
    }

    /// The extension that an exporter's queue is kept in, if the queue is on and names one.
    private static func storage(of map: ConfigMap) throws(ConfigError) -> ComponentReference? {
        if case .bool(false) = map.peek("sending_queue", "enabled")?.value { return nil }
        guard let node = map.peek("sending_queue", "storage") else { return nil }
        if case .null = node.value { return nil }
        let id = try ComponentID.decode(node, path: map.childPath("sending_queue::storage"))
        return ComponentReference(id: id, position: node.position)
    }

    // MARK: Cross checks of storage, and what is unused

    private mutating func checkStorage(_ draft: ServiceDraft, storageExtensions: Set<ComponentID>) {
        let started = Set(draft.extensions.map(\.id))
        for (exporter, storage) in storageReferences {
            let path = "exporters::\(exporter)::sending_queue::storage"
            if declared[.extension]?[storage.id] == nil {
                let candidates = declared[.extension, default: [:]].keys.map(\.description).sorted()
                report(
                    .validation, at: storage.position, path: path,
                    "references extension \"\(storage.id)\" which is not configured"
                        + Self.hint(storage.id.description, candidates))
            } else if !storageExtensions.contains(storage.id) {
                let isBroken = findings.contains { $0.path.hasPrefix("extensions::\(storage.id)") }
                if !isBroken {
                    report(
                        .validation, at: storage.position, path: path,
                        "extension \"\(storage.id)\" is not a storage extension")
                }
            } else if !started.contains(storage.id) {
                report(
                    .validation, at: storage.position, path: path,
                    "storage extension \"\(storage.id)\" is not listed in service::extensions")
            }
        }
    }

    private mutating func noteUnused(_ draft: ServiceDraft) {
        let used: [ComponentKind: Set<ComponentID>] = [
            .receiver: Set(draft.pipelines.flatMap { $0.receivers.map(\.id) }),
            .processor: Set(draft.pipelines.flatMap { $0.processors.map(\.id) }),
            .exporter: Set(draft.pipelines.flatMap { $0.exporters.map(\.id) }),
            .extension: Set(draft.extensions.map(\.id)),
        ]
        for kind in ComponentKind.allCases {
            let unused = declared[kind, default: [:]].filter { used[kind]?.contains($0.key) == false }
            for (id, position) in unused.sorted(by: { $0.key.description < $1.key.description }) {
                notices.append(
                    ConfigNotice(
                        .warning, "Component is configured but not used",
                        [("kind", kind.rawValue), ("name", id.description), ("position", position.description)]))
            }
        }
    }

    /// Names the exporters that lose what waits for them at a restart, where others of their pipeline do not.
    private mutating func noteVolatile(_ service: ServiceConfig, _ exporters: [ConfiguredExporter]) {
        let durable = Set(exporters.filter { $0.sending.queue.storage != nil }.map(\.id))
        for pipeline in service.pipelines where pipeline.exporters.contains(where: durable.contains) {
            for id in pipeline.exporters where !durable.contains(id) {
                notices.append(
                    ConfigNotice(
                        .info, "Exporter has no storage: what waits for it is lost at a restart",
                        [("exporter", "\(id)"), ("pipeline", "\(pipeline.id)")]))
            }
        }
    }

    /// The nearest of `candidates` as the end of a message.
    static func hint(_ name: String, _ candidates: [String]) -> String {
        nearestName(to: name, in: candidates).map { " (did you mean \"\($0)\"?)" } ?? ""
    }
}
