extension OTLPRequest {
    /// Turns the JSON form of an export request into protobuf, in one pass and in time linear in the input.
    ///
    /// Accepted beyond the specification, as otelcol does: keys in snake_case, enumerations by name, any number as a
    /// string, `null` for what is absent, and any bytes after the request's closing brace. Unknown keys are ignored.
    /// A key given twice: the last scalar counts, arrays and messages add up.
    ///
    /// - Returns: a canonical request, whatever the order of the keys.
    package static func fromJSON(_ json: [UInt8], signal: Signal) throws(JSONError) -> [UInt8] {
        do {
            return try json.withWireBytes { (bytes) throws(JSONFailure) in
                var decoder = RequestJSONDecoder(bytes)
                return try decoder.decode(signal.requestType)
            }
        } catch {
            throw JSONError(error, in: json)
        }
    }
}

/// Reads one request and writes it as protobuf at once: what has been read is never held as an object.
private struct RequestJSONDecoder: ~Copyable {
    private var reader: JSONReader
    private var writer: WireWriter
    private let schema = OTLPSchema.shared
    /// Whether keys came twice, or in an order that is not canonical.
    private var isCanonical = true

    init(_ json: WireBytes) {
        reader = JSONReader(json)
        writer = WireWriter(capacity: json.count / 2 + 64)
    }

    mutating func decode(_ request: MessageType) throws(JSONFailure) -> [UInt8] {
        if try !reader.take("null") { try decodeMessage(request, depth: 0) }
        if isCanonical { return writer.bytes }
        do {
            return try writer.withWireBytes { (bytes) throws(WireError) in
                try WireCanonicalizer.rewrite(bytes, as: request)
            }
        } catch {
            preconditionFailure("a request just written cannot be read: \(error)")
        }
    }

    /// Reads an object as the body of a message.
    ///
    /// - Parameter depth: the number of AnyValue messages around this one.
    private mutating func decodeMessage(_ message: MessageType, depth: Int) throws(JSONFailure) {
        if message == .anyValue, depth > WireValidator.anyValueDepthMax { throw reader.failure(.nestedTooDeeply) }
        try reader.expect("{")
        var hint = schema.range(of: message).lowerBound
        var isFirst = true
        var seen: UInt32 = 0
        while try reader.nextMember(&isFirst) {
            guard let place = try readKey(of: message, hint: hint) else {
                try reader.skipValue(depth: JSONReader.skippedDepthMax)
                continue
            }
            hint = place + 1
            if try reader.take("null") { continue }
            let field = schema.field(at: place)
            let bit = UInt32(1) << field.number
            let isRepetition = field.isSingular && seen & (bit | field.oneof) != 0
            if isRepetition || seen & field.follower != 0 { isCanonical = false }
            seen |= bit
            if field.isSingular {
                try decodeValue(field, keepsDefault: isRepetition, depth: depth)
            } else {
                try decodeArray(field, depth: depth)
            }
        }
    }

    /// Reads a key and the colon after it.
    ///
    /// - Parameter hint: the place to try first: the one after the field found last, as keys mostly come in order.
    /// - Returns: the field's place in the schema; nil for an unknown key.
    @inline(__always)
    private mutating func readKey(of message: MessageType, hint: Int) throws(JSONFailure) -> Int? {
        if let place = schema.takeKey(from: &reader, in: message, hint: hint) { return place }
        return schema.place(named: try reader.readKey(), in: message, hint: hint)
    }

    private mutating func decodeArray(_ field: FieldSchema, depth: Int) throws(JSONFailure) {
        try reader.expect("[")
        var isFirst = true
        if field.kind.wireType == .lengthDelimited {
            var isAttributes = false
            if case .message(.keyValue) = field.kind { isAttributes = depth < WireValidator.anyValueDepthMax }
            while try reader.nextElement(&isFirst) {
                if isAttributes, let attribute = reader.takeTextAttribute() {
                    writer.writeAttribute(field.number, key: attribute.key, string: attribute.value)
                } else if try reader.take("null") {
                    writer.writeBytes(field.number, [])
                } else {
                    try decodeValue(field, keepsDefault: true, depth: depth)
                }
            }
        } else {
            let fieldStart = writer.count
            let mark = writer.beginMessage(field.number)
            let payloadStart = writer.count
            while try reader.nextElement(&isFirst) { try decodePackedValue(field.kind) }
            if writer.count == payloadStart {
                writer.truncate(to: fieldStart)
            } else {
                writer.endMessage(mark)
            }
        }
    }

