import Component
import Synchronization

/// Where the items have gone that a pipeline was given, since the start of the process.
package struct PipelineCounts: Sendable, Hashable {
    /// Items of requests that receivers handed in.
    package var accepted = 0
    /// Items that processors added.
    package var created = 0
    /// Items that processors took out, by processor.
    package var filtered: [String: Int] = [:]
    /// Items that were refused, by a processor or by the log; the client was told.
    package var refused = 0
    /// Items that the log took; in a pipeline without sending queues: that all exporters delivered.
    package var appended = 0
    /// Items that wait for the log, or for exporters without a queue.
    package var pending = 0

    /// Items that came and cannot be accounted for (more than zero), or are accounted for more than once.
    package var balance: Int {
        accepted + created - filtered.values.reduce(0, +) - refused - appended - pending
    }
}

/// Counts what becomes of the items that a pipeline is given.
package final class PipelineAccount: Sendable {
    private let counts = Mutex(PipelineCounts())

    package init() {}

    package var reading: PipelineCounts { counts.withLock { $0 } }

    package func accepted(_ items: Int) {
        counts.withLock { counts in
            counts.accepted += items
            counts.pending += items
        }
    }

    /// A processor changed the number of a request's items.
    package func processed(by processor: String, from before: Int, to after: Int) {
        guard before != after else { return }
        counts.withLock { counts in
            if after > before {
                counts.created += after - before
            } else {
                counts.filtered[processor, default: 0] += before - after
            }
            counts.pending += after - before
        }
    }

    package func refused(_ items: Int) {
        counts.withLock { counts in
            counts.refused += items
            counts.pending -= items
        }
    }

    func appended(_ items: Int) {
        counts.withLock { counts in
            counts.appended += items
            counts.pending -= items
        }
    }

    func ended(_ items: Int, _ result: Result<Void, RefusalError>) {
        switch result {
        case .success: appended(items)
        case .failure: refused(items)
        }
    }
}
