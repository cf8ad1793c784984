extension OTLPRequest {
    /// Adds an AnyValue as plain text, as otelcol shows values where a column or a line holds only text.
    ///
    /// A string as it is; a bool, an integer, a double in their shortest form; bytes as base64; a list or map as
    /// compact JSON with sorted keys, of equal keys the last; nothing for an empty value, or for a list or map that
    /// JSON cannot hold because a double in it is not finite.
    ///
    /// - Throws: when a list or map is not protobuf or nested too deeply, which values of a validated request are not.
    package static func appendText(of value: AnyValueView, to output: inout [UInt8]) throws(WireError) {
        switch value {
        case .empty, .stringIndex: return
        case .string(let text): unsafe output.append(contentsOf: text.buffer)
        case .bool(let value): output.append(contentsOf: (value ? "true" : "false").utf8)
        case .double(let value) where ShortestDigits.isDescription(of: value):
            output.append(contentsOf: value.description.utf8)
        case .int, .double, .bytes, .array, .keyValueList:
            var writer = JSONWriter(capacity: 64)
            if try writer.write(textOf: value) { writer.flush(to: &output) }
        }
    }
}

/// - Returns: false where JSON cannot hold the value; what has been written is of no use then.
extension JSONWriter {
    /// Writes a value that stands alone: bytes without quotes, a double even if it is not finite.
    fileprivate mutating func write(textOf value: AnyValueView) throws(WireError) -> Bool {
        switch value {
        case .bytes(let bytes): write(base64: bytes)
        case .double(let value) where !value.isFinite:
            write("json: unsupported value: ")
            write(value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf")
        default: return try write(jsonOf: value, depth: 1)
        }
        return true
    }

    /// - Parameter depth: this value and those around it.
    private mutating func write(jsonOf value: AnyValueView, depth: Int) throws(WireError) -> Bool {
        guard depth <= WireValidator.anyValueDepthMax else { throw .nestedTooDeeply }
        switch value {
        case .empty, .stringIndex: write("null")
        case .string(let text): write(string: text)
        case .bool(let value): write(value ? "true" : "false")
        case .int(let value): write(decimal: value)
        case .double(let value):
            guard value.isFinite else { return false }
            write(finite: value)
        case .bytes(let bytes):
            // otelcol cannot tell no bytes from no value here.
            if bytes.isEmpty {
                write("null")
            } else {
                write("\"")
                write(base64: bytes)
                write("\"")
            }
        case .array(let list): return try write(array: list, depth: depth)
        case .keyValueList(let list): return try write(map: list, depth: depth)
        }
        return true
    }

    private mutating func write(array: WireBytes, depth: Int) throws(WireError) -> Bool {
        var elements = AnyValueView.elements(of: array)
        var isFirst = true
        write("[")
        while let element = try elements.next() {
            if !isFirst { write(",") }
            isFirst = false
            guard try write(jsonOf: AnyValueView(element), depth: depth + 1) else { return false }
        }
        write("]")
        return true
    }

    private mutating func write(map: WireBytes, depth: Int) throws(WireError) -> Bool {
        var entries: [KeyValueView] = []
        var messages = AnyValueView.entries(of: map)
        while let message = try messages.next() { entries.append(try KeyValueView(message)) }
        // The sort is stable, so that of equal keys the last written is the last here.
        entries.sort { unsafe $0.key.buffer.lexicographicallyPrecedes($1.key.buffer) }
        var isFirst = true
        write("{")
        for index in entries.indices {
            let entry = entries[index]
            if index + 1 < entries.count, entry.key.equals(entries[index + 1].key) { continue }
            if !isFirst { write(",") }
            isFirst = false
            write(string: entry.key)
            write(":")
            guard try write(jsonOf: entry.value, depth: depth + 1) else { return false }
        }
        write("}")
        return true
    }
}
