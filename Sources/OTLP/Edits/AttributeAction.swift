package import RegularExpression

/// One action on a set of attributes, as the `attributes` and `resource` processors know them.
///
/// Keys may occur twice in real data: reading and writing mean the first occurrence; `delete` and `hash` mean all of
/// them, since they are there to keep values out.
package enum AttributeAction: Sendable {
    /// Adds the attribute unless the key is there.
    case insert(key: String, from: AttributeSource)
    /// Sets the value if the key is there.
    case update(key: String, from: AttributeSource)
    /// Sets the value, or adds the attribute.
    case upsert(key: String, from: AttributeSource)
    /// Removes `key`, and all keys that `pattern` matches.
    case delete(key: String?, pattern: RegularExpression?)
    /// Replaces the value of `key`, and then of all keys that `pattern` matches, by the lower-case hex SHA-256 of its
    /// bytes.
    case hash(key: String?, pattern: RegularExpression?)
    /// Upserts an attribute for each named group of `pattern` if it matches the string value of `key`; a group that
    /// took no part gives the empty string. Groups without a name are left out.
    case extract(key: String, pattern: RegularExpression)
    /// Changes the kind of the value; one that cannot be converted stays.
    case convert(key: String, to: ConvertedType)
}

/// Where `insert`, `update` and `upsert` take their value from. A source that has none leaves the attributes alone.
package enum AttributeSource: Sendable {
    case constant(AttributeConstant)
    /// Another attribute of the same set.
    case attribute(String)
    /// A name that the caller of `AttributeEdits.apply` knows.
    case context(String)
}

package enum ConvertedType: String, Sendable, CaseIterable {
    case string
    case int
    case double
}

/// A value written in the configuration: what an AnyValue can hold.
package indirect enum AttributeConstant: Sendable, Hashable {
    case empty
    case string(String)
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case list([AttributeConstant])
    case map([Pair])

    package struct Pair: Sendable, Hashable {
        package let key: String
        package let value: AttributeConstant

        package init(key: String, value: AttributeConstant) {
            self.key = key
            self.value = value
        }
    }

    /// The value as an encoded AnyValue.
    package var encoded: [UInt8] {
        var writer = WireWriter(capacity: 64)
        write(to: &writer)
        return writer.bytes
    }

    private func write(to writer: inout WireWriter) {
        switch self {
        case .empty: break
        case .string(let value): writer.writeString(AnyValueField.stringValue, value)
        case .bool(let value): writer.writeVarint(AnyValueField.boolValue, value ? 1 : 0)
        case .int(let value): writer.writeVarint(AnyValueField.intValue, UInt64(bitPattern: value))
        case .double(let value): writer.writeDouble(AnyValueField.doubleValue, value)
        case .list(let values):
            let list = writer.beginMessage(AnyValueField.arrayValue)
            for value in values {
                let element = writer.beginMessage(ArrayValueField.values)
                value.write(to: &writer)
                writer.endMessage(element)
            }
            writer.endMessage(list)
        case .map(let pairs):
            let map = writer.beginMessage(AnyValueField.kvlistValue)
            for pair in pairs {
                let entry = writer.beginMessage(KeyValueListField.values)
                writer.writeString(KeyValueField.key, pair.key)
                let value = writer.beginMessage(KeyValueField.value)
                pair.value.write(to: &writer)
                writer.endMessage(value)
                writer.endMessage(entry)
            }
            writer.endMessage(map)
        }
    }
}
