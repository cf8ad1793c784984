import RegularExpression

/// What the actions do to the attributes in the table.
extension EditWalk {
    mutating func run(_ operations: Range<Int>, keys: EditProgram.KeyTable) throws(WireError) {
        for index in operations {
            switch program.operations[index] {
            case .put(let key, let presence, let source): put(key, presence, source, keys: keys)
            case .delete(let key, let pattern): delete(key, pattern)
            case .hash(let key, let pattern): try hash(key, pattern)
            case .extract(let key, let pattern, let groups): try extract(key, pattern, groups, keys: keys)
            case .convert(let key, let type): try convert(key, to: type)
            }
        }
    }

    private mutating func put(
        _ key: Int, _ presence: EditProgram.Presence, _ source: EditProgram.Source, keys: EditProgram.KeyTable
    ) {
        let value: WireBytes
        switch source {
        case .constant(let range): value = constants.slice(range)
        case .attribute(let other):
            guard let index = table.firstIndex(of: other) else { return }
            value = table.entries[index].value
        case .context(let index):
            guard let found = contextValues[index] else { return }
            value = found
        }
        if let index = table.firstIndex(of: key) {
            if presence != .absent { table.setValue(value, at: index) }
        } else if presence != .present {
            table.append(number: key, key: constants.slice(keys.keys[key]), value: value)
        }
    }

    private mutating func upsert(_ key: Int, _ value: WireBytes, keys: EditProgram.KeyTable) {
        if let index = table.firstIndex(of: key) {
            table.setValue(value, at: index)
        } else {
            table.append(number: key, key: constants.slice(keys.keys[key]), value: value)
        }
    }

    private func isSelected(_ entry: AttributeTable.Entry, _ key: Int, _ pattern: Int) -> Bool {
        if entry.state == .removed { return false }
        if key != EditProgram.KeyTable.none, entry.number == key { return true }
        return unsafe pattern != EditProgram.KeyTable.none && program.patterns[pattern].matches(entry.key.buffer)
    }

    private mutating func delete(_ key: Int, _ pattern: Int) {
        for index in table.entries.indices.reversed() where isSelected(table.entries[index], key, pattern) {
            table.remove(at: index)
        }
    }

    /// The key comes first and the pattern after it: what both select is hashed twice, as in otelcol.
    private mutating func hash(_ key: Int, _ pattern: Int) throws(WireError) {
        let none = EditProgram.KeyTable.none
        for (key, pattern) in [(key, none), (none, pattern)] {
            for index in table.entries.indices where isSelected(table.entries[index], key, pattern) {
                table.setValue(try hashed(table.entries[index].value), at: index)
            }
        }
    }

    /// The value's hash as an AnyValue. Strings are hashed as they are, numbers as eight bytes, bools as one;
    /// everything else becomes the empty string.
    private mutating func hashed(_ value: WireBytes) throws(WireError) -> WireBytes {
        let input: WireBytes
        switch try AnyValueView(value) {
        case .string(let text): input = text
        case .bool(let value): input = arena.copy([value ? 1 : 0])
        case .int(let value): input = arena.copy(littleEndian(UInt64(bitPattern: value)))
        case .double(let value): input = arena.copy(littleEndian(value.bitPattern))
        case .empty, .bytes, .array, .keyValueList, .stringIndex: input = .empty
        }
        return stringValue(input.isEmpty ? [] : SHA256.hexDigest(of: input))
    }

