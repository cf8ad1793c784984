/// The attributes of one resource or item that a program may look at, and what it has done to them.
///
/// Reused from item to item. Attributes outside the program's interest are not in it: their bytes are never touched.
struct AttributeTable {
    enum State {
        /// As in the source.
        case original
        case replaced
        /// New: it has no place in the source.
        case appended
        case removed
    }

    struct Entry {
        /// The key's number in the program, or `KeyTable.none`.
        let number: Int
        let key: WireBytes
        /// An encoded AnyValue.
        var value: WireBytes
        var state: State
        /// Where the whole field stands in the source; empty for an appended one.
        let range: Range<Int>
    }

    /// In the order of the source, the appended ones last.
    private(set) var entries: [Entry] = []
    /// Where new attributes go: behind the last attribute in the source, or at the end of the message.
    private(set) var insertionPoint = 0
    private(set) var isChanged = false

    /// Empties the table for a message that ends at `end`.
    mutating func reset(insertionPoint end: Int) {
        entries.removeAll(keepingCapacity: true)
        insertionPoint = end
        isChanged = false
    }

    mutating func setInsertionPoint(_ position: Int) { insertionPoint = position }

    /// Adds an attribute of the source.
    mutating func load(_ pair: KeyAndValue, number: Int, range: Range<Int>) {
        entries.append(Entry(number: number, key: pair.key, value: pair.value, state: .original, range: range))
    }

    /// The first attribute that has the key of this number, or nil.
    func firstIndex(of number: Int) -> Int? {
        for index in entries.indices where entries[index].number == number && entries[index].state != .removed {
            return index
        }
        return nil
    }

    mutating func append(number: Int, key: WireBytes, value: WireBytes) {
        entries.append(Entry(number: number, key: key, value: value, state: .appended, range: 0..<0))
        isChanged = true
    }

    mutating func setValue(_ value: WireBytes, at index: Int) {
        if entries[index].value.equals(value) { return }
        entries[index].value = value
        if entries[index].state == .original { entries[index].state = .replaced }
        isChanged = true
    }

    mutating func remove(at index: Int) {
        // An attribute that was never in the source leaves no trace.
        if entries[index].state == .appended {
            entries.remove(at: index)
        } else {
            entries[index].state = .removed
            isChanged = true
        }
    }
}

/// The two halves of a KeyValue.
struct KeyAndValue {
    var key: WireBytes = .empty
    /// An encoded AnyValue; empty when there is none.
    var value: WireBytes = .empty

    init(key: WireBytes, value: WireBytes) {
        self.key = key
        self.value = value
    }

    init(_ bytes: WireBytes) throws(WireError) {
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            if field.number == KeyValueField.key { key = try field.payload() }
            if field.number == KeyValueField.value { value = try field.payload() }
        }
    }
}
