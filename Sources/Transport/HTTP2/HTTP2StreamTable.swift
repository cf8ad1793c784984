/// What is known of the streams of a connection, by their ids.
///
/// A hash table with linear probing. Its multiplier is random, so that a peer, which chooses the ids, cannot make them
/// collide. Ids are above 0.
struct HTTP2StreamTable<Value> {
    private struct Slot {
        /// 0: the slot is free.
        var id: Int32
        var value: Value?
    }

    private static var countAtFirst: Int { 8 }

    private let multiplier = UInt64.random(in: .min ... .max) | 1
    /// A power of two of them, at most half of which are taken.
    private var slots: [Slot]
    private var shift: UInt64
    private(set) var count = 0

    init() {
        slots = Array(repeating: Slot(id: 0, value: nil), count: Self.countAtFirst)
        shift = UInt64(64 - Self.countAtFirst.trailingZeroBitCount)
    }

    var isEmpty: Bool { count == 0 }

    /// The ids of all streams, in no order.
    var ids: [Int32] { slots.map(\.id).filter { $0 != 0 } }

    subscript(id: Int32) -> Value? { slots[index(of: id)].value }

    mutating func set(_ value: Value, for id: Int32) {
        var index = index(of: id)
        if slots[index].id == 0 {
            if 2 * (count + 1) > slots.count {
                grow()
                index = self.index(of: id)
            }
            slots[index].id = id
            count += 1
        }
        slots[index].value = value
    }

    /// Does nothing when `id` is not there.
    mutating func remove(_ id: Int32) {
        var hole = index(of: id)
        guard slots[hole].id != 0 else { return }
        count -= 1
        // What was pushed beyond the hole moves up, so that no search ends early.
        var next = following(hole)
        while slots[next].id != 0 {
            let home = home(of: slots[next].id)
            let distance = (next &- home) & (slots.count - 1)
            if distance >= (next &- hole) & (slots.count - 1) {
                slots.swapAt(hole, next)
                hole = next
            }
            next = following(next)
        }
        slots[hole] = Slot(id: 0, value: nil)
    }

    /// Where `id` is, or the free slot where it would be.
    private func index(of id: Int32) -> Int {
        var index = home(of: id)
        while slots[index].id != id, slots[index].id != 0 { index = following(index) }
        return index
    }

    private func home(of id: Int32) -> Int {
        Int(truncatingIfNeeded: (UInt64(UInt32(bitPattern: id)) &* multiplier) &>> shift)
    }

    private func following(_ index: Int) -> Int { (index + 1) & (slots.count - 1) }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Slot(id: 0, value: nil), count: 2 * old.count)
        shift -= 1
        for slot in old where slot.id != 0 { slots[index(of: slot.id)] = slot }
    }
}
