/// Rewrites a valid message so that it is canonical, by protobuf's own rules for what it means.
///
/// - A singular field given several times keeps its last value; a singular message is the merger of all of them, in place
///   of the first.
/// - Of a oneof the member given last stays, merged with those of the same kind that came directly before it.
/// - A resource, a scope and a key come before what they belong to.
/// - An envelope's field 1000 becomes its scopes where it has no others, as otelcol does; else it is dropped, being a copy.
/// - Tags are minimal. Unknown fields stay, in order.
///
/// It serves the rare request whose layout is odd, so it allocates freely. Only for bytes that `WireValidator` accepted:
/// that bounds the recursion.
enum WireCanonicalizer {
    static func rewrite(_ bytes: WireBytes, as type: MessageType) throws(WireError) -> [UInt8] {
        var writer = WireWriter(capacity: bytes.count)
        try write(MergedMessage(type, [bytes]), to: &writer)
        return writer.bytes
    }

    private static func write(_ message: MergedMessage, to writer: inout WireWriter) throws(WireError) {
        for index in message.fields.indices where message.isLeading(index) {
            try writeField(index, of: message, to: &writer)
        }
        for index in message.fields.indices where !message.isLeading(index) {
            try writeField(index, of: message, to: &writer)
        }
    }

    private static func writeField(
        _ index: Int, of message: MergedMessage, to writer: inout WireWriter
    ) throws(WireError) {
        let field = message.fields[index]
        guard let rule = message.rule(index) else { return writer.writeField(field) }
        guard case .message(let child) = rule.kind else {
            if message.isLast(index) { writer.writeField(field) }
            return
        }
        guard message.isFirst(index) else { return }
        let fragments = message.fragments(index)
        let byteCount = fragments.reduce(0) { $0 + $1.count }
        let mark = writer.beginMessage(field.number, expectedByteCount: byteCount)
        try write(MergedMessage(child, fragments), to: &writer)
        writer.endMessage(mark)
    }
}

/// The fields of a message, in order, and which of them count.
private struct MergedMessage {
    private let rules: [FieldRule?]
    let fields: [WireField]
    /// The occurrences of each singular field that count: all for a repeated singular field, the last run of a oneof.
    private var occurrences: [[Int]]

    /// - Parameter fragments: the parts of the message; parsing them one after the other merges them.
    init(_ type: MessageType, _ fragments: [WireBytes]) throws(WireError) {
        var rules = [FieldRule?](repeating: nil, count: 32)
        for rule in type.rules { rules[Int(rule.number)] = rule }
        self.rules = rules
        fields = try MergedMessage.fields(type, fragments)
        occurrences = Array(repeating: [], count: 32)
        var member: Int?
        for index in fields.indices {
            guard let rule = rule(index) else { continue }
            let number = Int(rule.number)
            switch rule.occurrence {
            case .repeated: continue
            case .once, .onceBefore: break
            case .oneof:
                if let member, member != number { occurrences[member] = [] }
                member = number
            }
            occurrences[number].append(index)
        }
    }

    private static func fields(_ type: MessageType, _ fragments: [WireBytes]) throws(WireError) -> [WireField] {
        var fields: [WireField] = []
        for fragment in fragments {
            var cursor = WireCursor(fragment)
            while let field = try cursor.nextField() { fields.append(field) }
        }
        guard type.scopesType != nil else { return fields }
        let deprecated = ResourceEnvelopeField.deprecatedScopes
        if fields.contains(where: { $0.number == ResourceEnvelopeField.scopes }) {
            return fields.filter { $0.number != deprecated }
        }
        return fields.map { field in
            guard field.number == deprecated else { return field }
            return WireField(
                number: ResourceEnvelopeField.scopes, type: field.type, value: field.value, bytes: field.bytes,
                range: field.range)
        }
    }

    /// The rule of a known field; nil for unknown ones.
    func rule(_ index: Int) -> FieldRule? {
        let number = Int(fields[index].number)
        return number < rules.count ? rules[number] : nil
    }

    func isLeading(_ index: Int) -> Bool {
        if case .onceBefore = rule(index)?.occurrence { return true }
        return false
    }

    func isFirst(_ index: Int) -> Bool { isRepeated(index) || occurrences(index).first == index }

    func isLast(_ index: Int) -> Bool { isRepeated(index) || occurrences(index).last == index }

    /// The payloads that make up the message in this field.
    func fragments(_ index: Int) -> [WireBytes] {
        isRepeated(index) ? [fields[index].bytes] : occurrences(index).map { fields[$0].bytes }
    }

    private func occurrences(_ index: Int) -> [Int] { occurrences[Int(fields[index].number)] }

    private func isRepeated(_ index: Int) -> Bool {
        if case .repeated = rule(index)?.occurrence { return true }
        return false
    }
}