    /// Reads one value of a repeated number; OTLP has three kinds of them.
    private mutating func decodePackedValue(_ kind: ValueKind) throws(JSONFailure) {
        switch kind {
        case .fixed64: writer.writeFixed64(try reader.readInteger(UInt64.self))
        case .double: writer.writeFixed64(try reader.readDouble().bitPattern)
        case .uint64: writer.writeVarint(try reader.readInteger(UInt64.self))
        default: preconditionFailure("OTLP has no other repeated number")
        }
    }

    /// Reads one value and writes it as a field.
    ///
    /// - Parameter keepsDefault: whether a default value is written although the field's presence is implicit: it must
    ///   replace an earlier value, or is an element.
    private mutating func decodeValue(
        _ field: FieldSchema, keepsDefault: Bool, depth: Int
    ) throws(JSONFailure) {
        let keepsDefault = keepsDefault || field.presence == .explicit
        switch field.kind {
        case .string:
            let text = try reader.readString()
            if keepsDefault || !text.isEmpty { writer.writeBytes(field.number, text) }
        case .bytes:
            let bytes = try reader.readBase64()
            if keepsDefault || !bytes.isEmpty { writer.writeBytes(field.number, bytes) }
        case .traceID: try decodeID(field, byteCount: 16, keepsDefault: keepsDefault)
        case .spanID: try decodeID(field, byteCount: 8, keepsDefault: keepsDefault)
        case .message(let message):
            // Bodies of resources and scopes are about half as long as their JSON, and by far the longest.
            let isEnvelope = message.scopesType != nil
            let expected = isEnvelope ? reader.remaining / 2 : message == .span ? 256 : 0
            let mark = writer.beginMessage(field.number, expectedByteCount: expected)
            try decodeMessage(message, depth: message == .anyValue ? depth + 1 : depth)
            writer.endMessage(mark)
        default:
            let bits = try decodeNumber(field.kind)
            guard keepsDefault || bits != 0 else { return }
            switch field.kind.wireType {
            case .varint: writer.writeVarint(field.number, bits)
            case .fixed32: writer.writeFixed32(field.number, UInt32(truncatingIfNeeded: bits))
            default: writer.writeFixed64(field.number, bits)
            }
        }
    }

    /// Reads a number or Boolean.
    ///
    /// - Returns: what protobuf writes for it: the varint's value or the fixed field's bits.
    private mutating func decodeNumber(_ kind: ValueKind) throws(JSONFailure) -> UInt64 {
        switch kind {
        case .bool: try reader.readBool() ? 1 : 0
        case .int64, .sfixed64: UInt64(bitPattern: try reader.readInteger(Int64.self))
        case .uint32, .fixed32: UInt64(try reader.readInteger(UInt32.self))
        case .uint64, .fixed64: try reader.readInteger(UInt64.self)
        case .sint32: UInt64(ZigZag.encode(try reader.readInteger(Int32.self)))
        case .double: try reader.readDouble().bitPattern
        case .enumeration(let kind): UInt64(bitPattern: Int64(try reader.readEnumeration(kind)))
        case .string, .bytes, .traceID, .spanID, .message: preconditionFailure("not a number")
        }
    }

    private mutating func decodeID(_ field: FieldSchema, byteCount: Int, keepsDefault: Bool) throws(JSONFailure) {
        let (high, low) = try reader.readID(byteCount: byteCount)
        guard high | low != 0 else {
            if keepsDefault { writer.writeBytes(field.number, []) }
            return
        }
        writer.writeTag(field.number, .lengthDelimited)
        writer.writeVarint(UInt64(byteCount))
        if byteCount == 16 { writer.writeFixed64(high.byteSwapped) }
        writer.writeFixed64(low.byteSwapped)
    }
}

/// How protobuf folds a signed number into a varint (sint32).
enum ZigZag {
    static func encode(_ value: Int32) -> UInt32 {
        UInt32(bitPattern: value << 1 ^ value >> 31)
    }

    static func decode(_ value: UInt32) -> Int32 {
        Int32(bitPattern: value >> 1) ^ -Int32(bitPattern: value & 1)
    }
}
