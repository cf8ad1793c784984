package import Component

/// What the sources of a configuration come to: one tree, merged and expanded.
package struct ResolvedConfig: Sendable {
    /// A map.
    package var root: ConfigNode
    package var notices: [ConfigNotice]
}

/// Reads sources, merges them in order and expands `${…}`.
package struct ConfigResolver {
    package typealias Environment = (_ name: String) -> String?

    let environment: Environment
    private(set) var notices: [ConfigNotice] = []

    /// Merges and expands `sources`.
    ///
    /// - Parameter environment: looks up a variable; nil for one that is not set.
    /// - Throws: what cannot be read, is no YAML, or refers to what is not there.
    package static func resolve(
        _ sources: [ConfigSource], environment: @escaping Environment = ProcessEnvironment.value
    ) throws(ConfigError) -> ResolvedConfig {
        guard sources.contains(where: { if case .uri = $0 { true } else { false } }) else {
            throw ConfigError(at: nil, path: "", "at least one config flag must be provided")
        }
        var resolver = ConfigResolver(environment: environment)
        let start = ConfigPosition(source: "(configuration)", line: 1, column: 1)
        var merged = ConfigNode(.map([]), at: start)
        for source in ordered(sources) {
            let document = try resolver.document(source)
            if case .null = document.value { continue }
            merged = ConfigMerge.merge(try ConfigMerge.unflatten(document), over: merged)
        }
        var expansion = ConfigExpansion(resolver: resolver)
        let expanded = try ConfigMerge.unflatten(try expansion.expand(merged))
        return ResolvedConfig(root: expanded, notices: expansion.resolver.notices)
    }

    private init(environment: @escaping Environment) { self.environment = environment }

    /// Every `--set` counts after every `--config`, wherever it was written.
    private static func ordered(_ sources: [ConfigSource]) -> [ConfigSource] {
        sources.filter { if case .uri = $0 { true } else { false } }
            + sources.filter { if case .set = $0 { true } else { false } }
    }

    private mutating func document(_ source: ConfigSource) throws(ConfigError) -> ConfigNode {
        switch source {
        case .set(let assignment): return try assigned(assignment)
        case .uri(let uri):
            let location = ConfigLocation(uri) ?? ConfigLocation(scheme: "file", name: uri)
            let text = try read(location, at: nil)
            let root = try parse(text, of: location)
            guard let root else { return ConfigNode(.null, at: location.start) }
            switch root.value {
            case .map, .null: return root
            default:
                throw ConfigError(
                    at: root.position, path: "",
                    "retrieved value (type=\(root.value.typeName)) cannot be used as a Conf")
            }
        }
    }

    /// `a.b=value`: the value is YAML, under the keys that the dots separate.
    private func assigned(_ assignment: String) throws(ConfigError) -> ConfigNode {
        guard let equals = assignment.firstIndex(of: "=") else {
            throw ConfigError(at: nil, path: "", "--set \(assignment): missing equal sign")
        }
        let key = assignment[..<equals]
        let source = "--set \(key)"
        let value = String(assignment[assignment.index(after: equals)...])
        let position = ConfigPosition(source: source, line: 1, column: 1)
        let parsed = try YAMLParser.parse(Array(value.utf8), source: source).root ?? ConfigNode(.null, at: position)
        return try ConfigMerge.nest(
            parsed, under: key.split(separator: ".", omittingEmptySubsequences: false).map(String.init), at: position)
    }

    /// Parses the text of `location` and notes when only its first document counts.
    mutating func parse(_ text: [UInt8], of location: ConfigLocation) throws(ConfigError) -> ConfigNode? {
        let (root, hasMoreDocuments) = try YAMLParser.parse(text, source: location.displayName)
        if hasMoreDocuments {
            notices.append(
                ConfigNotice(
                    .warning, "Configuration source holds several YAML documents, only the first is used",
                    [("source", location.displayName)]))
        }
        return root
    }

    /// The text of `location`.
    ///
    /// - Parameter position: where the reference to it stands, for errors.
    mutating func read(_ location: ConfigLocation, at position: ConfigPosition?) throws(ConfigError) -> [UInt8] {
        switch location.scheme {
        case "yaml": return Array(location.name.utf8)
        case "env": return Array(try variable(location.name, at: position).utf8)
        case "file":
            do {
                return try FileContents.read(location.name, bytesMax: YAMLParser.Limits.sourceBytesMax)
            } catch {
                throw ConfigError(
                    at: position, path: "", "unable to read the file \(location.uri): \(error.description)")
            }
        case "http", "https":
            throw ConfigError(
                at: position, path: "",
                "\(location.scheme): configurations are not fetched over the network; "
                    + "save the document and name the file")
        default:
            throw ConfigError(
                at: position, path: "", "scheme \"\(location.scheme)\" is not supported for uri \"\(location.uri)\"")
        }
    }

    /// `NAME` or `NAME:-default`. The default stands in for a variable that is not set; an empty one stays empty.
    private mutating func variable(_ text: String, at position: ConfigPosition?) throws(ConfigError) -> String {
        var name = text
        var defaultText: String?
        if let range = text.firstRange(of: ":-") {
            name = String(text[..<range.lowerBound])
            defaultText = String(text[range.upperBound...])
        }
        guard Self.isVariableName(name) else {
            throw ConfigError(
                at: position, path: "",
                "environment variable \"\(name)\" has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$")
        }
        if let value = environment(name) {
            if value.isEmpty {
                note(.info, "Configuration references empty environment variable", name: name, at: position)
            }
            return value
        }
        if let defaultText { return defaultText }
        note(.warning, "Configuration references unset environment variable", name: name, at: position)
        return ""
    }

    private mutating func note(_ level: ConfigNotice.Level, _ text: String, name: String, at position: ConfigPosition?)
    {
        var fields = [(name: "name", value: name)]
        if let position { fields.append(("position", "\(position)")) }
        let notice = ConfigNotice(level, text, fields)
        if !notices.contains(notice) { notices.append(notice) }
    }

    static func isVariableName(_ name: String) -> Bool {
        guard let first = name.utf8.first, first < UInt8(ascii: "0") || first > UInt8(ascii: "9") else { return false }
        return name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }
}

extension ConfigLocation {
    /// What positions call it: a file by its path alone.
    var displayName: String {
        switch scheme {
        case "file": name
        case "yaml": "yaml:…"
        case "env": ConfigExpansion.reference(self, withBraces: false)
        default: uri
        }
    }

    fileprivate var start: ConfigPosition { ConfigPosition(source: displayName, line: 1, column: 1) }
}
