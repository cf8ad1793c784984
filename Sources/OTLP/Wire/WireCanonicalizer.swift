/// Rewrites a valid message so that it is canonical, by protobuf's own rules for what it means.
///
/// - A singular field given several times keeps its last value; a singular message is the merger of all of them, in
///   place of the first.
/// - Of a oneof the member given last stays, merged with those of the same kind that came directly before it.
/// - A resource, a scope and a key come before what they belong to.
/// - An envelope's field 1000 becomes its scopes where it has no others, as otelcol does; else it is dropped, being a
///   copy.
/// - Tags are minimal. Unknown fields stay, in order.
///
/// It serves the rare request whose layout is odd, so it reads each message several times rather than keep a table of
/// its fields: a hostile request of millions of tiny fields must not cost many times its size. Only for bytes that
/// `WireValidator` accepted: that bounds the recursion.
enum WireCanonicalizer {
    static func rewrite(_ bytes: WireBytes, as type: MessageType) throws(WireError) -> [UInt8] {
        var writer = WireWriter(capacity: bytes.count)
        try write(MergedMessage(type, [bytes]), to: &writer)
        return writer.bytes
    }

    private static func write(_ message: MergedMessage, to writer: inout WireWriter) throws(WireError) {
        for isLeading in [true, false] {
            var fields = message.fields
            while let field = try fields.next() {
                let rule = message.rule(of: field)
                guard (rule?.isLeading ?? false) == isLeading else { continue }
                try write(field, at: fields.index, rule, of: message, to: &writer)
            }
        }
    }

    private static func write(
        _ field: WireField, at index: Int, _ rule: FieldRule?, of message: MergedMessage, to writer: inout WireWriter
    ) throws(WireError) {
        guard let rule else { return writer.writeField(field) }
        guard case .message(let child) = rule.kind else {
            if rule.isRepeated || message.lastIndex[Int(rule.number)] == index { writer.writeField(field) }
            return
        }
        if !rule.isRepeated && message.firstIndex[Int(rule.number)] != index { return }
        let parts = rule.isRepeated ? [field.bytes] : message.parts(of: field.number)
        if parts.count == 1, try isCanonical(field.bytes, child) { return writer.writeField(field) }
        let byteCount = parts.reduce(0) { $0 + $1.count }
        let mark = writer.beginMessage(field.number, expectedByteCount: byteCount)
        try write(MergedMessage(child, parts), to: &writer)
        writer.endMessage(mark)
    }

    /// Whether a message can be copied whole, as nearly all in an odd request can. Asked where it pays, and not at each
    /// level of nested values, which would read the innermost as often as they are deep.
    private static func isCanonical(_ bytes: WireBytes, _ type: MessageType) throws(WireError) -> Bool {
        switch type {
        case .anyValue, .arrayValue, .keyValueList: false
        default: try WireValidator.check(bytes, as: type).isCanonical
        }
    }
}

extension FieldRule {
    fileprivate var isRepeated: Bool {
        if case .repeated = occurrence { return true }
        return false
    }

    fileprivate var isLeading: Bool {
        if case .onceBefore = occurrence { return true }
        return false
    }
}

/// A message that may come in parts, and which occurrences of its singular fields count.
private struct MergedMessage {
    private let type: MessageType
    /// The message's fields from the start.
    private(set) var fields: MergedFields
    /// By field number: the places of the first and the last occurrence that count; -1 where there is none.
    private(set) var firstIndex = [32 of Int](repeating: -1)
    private(set) var lastIndex = [32 of Int](repeating: -1)
    /// The payloads of the singular messages, and their places.
    private var parts: [(number: UInt32, index: Int, bytes: WireBytes)] = []

    /// - Parameter parts: the parts of the message; parsing them one after the other merges them.
    init(_ type: MessageType, _ parts: [WireBytes]) throws(WireError) {
        self.type = type
        fields = try MergedFields(type, parts)
        var member: UInt32?
        var rest = fields
        while let field = try rest.next() {
            guard let rule = rule(of: field), !rule.isRepeated else { continue }
            if case .oneof = rule.occurrence {
                if let member, member != field.number { forget(member) }
                member = field.number
            }
            let number = Int(field.number)
            if firstIndex[number] < 0 { firstIndex[number] = rest.index }
            lastIndex[number] = rest.index
            if case .message = rule.kind { self.parts.append((field.number, rest.index, field.bytes)) }
        }
    }

    /// The rule of a known field; nil for unknown ones.
    func rule(of field: WireField) -> FieldRule? { WireSchema.otlp.rule(field.number, of: type) }

    /// The payloads of the singular message in field `number`, in order.
    func parts(of number: UInt32) -> [WireBytes] {
        parts.compactMap { $0.number == number && $0.index >= firstIndex[Int(number)] ? $0.bytes : nil }
    }

    private mutating func forget(_ number: UInt32) {
        firstIndex[Int(number)] = -1
        lastIndex[Int(number)] = -1
    }
}

/// Reads the fields of all parts of a message, an envelope's field 1000 turned into its scopes or left out.
private struct MergedFields {
    private let parts: [WireBytes]
    private var nextPart = 0
    private var cursor = WireCursor(.empty)
    /// The place of the field read last.
    private(set) var index = -1
    /// What becomes of field 1000.
    private var deprecatedScopes = DeprecatedScopes.unknownField

    private enum DeprecatedScopes {
        case unknownField, dropped, scopes
    }

    init(_ type: MessageType, _ parts: [WireBytes]) throws(WireError) {
        self.parts = parts
        guard type.scopesType != nil else { return }
        deprecatedScopes = try hasScopes() ? .dropped : .scopes
    }

    private func hasScopes() throws(WireError) -> Bool {
        var rest = self
        while let field = try rest.next() {
            if field.number == ResourceEnvelopeField.scopes { return true }
        }
        return false
    }

    mutating func next() throws(WireError) -> WireField? {
        while true {
            guard let field = try cursor.nextField() else {
                guard nextPart < parts.count else { return nil }
                cursor = WireCursor(parts[nextPart])
                nextPart += 1
                continue
            }
            index += 1
            guard field.number == ResourceEnvelopeField.deprecatedScopes else { return field }
            switch deprecatedScopes {
            case .unknownField: return field
            case .dropped: continue
            case .scopes:
                return WireField(
                    number: ResourceEnvelopeField.scopes, type: field.type, value: field.value, bytes: field.bytes,
                    range: field.range)
            }
        }
    }
}
