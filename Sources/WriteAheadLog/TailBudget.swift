import Synchronization

/// The payload bytes that the tails of all logs on disk may hold in memory together.
///
/// One half is divided evenly among the open logs, so that none depends on what others hold; of the other half each takes
/// what it needs and finds. A log that gets no more lets go of its oldest records, which are then read from disk.
package final class TailBudget: Sendable {
    /// That of the program.
    package static let process = TailBudget(capacityBytes: 64 << 20)

    package let capacityBytes: Int
    private let common: MemoryBudget
    private let logs = Atomic<Int>(0)

    /// - Parameter capacityBytes: at least two.
    package init(capacityBytes: Int) {
        self.capacityBytes = capacityBytes
        common = MemoryBudget(capacityBytes: capacityBytes / 2)
    }

    /// Bytes that each log may hold whatever the others do.
    var shareBytes: Int { (capacityBytes - common.capacityBytes) / max(logs.load(ordering: .relaxed), 1) }

    func join() { logs.add(1, ordering: .relaxed) }
    func leave() { logs.subtract(1, ordering: .relaxed) }
    func reserve(_ bytes: Int) -> Bool { common.reserve(bytes) }
    func release(_ bytes: Int) { common.release(bytes) }
}
