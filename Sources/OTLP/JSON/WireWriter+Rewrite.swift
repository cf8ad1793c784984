extension WireWriter {
    /// Rewrites the message body written last, so that no singular field comes twice and ordered messages are in order.
    ///
    /// A singular scalar and a oneof keep what was written last; a singular message becomes the union of its parts.
    ///
    /// - Parameters:
    ///   - message: what the body is; everything in it was written by the caller after the schema.
    ///   - bodyStart: where the body starts; it ends with the writer's contents.
    mutating func rewriteMessage(_ message: MessageKind, from bodyStart: Int, schema: OTLPSchema) {
        let body = withWireBytes { $0.slice(bodyStart..<$0.count).array }
        truncate(to: bodyStart)
        do {
            try body.withWireBytes { (body) throws(WireError) in
                try rewrite(body, as: message, schema: schema)
            }
        } catch {
            preconditionFailure("a message this writer wrote cannot be read: \(error)")
        }
    }

    private mutating func rewrite(
        _ body: WireBytes, as message: MessageKind, schema: OTLPSchema
    ) throws(WireError) {
        let places = try FieldPlaces(body, of: message, schema: schema)
        if message.isOrdered {
            let fields = schema.fields[schema.range(of: message)].sorted { $0.number < $1.number }
            for field in fields where places.counts[Int(field.number)] > 0 {
                try rewriteFields(of: body, message, places, only: field.number, schema: schema)
            }
        } else {
            try rewriteFields(of: body, message, places, only: nil, schema: schema)
        }
    }

    /// Writes those fields of `body` that stay, in the order in which they are; only those numbered `only`, if given.
    private mutating func rewriteFields(
        of body: WireBytes, _ message: MessageKind, _ places: FieldPlaces, only: UInt32?, schema: OTLPSchema
    ) throws(WireError) {
        var cursor = WireCursor(body)
        while let field = try cursor.nextField() {
            guard only == nil || field.number == only,
                let place = schema.place(of: field.number, in: message)
            else { continue }
            let fieldSchema = schema.fields[place]
            guard fieldSchema.isSingular else {
                writeField(field)
                continue
            }
            guard places.lastStart(of: fieldSchema) == field.range.lowerBound else { continue }
            if case .message(let part) = fieldSchema.kind, fieldSchema.oneof == 0,
                places.counts[Int(field.number)] > 1
            {
                try writeUnion(ofFields: field.number, in: body, as: part, schema: schema)
            } else {
                writeField(field)
            }
        }
    }

    /// Writes one message for all the fields `number` of `body`: in protobuf the union of messages is their concatenation.
    private mutating func writeUnion(
        ofFields number: UInt32, in body: WireBytes, as part: MessageKind, schema: OTLPSchema
    ) throws(WireError) {
        var union: [UInt8] = []
        var cursor = WireCursor(body)
        while let field = try cursor.nextField() {
            if field.number == number { unsafe union.append(contentsOf: field.bytes.buffer) }
        }
        let mark = beginMessage(number, expectedByteCount: union.count)
        try union.withWireBytes { (union) throws(WireError) in
            try rewrite(union, as: part, schema: schema)
        }
        endMessage(mark)
    }
}

/// Where the fields of one message body stand.
private struct FieldPlaces {
    /// By field number: how many there are.
    private(set) var counts: [17 of Int] = .init(repeating: 0)
    /// By field number: where the last one's tag is; -1 without one.
    private var lastStarts: [17 of Int] = .init(repeating: -1)

    init(_ body: WireBytes, of message: MessageKind, schema: OTLPSchema) throws(WireError) {
        var cursor = WireCursor(body)
        while let field = try cursor.nextField() {
            guard schema.place(of: field.number, in: message) != nil else { continue }
            counts[Int(field.number)] += 1
            lastStarts[Int(field.number)] = field.range.lowerBound
        }
    }

    /// Where the last occurrence of `field`, or of any member of its oneof, is.
    func lastStart(of field: FieldSchema) -> Int {
        guard field.oneof != 0 else { return lastStarts[Int(field.number)] }
        var last = -1
        for number in 1...FieldSchema.numberMax where field.oneof & 1 << number != 0 {
            last = max(last, lastStarts[number])
        }
        return last
    }
}
