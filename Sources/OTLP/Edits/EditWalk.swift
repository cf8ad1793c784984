/// One pass of an `EditProgram` over a request: records what to cut and what to put in its place, then writes the
/// result.
///
/// Shape: positions are bytes from the request's start; cuts are recorded in ascending order. Ownership: borrows the
/// request and the program's constants, must not outlive them. After an error it must not be used again.
struct EditWalk: ~Copyable {
    /// A cut of the source, and what stands there instead.
    struct Splice {
        let position: Int
        let removedCount: Int
        let inserted: WireBytes
    }

    /// A message that is being edited: its header is rewritten if its payload changes size.
    struct Mark {
        let splice: Int
        let growth: Int
        let number: UInt32
        let header: Range<Int>
        let payloadCount: Int
    }

    /// Which halves of a stage's filter can still match, going from the resource down to an item.
    struct Gate: OptionSet {
        let rawValue: UInt8
        static let include = Gate(rawValue: 1)
        static let exclude = Gate(rawValue: 2)
        static let both: Gate = [.include, .exclude]
    }

    let program: EditProgram
    let source: WireBytes
    let constants: WireBytes
    let signal: Signal
    var arena = EditArena()
    var table = AttributeTable()
    /// The fields of the current item that filters look at.
    var item = ItemFields()
    /// Values of the program's context names.
    var contextValues: [WireBytes?] = []
    /// A regular expression's groups; kept for its memory.
    var matchedGroups: [Range<Int>?] = []
    var extracts = ExtractMemo()
    /// By stage, for the current resource, scope and metric.
    var resourceGates: [Gate]
    var scopeGates: [Gate]
    var itemGates: [Gate]
    private var splices: [Splice] = []
    private var growth = 0

    init(_ program: EditProgram, source: WireBytes, constants: WireBytes, signal: Signal) {
        self.program = program
        self.source = source
        self.constants = constants
        self.signal = signal
        resourceGates = Array(repeating: .both, count: program.stages.count)
        scopeGates = resourceGates
        itemGates = resourceGates
    }

    mutating func setContext(_ context: (String) -> [UInt8]?) {
        for name in program.contextNames { contextValues.append(context(name).map { arena.copy($0) }) }
    }

    // MARK: Recording

    /// Begins a message whose payload may change. Its cuts must all be recorded before `close`.
    mutating func open(_ field: WireField, base: Int) -> Mark {
        let start = base + field.range.lowerBound
        let payloadStart = base + field.range.upperBound - field.bytes.count
        splices.append(Splice(position: start, removedCount: 0, inserted: source.slice(0..<0)))
        return Mark(
            splice: splices.count - 1, growth: growth, number: field.number, header: start..<payloadStart,
            payloadCount: field.bytes.count)
    }

    /// Ends the message begun last: gives it a new header if its size is another now.
    mutating func close(_ mark: Mark) {
        let delta = growth - mark.growth
        if delta == 0 {
            if splices.count == mark.splice + 1 { splices.removeLast() }
            return
        }
        arena.begin(15)
        arena.writeVarint(UInt64(mark.number) << 3 | UInt64(WireType.lengthDelimited.rawValue))
        arena.writeVarint(UInt64(mark.payloadCount + delta))
        let header = arena.end()
        splices[mark.splice] = Splice(
            position: mark.header.lowerBound, removedCount: mark.header.count, inserted: header)
        growth += header.count - mark.header.count
    }

    private mutating func cut(_ range: Range<Int>, inserting bytes: WireBytes) {
        splices.append(Splice(position: range.lowerBound, removedCount: range.count, inserted: bytes))
        growth += bytes.count - range.count
    }

    /// Records what the program did to the attributes in the table, which stand in field `number`.
    mutating func recordTable(_ number: UInt32) throws(WireError) {
        guard table.isChanged else { return }
        var appendedCount = 0
        for index in table.entries.indices {
            let entry = table.entries[index]
            switch entry.state {
            case .original: break
            case .removed: cut(entry.range, inserting: source.slice(0..<0))
            case .replaced:
                let others = try otherFields(of: entry)
                arena.begin(byteCountMax(of: entry) + others.count)
                write(entry, number, others: others)
                cut(entry.range, inserting: arena.end())
            case .appended: appendedCount += byteCountMax(of: entry)
            }
        }
        guard appendedCount > 0 else { return }
        arena.begin(appendedCount)
        for index in table.entries.indices where table.entries[index].state == .appended {
            write(table.entries[index], number)
        }
        cut(table.insertionPoint..<table.insertionPoint, inserting: arena.end())
    }

