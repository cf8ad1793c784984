/// The ways in which an encoding can be odd and still mean the same.
package struct Deformation: OptionSet, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// Fields of different numbers come in any order.
    package static let order = Deformation(rawValue: 1)
    /// A singular message comes in two parts.
    package static let parts = Deformation(rawValue: 2)
    /// A singular value, or another member of a oneof, comes before the one that counts.
    package static let overridden = Deformation(rawValue: 4)
    /// Tags are longer than they need be.
    package static let paddedTags = Deformation(rawValue: 8)
    /// Lengths are longer than they need be; this alone leaves a request canonical.
    package static let paddedLengths = Deformation(rawValue: 16)
    /// Scopes are in field 1000.
    package static let deprecated = Deformation(rawValue: 32)

    package static let all = Deformation(rawValue: 63)
}

extension ProtobufMessage {
    /// An encoding that means the same as `bytes`, made odd at random in the given ways.
    package func deformedBytes(_ ways: Deformation, using random: inout SeededRandom) -> [UInt8] {
        var bytes: [UInt8] = []
        for field in deformedFields(ways, using: &random) {
            let tagPadding = ways.contains(.paddedTags) && random.oneIn(8) ? random.int(in: 1...2) : 0
            // An unknown field's length is left alone: whoever does not know the field keeps it byte for byte.
            var isKnown = true
            if case .unknown = field.occurrence { isKnown = false }
            let lengthPadding = isKnown && ways.contains(.paddedLengths) && random.oneIn(8) ? random.int(in: 1...2) : 0
            var field = field
            if case .message(let message) = field.value {
                field.value = .bytes(message.deformedBytes(ways, using: &random))
            }
            field.encode(into: &bytes, tagPadding: tagPadding, lengthPadding: lengthPadding)
        }
        return bytes
    }

    private func deformedFields(_ ways: Deformation, using random: inout SeededRandom) -> [ProtobufField] {
        var result: [ProtobufField] = []
        let usesDeprecated = ways.contains(.deprecated) && random.oneIn(2)
        for var field in fields {
            if usesDeprecated, let deprecatedNumber, field.number == deprecatedNumber.of {
                field.number = deprecatedNumber.is
            }
            result += deformed(field, ways, using: &random)
        }
        return ways.contains(.order) && random.oneIn(2) ? shuffled(result, using: &random) : result
    }

    private func deformed(
        _ field: ProtobufField, _ ways: Deformation, using random: inout SeededRandom
    ) -> [ProtobufField] {
        guard random.oneIn(3) else { return [field] }
        switch (field.occurrence, field.value) {
        case (.singular, .message(let message)) where ways.contains(.parts):
            let cut = random.int(in: 0...message.fields.count)
            var parts = [field, field]
            parts[0].value = .message(ProtobufMessage(Array(message.fields[..<cut])))
            parts[1].value = .message(ProtobufMessage(Array(message.fields[cut...])))
            return parts
        case (.singular, .varint) where ways.contains(.overridden):
            return [ProtobufField(field.number, .varint(random.next())), field]
        case (.singular, .fixed64) where ways.contains(.overridden):
            return [ProtobufField(field.number, .fixed64(random.next())), field]
        case (.singular, .bytes(let bytes)) where ways.contains(.overridden) && bytes.count != 8 && bytes.count != 16:
            // Ids are left alone: other bytes before them would make the request invalid.
            return [ProtobufField(field.number, .bytes([])), field]
        case (.oneof(let other), _) where ways.contains(.overridden):
            return [ProtobufField(other.number, other.value, field.occurrence), field]
        default: return [field]
        }
    }

    /// Another order in which fields of one number, of one oneof, and unknown fields keep theirs.
    private func shuffled(_ fields: [ProtobufField], using random: inout SeededRandom) -> [ProtobufField] {
        func group(_ field: ProtobufField) -> Int {
            switch field.occurrence {
            case .oneof: -1
            case .unknown: -2
            default: Int(field.number)
            }
        }
        var queues: [Int: [ProtobufField]] = [:]
        for field in fields.reversed() { queues[group(field), default: []].append(field) }
        return fields.map(group).shuffled(using: &random).map { queues[$0]!.removeLast() }
    }
}
