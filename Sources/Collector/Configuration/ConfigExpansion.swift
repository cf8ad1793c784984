internal import Component

/// Replaces `${…}` in the values of a merged configuration, keys excepted, and turns `$$` into `$`.
struct ConfigExpansion {
    /// Expansions of one value, and documents embedded inside one another.
    static let expansionsMax = 1000
    /// Documents embedded in a whole configuration, so that files which name each other end.
    static let embeddedDocumentsMax = 10_000

    var resolver: ConfigResolver
    private var embeddedDocumentCount = 0

    init(resolver: ConfigResolver) { self.resolver = resolver }

    mutating func expand(_ node: ConfigNode, depth: Int = 0) throws(ConfigError) -> ConfigNode {
        guard depth < ConfigMerge.depthMax else { throw ConfigMerge.tooDeep(at: node.position) }
        switch node.value {
        case .string(let text): return try expand(text, at: node.position, depth: depth)
        case .list(let nodes):
            var elements: [ConfigNode] = []
            elements.reserveCapacity(nodes.count)
            for node in nodes { elements.append(try expand(node, depth: depth + 1)) }
            return ConfigNode(.list(elements), at: node.position, originalText: node.originalText)
        case .map(var entries):
            for index in entries.indices { entries[index].node = try expand(entries[index].node, depth: depth + 1) }
            return ConfigNode(.map(entries), at: node.position, originalText: node.originalText)
        default: return node
        }
    }

    /// Expands the references in `text`, innermost first, again and again until none is left.
    ///
    /// A reference that is the whole text takes the type its value has as YAML; any other is pasted as text.
    private mutating func expand(
        _ text: String, at position: ConfigPosition, depth: Int
    ) throws(ConfigError) -> ConfigNode {
        var bytes = Array(text.utf8)
        var position = position
        for _ in 0..<Self.expansionsMax {
            guard let range = Self.reference(in: bytes) else {
                let plain = Self.unescape(bytes)
                return ConfigNode(.string(plain), at: position)
            }
            let reference = String(decoding: bytes[range], as: UTF8.self)
            let location = try Self.location(of: reference, at: position)
            let value = try read(location, reference: reference, at: position)
            if position.origin == nil { position.origin = Self.reference(location, withBraces: true) }
            guard range == bytes.indices, let node = try document(value, of: location) else {
                bytes.replaceSubrange(range, with: value)
                continue
            }
            switch node.value {
            // The text as it is, quotes included: only its type was to be found out.
            case .string: bytes = value
            case .list, .map:
                embeddedDocumentCount += 1
                guard embeddedDocumentCount <= Self.embeddedDocumentsMax else { throw Self.tooMany(at: position) }
                var embedded = try expand(node, depth: depth + 1)
                embedded.originalText = Self.unescape(value)
                return embedded
            default:
                return ConfigNode(node.value, at: position, originalText: String(decoding: value, as: UTF8.self))
            }
        }
        throw Self.tooMany(at: position)
    }

    private static func tooMany(at position: ConfigPosition) -> ConfigError {
        ConfigError(at: position, path: "", "too many recursive expansions")
    }

    private mutating func read(
        _ location: ConfigLocation, reference: String, at position: ConfigPosition
    ) throws(ConfigError) -> [UInt8] {
        do {
            let text = try resolver.read(location, at: position)
            // A file's last line break is no part of the value that it stands for.
            return location.scheme == "file" && text.last == UInt8(ascii: "\n") ? Array(text.dropLast()) : text
        } catch {
            throw ConfigError(
                error.findings.map {
                    ConfigError.Finding(
                        position: $0.position, path: $0.path,
                        message: "expanding \(Self.reference(location, withBraces: true)): \($0.message)")
                })
        }
    }

    /// The value of `location` as YAML. Text that is no YAML is a string.
    private mutating func document(_ text: [UInt8], of location: ConfigLocation) throws(ConfigError) -> ConfigNode? {
        let start = ConfigPosition(source: location.displayName, line: 1, column: 1)
        do {
            return try resolver.parse(text, of: location) ?? ConfigNode(.null, at: start)
        } catch {
            // A broken file is a mistake; any other text is a string that happens not to be YAML, such as `[not a
            // list`.
            if location.scheme == "file" { throw error }
            return ConfigNode(.string(String(decoding: text, as: UTF8.self)), at: start)
        }
    }

    /// The first reference of `text` that holds no other: from the last `${` before a `}` to that `}`. `$${` is no
    /// reference.
    static func reference(in text: [UInt8]) -> Range<Int>? {
        var searchStart = 0
        while let close = text[searchStart...].firstIndex(of: UInt8(ascii: "}")) {
            var open: Int?
            var index = close - 1
            while index > searchStart {
                if text[index] == UInt8(ascii: "{"), text[index - 1] == UInt8(ascii: "$") {
                    open = index - 1
                    break
                }
                index -= 1
            }
            if let open {
                var dollars = 0
                while open - dollars > searchStart, text[open - dollars - 1] == UInt8(ascii: "$") { dollars += 1 }
                if dollars.isMultiple(of: 2) { return open..<(close + 1) }
            }
            searchStart = close + 1
        }
        return nil
    }

    /// `$$` is one dollar.
    static func unescape(_ text: [UInt8]) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            result.append(text[index])
            let isPair = text[index] == UInt8(ascii: "$") && index + 1 < text.count && text[index + 1] == text[index]
            index += isPair ? 2 : 1
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// What `${…}` names. Without a scheme it is a variable: `${NAME}`, `${NAME:-default}`.
    private static func location(
        of reference: String, at position: ConfigPosition
    ) throws(ConfigError) -> ConfigLocation {
        let text = String(reference.dropFirst(2).dropLast())
        let location: ConfigLocation
        if let written = ConfigLocation(text), !isDefaulted(text) || isSupported(written) {
            location = written
        } else if !text.contains(":") || isDefaulted(text) {
            location = ConfigLocation(scheme: "env", name: text)
        } else {
            throw ConfigError(at: position, path: "", "invalid uri: \"\(text)\"")
        }
        guard !location.name.contains("$") else {
            throw ConfigError(
                at: position, path: "", "the uri \"\(location.uri)\" contains unsupported characters ('$')")
        }
        return location
    }

    private static func isDefaulted(_ text: String) -> Bool {
        text.firstRange(of: ":-").map { ConfigResolver.isVariableName(String(text[..<$0.lowerBound])) } ?? false
    }

    private static func isSupported(_ location: ConfigLocation) -> Bool {
        ConfigLocation.supportedSchemes.contains(location.scheme)
    }

    /// `location` as messages show it: a variable without its default, a document without its text, for both may be
    /// secret.
    static func reference(_ location: ConfigLocation, withBraces: Bool) -> String {
        let name = location.name
        let text =
            switch location.scheme {
            case "env": "env:\(name.firstRange(of: ":-").map { name[..<$0.lowerBound] } ?? name[...])"
            case "yaml": "yaml:…"
            default: location.uri
            }
        return withBraces ? "${\(text)}" : text
    }
}
