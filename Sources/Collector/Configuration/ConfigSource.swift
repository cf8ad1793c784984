internal import Component

/// One `--config` or `--set` of the command line. Later ones win over earlier ones.
package enum ConfigSource: Sendable, Hashable {
    /// `file:…`, `env:NAME`, `yaml:…`, or the path of a file.
    case uri(String)
    /// `a.b.c=value`
    case set(String)
}

/// Something in the configuration that is no error, but worth a line in the log once there is one.
package struct ConfigNotice: Sendable, Hashable, CustomStringConvertible {
    package enum Level: Sendable, Hashable {
        case info
        case warning
    }

    package var level: Level
    package var message: String
    /// Log fields, in the order they are shown.
    package var fields: [Field]

    package struct Field: Sendable, Hashable {
        package var name: String
        package var value: String
    }

    package init(_ level: Level, _ message: String, _ fields: [(name: String, value: String)] = []) {
        self.level = level
        self.message = message
        self.fields = fields.map { Field(name: $0.name, value: $0.value) }
    }

    package var description: String {
        ([message] + fields.map { "\($0.name)=\($0.value)" }).joined(separator: " ")
    }
}

/// A place to read from: `env:HOME` is the scheme `env` and the name `HOME`.
struct ConfigLocation {
    static let supportedSchemes = ["env", "file", "http", "https", "yaml"]

    var scheme: String
    var name: String

    var uri: String { "\(scheme):\(name)" }

    /// Nil when `text` does not begin with a scheme of two letters or more; a single one would be a drive.
    init?(_ text: String) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let scheme = text[..<colon]
        guard scheme.utf8.count > 1, let first = scheme.first, first.isASCII, first.isLetter,
            scheme.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+.-".contains($0)) })
        else { return nil }
        self.init(scheme: String(scheme), name: String(text[text.index(after: colon)...]))
    }

    init(scheme: String, name: String) {
        self.scheme = scheme
        self.name = name
    }
}
