/// Where the items of one consumer have gone, since its log was opened: nothing is unaccounted for while
/// `balance` is zero.
///
/// Every number is counted where it happens, and none is derived from the others. What a durable consumer was owed when
/// the log was opened, `recovered`, comes from what the last process left on disk, so that the account stays true over
/// restarts.
package struct ConsumerAccount: Sendable, Hashable {
    package var isDurable: Bool
    /// Items that waited, or were in open cuts, when the log was opened.
    package var recovered = 0
    /// Items appended while the consumer was there to read them.
    package var appended = 0
    /// Items that came back after they had been accounted for, and what became of them is in `outcome` once more. The log
    /// knows nothing of them: whoever brings them back adds them.
    package var replayed = 0
    /// How the cuts ended that were done.
    package var outcome = CutOutcome()
    /// Items that a limit made the consumer skip.
    package var skipped = 0
    /// Items that the log took away to make room, and for their age.
    package var evicted = 0
    package var expired = 0
    /// Items whose records could not be read back.
    package var lost = 0
    /// Items that are in no cut yet.
    package var waiting = 0
    /// Items in open cuts.
    package var inFlight = 0

    package init(isDurable: Bool) { self.isDurable = isDurable }

    /// Items that came and cannot be accounted for (more than zero), or are accounted for more than once.
    package var balance: Int {
        recovered + appended + replayed - outcome.itemCount - skipped - evicted - expired - lost - waiting - inFlight
    }
}

extension CutOutcome {
    package static func + (left: CutOutcome, right: CutOutcome) -> CutOutcome {
        CutOutcome(
            delivered: left.delivered + right.delivered, rejectedByPeer: left.rejectedByPeer + right.rejectedByPeer,
            deadLettered: left.deadLettered + right.deadLettered, dropped: left.dropped + right.dropped)
    }

    package var itemCount: Int { delivered + rejectedByPeer + deadLettered + dropped }

    static func - (left: CutOutcome, right: CutOutcome) -> CutOutcome {
        CutOutcome(
            delivered: left.delivered - right.delivered, rejectedByPeer: left.rejectedByPeer - right.rejectedByPeer,
            deadLettered: left.deadLettered - right.deadLettered, dropped: left.dropped - right.dropped)
    }
}
