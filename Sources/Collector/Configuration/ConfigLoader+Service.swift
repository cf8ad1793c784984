internal import Component
internal import OTLP

/// The id of a component, and where something refers to it.
struct ComponentReference {
    var id: ComponentID
    var position: ConfigPosition
}

/// The `service` section with the places of its references, for the checks.
struct ServiceDraft {
    struct Pipeline {
        var id: PipelineID
        var position: ConfigPosition
        var receivers: [ComponentReference]
        var processors: [ComponentReference]
        var exporters: [ComponentReference]
    }

    var extensions: [ComponentReference]
    var pipelines: [Pipeline]
    var telemetry: TelemetryConfig

    var service: ServiceConfig {
        ServiceConfig(
            extensions: Self.ids(extensions),
            pipelines: pipelines.map {
                PipelineConfig(
                    id: $0.id, receivers: Self.ids($0.receivers), processors: Self.ids($0.processors),
                    exporters: Self.ids($0.exporters))
            },
            telemetry: telemetry)
    }

    /// Each id once, where it comes first.
    private static func ids(_ references: [ComponentReference]) -> [ComponentID] {
        var seen: Set<ComponentID> = []
        return references.map(\.id).filter { seen.insert($0).inserted }
    }
}

/// The signals that each configured component can carry.
struct ComponentSignals {
    var receivers: [ComponentID: Set<Signal>]
    var processors: [ComponentID: Set<Signal>]
    var exporters: [ComponentID: Set<Signal>]
}

extension ConfigLoader {
    private static let pipelinesPrefix = "service::pipelines config validation failed: "
    private static let profilesGate =
        "pipeline \"profiles\": profiling signal support is at alpha level, gated under the "
        + "\"service.profilesSupport\" feature gate"

    /// Reads the `service` section. Nil, with findings, when its telemetry cannot be read.
    mutating func service(_ node: ConfigNode?) -> ServiceDraft? {
        let start = node?.position ?? ConfigPosition(source: "(configuration)", line: 1, column: 1)
        let section = collect { () throws(ConfigError) in
            try ConfigMap(node ?? ConfigNode(.null, at: start), path: "service")
        }
        guard var map = section else { return nil }
        let extensions = references(&map, "extensions")
        let pipelinesNode = map.takeNode("pipelines")
        let telemetryNode = map.takeNode("telemetry") ?? ConfigNode(.null, at: start)
        let telemetry = collect { () throws(ConfigError) in
            try TelemetryConfig.decode(telemetryNode, path: "service::telemetry")
        }
        collect { () throws(ConfigError) in try map.finish() }
        let pipelines = pipelines(pipelinesNode)
        guard let telemetry else { return nil }
        return ServiceDraft(extensions: extensions, pipelines: pipelines, telemetry: telemetry)
    }

    private mutating func pipelines(_ node: ConfigNode?) -> [ServiceDraft.Pipeline] {
        let section = collect { () throws(ConfigError) in
            try node.map { node throws(ConfigError) in try ConfigMap(node, path: "service::pipelines") }
        }
        guard let entries = section??.remainingEntries, !entries.isEmpty else {
            if section != nil {
                report(
                    .validation, at: node?.position, path: "",
                    "\(Self.pipelinesPrefix)service must have at least one pipeline")
            }
            return []
        }
        var pipelines: [ServiceDraft.Pipeline] = []
        for entry in entries {
            guard let id = pipelineID(entry) else { continue }
            guard !pipelines.contains(where: { $0.id == id }) else {
                report(
                    .decoding, at: entry.keyPosition, path: "",
                    "error decoding 'service::pipelines': duplicate name \"\(id)\" after trimming spaces \(entry.key)")
                continue
            }
            if let pipeline = pipeline(id, entry) { pipelines.append(pipeline) }
        }
        return pipelines
    }

    private mutating func pipelineID(_ entry: ConfigEntry) -> PipelineID? {
        let id: ComponentID
        do {
            id = try ComponentID(parsing: entry.key)
        } catch {
            report(.decoding, at: entry.keyPosition, path: "", "error decoding 'service::pipelines': \(error.message)")
            return nil
        }
        guard let signal = Signal(rawValue: id.type) else {
            let hint = Self.hint(id.type, Signal.allCases.map(\.rawValue))
            let message =
                id.type == "profiles" ? Self.profilesGate : "pipeline \"\(id)\": unknown signal \"\(id.type)\"\(hint)"
            report(.validation, at: entry.keyPosition, path: "", "\(Self.pipelinesPrefix)\(message)")
            return nil
        }
        return PipelineID(signal: signal, name: id.name)
    }

