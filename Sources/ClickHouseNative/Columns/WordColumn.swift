/// A column of words out of a short, fixed list, in a text type or an Enum that names all of them.
@safe
public struct WordColumn: EncodedColumn, ~Copyable {
    private let words: [StaticString]
    private var text = TextColumn()
    /// The words' places in `text`'s dictionary, where they have one yet.
    private var indexes: [UInt32?]
    /// The words' values when the type is an Enum; else empty.
    private var values: [Int16] = []
    private var numbers = NumberColumn()
    private var unknownCount = 0

    public init(_ words: [StaticString]) {
        self.words = words
        indexes = Array(repeating: nil, count: words.count)
    }

    public mutating func prepare(for type: ColumnType) -> Bool {
        removeAll()
        values = []
        switch type {
        case .enum8(let cases): return prepare(cases, type: .int8)
        case .enum16(let cases): return prepare(cases, type: .int16)
        default: return text.prepare(for: type)
        }
    }

    private mutating func prepare(_ cases: [ColumnType.EnumCase], type: ColumnType) -> Bool {
        for word in words {
            guard let match = cases.first(where: { $0.name == word.description }) else { return false }
            values.append(match.value)
        }
        return numbers.prepare(for: type)
    }

    public mutating func removeAll() {
        text.removeAll()
        numbers.removeAll()
        for position in indexes.indices { indexes[position] = nil }
        unknownCount = 0
    }

    public var rowCount: Int { values.isEmpty ? text.rowCount : numbers.rowCount }

    public var fault: String? { unknownCount > 0 ? "a number without a word" : text.fault }

    /// Appends the word at `position` of the list; beyond the list, the empty text, for which an Enum has no room.
    public mutating func append(_ position: Int) {
        guard words.indices.contains(position) else { return appendUnknown() }
        if !values.isEmpty {
            numbers.append(integer: UInt64(bitPattern: Int64(values[position])))
        } else if text.hasDictionary {
            text.append(index: index(of: position))
        } else {
            text.append(words[position])
        }
    }

    private mutating func index(of position: Int) -> UInt32 {
        if let known = indexes[position] { return known }
        let word = words[position]
        let index = unsafe text.index(of: word.utf8Start, count: word.utf8CodeUnitCount)
        indexes[position] = index
        return index
    }

    private mutating func appendUnknown() {
        if values.isEmpty {
            text.append("")
        } else {
            unknownCount += 1
            numbers.append(integer: 0)
        }
    }

    public borrowing func appendPrefix(to output: inout BlockOutput) {
        if values.isEmpty { text.appendPrefix(to: &output) }
    }

    public borrowing func appendData(to output: inout BlockOutput) {
        if values.isEmpty { text.appendData(to: &output) } else { numbers.appendData(to: &output) }
    }
}
