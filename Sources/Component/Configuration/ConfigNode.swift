/// Where something stands in a configuration source.
package struct ConfigPosition: Sendable, Hashable, CustomStringConvertible {
    /// File name, or `env:NAME`, `yaml:…`, `--set`.
    package var source: String
    /// From 1.
    package var line: Int
    /// From 1, in characters.
    package var column: Int
    /// The reference that the value came out of, when the place holds only that: `${env:PORT}`.
    package var origin: String?

    package init(source: String, line: Int, column: Int, origin: String? = nil) {
        self.source = source
        self.line = line
        self.column = column
        self.origin = origin
    }

    package var description: String {
        let place = "\(source):\(line):\(column)"
        return origin.map { "\(place) (\($0))" } ?? place
    }
}

/// A value of the configuration, and where it was written.
package struct ConfigNode: Sendable {
    package var value: ConfigValue
    package var position: ConfigPosition
    /// The scalar's text as written, when it came whole out of a `${…}` expansion: a string key takes this text, so
    /// that `0123` or `yes` in a variable stay what they are.
    package var originalText: String?

    package init(_ value: ConfigValue, at position: ConfigPosition, originalText: String? = nil) {
        self.value = value
        self.position = position
        self.originalText = originalText
    }
}

package indirect enum ConfigValue: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case list([ConfigNode])
    case map([ConfigEntry])

    /// Go's name of the type, as otelcol's messages use it.
    package var typeName: String {
        switch self {
        case .null: "nil"
        case .bool: "bool"
        case .int: "int"
        case .double: "float64"
        case .string: "string"
        case .list: "[]interface {}"
        case .map: "map[string]interface {}"
        }
    }
}

package struct ConfigEntry: Sendable {
    package var key: String
    package var keyPosition: ConfigPosition
    package var node: ConfigNode

    package init(key: String, keyPosition: ConfigPosition, node: ConfigNode) {
        self.key = key
        self.keyPosition = keyPosition
        self.node = node
    }
}

/// What is wrong with a configuration: one or more findings, each with its place.
package struct ConfigError: Error, Sendable, CustomStringConvertible {
    package struct Finding: Sendable, Hashable, CustomStringConvertible {
        /// Whether the text has the wrong shape (type, key), or a value of the right shape is refused for what it says.
        package enum Kind: Sendable {
            case decoding
            case validation
        }

        package var kind: Kind
        package var position: ConfigPosition?
        /// `exporters::otlphttp::compression`
        package var path: String
        package var message: String

        package init(kind: Kind = .validation, position: ConfigPosition?, path: String, message: String) {
            self.kind = kind
            self.position = position
            self.path = path
            self.message = message
        }

        package var description: String {
            let place = position.map { "\($0): " } ?? ""
            return path.isEmpty ? "\(place)\(message)" : "\(place)\(path): \(message)"
        }
    }

    package var findings: [Finding]
    /// What failed, in otelcol's words: `failed to get config: cannot unmarshal the configuration`. Empty: not said.
    package var context = ""

    package init(_ findings: [Finding], context: String = "") {
        self.findings = findings
        self.context = context
    }

    package init(
        _ kind: Finding.Kind = .validation, at position: ConfigPosition?, path: String, _ message: String
    ) {
        findings = [Finding(kind: kind, position: position, path: path, message: message)]
    }

    /// The same findings, said to be what `context` failed of.
    package func within(_ context: String) -> ConfigError { ConfigError(findings, context: context) }

    /// The context and one line for each finding; a single one stands behind the context.
    package var description: String {
        let lines = findings.map(\.description).joined(separator: "\n")
        if context.isEmpty { return lines }
        return findings.count == 1 ? "\(context): \(lines)" : "\(context):\n\(lines)"
    }
}
