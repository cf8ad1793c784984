import Component
import OTLP
import RegularExpression

/// A block `include` or `exclude`: which spans, log records or metrics a processor works on.
struct MatchConfig: ConfigBlock {
    private let map: ConfigMap
    private let services: TextMatcher?
    private let spanNames: TextMatcher?
    private let spanKinds: TextMatcher?
    private let spanKindNames: [String]
    private let logBodies: TextMatcher?
    private let severityTexts: TextMatcher?
    private let severityNumber: SeverityNumberCondition?
    private let metricNames: TextMatcher?
    private let attributes: [AttributeCondition]
    private let resources: [AttributeCondition]
    private let libraries: [LibraryCondition]
    private let kind: MatchKind
    /// Whether the block sets `regexp`, a cache that linear-time expressions do without.
    let setsRegexpCache: Bool

    init(from map: inout ConfigMap) throws(ConfigError) {
        let name = try map.take("match_type", default: "")
        guard let kind = MatchKind(rawValue: name) else {
            throw map.error("unrecognized match_type: '\(name)', valid types are: [regexp strict]")
        }
        self.kind = kind
        setsRegexpCache = try map.takeIfPresent("regexp", as: RegexpCacheConfig.self)?.isSet ?? false
        services = try kind.takeTexts("services", from: &map)
        spanNames = try kind.takeTexts("span_names", from: &map)
        spanKindNames = try map.take("span_kinds", default: [])
        spanKinds = try kind.matcher(spanKindNames, map: map)
        logBodies = try kind.takeTexts("log_bodies", from: &map)
        severityTexts = try kind.takeTexts("log_severity_texts", from: &map)
        severityNumber = try map.takeIfPresent("log_severity_number", as: SeverityNumberConfig.self)?.condition
        metricNames = try kind.takeTexts("metric_names", from: &map)
        attributes = try kind.conditions(try map.take("attributes", default: [AttributeMatchConfig]()))
        resources = try kind.conditions(try map.take("resources", default: [AttributeMatchConfig]()))
        var libraries: [LibraryCondition] = []
        for library in try map.take("libraries", default: [LibraryMatchConfig]()) {
            guard let name = try kind.matcher([library.name], map: map) else { continue }
            let version = try library.version.map { (text) throws(ConfigError) in try kind.matcher([text], map: map) }
            libraries.append(LibraryCondition(name: name, version: version ?? nil))
        }
        self.libraries = libraries
        self.map = map
    }

    /// The conditions for `signal`.
    ///
    /// - Throws: when the block has keys that mean nothing there, or none that mean something. Metrics are the
    ///   exception, as in otelcol: only `metric_names` and `resources` count, and without them nothing matches.
    func matcher(for signal: Signal) throws(ConfigError) -> ItemMatcher {
        var matcher = ItemMatcher()
        matcher.resources = resources
        switch signal {
        case .traces:
            try checkForSpans()
            matcher.services = services
            matcher.spanNames = spanNames
            matcher.spanKinds = spanKinds
        case .logs:
            try checkForLogs()
            matcher.logBodies = logBodies
            matcher.severityTexts = severityTexts
            matcher.severityNumber = severityNumber
        case .metrics:
            matcher.metricNames = metricNames
            matcher.isNever = metricNames == nil && resources.isEmpty
            return matcher
        }
        matcher.attributes = attributes
        matcher.libraries = libraries
        return matcher
    }

    /// The keys that are set and mean nothing for metrics.
    var keysUnusedForMetrics: [String] {
        var keys: [String] = []
        if services != nil { keys.append("services") }
        if spanNames != nil { keys.append("span_names") }
        if spanKinds != nil { keys.append("span_kinds") }
        if logBodies != nil { keys.append("log_bodies") }
        if severityTexts != nil { keys.append("log_severity_texts") }
        if severityNumber != nil { keys.append("log_severity_number") }
        if !attributes.isEmpty { keys.append("attributes") }
        if !libraries.isEmpty { keys.append("libraries") }
        return keys
    }

