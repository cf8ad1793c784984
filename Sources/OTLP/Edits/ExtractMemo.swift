/// What `extract` found in the texts it saw last: values repeat from item to item, and to compare one costs a tenth of
/// matching it.
///
/// Shape: one slot for all texts of a hash, the last one has it. Ownership: texts and values belong to the request and the
/// arena of one walk.
struct ExtractMemo {
    private struct Slot {
        var pattern = EditProgram.KeyTable.none
        var text = WireBytes.empty
        var matches = false
        /// Where the groups' values start in `values`.
        var firstValue = 0
    }

    private static let slotCount = 64

    private var slots: [Slot] = []
    /// Encoded AnyValues.
    private var values: [WireBytes] = []

    enum Result {
        case unknown
        case noMatch
        /// Where the groups' values start; see `value`.
        case match(Int)
    }

    /// What is known of a pattern and a text.
    func result(of pattern: Int, in text: WireBytes) -> Result {
        guard !slots.isEmpty else { return .unknown }
        let slot = slots[Self.place(of: text, pattern)]
        guard slot.pattern == pattern, slot.text.equals(text) else { return .unknown }
        return slot.matches ? .match(slot.firstValue) : .noMatch
    }

    func value(_ number: Int) -> WireBytes { values[number] }

    mutating func add(noMatchOf pattern: Int, in text: WireBytes) {
        store(Slot(pattern: pattern, text: text))
    }

    /// - Returns: where the values start.
    mutating func add(_ groups: [WireBytes], of pattern: Int, in text: WireBytes) -> Int {
        let first = values.count
        values.append(contentsOf: groups)
        store(Slot(pattern: pattern, text: text, matches: true, firstValue: first))
        return first
    }

    private mutating func store(_ slot: Slot) {
        if slots.isEmpty { slots = Array(repeating: Slot(), count: Self.slotCount) }
        slots[Self.place(of: slot.text, slot.pattern)] = slot
    }

    /// The end decides, where names and addresses differ.
    private static func place(of text: WireBytes, _ pattern: Int) -> Int {
        var hash = UInt64(truncatingIfNeeded: text.count &+ pattern &* 64)
        if text.count >= 8 {
            hash ^= text.word(at: text.count - 8)
        } else {
            for index in 0..<text.count { hash = hash &<< 8 ^ UInt64(text[index]) }
        }
        return Int(truncatingIfNeeded: (hash &* 0x9e37_79b9_7f4a_7c15) &>> 58)
    }
}
