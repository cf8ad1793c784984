import Synchronization

/// The bytes that all memory logs together may hold.
package final class MemoryBudget: Sendable {
    package let capacityBytes: Int
    private let used = Atomic<Int>(0)

    /// - Parameter capacityBytes: payload bytes; more than zero.
    package init(capacityBytes: Int) {
        precondition(capacityBytes > 0, "a memory budget without bytes takes no record")
        self.capacityBytes = capacityBytes
    }

    package var usedBytes: Int { used.load(ordering: .relaxed) }

    /// Takes `bytes` out of the budget, or nothing when they are not there.
    func reserve(_ bytes: Int) -> Bool {
        var current = used.load(ordering: .relaxed)
        while current + bytes <= capacityBytes {
            let (exchanged, found) = used.compareExchange(
                expected: current, desired: current + bytes, ordering: .relaxed)
            if exchanged { return true }
            current = found
        }
        return false
    }

    func release(_ bytes: Int) { used.subtract(bytes, ordering: .relaxed) }
}
