/// The fields that requests written by hand are made of.
extension ProtobufField {
    package static func string(_ number: UInt32, _ text: String) -> ProtobufField {
        ProtobufField(number, .bytes(Array(text.utf8)))
    }

    /// A KeyValue with a string, in the repeated field `number`.
    package static func attribute(_ number: UInt32, _ key: String, _ value: String) -> ProtobufField {
        attribute(number, key, .string(1, value))
    }

    /// A KeyValue with an int, in the repeated field `number`.
    package static func attribute(_ number: UInt32, _ key: String, _ value: Int) -> ProtobufField {
        attribute(number, key, ProtobufField(3, .varint(UInt64(bitPattern: Int64(value)))))
    }

    /// A KeyValue in the repeated field `number`; `value` is the AnyValue's field.
    package static func attribute(_ number: UInt32, _ key: String, _ value: ProtobufField) -> ProtobufField {
        let keyValue = [ProtobufField.string(1, key), ProtobufField(2, .message(ProtobufMessage([value])))]
        return ProtobufField(number, .message(ProtobufMessage(keyValue)), .repeated)
    }
}
