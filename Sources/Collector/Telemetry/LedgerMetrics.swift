import Component
import SendingQueue
import WriteAheadLog

/// Shows a pipeline's ledger, and what its log holds, as metrics.
enum LedgerMetrics {
    static func register(_ sender: PipelineSender, isOnDisk: Bool, in registry: MetricRegistry) {
        let owner: MetricLabels = ["pipeline": sender.pipeline]
        registry.observe(
            "otelcol_swift_ledger_items",
            help: "Where the items of a pipeline are, or how they ended, since the start of the process: "
                + "accepted + created = filtered + refused + appended + pending; for each exporter recovered + appended + replayed = "
                + "delivered + rejected + dead_lettered + dropped + skipped + evicted + expired + corrupt + waiting + in_flight.",
            kind: .gauge, owner: owner
        ) { [weak sender] in sender.map { samples(of: $0.ledger) } ?? [] }
        registry.observe(
            "otelcol_swift_ledger_imbalance",
            help: "Items that the ledger misses (more than zero) or has twice. Anything but zero is a defect.",
            kind: .gauge, owner: owner
        ) { [weak sender] in sender.map { imbalances(of: $0.ledger) } ?? [] }
        LogMetrics.register(sender, isOnDisk: isOnDisk, in: registry)
    }

    private static func samples(of ledger: LedgerSnapshot) -> [MetricSample] {
        let counts = ledger.counts
        let pipeline: [(String, Int)] = [
            ("accepted", counts.accepted), ("created", counts.created), ("refused", counts.refused),
            ("appended", counts.appended), ("pending", counts.pending),
        ]
        var samples = pipeline.map { sample(["pipeline": ledger.pipeline, "exporter": "", "state": $0], $1) }
        for (processor, count) in counts.filtered.sorted(by: { $0.key < $1.key }) {
            samples.append(
                sample(
                    ["pipeline": ledger.pipeline, "exporter": "", "state": "filtered", "processor": processor], count))
        }
        for (exporter, account) in ledger.exporters.sorted(by: { $0.key < $1.key }) {
            let outcome = account.outcome
            let states: [(String, Int)] = [
                ("recovered", account.recovered), ("appended", account.appended),
                ("replayed", account.replayed), ("delivered", outcome.delivered),
                ("rejected", outcome.rejectedByPeer), ("dead_lettered", outcome.deadLettered),
                ("dropped", outcome.dropped), ("skipped", account.skipped),
                ("evicted", account.evicted), ("expired", account.expired), ("corrupt", account.lost),
                ("waiting", account.waiting), ("in_flight", account.inFlight),
            ]
            samples += states.map {
                sample(["pipeline": ledger.pipeline, "exporter": exporter, "state": $0], $1)
            }
        }
        return samples
    }

    private static func imbalances(of ledger: LedgerSnapshot) -> [MetricSample] {
        let own = sample(["pipeline": ledger.pipeline, "exporter": ""], ledger.counts.balance)
        return [own]
            + ledger.exporters.sorted { $0.key < $1.key }.map {
                sample(["pipeline": ledger.pipeline, "exporter": $0.key], $0.value.balance)
            }
    }

    private static func sample(_ labels: MetricLabels, _ value: Int) -> MetricSample {
        MetricSample(labels: labels, value: .number(Double(value)))
    }
}
