package import OTLP

/// Makes random valid export requests, as trees: every kind of field and value, also the odd ones that real clients
/// send.
///
/// Their encoding (`bytes`) is canonical. Strings may be empty or invalid UTF-8, keys may repeat, numbers be 0,
/// negative or extreme, messages empty, ids absent; fields that no schema knows are strewn in.
package struct OTLPGenerator {
    package var random: SeededRandom
    /// Whether there are fields that the schema does not know.
    package var hasUnknownFields = true
    /// Whether some strings are not valid UTF-8.
    package var hasInvalidUTF8 = true
    /// The most resources, scopes per resource, items per scope, and attributes in one request, roughly.
    package var countMax = 4

    package init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    /// An export request.
    package mutating func request(_ signal: Signal) -> ProtobufMessage {
        message { generator in
            generator.some { ProtobufField(1, .message($0.resourceEnvelope(signal)), .repeated) }
        }
    }

    private mutating func resourceEnvelope(_ signal: Signal) -> ProtobufMessage {
        var envelope = message { generator in
            generator.maybe { ProtobufField(1, .message($0.resource())) }
                + generator.some { ProtobufField(2, .message($0.scopeEnvelope(signal)), .repeated) }
                + generator.maybe { ProtobufField(3, .bytes($0.text())) }
        }
        envelope.deprecatedNumber = (of: 2, is: 1000)
        return envelope
    }

    private mutating func scopeEnvelope(_ signal: Signal) -> ProtobufMessage {
        message { generator in
            generator.maybe { ProtobufField(1, .message($0.scope())) }
                + generator.some { generator in
                    switch signal {
                    case .traces: ProtobufField(2, .message(generator.span()), .repeated, isItem: true)
                    case .logs: ProtobufField(2, .message(generator.logRecord()), .repeated, isItem: true)
                    case .metrics: ProtobufField(2, .message(generator.metric()), .repeated)
                    }
                }
                + generator.maybe { ProtobufField(3, .bytes($0.text())) }
        }
    }
}

// Parts that all signals share.
extension OTLPGenerator {
    private mutating func resource() -> ProtobufMessage {
        message { generator in
            generator.attributes(1) + generator.varint32(2)
                + generator.some { ProtobufField(3, .message($0.entityRef()), .repeated) }
        }
    }

    private mutating func entityRef() -> ProtobufMessage {
        message { generator in
            generator.string(1) + generator.string(2)
                + generator.some { ProtobufField(3, .bytes($0.text()), .repeated) }
                + generator.some { ProtobufField(4, .bytes($0.text()), .repeated) }
        }
    }

    private mutating func scope() -> ProtobufMessage {
        message { $0.string(1) + $0.string(2) + $0.attributes(3) + $0.varint32(4) }
    }

    mutating func attributes(_ number: UInt32, depth: Int = 0) -> [ProtobufField] {
        some { ProtobufField(number, .message($0.keyValue(depth: depth)), .repeated) }
    }

    private mutating func keyValue(depth: Int) -> ProtobufMessage {
        message { generator in
            generator.string(1) + generator.maybe { ProtobufField(2, .message($0.anyValue(depth: depth))) }
        }
    }

    mutating func anyValue(depth: Int = 0) -> ProtobufMessage {
        let other = ProtobufField(3, .varint(7))
        let otherThanInt = ProtobufField(1, .bytes([0x78]))
        return message { generator in
            switch generator.random.int(in: 0...(depth < 3 ? 9 : 6)) {
            case 0: []
            case 1, 2: [ProtobufField(1, .bytes(generator.text()), .oneof(other: other))]
            case 3: [ProtobufField(2, .varint(generator.random.oneIn(2) ? 0 : 1), .oneof(other: other))]
            case 4, 5: [ProtobufField(3, .varint(generator.number()), .oneof(other: otherThanInt))]
            case 6: [ProtobufField(4, .fixed64(generator.number()), .oneof(other: other))]
            case 7: [ProtobufField(5, .message(generator.arrayValue(depth: depth + 1)), .oneof(other: other))]
            case 8:
                [
                    ProtobufField(
                        6, .message(ProtobufMessage(generator.attributes(1, depth: depth + 1))), .oneof(other: other))
                ]
            default: [ProtobufField(7, .bytes(generator.text()), .oneof(other: other))]
            }
        }
    }

    private mutating func arrayValue(depth: Int) -> ProtobufMessage {
        message { $0.some { ProtobufField(1, .message($0.anyValue(depth: depth)), .repeated) } }
    }
}

