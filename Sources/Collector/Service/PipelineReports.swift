import Component
import Logging
import SendingQueue
import WriteAheadLog

/// The pipelines that run, as extensions see them, and what is said of them at the start and at the end.
struct RunningPipelines: Host {
    let senders: [PipelineSender]

    var status: HostStatus {
        HostStatus(
            exporters: senders.flatMap(\.states).map(HostStatus.Exporter.init),
            logs: senders.map { sender in
                let status = sender.log.status
                return HostStatus.Log(
                    pipeline: sender.pipeline, bytes: status.bytes, fault: status.fault.map { "\($0)" })
            })
    }

    /// Says what an earlier process left on disk.
    func reportRecovered(_ logger: Logger) {
        for sender in senders {
            for (exporter, account) in sender.log.accounts.sorted(by: { $0.key < $1.key }) where account.recovered > 0 {
                let isOpen = sender.states.contains { "\($0.exporter)" == exporter }
                logger.info(
                    isOpen
                        ? "Items were recovered from disk"
                        : "Items of an exporter that the pipeline does not name wait on disk",
                    metadata: [
                        "pipeline": "\(sender.pipeline)", "exporter": "\(exporter)", "items": "\(account.recovered)",
                    ])
            }
        }
    }

    /// Ends sending, and says what was left.
    func stop(deadline: ContinuousClock.Instant, _ logger: Logger) async {
        let reports = await withTaskGroup(of: StopReport.self) { group in
            for sender in senders { group.addTask { await Self.stop(sender, deadline: deadline, logger) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let waiting = reports.reduce(0) { $0 + $1.waitingItems }
        guard waiting > 0 else { return }
        logger.info("Items wait on disk for the next start", metadata: ["items": "\(waiting)"])
    }

    private static func stop(
        _ sender: PipelineSender, deadline: ContinuousClock.Instant, _ logger: Logger
    ) async -> StopReport {
        let report = await sender.stop(deadline: deadline)
        if report.waitingItems > 0 || report.droppedItems > 0 {
            logger.warning(
                "Pipeline stopped before all was sent",
                metadata: [
                    "pipeline": "\(sender.pipeline)", "items kept on disk": "\(report.waitingItems)",
                    "items dropped": "\(report.droppedItems)",
                ])
        }
        return report
    }
}

extension HostStatus.Exporter {
    fileprivate init(_ state: ExporterState) {
        let (health, error): (HostStatus.Exporter.Health, String) =
            switch state.health {
            case .healthy: (.healthy, "")
            case .failing(let reason): (.failing, reason)
            case .misconfigured(let reason): (.misconfigured, reason)
            }
        self.init(
            id: state.exporter, pipeline: state.pipeline, health: health, error: error, isDurable: state.isDurable,
            waitingItems: state.backlog.waitingItems, inFlightItems: state.backlog.inFlightItems,
            parkedBatches: state.parkedBatches, oldestReceivedAtUnixNanos: state.backlog.oldestReceivedAtUnixNanos)
    }
}
