/// Why a text is no component id, in otelcol's words.
package struct ComponentIDError: Error, Sendable, Hashable {
    package let message: String
}

extension ComponentID {
    private static let nameCharactersMax = 1024
    private static let typeCharactersMax = 63

    /// Reads `type` or `type/name`; blanks around either part do not count.
    package init(parsing text: String) throws(ComponentIDError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let type = parts[0].trimmed
        if type.isEmpty {
            throw ComponentIDError(
                message: parts.count == 1
                    ? "id must not be empty" : "in \"\(text)\" id: the part before / should not be empty")
        }
        var name = ""
        if parts.count == 2 {
            name = parts[1].trimmed
            if name.isEmpty {
                throw ComponentIDError(message: "in \"\(text)\" id: the part after / should not be empty")
            }
            if name.count > Self.nameCharactersMax {
                throw ComponentIDError(
                    message: "in \"\(name)\" id: name is longer than \(Self.nameCharactersMax) characters")
            }
            guard name.unicodeScalars.allSatisfy(Self.isAllowedInName) else {
                throw ComponentIDError(message: "in \"\(name)\" id: invalid character(s) in name \"\(name)\"")
            }
        }
        guard Self.isType(type) else {
            throw ComponentIDError(message: "in \"\(text)\" id: invalid character(s) in type \"\(type)\"")
        }
        self.init(type: type, name: name)
    }

    private static func isType(_ type: String) -> Bool {
        guard let first = type.first, first.isASCII, first.isLetter, type.count <= typeCharactersMax else {
            return false
        }
        return type.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    /// All but separators, control characters and symbols.
    private static func isAllowedInName(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .spaceSeparator, .lineSeparator, .paragraphSeparator: false
        case .control, .format, .surrogate, .privateUse, .unassigned: false
        case .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol: false
        default: true
        }
    }
}

extension ComponentID: ConfigDecodable {
    package static func decode(_ node: ConfigNode, path: String) throws(ConfigError) -> ComponentID {
        let text = try String.decode(node, path: path)
        do {
            return try ComponentID(parsing: text)
        } catch {
            throw ConfigError(.decoding, at: node.position, path: path, error.message)
        }
    }
}

extension Substring {
    fileprivate var trimmed: String {
        var text = self
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