    private func littleEndian(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private mutating func extract(
        _ key: Int, _ pattern: Int, _ groups: Range<Int>, keys: EditProgram.KeyTable
    ) throws(WireError) {
        guard let index = table.firstIndex(of: key),
            case .string(let text) = try AnyValueView(table.entries[index].value),
            let first = firstValue(pattern, in: text, groups)
        else { return }
        for index in groups {
            upsert(program.groups[index].key, extracts.value(first + index - groups.lowerBound), keys: keys)
        }
    }

    /// The number in `extracts` of the first group's value; nil when nothing matches.
    private mutating func firstValue(_ pattern: Int, in text: WireBytes, _ groups: Range<Int>) -> Int? {
        switch extracts.result(of: pattern, in: text) {
        case .match(let first): return first
        case .noMatch: return nil
        case .unknown: break
        }
        guard unsafe program.patterns[pattern].firstMatch(in: text.buffer, groups: &matchedGroups) else {
            extracts.add(noMatchOf: pattern, in: text)
            return nil
        }
        var values: [WireBytes] = []
        for index in groups {
            values.append(arena.stringValue(text.slice(matchedGroups[program.groups[index].group] ?? 0..<0)))
        }
        return extracts.add(values, of: pattern, in: text)
    }

    // MARK: Conversion

    private mutating func convert(_ key: Int, to type: ConvertedType) throws(WireError) {
        guard let index = table.firstIndex(of: key) else { return }
        let value = table.entries[index].value
        let content = try AnyValueView(value)
        switch type {
        case .string:
            if case .string = content { return }
            table.setValue(stringValue(try text(of: value)), at: index)
        case .int:
            if let number = NumberConversion.int(content) { table.setValue(intValue(number), at: index) }
        case .double:
            if let number = NumberConversion.double(content) { table.setValue(doubleValue(number), at: index) }
        }
    }

    /// The text of an encoded AnyValue: what `convert` to a string writes, and what regular expressions see.
    func text(of value: WireBytes) throws(WireError) -> [UInt8] {
        var text: [UInt8] = []
        try OTLPRequest.appendText(of: AnyValueView(value), to: &text)
        return text
    }

    private mutating func stringValue(_ text: [UInt8]) -> WireBytes {
        arena.begin(text.count + 11)
        arena.writeByte(UInt8(AnyValueField.stringValue << 3 | 2))
        arena.writeVarint(UInt64(text.count))
        text.withWireBytes { arena.append($0) }
        return arena.end()
    }

    private mutating func intValue(_ number: Int64) -> WireBytes {
        arena.begin(11)
        arena.writeByte(UInt8(AnyValueField.intValue << 3))
        arena.writeVarint(UInt64(bitPattern: number))
        return arena.end()
    }

    private mutating func doubleValue(_ number: Double) -> WireBytes {
        arena.begin(9)
        arena.writeByte(UInt8(AnyValueField.doubleValue << 3 | 1))
        for byte in littleEndian(number.bitPattern) { arena.writeByte(byte) }
        return arena.end()
    }
}

/// `convert` to numbers: nil where the value has no such form or has the kind already.
enum NumberConversion {
    static func int(_ content: AnyValueView) -> Int64? {
        switch content {
        case .bool(let value): value ? 1 : 0
        // Out of range becomes the least integer, as otelcol's conversion does on x86.
        case .double(let value): Int64(exactly: value.rounded(.towardZero)) ?? .min
        case .string(let text): Int64(text.string)
        case .empty, .int, .bytes, .array, .keyValueList, .stringIndex: nil
        }
    }

    static func double(_ content: AnyValueView) -> Double? {
        switch content {
        case .bool(let value): value ? 1 : 0
        case .int(let value): Double(value)
        case .string(let text): parse(text.string)
        case .empty, .double, .bytes, .array, .keyValueList, .stringIndex: nil
        }
    }

    /// Decimal and hexadecimal numbers as Go's strconv reads them: out of range is an error, not infinity.
    private static func parse(_ text: String) -> Double? {
        let word = text.lowercased()
        let unsigned = word.hasPrefix("+") || word.hasPrefix("-") ? word.dropFirst() : Substring(word)
        if ["inf", "infinity", "nan"].contains(unsigned) {
            return unsigned == "nan" && unsigned != word ? nil : Double(text)
        }
        guard let first = unsigned.first, first.isASCII, first.isNumber || first == "." else { return nil }
        if unsigned.hasPrefix("0x"), !unsigned.contains("p") { return nil }
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }
}