    /// Records the attributes in the table as a message of their own, in field `outer`, where there was none.
    mutating func recordTable(_ number: UInt32, asNew outer: UInt32) {
        var payloadCount = 0
        var countMax = 11
        for index in table.entries.indices {
            let inner = payloadByteCount(of: table.entries[index])
            payloadCount += 1 + WireWriter.varintByteCount(UInt64(inner)) + inner
            countMax += byteCountMax(of: table.entries[index])
        }
        guard payloadCount > 0 else { return }
        arena.begin(countMax)
        arena.writeVarint(UInt64(outer) << 3 | UInt64(WireType.lengthDelimited.rawValue))
        arena.writeVarint(UInt64(payloadCount))
        for index in table.entries.indices { write(table.entries[index], number) }
        cut(table.insertionPoint..<table.insertionPoint, inserting: arena.end())
    }

    private func payloadByteCount(of entry: AttributeTable.Entry) -> Int {
        2 + WireWriter.varintByteCount(UInt64(entry.key.count)) + entry.key.count
            + WireWriter.varintByteCount(UInt64(entry.value.count)) + entry.value.count
    }

    /// Tag, three lengths and the tags inside are 33 bytes at most.
    private func byteCountMax(of entry: AttributeTable.Entry) -> Int { entry.key.count + entry.value.count + 33 }

    private mutating func write(_ entry: AttributeTable.Entry, _ number: UInt32, others: WireBytes = .empty) {
        if others.isEmpty, number < 16, arena.writeShortAttribute(number, entry.key, entry.value) { return }
        arena.writeByte(UInt8(truncatingIfNeeded: number << 3 | 2))
        arena.writeVarint(UInt64(payloadByteCount(of: entry) + others.count))
        arena.writeField(KeyValueField.key, entry.key)
        arena.writeField(KeyValueField.value, entry.value)
        arena.append(others)
    }

    /// The fields of an attribute in the source that are neither key nor value: a new value does not concern them.
    private mutating func otherFields(of entry: AttributeTable.Entry) throws(WireError) -> WireBytes {
        var outer = WireCursor(source.slice(entry.range))
        guard let attribute = try outer.nextField()?.bytes else { return .empty }
        arena.begin(attribute.count)
        var cursor = WireCursor(attribute)
        while let field = try cursor.nextField() {
            if field.number != KeyValueField.key, field.number != KeyValueField.value {
                arena.append(attribute.slice(field.range))
            }
        }
        return arena.end()
    }

    // MARK: Writing

    /// The edited request, or nil if nothing changed.
    func output() -> [UInt8]? {
        if splices.isEmpty { return nil }
        let byteCount = source.count + growth
        return unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initializedCount in
            var copied = 0
            for splice in splices {
                unsafe append(source.slice(copied..<splice.position), to: buffer, at: &initializedCount)
                unsafe append(splice.inserted, to: buffer, at: &initializedCount)
                copied = splice.position + splice.removedCount
            }
            unsafe append(source.slice(copied..<source.count), to: buffer, at: &initializedCount)
            precondition(initializedCount == byteCount, "edits do not add up to their announced size")
        }
    }

    @inline(__always)
    private func append(_ bytes: WireBytes, to buffer: UnsafeMutableBufferPointer<UInt8>, at count: inout Int) {
        precondition(bytes.count <= buffer.count - count, "edits are longer than announced")
        var copied = 0
        // In pieces: one long copy to a place that is almost aligned with its source took ten times as long (x86,
        // glibc).
        while copied < bytes.count {
            let piece = min(bytes.count - copied, 1024)
            unsafe (buffer.baseAddress! + count).initialize(from: bytes.start + copied, count: piece)
            copied += piece
            count += piece
        }
    }
}

/// Fields of a span or log record that filters look at.
struct ItemFields {
    /// A span's name, a log record's severity text; nil if absent.
    var text: WireBytes?
    /// A span's kind, a log record's severity number.
    var number: UInt64 = 0
    /// A log record's body, an encoded AnyValue.
    var body: WireBytes?
}
