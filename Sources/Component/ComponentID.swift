/// `type` or `type/name`, as components are called in the configuration: `otlphttp`, `otlphttp/uptrace`.
package struct ComponentID: Sendable, Hashable {
    package let type: String
    package let name: String

    package init(type: String, name: String = "") {
        self.type = type
        self.name = name
    }
}

extension ComponentID: CustomStringConvertible {
    package var description: String { name.isEmpty ? type : "\(type)/\(name)" }
}

package enum ComponentKind: String, Sendable, CaseIterable {
    case receiver
    case processor
    case exporter
    case connector
    case `extension`
}
