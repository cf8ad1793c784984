import Component
import Logging
import WriteAheadLog

/// The end of sending: memory is drained until the deadline, a disk keeps what is not sent.
extension SendingLoop {
    var isStopping: Bool {
        if case .running = phase { return false }
        return true
    }

    var isStoppingDurable: Bool { context.isDurable && isStopping }

    var isEnding: Bool {
        if case .ending = phase { return true }
        return false
    }

    var phaseDeadline: Duration? {
        switch phase {
        case .running: nil
        case .stopping(let deadline): deadline
        case .ending(let giveUpAt): giveUpAt
        }
    }

    var isFinished: Bool {
        switch phase {
        case .running: false
        case .stopping:
            schedule.inFlight.isEmpty && cutting.isEmpty && (context.isDurable || (schedule.isEmpty && isDrained))
        case .ending: schedule.inFlight.isEmpty
        }
    }

    private var isDrained: Bool { cutter.isEmpty && context.consumer.backlog.waitingRecords == 0 }

    /// Moves on when a deadline has passed.
    func advancePhase(_ now: Duration) {
        switch phase {
        case .running: break
        case .stopping(let deadline):
            guard now >= deadline else { return }
            phase = .ending(giveUpAt: now + Self.endingGrace)
            cancelAttempts()
            if !context.isDurable {
                for job in schedule.removeWaiting() { dropForShutdown(job) }
            }
        case .ending(let giveUpAt):
            guard now >= giveUpAt else { return }
            for job in schedule.removeInFlight() {
                context.logger.error(
                    "An export did not end when it was cancelled.", metadata: ["items": "\(job.itemCount)"])
                context.slots.give()
                if !context.isDurable { dropForShutdown(job) }
            }
        }
    }

    /// A failure during the end: no retry. On disk the batch stays open, with what it has done.
    func leaveForShutdown(_ job: SendingJob, _ error: ExportError) {
        guard context.isDurable else {
            let isRefused = if case .payload = error { true } else { false }
            dropForShutdown(job, isRefused ? .permanentError : .shutdown, reason: error.reason)
            return
        }
        if case .retry(_, let progress, _) = error, !progress.isEmpty {
            context.consumer.saveProgress(job.current.id, progress)
        }
    }

    private func dropForShutdown(
        _ job: SendingJob, _ cause: GiveUpCause = .shutdown, reason: String = "the time to stop is over"
    ) {
        for part in job.parts {
            report.droppedItems += part.itemCount
            context.metrics.sendFailed.add(part.itemCount)
            drop(part, cause, reason: reason)
        }
    }

    /// Drops what memory still holds uncut, and counts what stays on disk.
    func finalReport() -> StopReport {
        let backlog = context.consumer.backlog
        if context.isDurable {
            report.waitingItems = backlog.waitingItems + backlog.inFlightItems
            if report.waitingItems > 0 {
                context.logger.info(
                    "Items stay on disk for the next start.", metadata: ["items": "\(report.waitingItems)"])
            }
        } else if backlog.waitingItems > 0 {
            report.droppedItems += backlog.waitingItems
            context.metrics.sendFailed.add(backlog.waitingItems)
            context.metrics.drop(backlog.waitingItems, .shutdown)
            context.logger.error(
                "Exporting failed. Dropping data.",
                metadata: [
                    "error": "interrupted due to shutdown: the time to stop is over",
                    "dropped_items": "\(backlog.waitingItems)", "reason": "shutdown",
                ])
        }
        return report
    }
}