    private mutating func pipeline(_ id: PipelineID, _ entry: ConfigEntry) -> ServiceDraft.Pipeline? {
        let block = collect { () throws(ConfigError) in
            try ConfigMap(entry.node, path: "service::pipelines::\(id)")
        }
        guard var map = block else { return nil }
        let findingsBefore = findings.count
        let pipeline = ServiceDraft.Pipeline(
            id: id, position: entry.keyPosition, receivers: references(&map, "receivers"),
            processors: references(&map, "processors"), exporters: references(&map, "exporters"))
        collect { () throws(ConfigError) in try map.finish() }
        // A misspelt key is why a list is missing; one finding says so.
        guard findings.count == findingsBefore else { return pipeline }
        if pipeline.receivers.isEmpty {
            report(
                .validation, at: entry.keyPosition, path: "",
                "\(Self.pipelinesPrefix)pipeline \"\(id)\": must have at least one receiver")
        }
        if pipeline.exporters.isEmpty {
            report(
                .validation, at: entry.keyPosition, path: "",
                "\(Self.pipelinesPrefix)pipeline \"\(id)\": must have at least one exporter")
        }
        return pipeline
    }

    /// The ids listed under `key`: a list, or one text with commas.
    private mutating func references(_ map: inout ConfigMap, _ key: String) -> [ComponentReference] {
        let path = map.childPath(key)
        guard let node = map.takeNode(key) else { return [] }
        var nodes: [ConfigNode] = []
        switch node.value {
        case .null: return []
        case .list(let elements): nodes = elements
        case .string(let text):
            nodes = text.split(separator: ",").map { ConfigNode(.string(String($0)), at: node.position) }
        default: nodes = [node]
        }
        return nodes.enumerated().compactMap { index, node in
            collect { () throws(ConfigError) in
                let id = try ComponentID.decode(node, path: "\(path)[\(index)]")
                return ComponentReference(id: id, position: node.position)
            }
        }
    }

    // MARK: Checks

    /// Every reference names what is configured and can carry the pipeline's signal; no processor comes twice.
    mutating func check(_ draft: ServiceDraft, signals: ComponentSignals) {
        for reference in draft.extensions {
            checkExists(reference, .extension, path: "service::extensions")
        }
        for pipeline in draft.pipelines {
            check(pipeline, .receiver, pipeline.receivers, signals.receivers)
            check(pipeline, .processor, pipeline.processors, signals.processors)
            check(pipeline, .exporter, pipeline.exporters, signals.exporters)
            var seen: Set<ComponentID> = []
            for reference in pipeline.processors where !seen.insert(reference.id).inserted {
                report(
                    .validation, at: reference.position, path: "",
                    "\(Self.pipelinesPrefix)pipeline \"\(pipeline.id)\": "
                        + "references processor \"\(reference.id)\" multiple times")
            }
        }
    }

    private mutating func check(
        _ pipeline: ServiceDraft.Pipeline, _ kind: ComponentKind, _ references: [ComponentReference],
        _ signals: [ComponentID: Set<Signal>]
    ) {
        for reference in references {
            checkExists(reference, kind, path: "service::pipelines::\(pipeline.id)")
            if let carried = signals[reference.id], !carried.contains(pipeline.id.signal) {
                report(
                    .validation, at: reference.position, path: "service::pipelines::\(pipeline.id)",
                    "failed to create \"\(reference.id)\" \(kind.rawValue) for data type "
                        + "\"\(pipeline.id.signal.rawValue)\": telemetry type is not supported")
            }
        }
    }

    private mutating func checkExists(_ reference: ComponentReference, _ kind: ComponentKind, path: String) {
        let known = declared[kind, default: [:]]
        guard known[reference.id] == nil else { return }
        let hint = Self.hint(reference.id.description, known.keys.map(\.description).sorted())
        report(
            .validation, at: reference.position, path: path,
            "references \(kind.rawValue) \"\(reference.id)\" which is not configured\(hint)")
    }
}
