/// A protobuf message as a tree that a test can build, change and encode; written without the product's encoder.
package struct ProtobufMessage: Sendable {
    package var fields: [ProtobufField] = []
    /// The field number and its stand-in: ResourceSpans and its kin may hold their scopes in field 1000 instead of 2.
    package var deprecatedNumber: (of: UInt32, is: UInt32)?

    package init(_ fields: [ProtobufField] = []) {
        self.fields = fields
    }

    /// The message, its fields in order, once each, with minimal varints.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for field in fields { field.encode(into: &bytes) }
        return bytes
    }

    /// How many of the messages below, at any depth, satisfy `predicate`; by field.
    package func count(where predicate: (ProtobufField) -> Bool) -> Int {
        fields.reduce(0) { sum, field in
            var sum = sum + (predicate(field) ? 1 : 0)
            if case .message(let message) = field.value { sum += message.count(where: predicate) }
            return sum
        }
    }
}

extension ProtobufMessage {
    /// The message without what proto3 does not tell from absence: zeros, empty strings, and empty singular messages.
    package var withoutDefaults: ProtobufMessage {
        var message = self
        message.fields = fields.compactMap { field in
            var field = field
            if case .message(let message) = field.value { field.value = .message(message.withoutDefaults) }
            if case .singular = field.occurrence, !field.hasPresence, field.isDefault { return nil }
            return field
        }
        return message
    }
}

package struct ProtobufField: Sendable {
    package indirect enum Value: Sendable {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case bytes([UInt8])
        case message(ProtobufMessage)
    }

    /// What protobuf makes of a field that comes more than once.
    package indirect enum Occurrence: Sendable {
        case repeated
        case singular
        /// A member of a oneof, and another member of it.
        case oneof(other: ProtobufField)
        /// A field the schema does not know.
        case unknown
    }

    package var number: UInt32
    package var value: Value
    package var occurrence: Occurrence
    /// Whether the field is a span, a log record or a data point.
    package var isItem = false
    /// Whether the presence of a zero means something: proto3 `optional`.
    package var hasPresence = false

    package init(_ number: UInt32, _ value: Value, _ occurrence: Occurrence = .singular, isItem: Bool = false) {
        self.number = number
        self.value = value
        self.occurrence = occurrence
        self.isItem = isItem
    }

    fileprivate var isDefault: Bool {
        switch value {
        case .varint(let value), .fixed64(let value): value == 0
        case .fixed32(let value): value == 0
        case .bytes(let bytes): bytes.isEmpty
        case .message(let message): message.fields.isEmpty
        }
    }

    /// The field encoded, minimal.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }

    fileprivate var wireType: UInt64 {
        switch value {
        case .varint: 0
        case .fixed64: 1
        case .bytes, .message: 2
        case .fixed32: 5
        }
    }

    /// - Parameters:
    ///   - tagPadding: bytes by which the tag is longer than it need be.
    ///   - lengthPadding: the same for the length, if there is one.
    package func encode(into bytes: inout [UInt8], tagPadding: Int = 0, lengthPadding: Int = 0) {
        bytes.appendVarint(UInt64(number) << 3 | wireType, padding: tagPadding)
        switch value {
        case .varint(let value): bytes.appendVarint(value)
        case .fixed64(let value): for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> (shift * 8))) }
        case .fixed32(let value): for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: value >> (shift * 8))) }
        case .bytes(let payload):
            bytes.appendVarint(UInt64(payload.count), padding: lengthPadding)
            bytes += payload
        case .message(let message):
            let payload = message.bytes
            bytes.appendVarint(UInt64(payload.count), padding: lengthPadding)
            bytes += payload
        }
    }
}

extension [UInt8] {
    package mutating func appendVarint(_ value: UInt64, padding: Int = 0) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        guard padding > 0 else { return append(UInt8(rest)) }
        append(UInt8(rest) | 0x80)
        for _ in 1..<padding { append(0x80) }
        append(0)
    }
}
