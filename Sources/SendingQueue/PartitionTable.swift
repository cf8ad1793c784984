import Component
import Synchronization

/// Gives each combination of the values of `metadata_keys` a partition of the log: one batch holds one combination
/// only.
final class PartitionTable: Sendable {
    private let keys: [String]
    private let limit: Int
    private let known = Mutex<Set<UInt64>>([])

    /// - Parameter limit: combinations taken; 0: any number.
    init(keys: [String], limit: Int) {
        self.keys = keys
        self.limit = limit
    }

    /// Combinations seen so far.
    var count: Int { known.withLock { $0.count } }

    /// The partition of a client's requests, the same after a restart.
    func partition(of client: ClientInfo?) throws(RefusalError) -> UInt64 {
        var hash = FNV1a()
        for key in keys {
            for value in client?.values(of: key) ?? [] {
                hash.add(value.utf8)
                hash.add(CollectionOfOne(0))
            }
            hash.add(CollectionOfOne(1))
        }
        // 0 is the partition of what has no keys at all.
        let partition = max(hash.value, 1)
        let isTaken = known.withLock { known in
            if limit > 0, known.count >= limit, !known.contains(partition) { return false }
            known.insert(partition)
            return true
        }
        guard isTaken else {
            throw RefusalError(isRetryable: false, reason: "too many batcher metadata-value combinations")
        }
        return partition
    }
}

/// The 64-bit hash of Fowler, Noll and Vo, variant 1a.
private struct FNV1a {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
}
