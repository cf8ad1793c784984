internal import Component

/// How configurations are put on top of one another.
enum ConfigMerge {
    /// Lists and maps inside one another in a whole configuration.
    static let depthMax = 200
    static let keySeparator = "::"

    /// `upper` over `lower`: maps are merged key by key, everything else of `upper` replaces what is below it, null
    /// included.
    static func merge(_ upper: ConfigNode, over lower: ConfigNode) -> ConfigNode {
        guard case .map(let upperEntries) = upper.value, case .map(let lowerEntries) = lower.value else { return upper }
        var entries = lowerEntries
        var indices = Dictionary(
            entries.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { first, _ in first })
        for entry in upperEntries {
            if let index = indices[entry.key] {
                let node = merge(entry.node, over: entries[index].node)
                entries[index] = ConfigEntry(key: entry.key, keyPosition: entry.keyPosition, node: node)
            } else {
                indices[entry.key] = entries.count
                entries.append(entry)
            }
        }
        return ConfigNode(.map(entries), at: upper.position, originalText: upper.originalText)
    }

    /// Turns `a::b: x` into `a: {b: x}`, in maps inside maps, but not inside lists.
    static func unflatten(_ node: ConfigNode, depth: Int = 0) throws(ConfigError) -> ConfigNode {
        guard case .map(let entries) = node.value else { return node }
        guard depth < depthMax else { throw tooDeep(at: node.position) }
        var result = ConfigNode(.map([]), at: node.position, originalText: node.originalText)
        var plain: [ConfigEntry] = []
        var flattened: [ConfigNode] = []
        for entry in entries {
            let inner = try unflatten(entry.node, depth: depth + 1)
            let keys = split(entry.key)
            if keys.count == 1 {
                plain.append(ConfigEntry(key: entry.key, keyPosition: entry.keyPosition, node: inner))
            } else {
                flattened.append(try nest(inner, under: keys, at: entry.keyPosition))
            }
        }
        result.value = .map(plain)
        for node in flattened { result = merge(node, over: result) }
        result.position = node.position
        return result
    }

    /// `value` inside maps: `[a, b]` gives `{a: {b: value}}`.
    static func nest(
        _ value: ConfigNode, under keys: [String], at position: ConfigPosition
    ) throws(ConfigError) -> ConfigNode {
        guard keys.count <= depthMax else { throw tooDeep(at: position) }
        var node = value
        for key in keys.reversed() {
            node = ConfigNode(.map([ConfigEntry(key: key, keyPosition: position, node: node)]), at: position)
        }
        return node
    }

    static func tooDeep(at position: ConfigPosition) -> ConfigError {
        ConfigError(at: position, path: "", "more than \(depthMax) lists and maps inside one another")
    }

    /// The parts of a key at each `::`; a key that would leave an empty part is kept whole.
    private static func split(_ key: String) -> [String] {
        guard key.utf8.contains(UInt8(ascii: ":")) else { return [key] }
        var parts: [String] = []
        var part: [UInt8] = []
        let bytes = Array(key.utf8)
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: ":"), index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: ":") {
                parts.append(String(decoding: part, as: UTF8.self))
                part = []
                index += 2
            } else {
                part.append(bytes[index])
                index += 1
            }
        }
        parts.append(String(decoding: part, as: UTF8.self))
        return parts.contains("") ? [key] : parts
    }
}
