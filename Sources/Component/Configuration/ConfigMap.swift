/// Reads the keys of one configuration block. Each key is taken once; what nobody took is an error (`finish`).
package struct ConfigMap: Sendable {
    /// `exporters::otlphttp`; a key's path is this plus `::key`.
    package let path: String
    package let position: ConfigPosition
    private var entries: [ConfigEntry]
    /// Keys that were asked for, for the suggestion beside an unknown key.
    private var knownKeys: [String] = []

    /// - Throws: when `node` is neither a map nor null (null is the empty map).
    package init(_ node: ConfigNode, path: String) throws(ConfigError) {
        self.path = path
        self.position = node.position
        switch node.value {
        case .map(let entries): self.entries = entries
        case .null: self.entries = []
        default:
            throw ConfigError(
                .decoding, at: node.position, path: path,
                "expected a map, got \(node.value.typeName) (often caused by a missing space after a colon)")
        }
    }

    package init(entries: [ConfigEntry], path: String, position: ConfigPosition) {
        self.path = path
        self.position = position
        self.entries = entries
    }

    /// The keys not taken yet, in file order.
    package var remainingEntries: [ConfigEntry] { entries }

    package func childPath(_ key: String) -> String { path.isEmpty ? key : "\(path)::\(key)" }

    /// Takes the raw node of `key`. A key written twice was refused when the file was read.
    package mutating func takeNode(_ key: String) -> ConfigNode? {
        knownKeys.append(key)
        guard let index = entries.firstIndex(where: { $0.key == key }) else { return nil }
        return entries.remove(at: index).node
    }

    /// Takes every entry that is left (maps with keys of the user's own, such as `headers`).
    package mutating func takeAll() -> [ConfigEntry] {
        defer { entries = [] }
        return entries
    }

    /// The node under `keys`, each inside the one before, without taking it.
    package func peek(_ keys: String...) -> ConfigNode? {
        var node: ConfigNode?
        var entries = entries
        for key in keys {
            node = entries.first { $0.key == key }?.node
            if case .map(let inner) = node?.value { entries = inner } else { entries = [] }
        }
        return node
    }

    /// The value of `key`, or nil when it is absent or null.
    package mutating func takeIfPresent<Value: ConfigDecodable>(
        _ key: String, as type: Value.Type = Value.self
    ) throws(ConfigError) -> Value? {
        guard let node = takeNode(key) else { return nil }
        if case .null = node.value, !Value.isBlock {
            // An unset variable is the empty text, where text is asked for.
            guard Value.readsOriginalText, node.originalText != nil else { return nil }
        }
        return try Value.decode(node, path: childPath(key))
    }

    /// The value of `key`, or `defaultValue` when it is absent or null.
    package mutating func take<Value: ConfigDecodable>(
        _ key: String, default defaultValue: Value
    ) throws(ConfigError) -> Value {
        try takeIfPresent(key) ?? defaultValue
    }

    /// The value of `key`, which must be there.
    package mutating func take<Value: ConfigDecodable>(
        _ key: String, missing message: String? = nil
    ) throws(ConfigError) -> Value {
        if let value: Value = try takeIfPresent(key) { return value }
        throw ConfigError(at: position, path: path, message ?? "missing required key \"\(key)\"")
    }

    /// An error at this block.
    package func error(_ message: String) -> ConfigError { ConfigError(at: position, path: path, message) }

    /// Refuses what was not taken, each key with its place and the nearest known key.
    package func finish() throws(ConfigError) {
        guard !entries.isEmpty else { return }
        let known = Set(knownKeys).sorted()
        throw ConfigError(
            entries.map { entry in
                let hint =
                    if let nearest = nearestName(to: entry.key, in: known) {
                        " (did you mean \"\(nearest)\"?)"
                    } else {
                        known.isEmpty ? "" : "; known keys: \(known.joined(separator: ", "))"
                    }
                return ConfigError.Finding(
                    kind: .decoding, position: entry.keyPosition, path: path,
                    message: "'' has invalid keys: \(entry.key)\(hint)")
            })
    }
}

/// A block of keys: reads itself from a map; what it leaves is refused.
package protocol ConfigBlock: ConfigDecodable, Sendable {
    init(from map: inout ConfigMap) throws(ConfigError)
}

extension ConfigBlock {
    package static var isBlock: Bool { true }

    package static func decode(_ node: ConfigNode, path: String) throws(ConfigError) -> Self {
        var map = try ConfigMap(node, path: path)
        let block = try Self(from: &map)
        try map.finish()
        return block
    }

    /// The block with every key at its default.
    package static func defaults(path: String) throws(ConfigError) -> Self {
        var map = ConfigMap(
            entries: [], path: path, position: ConfigPosition(source: "(default)", line: 1, column: 1))
        return try Self(from: &map)
    }
}

/// The name in `names` that `name` most likely meant: at most a third of its letters wrong.
package func nearestName(to name: String, in names: [String]) -> String? {
    let wanted = Array(name.lowercased())
    var best: (name: String, distance: Int)?
    for candidate in names {
        let distance = editDistance(wanted, Array(candidate.lowercased()))
        if distance < best?.distance ?? Int.max { best = (candidate, distance) }
    }
    guard let best, best.distance <= max(1, wanted.count / 3) else { return nil }
    return best.name
}

/// The least number of letters to change, add, drop or swap with their neighbour. O(a·b); names are short.
private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    var rowBefore: [Int] = []
    var row = Array(0...b.count)
    for (i, left) in a.enumerated() {
        var next = [i + 1]
        for (j, right) in b.enumerated() {
            var distance = min(row[j] + (left == right ? 0 : 1), row[j + 1] + 1, next[j] + 1)
            if i > 0, j > 0, left == b[j - 1], a[i - 1] == right { distance = min(distance, rowBefore[j - 1] + 1) }
            next.append(distance)
        }
        rowBefore = row
        row = next
    }
    return row[b.count]
}
