import OTLP
import Synchronization

/// Memory in which lines are made, used again and again: to touch fresh memory for each costs as much as to fill it.
///
/// So many lines are made side by side; more wait for memory, so that exports that wait for a slow disk do not each
/// hold a line.
final class LineBuffers: Sendable {
    /// Bytes of one line whose memory is kept for the next.
    private static let keptBytesMax = 16 << 20

    /// Unchecked: `encoder` is touched only by whoever holds `turn`.
    private final class Slot: @unchecked Sendable {
        let turn = Mutex(())
        private var encoder = RequestJSONEncoder(capacity: 64 << 10)

        func lend<Failure: Error>(
            to body: (inout RequestJSONEncoder) throws(Failure) -> Void
        ) throws(Failure) {
            defer { encoder.removeAll(keepingCapacityUpTo: LineBuffers.keptBytesMax) }
            try body(&encoder)
        }
    }

    private let slots: [Slot]
    private let waitCount = Atomic<Int>(0)

    init(count: Int) { slots = (0..<count).map { _ in Slot() } }

    /// Lends an empty encoder to `body`, waiting for one if all are lent.
    func withEncoder<Failure: Error>(
        _ body: (inout RequestJSONEncoder) throws(Failure) -> Void
    ) throws(Failure) {
        for slot in slots {
            let isDone: Void? = try slot.turn.withLockIfAvailable { (_) throws(Failure) in try slot.lend(to: body) }
            if isDone != nil { return }
        }
        let wait = waitCount.wrappingAdd(1, ordering: .relaxed).oldValue
        let slot = slots[wait % slots.count]
        try slot.turn.withLock { (_) throws(Failure) in try slot.lend(to: body) }
    }
}
