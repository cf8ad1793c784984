extension OTLPGenerator {
    mutating func metric() -> ProtobufMessage {
        message { generator in
            generator.string(1) + generator.string(2) + generator.string(3) + generator.metricData()
                + generator.attributes(12)
        }
    }

    private mutating func metricData() -> [ProtobufField] {
        let emptyGauge = ProtobufField(5, .message(ProtobufMessage()))
        let emptySum = ProtobufField(7, .message(ProtobufMessage()))
        switch random.int(in: 0...5) {
        case 0: return []
        case 1:
            let gauge = message { $0.points { $0.numberDataPoint() } }
            return [ProtobufField(5, .message(gauge), .oneof(other: emptySum))]
        case 2:
            let sum = message { generator in
                generator.points { $0.numberDataPoint() } + generator.varint32(2)
                    + generator.maybe { ProtobufField(3, .varint($0.random.oneIn(2) ? 1 : 0)) }
            }
            return [ProtobufField(7, .message(sum), .oneof(other: emptyGauge))]
        case 3:
            let histogram = message { $0.points { $0.histogramDataPoint() } + $0.varint32(2) }
            return [ProtobufField(9, .message(histogram), .oneof(other: emptySum))]
        case 4:
            let histogram = message { $0.points { $0.exponentialHistogramDataPoint() } + $0.varint32(2) }
            return [ProtobufField(10, .message(histogram), .oneof(other: emptySum))]
        default:
            let summary = message { $0.points { $0.summaryDataPoint() } }
            return [ProtobufField(11, .message(summary), .oneof(other: emptySum))]
        }
    }

    private mutating func points(_ point: (inout OTLPGenerator) -> ProtobufMessage) -> [ProtobufField] {
        some { ProtobufField(1, .message(point(&$0)), .repeated, isItem: true) }
    }

    private mutating func numberDataPoint() -> ProtobufMessage {
        message { generator in
            var fields = generator.fixed64(2) + generator.fixed64(3) + generator.numberValue(double: 4, int: 6)
            fields += generator.exemplars(5)
            return fields + generator.attributes(7) + generator.varint32(8)
        }
    }

    private mutating func numberValue(double: UInt32, int: UInt32) -> [ProtobufField] {
        let asDouble = ProtobufField(double, .fixed64(1))
        let asInt = ProtobufField(int, .fixed64(2))
        return maybe { generator in
            generator.random.oneIn(2)
                ? ProtobufField(double, .fixed64(generator.number()), .oneof(other: asInt))
                : ProtobufField(int, .fixed64(generator.number()), .oneof(other: asDouble))
        }
    }

    private mutating func histogramDataPoint() -> ProtobufMessage {
        message { generator in
            var fields = generator.fixed64(2) + generator.fixed64(3) + generator.fixed64(4) + generator.optional64(5)
            fields += generator.fixed64s(6) + generator.fixed64s(7) + generator.exemplars(8)
            fields += generator.attributes(9) + generator.varint32(10)
            return fields + generator.optional64(11) + generator.optional64(12)
        }
    }

    private mutating func exponentialHistogramDataPoint() -> ProtobufMessage {
        message { generator in
            var fields = generator.attributes(1) + generator.fixed64(2) + generator.fixed64(3) + generator.fixed64(4)
            fields += generator.optional64(5) + generator.varint32(6) + generator.fixed64(7)
            fields += generator.maybe { ProtobufField(8, .message($0.buckets())) }
            fields += generator.maybe { ProtobufField(9, .message($0.buckets())) }
            fields += generator.varint32(10) + generator.exemplars(11)
            return fields + generator.optional64(12) + generator.optional64(13) + generator.fixed64(14)
        }
    }

    private mutating func buckets() -> ProtobufMessage {
        message { generator in
            let counts = generator.some { ProtobufField(2, .varint($0.number()), .repeated) }
            if generator.random.oneIn(3) { return generator.varint32(1) + counts }
            var packed: [UInt8] = []
            for case .varint(let count) in counts.map(\.value) { packed.appendVarint(count) }
            return generator.varint32(1) + [ProtobufField(2, .bytes(packed))]
        }
    }

    private mutating func summaryDataPoint() -> ProtobufMessage {
        message { generator in
            var fields = generator.fixed64(2) + generator.fixed64(3) + generator.fixed64(4) + generator.fixed64(5)
            fields += generator.some { generator in
                ProtobufField(6, .message(generator.message { $0.fixed64(1) + $0.fixed64(2) }), .repeated)
            }
            return fields + generator.attributes(7) + generator.varint32(8)
        }
    }

    private mutating func exemplars(_ number: UInt32) -> [ProtobufField] {
        some { ProtobufField(number, .message($0.exemplar()), .repeated) }
    }

    private mutating func exemplar() -> ProtobufMessage {
        message { generator in
            var fields = generator.fixed64(2) + generator.numberValue(double: 3, int: 6)
            fields += generator.id(4, 8) + generator.id(5, 16)
            return fields + generator.attributes(7)
        }
    }

    /// A double whose zero differs from its absence.
    private mutating func optional64(_ number: UInt32) -> [ProtobufField] {
        var fields = fixed64(number)
        for index in fields.indices { fields[index].hasPresence = true }
        return fields
    }

    /// Repeated numbers of eight bytes, packed or one by one.
    private mutating func fixed64s(_ number: UInt32) -> [ProtobufField] {
        let values = some { ProtobufField(number, .fixed64($0.number()), .repeated) }
        if random.oneIn(3) { return values }
        return [ProtobufField(number, .bytes(values.flatMap { $0.bytes.dropFirst(number < 16 ? 1 : 2) }))]
    }
}
