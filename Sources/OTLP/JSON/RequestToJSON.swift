extension OTLPRequest {
    /// Adds the JSON form of a canonical export request to `output`, compact, without a line feed.
    ///
    /// The text is that of otelcol, key for key: lowerCamelCase, enumerations as numbers, 64-bit integers as strings,
    /// default scalars left out, but identifiers and embedded messages (`resource`, `scope`, `status`, `value`, `body`)
    /// always there. Unknown fields are left out; each byte that is not UTF-8 becomes U+FFFD.
    ///
    /// - Throws: where the bytes are not a canonical request of `signal`; then `output` is as it was.
    package static func appendJSON(
        of request: [UInt8], signal: Signal, to output: inout [UInt8]
    ) throws(WireError) {
        var encoder = RequestJSONEncoder(capacity: request.count * 3)
        try encoder.append([request], signal: signal)
        // One more for the line feed that mostly follows.
        output.reserveCapacity(output.count + encoder.byteCount + 1)
        encoder.writer.flush(to: &output)
    }
}

/// Writes export requests as JSON straight from their bytes, into memory that can be used again and again.
package struct RequestJSONEncoder: ~Copyable {
    var writer: JSONWriter
    private let schema = OTLPSchema.shared

    /// - Parameter capacity: bytes that can be written before the memory grows.
    package init(capacity: Int) {
        writer = JSONWriter(capacity: capacity)
    }

    /// What has been written so far.
    package var byteCount: Int { writer.count }

    /// Adds the JSON form of the one request that canonical `requests` of one signal make together, as
    /// `OTLPRequest.appendJSON` has it.
    ///
    /// - Throws: where the bytes are not canonical requests of `signal`; then nothing is added.
    package mutating func append(_ requests: [[UInt8]], signal: Signal) throws(WireError) {
        let byteCountBefore = writer.count
        do {
            try encode(requests, as: signal.requestType)
        } catch {
            writer.count = byteCountBefore
            throw error
        }
    }

    package mutating func append(_ byte: UInt8) { writer.write(byte: byte) }

    /// Lends what has been written to `body`, which must not keep it.
    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe writer.withUnsafeBytes(body)
    }

    /// Forgets what has been written. The memory is kept unless it is larger than `capacityMax`.
    package mutating func removeAll(keepingCapacityUpTo capacityMax: Int) {
        writer.removeAll(keepingCapacityUpTo: capacityMax)
    }

    /// Writes the object of a request, whose resources are those of all `requests`.
    private mutating func encode(_ requests: [[UInt8]], as message: MessageType) throws(WireError) {
        // The only field of a request.
        let resources = schema.field(at: schema.range(of: message).lowerBound)
        var isFirst = true
        writer.write("{")
        for request in requests {
            try request.withWireBytes { (bytes) throws(WireError) in
                var cursor = WireCursor(bytes)
                while let field = try cursor.nextField() {
                    guard field.number == resources.number else { continue }
                    if isFirst {
                        writer.write(short: resources.key)
                        writer.write("[")
                    } else {
                        writer.write(",")
                    }
                    isFirst = false
                    try encodeValue(0, try field.requireBytes(), resources.kind, depth: 0)
                }
            }
        }
        writer.write(isFirst ? "}" : "]}")
    }

    /// Writes the object of one message.
    ///
    /// The keys come in the schema's order, whatever the order of the fields: a first walk notes where they are.
    ///
    /// - Parameter depth: the number of AnyValue messages around this one.
    private mutating func encode(_ bytes: WireBytes, as message: MessageType, depth: Int) throws(WireError) {
        let found = try FoundFields(bytes, of: message, schema: schema)
        writer.write("{")
        var isFirst = true
        var missing = found.mask | schema.alwaysMask(of: message)
        for place in schema.range(of: message) {
            let bit = schema.bit(at: place)
            guard missing & bit != 0 else { continue }
            missing &= ~bit
            let field = schema.field(at: place)
            let isPresent = found.mask & bit != 0
            let slot = found.slots[Int(field.number)]
            if field.presence == .implicit, RequestJSONEncoder.isDefault(slot, of: field.kind) { continue }
            if !isFirst { writer.write(",") }
            isFirst = false
            writer.write(short: field.key)
            if field.presence == .repeated {
                try encodeElements(of: bytes.slice(slot.start..<slot.end), field, depth: depth)
            } else if isPresent {
                let isMessageOrText = field.kind.wireType == .lengthDelimited
                let payload = bytes.slice(slot.end - (isMessageOrText ? Int(slot.value) : 0)..<slot.end)
                try encodeValue(slot.value, payload, field.kind, depth: depth)
            } else {
                writer.write(field.kind.isMessage ? "{}" : "\"\"")
            }
        }
        writer.write("}")
    }

    private static func isDefault(_ slot: FoundFields.Slot, of kind: ValueKind) -> Bool {
        if case .double = kind { Double(bitPattern: slot.value) == 0 } else { slot.value == 0 }
    }

    /// Writes the array of a repeated field, whose elements are the fields of that number in `fields`.
    private mutating func encodeElements(
        of fields: WireBytes, _ schemaField: FieldSchema, depth: Int
    ) throws(WireError) {
        writer.write("[")
        var isFirst = true
        var cursor = WireCursor(fields)
        while true {
            if let tag = schemaField.elementTag, let element = try cursor.nextPayload(ifTag: tag) {
                if !isFirst { writer.write(",") }
                isFirst = false
                try encodeElement(element, schemaField.kind, depth: depth)
                continue
            }
            guard let field = try cursor.nextField() else { break }
            guard field.number == schemaField.number else { continue }
            if field.type == .lengthDelimited, schemaField.kind.wireType != .lengthDelimited {
                try encodePacked(field.bytes, schemaField.kind, isFirst: &isFirst)
                continue
            }
            if !isFirst { writer.write(",") }
            isFirst = false
            if field.type == .lengthDelimited {
                try encodeElement(field.bytes, schemaField.kind, depth: depth)
            } else {
                try encodeValue(field.value, field.bytes, schemaField.kind, depth: depth)
            }
        }
        writer.write("]")
    }

    @inline(__always)
    private mutating func encodeElement(_ bytes: WireBytes, _ kind: ValueKind, depth: Int) throws(WireError) {
        if case .message(.keyValue) = kind {
            try encodeKeyValue(bytes, depth: depth)
        } else {
            try encodeValue(0, bytes, kind, depth: depth)
        }
    }

    private mutating func encodePacked(
        _ bytes: WireBytes, _ kind: ValueKind, isFirst: inout Bool
    ) throws(WireError) {
        var cursor = WireCursor(bytes)
        while !cursor.isAtEnd {
            if !isFirst { writer.write(",") }
            isFirst = false
            let value = kind.wireType == .varint ? try cursor.readVarint() : try cursor.readFixed64()
            try encodeValue(value, bytes, kind, depth: 0)
        }
    }

    private mutating func encodeValue(
        _ value: UInt64, _ bytes: WireBytes, _ kind: ValueKind, depth: Int
    ) throws(WireError) {
        switch kind {
        case .string: writer.write(string: bytes)
        case .bytes:
            writer.write("\"")
            writer.write(base64: bytes)
            writer.write("\"")
        case .traceID:
            guard bytes.isEmpty || bytes.count == 16 else { throw .invalidTraceIDLength(bytes.count) }
            encodeID(bytes)
        case .spanID:
            guard bytes.isEmpty || bytes.count == 8 else { throw .invalidSpanIDLength(bytes.count) }
            encodeID(bytes)
        case .bool: writer.write(value != 0 ? "true" : "false")
        case .int64, .sfixed64:
            writer.write("\"")
            writer.write(decimal: Int64(bitPattern: value))
            writer.write("\"")
        case .uint64, .fixed64:
            writer.write("\"")
            writer.write(decimal: value)
            writer.write("\"")
        case .uint32, .fixed32: writer.write(decimal: UInt64(UInt32(truncatingIfNeeded: value)))
        case .sint32: writer.write(decimal: Int64(ZigZag.decode(UInt32(truncatingIfNeeded: value))))
        case .enumeration: writer.write(decimal: Int64(Int32(truncatingIfNeeded: value)))
        case .double: writer.write(double: Double(bitPattern: value))
        case .message(.anyValue): try encodeAnyValue(bytes, depth: depth + 1)
        case .message(let message): try encode(bytes, as: message, depth: depth)
        }
    }

    /// Writes an identifier; zeros mean that there is none.
    private mutating func encodeID(_ bytes: WireBytes) {
        writer.write("\"")
        var union: UInt8 = 0
        for index in 0..<bytes.count { union |= bytes[index] }
        if union != 0 { writer.write(hex: bytes) }
        writer.write("\"")
    }
}