    private func checkForSpans() throws(ConfigError) {
        if logBodies != nil { throw map.error("log_bodies should not be specified for trace spans") }
        if severityTexts != nil { throw map.error("log_severity_texts should not be specified for trace spans") }
        if severityNumber != nil { throw map.error("log_severity_number should not be specified for trace spans") }
        if services == nil, spanNames == nil, spanKinds == nil, attributes.isEmpty, resources.isEmpty,
            libraries.isEmpty
        {
            throw map.error("at least one of \"attributes\", \"libraries\",  or \"resources\" field must be specified")
        }
        let known = [
            "SPAN_KIND_CLIENT", "SPAN_KIND_CONSUMER", "SPAN_KIND_INTERNAL", "SPAN_KIND_PRODUCER", "SPAN_KIND_SERVER",
        ]
        if kind == .strict, !spanKindNames.allSatisfy(known.contains) {
            throw map.error(
                "span_kinds string must match one of the standard span kinds when match_type=strict: "
                    + "[\(known.joined(separator: " "))]")
        }
    }

    private func checkForLogs() throws(ConfigError) {
        if services != nil || spanNames != nil || spanKinds != nil {
            throw map.error("services, span_names, and span_kinds are not valid for log records")
        }
        if attributes.isEmpty, libraries.isEmpty, resources.isEmpty, logBodies == nil, severityTexts == nil,
            severityNumber == nil
        {
            throw map.error(
                "at least one of \"attributes\", \"libraries\", \"span_kinds\", \"resources\", \"log_bodies\","
                    + " \"log_severity_texts\" or \"log_severity_number\" field must be specified")
        }
    }
}

/// `match_type`.
private enum MatchKind: String {
    case strict
    case regexp

    func takeTexts(_ key: String, from map: inout ConfigMap) throws(ConfigError) -> TextMatcher? {
        try matcher(try map.take(key, default: [String]()), map: map)
    }

    /// Nil for an empty list, which sets no condition.
    func matcher(_ texts: [String], map: ConfigMap) throws(ConfigError) -> TextMatcher? {
        if texts.isEmpty { return nil }
        guard self == .regexp else { return .strict(texts) }
        var expressions: [RegularExpression] = []
        for text in texts { expressions.append(try expression(text, map: map)) }
        return .regexp(expressions)
    }

    func conditions(_ configs: [AttributeMatchConfig]) throws(ConfigError) -> [AttributeCondition] {
        var conditions: [AttributeCondition] = []
        for config in configs {
            if config.key.isEmpty {
                throw config.map.error("error creating processor. Can't have empty key in the list of attributes")
            }
            switch (self, config.value) {
            case (_, nil): conditions.append(AttributeCondition(key: config.key, test: .isPresent))
            case (.strict, let value?): conditions.append(AttributeCondition(key: config.key, test: .equals(value)))
            case (.regexp, .string(let text)):
                let expression = try expression(text, map: config.map)
                conditions.append(AttributeCondition(key: config.key, test: .matches(expression)))
            case (.regexp, let value?):
                throw config.map.error(
                    "match_type=regexp for \"\(config.key)\" only supports Str, but found \(value.kindName)")
            }
        }
        return conditions
    }

    private func expression(_ text: String, map: ConfigMap) throws(ConfigError) -> RegularExpression {
        do {
            return try RegularExpression(text)
        } catch {
            throw map.error("error parsing regexp: \(error): `\(text)`")
        }
    }
}

/// An entry of `attributes` or `resources`: without a value, presence suffices.
private struct AttributeMatchConfig: ConfigBlock {
    let map: ConfigMap
    let key: String
    let value: AttributeConstant?

    init(from map: inout ConfigMap) throws(ConfigError) {
        key = try map.take("key", default: "")
        value = try map.takeIfPresent("value")
        self.map = map
    }
}

/// An entry of `libraries`: without a version, any will do.
private struct LibraryMatchConfig: ConfigBlock {
    let name: String
    let version: String?

    init(from map: inout ConfigMap) throws(ConfigError) {
        name = try map.take("name", default: "")
        version = try map.takeIfPresent("version")
    }
}

private struct SeverityNumberConfig: ConfigBlock {
    let condition: SeverityNumberCondition

    init(from map: inout ConfigMap) throws(ConfigError) {
        let min = try map.take("min", default: 0)
        if min < 0 { throw map.error("\"min\" must not be negative") }
        condition = SeverityNumberCondition(
            min: UInt64(min), matchesUndefined: try map.take("match_undefined", default: false))
    }
}

/// otelcol's cache of regular expression results. Accepted and not needed.
private struct RegexpCacheConfig: ConfigBlock {
    let isSet: Bool

    init(from map: inout ConfigMap) throws(ConfigError) {
        let isEnabled = try map.takeIfPresent("cacheenabled", as: Bool.self)
        let entryCountMax = try map.takeIfPresent("cachemaxnumentries", as: Int.self)
        isSet = isEnabled != nil || entryCountMax != nil
    }
}
