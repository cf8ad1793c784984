package import WriteAheadLog

/// The ledger of one pipeline: every item that came in, and where it is or how it ended.
///
/// - pipeline: accepted + created = filtered + refused + appended + pending
/// - each exporter: recovered + appended + replayed = delivered + rejected by peer + dead-lettered + dropped + skipped + evicted
///   + expired + corrupt + waiting + in flight
///
/// Both hold at any moment: the pipeline's counts are read under one lock, those of all its exporters under another.
package struct LedgerSnapshot: Sendable, Hashable {
    package var pipeline: String
    package var counts: PipelineCounts
    /// By exporter; those without a sending queue have no account. On disk, also exporters that are not configured any
    /// more and still have items there.
    package var exporters: [String: ConsumerAccount]

    package init(pipeline: String, counts: PipelineCounts, exporters: [String: ConsumerAccount]) {
        self.pipeline = pipeline
        self.counts = counts
        self.exporters = exporters
    }

    package var isBalanced: Bool { counts.balance == 0 && exporters.values.allSatisfy { $0.balance == 0 } }
}

extension PipelineSender {
    /// The ledger at this moment.
    package var ledger: LedgerSnapshot {
        var exporters = log.accounts
        for binding in queued {
            guard let replays = deadLetters?.replays(of: binding.id, pipeline: pipeline) else { continue }
            let name = "\(binding.id)"
            guard let account = exporters[name] else { continue }
            exporters[name]!.replayed = replays.items
            exporters[name]!.outcome = account.outcome + replays.outcome
        }
        return LedgerSnapshot(pipeline: pipeline, counts: account.reading, exporters: exporters)
    }
}