// Attributes: nearly all of a request, so they take a shorter way than the table.
extension RequestJSONEncoder {
    private mutating func encodeKeyValue(_ bytes: WireBytes, depth: Int) throws(WireError) {
        if depth < WireValidator.anyValueDepthMax, try encodeShort(bytes) { return }
        var cursor = WireCursor(bytes)
        var key = bytes.slice(0..<0)
        var value = bytes.slice(0..<0)
        while let field = try cursor.nextField() {
            switch field.number {
            case KeyValueField.key: key = try field.requireBytes()
            case KeyValueField.value: value = try field.requireBytes()
            default: break
            }
        }
        if key.isEmpty {
            writer.write(#"{"value":"#)
        } else {
            writer.write(#"{"key":"#)
            writer.write(string: key)
            writer.write(#","value":"#)
        }
        try encodeAnyValue(value, depth: depth + 1)
        writer.write("}")
    }

    /// Writes an attribute of one of the commonest layouts: a key shorter than 128 bytes, then a string that is, or an
    /// integer.
    ///
    /// Layouts: `0a K key[K] 12 V 0a S string[S]` and `0a K key[K] 12 V 18 varint`, where V bytes are all the rest.
    ///
    /// - Returns: false, and nothing is written, for any other layout.
    @inline(__always)
    private mutating func encodeShort(_ bytes: WireBytes) throws(WireError) -> Bool {
        let count = bytes.count
        guard count >= 7, bytes[0] == 0x0a else { return false }
        let keyCount = Int(bytes[1])
        guard keyCount > 0, keyCount < 0x80, keyCount + 6 <= count, bytes[keyCount + 2] == 0x12 else { return false }
        let valueCount = Int(bytes[keyCount + 3])
        guard valueCount < 0x80, keyCount + 4 + valueCount == count else { return false }
        switch bytes[keyCount + 4] {
        case 0x0a:
            guard Int(bytes[keyCount + 5]) == valueCount - 2 else { return false }
            writer.write(#"{"key":"#)
            writer.write(string: bytes.slice(2..<keyCount + 2))
            writer.write(#","value":{"stringValue":"#)
            writer.write(string: bytes.slice(keyCount + 6..<count))
            writer.write("}}")
        case 0x18:
            var cursor = WireCursor(bytes.slice(keyCount + 5..<count))
            let value = try cursor.readVarint()
            guard cursor.isAtEnd else { return false }
            writer.write(#"{"key":"#)
            writer.write(string: bytes.slice(2..<keyCount + 2))
            writer.write(#","value":{"intValue":""#)
            writer.write(decimal: Int64(bitPattern: value))
            writer.write(#""}}"#)
        default: return false
        }
        return true
    }

    /// - Parameter depth: this message and the AnyValue messages around it.
    private mutating func encodeAnyValue(_ bytes: WireBytes, depth: Int) throws(WireError) {
        guard depth <= WireValidator.anyValueDepthMax else { throw .nestedTooDeeply }
        var cursor = WireCursor(bytes)
        var member: WireField?
        while let field = try cursor.nextField() {
            if field.number <= AnyValueField.bytesValue { member = field }
        }
        guard let member else { return writer.write("{}") }
        switch member.number {
        case AnyValueField.stringValue:
            writer.write(#"{"stringValue":"#)
            writer.write(string: try member.requireBytes())
        case AnyValueField.boolValue:
            writer.write(#"{"boolValue":"#)
            writer.write(try member.require(.varint).value != 0 ? "true" : "false")
        case AnyValueField.intValue:
            writer.write(#"{"intValue":""#)
            writer.write(decimal: Int64(bitPattern: try member.require(.varint).value))
            writer.write("\"")
        case AnyValueField.doubleValue:
            writer.write(#"{"doubleValue":"#)
            writer.write(double: Double(bitPattern: try member.require(.fixed64).value))
        case AnyValueField.arrayValue:
            writer.write(#"{"arrayValue":"#)
            try encode(try member.requireBytes(), as: .arrayValue, depth: depth)
        case AnyValueField.kvlistValue:
            writer.write(#"{"kvlistValue":"#)
            try encode(try member.requireBytes(), as: .keyValueList, depth: depth)
        default:
            writer.write(#"{"bytesValue":""#)
            writer.write(base64: try member.requireBytes())
            writer.write("\"")
        }
        writer.write("}")
    }
}

extension WireField {
    /// This field, when it has the wire type of its schema.
    func require(_ expected: WireType) throws(WireError) -> WireField {
        guard type == expected else { throw .unexpectedWireType(field: number, found: type.rawValue) }
        return self
    }

    fileprivate func requireBytes() throws(WireError) -> WireBytes {
        try require(.lengthDelimited).bytes
    }
}

/// Where the known fields of one message are.
private struct FoundFields {
    struct Slot {
        /// The last value; if it is a payload, how many bytes it has: those before `end`.
        var value: UInt64 = 0
        /// From the first occurrence to the end of the last, in the message's bytes.
        var start = 0
        var end = 0
    }

    /// By field number; only those in `mask` mean something.
    private(set) var slots: [17 of Slot]
    /// The fields present, as bits `1 << number`.
    private(set) var mask: UInt32 = 0

    init(_ bytes: WireBytes, of message: MessageType, schema: OTLPSchema) throws(WireError) {
        slots = .init(repeating: Slot())
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            guard let place = schema.place(of: field.number, in: message) else { continue }
            let fieldSchema = schema.field(at: place)
            if field.type != fieldSchema.kind.wireType {
                // Repeated numbers also come packed.
                guard fieldSchema.presence == .repeated, field.type == .lengthDelimited else {
                    throw .unexpectedWireType(field: field.number, found: field.type.rawValue)
                }
            }
            let number = Int(field.number)
            let bit = UInt32(1) << field.number
            let start = mask & bit == 0 ? field.range.lowerBound : slots[number].start
            let value = field.type == .lengthDelimited ? UInt64(field.bytes.count) : field.value
            slots[number] = Slot(value: value, start: start, end: field.range.upperBound)
            // Of a oneof the last member counts; a packed field may be empty.
            mask = (mask & ~fieldSchema.oneof) | (isEmptyPacked(field, fieldSchema) ? 0 : bit)
            if let tag = fieldSchema.elementTag {
                // The elements that follow, mostly all others.
                while try cursor.nextPayload(ifTag: tag) != nil { slots[number].end = cursor.offset }
            }
        }
    }

    private func isEmptyPacked(_ field: WireField, _ schema: FieldSchema) -> Bool {
        field.type != schema.kind.wireType && field.bytes.isEmpty
    }
}

extension ValueKind {
    fileprivate var isMessage: Bool {
        if case .message = self { true } else { false }
    }
}
