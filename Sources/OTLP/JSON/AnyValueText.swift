extension OTLPRequest {
    /// Adds an AnyValue as plain text, as otelcol shows values where a column or a line holds only text.
    ///
    /// A string as it is; a bool, an integer, a double in their shortest form; bytes as base64; a list or map as
    /// compact JSON with sorted keys, of equal keys the last; nothing for an empty value, or for a list or map that
    /// JSON cannot hold because a double in it is not finite.
    ///
    /// - Parameter anyValue: the message's bytes, of a validated request; bytes that do not parse count as empty.
    package static func appendText(of anyValue: WireBytes, to output: inout [UInt8]) {
        guard let member = try? AnyValueMember(anyValue) else { return }
        switch member {
        case .string(let text): unsafe output.append(contentsOf: text.buffer)
        case .bool(let value): output.append(contentsOf: (value ? "true" : "false").utf8)
        case .int, .double, .bytes, .array, .map:
            var writer = JSONWriter(capacity: 64)
            guard (try? writer.write(textOf: member)) != nil else { return }
            writer.flush(to: &output)
        }
    }
}

/// What an AnyValue holds; the payloads are borrowed from it.
private enum AnyValueMember {
    case string(WireBytes)
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case bytes(WireBytes)
    case array(WireBytes)
    case map(WireBytes)

    /// nil where nothing is set.
    init?(_ anyValue: WireBytes) throws(WireError) {
        var cursor = WireCursor(anyValue)
        var last: WireField?
        while let field = try cursor.nextField() {
            if field.number <= AnyValueField.bytesValue { last = field }
        }
        guard let field = last else { return nil }
        switch field.number {
        case AnyValueField.stringValue: self = .string(try field.require(.lengthDelimited).bytes)
        case AnyValueField.boolValue: self = .bool(try field.require(.varint).value != 0)
        case AnyValueField.intValue: self = .int(Int64(bitPattern: try field.require(.varint).value))
        case AnyValueField.doubleValue: self = .double(Double(bitPattern: try field.require(.fixed64).value))
        case AnyValueField.arrayValue: self = .array(try field.require(.lengthDelimited).bytes)
        case AnyValueField.kvlistValue: self = .map(try field.require(.lengthDelimited).bytes)
        default: self = .bytes(try field.require(.lengthDelimited).bytes)
        }
    }
}

/// Why a value has no JSON text.
private enum TextError: Error {
    case notFinite
    case wire(WireError)
}

extension JSONWriter {
    /// Writes a value that stands alone: bytes without quotes, a double even if it is not finite.
    fileprivate mutating func write(textOf member: AnyValueMember) throws(TextError) {
        switch member {
        case .bytes(let bytes): write(base64: bytes)
        case .double(let value) where !value.isFinite:
            write("json: unsupported value: ")
            write(value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf")
        default: try write(jsonOf: member, depth: 1)
        }
    }

    /// - Parameter depth: this value and those around it.
    private mutating func write(jsonOf member: AnyValueMember?, depth: Int) throws(TextError) {
        guard depth <= WireValidator.anyValueDepthMax else { throw .wire(.nestedTooDeeply) }
        switch member {
        case nil: write("null")
        case .string(let text): write(string: text)
        case .bool(let value): write(value ? "true" : "false")
        case .int(let value): write(decimal: value)
        case .double(let value):
            guard value.isFinite else { throw .notFinite }
            write(finite: value)
        case .bytes(let bytes):
            // otelcol cannot tell no bytes from no value here.
            if bytes.isEmpty { return write("null") }
            write("\"")
            write(base64: bytes)
            write("\"")
        case .array(let list):
            write("[")
            for (index, element) in try JSONWriter.payloads(ofFields: ArrayValueField.values, in: list).enumerated() {
                if index > 0 { write(",") }
                try write(jsonOf: JSONWriter.member(element), depth: depth + 1)
            }
            write("]")
        case .map(let list): try write(map: list, depth: depth)
        }
    }

    private mutating func write(map list: WireBytes, depth: Int) throws(TextError) {
        var entries: [(key: WireBytes, value: WireBytes)] = []
        for entry in try JSONWriter.payloads(ofFields: KeyValueListField.values, in: list) {
            entries.append(
                (
                    try JSONWriter.payloads(ofFields: KeyValueField.key, in: entry).last ?? entry.slice(0..<0),
                    try JSONWriter.payloads(ofFields: KeyValueField.value, in: entry).last ?? entry.slice(0..<0)
                ))
        }
        // The sort is stable, so that of equal keys the last written is the last here.
        entries.sort { unsafe $0.key.buffer.lexicographicallyPrecedes($1.key.buffer) }
        write("{")
        var isFirst = true
        for index in entries.indices {
            let (key, value) = entries[index]
            if index + 1 < entries.count, key.equals(entries[index + 1].key) { continue }
            if !isFirst { write(",") }
            isFirst = false
            write(string: key)
            write(":")
            try write(jsonOf: JSONWriter.member(value), depth: depth + 1)
        }
        write("}")
    }

    private static func member(_ anyValue: WireBytes) throws(TextError) -> AnyValueMember? {
        do { return try AnyValueMember(anyValue) } catch { throw .wire(error) }
    }

    private static func payloads(ofFields number: UInt32, in message: WireBytes) throws(TextError) -> [WireBytes] {
        var payloads: [WireBytes] = []
        var cursor = WireCursor(message)
        do {
            while let field = try cursor.nextField() {
                if field.number == number { payloads.append(try field.require(.lengthDelimited).bytes) }
            }
        } catch {
            throw .wire(error)
        }
        return payloads
    }
}