// Traces and logs.
extension OTLPGenerator {
    private mutating func span() -> ProtobufMessage {
        message { generator in
            var fields = generator.id(1, 16) + generator.id(2, 8) + generator.string(3) + generator.id(4, 8)
            fields += generator.string(5) + generator.varint32(6) + generator.fixed64(7) + generator.fixed64(8)
            fields += generator.attributes(9) + generator.varint32(10)
            fields += generator.some { ProtobufField(11, .message($0.event()), .repeated) }
            fields += generator.varint32(12)
            fields += generator.some { ProtobufField(13, .message($0.link()), .repeated) }
            fields += generator.varint32(14)
            fields += generator.maybe { generator in
                ProtobufField(15, .message(generator.message { $0.string(2) + $0.varint32(3) }))
            }
            return fields + generator.fixed32(16)
        }
    }

    private mutating func event() -> ProtobufMessage {
        message { $0.fixed64(1) + $0.string(2) + $0.attributes(3) + $0.varint32(4) }
    }

    private mutating func link() -> ProtobufMessage {
        message { $0.id(1, 16) + $0.id(2, 8) + $0.string(3) + $0.attributes(4) + $0.varint32(5) + $0.fixed32(6) }
    }

    private mutating func logRecord() -> ProtobufMessage {
        message { generator in
            var fields = generator.fixed64(1) + generator.varint32(2) + generator.string(3)
            fields += generator.maybe { ProtobufField(5, .message($0.anyValue())) }
            fields += generator.attributes(6) + generator.varint32(7) + generator.fixed32(8)
            return fields + generator.id(9, 16) + generator.id(10, 8) + generator.fixed64(11) + generator.string(12)
        }
    }
}

// Leaves and frames.
extension OTLPGenerator {
    /// A message of the given fields, now and then with an unknown one.
    mutating func message(_ fields: (inout OTLPGenerator) -> [ProtobufField]) -> ProtobufMessage {
        var fields = fields(&self)
        if hasUnknownFields, random.oneIn(12) {
            fields.insert(unknownField(), at: random.int(in: 0...fields.count))
        }
        return ProtobufMessage(fields)
    }

    private mutating func unknownField() -> ProtobufField {
        let number = random.element(of: [100, 19, 31, 32, 999, 1001, 536_870_911] as [UInt32])
        let value: ProtobufField.Value =
            switch random.int(in: 0...3) {
            case 0: .varint(self.number())
            case 1: .fixed64(random.next())
            case 2: .fixed32(UInt32(truncatingIfNeeded: random.next()))
            default: .bytes(random.bytes(random.int(in: 0...20)))
            }
        return ProtobufField(number, value, .unknown)
    }

    mutating func some(_ field: (inout OTLPGenerator) -> ProtobufField) -> [ProtobufField] {
        let count = max(0, random.int(in: -1...countMax))
        return (0..<count).map { _ in field(&self) }
    }

    mutating func maybe(_ field: (inout OTLPGenerator) -> ProtobufField) -> [ProtobufField] {
        random.oneIn(4) ? [] : [field(&self)]
    }

    mutating func string(_ number: UInt32) -> [ProtobufField] {
        maybe { ProtobufField(number, .bytes($0.text())) }
    }

    mutating func id(_ number: UInt32, _ byteCount: Int) -> [ProtobufField] {
        maybe { generator in
            switch generator.random.int(in: 0...9) {
            case 0: ProtobufField(number, .bytes([]))
            case 1: ProtobufField(number, .bytes(Array(repeating: 0, count: byteCount)))
            default: ProtobufField(number, .bytes(generator.random.bytes(byteCount)))
            }
        }
    }

    mutating func fixed64(_ number: UInt32) -> [ProtobufField] {
        maybe { ProtobufField(number, .fixed64($0.number())) }
    }

    mutating func fixed32(_ number: UInt32) -> [ProtobufField] {
        maybe { ProtobufField(number, .fixed32(UInt32(truncatingIfNeeded: $0.number()))) }
    }

    mutating func varint32(_ number: UInt32) -> [ProtobufField] {
        maybe { ProtobufField(number, .varint($0.number() & 0x7fff_ffff)) }
    }

    /// Integers and bit patterns of doubles: small, 0, negative, extreme.
    mutating func number() -> UInt64 {
        switch random.int(in: 0...6) {
        case 0: 0
        case 1: UInt64(random.int(in: 1...127))
        case 2: UInt64(random.int(in: 128...100_000))
        case 3: UInt64(bitPattern: Int64(-random.int(in: 1...1_000_000)))
        case 4: Double.random(in: -1e6...1e6, using: &random).bitPattern
        case 5: random.element(of: [UInt64.max, 1 << 63, Double.infinity.bitPattern, Double.nan.bitPattern])
        default: random.next()
        }
    }

    mutating func text() -> [UInt8] {
        switch random.int(in: 0...9) {
        case 0: []
        case 1 where hasInvalidUTF8: random.bytes(random.int(in: 1...40))
        case 2: Array("größer, \u{1F600} \u{0}\"\\".utf8)
        case 3: Array(repeating: 0x61, count: random.int(in: 120...300))
        default: Array(random.element(of: ["http.method", "GET", "k", "service.name", "/index.html?q=1", "a"]).utf8)
        }
    }
}
