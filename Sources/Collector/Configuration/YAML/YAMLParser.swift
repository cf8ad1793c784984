package import Component

/// Reads a YAML text into nodes that know where they were written.
///
/// The rules are those of Go's yaml.v3, which otelcol uses. Of several documents in one text only the first counts.
package struct YAMLParser {
    package enum Limits {
        /// Bytes of one source.
        package static let sourceBytesMax = 16 << 20
        /// Lists and maps inside one another.
        package static let depthMax = 100
        /// Nodes of one document, those that an alias repeats counted each time.
        package static let nodesMax = 200_000
    }

    private struct Anchor {
        var node: ConfigNode
        var nodeCount: Int
        var depth: Int
    }

    private let reader: YAMLEventReader
    private var anchors: [String: Anchor] = [:]
    /// Anchors whose node is being read: an alias to one of them would contain itself.
    private var openAnchors: Set<String> = []
    private var nodeCount = 0

    /// Parses `bytes`.
    ///
    /// - Parameter source: what positions call the text: a file's name, `env:NAME`.
    /// - Returns: the document's root, nil when there is none; whether a second document follows it.
    /// - Throws: the first syntax error, with its line and column.
    package static func parse(
        _ bytes: [UInt8], source: String
    ) throws(ConfigError) -> (root: ConfigNode?, hasMoreDocuments: Bool) {
        guard bytes.count <= Limits.sourceBytesMax else {
            throw ConfigError(
                at: ConfigPosition(source: source, line: 1, column: 1), path: "",
                "yaml: \(bytes.count) bytes are more than the \(Limits.sourceBytesMax) that a configuration may have")
        }
        var parser = YAMLParser(reader: YAMLEventReader(bytes, source: source))
        return try parser.document()
    }

    private init(reader: YAMLEventReader) { self.reader = reader }

    private mutating func document() throws(ConfigError) -> (root: ConfigNode?, hasMoreDocuments: Bool) {
        _ = try reader.next()
        guard case .documentStart = try reader.next().content else { return (nil, false) }
        let root = try node(try reader.next(), depth: 0)
        _ = try reader.next()
        // yaml.v3 never looks behind the first document, so what is broken there is no error.
        if let following = try? reader.next(), case .streamEnd = following.content { return (root, false) }
        return (root, true)
    }

    private mutating func node(_ event: YAMLEvent, depth: Int) throws(ConfigError) -> ConfigNode {
        if case .alias(let name) = event.content { return try alias(name, at: event.position, depth: depth) }
        let countBefore = nodeCount
        try count(1, at: event.position)
        if let anchor = event.anchor { openAnchors.insert(anchor) }
        let node = ConfigNode(try value(event, depth: depth), at: event.position)
        if let anchor = event.anchor {
            openAnchors.remove(anchor)
            anchors[anchor] = Anchor(node: node, nodeCount: nodeCount - countBefore, depth: node.depth)
        }
        return node
    }

    private mutating func value(_ event: YAMLEvent, depth: Int) throws(ConfigError) -> ConfigValue {
        switch event.content {
        case .listStart where depth == Limits.depthMax, .mapStart where depth == Limits.depthMax:
            throw error(at: event.position, "exceeded max depth of \(Limits.depthMax)")
        case .scalar(let text, let isPlain):
            // "!" alone says: a string, whatever it looks like.
            guard let tag = event.tag, tag != "!" else {
                return isPlain && event.tag == nil ? YAMLScalar.resolvePlain(text) : .string(text)
            }
            guard let value = YAMLScalar.resolve(text, tag: tag) else {
                throw error(
                    at: event.position, "cannot decode !!str `\(text)` as a \(tag.replacingYAMLPrefix)")
            }
            return value
        case .listStart:
            var elements: [ConfigNode] = []
            while true {
                let next = try reader.next()
                if case .listEnd = next.content { return .list(elements) }
                elements.append(try node(next, depth: depth + 1))
            }
        case .mapStart: return .map(try entries(depth: depth))
        default: preconditionFailure("the parser began a node with \(event.content)")
        }
    }

    private mutating func entries(depth: Int) throws(ConfigError) -> [ConfigEntry] {
        var entries: [ConfigEntry] = []
        var keyLines: [String: Int] = [:]
        var merged: [ConfigEntry] = []
        while true {
            let keyEvent = try reader.next()
            if case .mapEnd = keyEvent.content { break }
            if case .scalar("<<", isPlain: true) = keyEvent.content, keyEvent.tag == nil {
                let value = try node(try reader.next(), depth: depth + 1)
                merged += try mergedEntries(of: value, at: keyEvent.position)
                continue
            }
            let key = try key(keyEvent, depth: depth)
            if let line = keyLines[key] {
                throw error(at: keyEvent.position, "mapping key \"\(key)\" already defined at line \(line)")
            }
            keyLines[key] = keyEvent.position.line
            let value = try node(try reader.next(), depth: depth + 1)
            entries.append(ConfigEntry(key: key, keyPosition: keyEvent.position, node: value))
        }
        for entry in merged where keyLines[entry.key] == nil {
            keyLines[entry.key] = entry.keyPosition.line
            entries.append(entry)
        }
        return entries
    }

    private mutating func key(_ event: YAMLEvent, depth: Int) throws(ConfigError) -> String {
        switch event.content {
        case .scalar(let text, _):
            // The key itself may be anchored.
            _ = try node(event, depth: depth + 1)
            return text
        case .alias:
            if case .string(let text) = try node(event, depth: depth + 1).value { return text }
            throw error(at: event.position, "a key must be a string")
        default: throw error(at: event.position, "a list or a map cannot be a key")
        }
    }

    /// What `<<: value` adds: of several maps the earlier one wins.
    private func mergedEntries(of node: ConfigNode, at position: ConfigPosition) throws(ConfigError) -> [ConfigEntry] {
        switch node.value {
        case .map(let entries): return entries
        case .list(let nodes):
            var entries: [ConfigEntry] = []
            for node in nodes {
                guard case .map(let more) = node.value else { break }
                entries += more
            }
            if nodes.allSatisfy({ if case .map = $0.value { true } else { false } }) { return entries }
        default: break
        }
        throw error(at: position, "map merge requires map or sequence of maps as the value")
    }

    private mutating func alias(
        _ name: String, at position: ConfigPosition, depth: Int
    ) throws(ConfigError) -> ConfigNode {
        if openAnchors.contains(name) { throw error(at: position, "anchor '\(name)' value contains itself") }
        guard let anchor = anchors[name] else { throw error(at: position, "unknown anchor '\(name)' referenced") }
        guard depth + anchor.depth <= Limits.depthMax else {
            throw error(at: position, "exceeded max depth of \(Limits.depthMax)")
        }
        try count(anchor.nodeCount, at: position)
        return anchor.node
    }

    private mutating func count(_ nodes: Int, at position: ConfigPosition) throws(ConfigError) {
        nodeCount += nodes
        guard nodeCount <= Limits.nodesMax else {
            throw error(at: position, "document contains excessive aliasing (more than \(Limits.nodesMax) nodes)")
        }
    }

    private func error(at position: ConfigPosition, _ message: String) -> ConfigError {
        ConfigError(at: position, path: "", "yaml: line \(position.line): \(message)")
    }
}

extension ConfigNode {
    /// Lists and maps inside one another below this node; 0 for a scalar. At most `YAMLParser.Limits.depthMax`.
    fileprivate var depth: Int {
        switch value {
        case .list(let nodes): 1 + (nodes.map(\.depth).max() ?? 0)
        case .map(let entries): 1 + (entries.map(\.node.depth).max() ?? 0)
        default: 0
        }
    }
}

extension String {
    fileprivate var replacingYAMLPrefix: String {
        let prefix = "tag:yaml.org,2002:"
        return hasPrefix(prefix) ? "!!" + dropFirst(prefix.count) : self
    }
}
