package import Component
package import OTLP
import RegularExpression

/// One entry of `actions` (`attributes`) or `attributes` (`resource`), as written.
struct ActionConfig: ConfigBlock {
    private let map: ConfigMap
    private let action: String
    private let key: String
    private let pattern: String
    private let value: AttributeConstant?
    private let fromAttribute: String
    private let fromContext: String
    private let convertedType: String

    init(from map: inout ConfigMap) throws(ConfigError) {
        action = try map.take("action", default: "").lowercased()
        key = try map.take("key", default: "")
        pattern = try map.take("pattern", default: "")
        value = try map.takeIfPresent("value", as: AttributeConstant.self)
        fromAttribute = try map.take("from_attribute", default: "")
        fromContext = try map.take("from_context", default: "")
        convertedType = try map.take("converted_type", default: "")
        self.map = map
    }

    /// Checks and compiles a list of actions. Numbers in messages count from 0, as otelcol's do.
    static func compile(_ actions: [ActionConfig]) throws(ConfigError) -> [AttributeAction] {
        var compiled: [AttributeAction] = []
        for (index, action) in actions.enumerated() { compiled.append(try action.compile(at: index)) }
        return compiled
    }

    private func compile(at index: Int) throws(ConfigError) -> AttributeAction {
        if action == "delete" || action == "hash" {
            if key.isEmpty, pattern.isEmpty {
                throw error(
                    " due to missing required field (at least one of \"key\" and \"pattern\" have to be used)"
                        + " at the \(index)-th actions")
            }
        } else if key.isEmpty {
            throw error(" due to missing required field \"key\" at the \(index)-th actions")
        }
        switch action {
        case "insert": return .insert(key: key, from: try source(at: index))
        case "update": return .update(key: key, from: try source(at: index))
        case "upsert": return .upsert(key: key, from: try source(at: index))
        case "delete": return .delete(key: selectedKey, pattern: try selectingPattern(at: index))
        case "hash": return .hash(key: selectedKey, pattern: try selectingPattern(at: index))
        case "extract": return .extract(key: key, pattern: try extractingPattern(at: index))
        case "convert": return .convert(key: key, to: try conversion(at: index))
        default: throw error(" due to unsupported action \"\(action)\" at the \(index)-th actions")
        }
    }

    private var selectedKey: String? { key.isEmpty ? nil : key }

    private var sourceCount: Int {
        (value == nil ? 0 : 1) + (fromAttribute.isEmpty ? 0 : 1) + (fromContext.isEmpty ? 0 : 1)
    }

    private func error(_ message: String) -> ConfigError { map.error("error creating AttrProc\(message)") }

    private func refuseConvertedType(at index: Int) throws(ConfigError) {
        if convertedType.isEmpty { return }
        throw error(
            ". Action \"\(action)\" does not use the \"converted_type\" field."
                + " This must not be specified for \(index)-th action")
    }

    private func source(at index: Int) throws(ConfigError) -> AttributeSource {
        if sourceCount == 0 {
            throw error(
                ". Either field \"value\", \"from_attribute\" or \"from_context\" setting must be specified"
                    + " for \(index)-th action")
        }
        if sourceCount > 1 { throw error(" due to multiple value sources being set at the \(index)-th actions") }
        if !pattern.isEmpty {
            throw error(
                ". Action \"\(action)\" does not use the \"pattern\" field."
                    + " This must not be specified for \(index)-th action")
        }
        try refuseConvertedType(at: index)
        if let value { return .constant(value) }
        return fromAttribute.isEmpty ? .context(fromContext) : .attribute(fromAttribute)
    }

    private func selectingPattern(at index: Int) throws(ConfigError) -> RegularExpression? {
        if sourceCount > 0 {
            throw error(
                ". Action \"\(action)\" does not use \"value\" or \"from_attribute\" field."
                    + " These must not be specified for \(index)-th action")
        }
        let expression = pattern.isEmpty ? nil : try compilePattern(at: index)
        try refuseConvertedType(at: index)
        return expression
    }

    private func extractingPattern(at index: Int) throws(ConfigError) -> RegularExpression {
        if sourceCount > 0 {
            throw error(
                ". Action \"\(action)\" does not use a value source field."
                    + " These must not be specified for \(index)-th action")
        }
        if pattern.isEmpty {
            throw error(
                " due to missing required field \"pattern\" for action \"\(action)\" at the \(index)-th action")
        }
        try refuseConvertedType(at: index)
        let expression = try compilePattern(at: index)
        if expression.groupNames.isEmpty {
            throw error(". Field \"pattern\" contains no named matcher groups at the \(index)-th actions")
        }
        if expression.groupNames.contains(nil) {
            throw error(". Field \"pattern\" contains at least one unnamed matcher group at the \(index)-th actions")
        }
        return expression
    }

    private func compilePattern(at index: Int) throws(ConfigError) -> RegularExpression {
        do {
            return try RegularExpression(pattern)
        } catch {
            throw self.error(
                ". Field \"pattern\" has invalid pattern: \"\(pattern)\" to be set at the \(index)-th actions"
                    + " (\(error))"
            )
        }
    }

    private func conversion(at index: Int) throws(ConfigError) -> ConvertedType {
        if sourceCount > 0 || !pattern.isEmpty {
            throw error(
                ". Action \"\(action)\" does not use value sources or \"pattern\" field."
                    + " These must not be specified for \(index)-th action")
        }
        if convertedType.isEmpty {
            throw error(
                " due to missing required field \"converted_type\" for action \"\(action)\" at the \(index)-th action")
        }
        guard let type = ConvertedType(rawValue: convertedType) else {
            throw error(
                " due to invalid value \"\(convertedType)\" in field \"converted_type\" for action \"\(action)\""
                    + " at the \(index)-th action")
        }
        return type
    }
}

/// Any scalar, list or map; the kind is the one YAML gives it.
extension AttributeConstant: ConfigDecodable {
    package static func decode(_ node: ConfigNode, path: String) throws(ConfigError) -> AttributeConstant {
        switch node.value {
        case .null: return .empty
        case .bool(let value): return .bool(value)
        case .int(let value): return .int(value)
        case .double(let value): return .double(value)
        case .string(let value): return .string(value)
        case .list(let nodes):
            var values: [AttributeConstant] = []
            for (index, node) in nodes.enumerated() { values.append(try decode(node, path: "\(path)[\(index)]")) }
            return .list(values)
        case .map(let entries):
            var pairs: [Pair] = []
            for entry in entries {
                pairs.append(Pair(key: entry.key, value: try decode(entry.node, path: "\(path)::\(entry.key)")))
            }
            return .map(pairs)
        }
    }

    /// OpenTelemetry's name of the kind, as otelcol's messages use it.
    var kindName: String {
        switch self {
        case .empty: "Empty"
        case .string: "Str"
        case .bool: "Bool"
        case .int: "Int"
        case .double: "Double"
        case .list: "Slice"
        case .map: "Map"
        }
    }
}
