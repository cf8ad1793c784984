import Component
import Glibc
import Logging
import WriteAheadLog

/// What follows an attempt.
extension SendingLoop {
    func settle(_ job: SendingJob, _ result: AttemptResult) async {
        switch result {
        case .delivered(let delivery, let lost): delivered(job, delivery, lost: lost)
        case _ where !context.consumer.isOpen(job.current.id): goOnWithoutPart(job)
        case .failed(let error): await failed(job, error)
        case .undividable(let error): await giveUp(job, .corrupt, reason: "cannot divide a stored request: \(error)")
        case .unreadable(let error): await unreadable(job, error)
        }
    }

    private func delivered(_ job: SendingJob, _ delivery: Delivery, lost: Int) {
        let part = job.current
        let sent = part.itemCount - lost
        let rejected = min(max(delivery.rejectedItems, 0), sent)
        context.metrics.sent.add(sent - rejected)
        // What the log took away it has counted itself.
        if lost > 0, context.consumer.isOpen(part.id) {
            context.metrics.drop(lost, .corrupt)
            context.logger.error(
                "Stored items cannot be read back. The rest of their batch was sent.",
                metadata: ["dropped_items": "\(lost)", "reason": "\(GiveUpCause.corrupt.rawValue)"])
        }
        end(part, CutOutcome(delivered: sent - rejected, rejectedByPeer: rejected, dropped: lost))
        if rejected > 0 {
            context.metrics.rejected.add(rejected)
            context.logger.warning(
                "Partial success response",
                metadata: ["message": "\(delivery.reason)", "rejected_items": "\(rejected)"])
        }
        deliveredBatches += 1
        health = .healthy
        schedule.peerAnswered()
        context.deadLetters?.delivered(by: context.exporterID, context.signal)
        var rest = job
        rest.bisection.delivered()
        goOn(&rest)
    }

    private func failed(_ job: SendingJob, _ error: ExportError) async {
        let now = context.timeline.now
        note(error, now: now)
        if isStopping {
            leaveForShutdown(job, error)
            return
        }
        var job = job
        let circumstances = SendingJob.Circumstances(
            now: now, policy: context.config.retry, isDurable: context.isDurable, deliveredBatches: deliveredBatches)
        let verdict = job.verdict(on: error, circumstances, using: &random)
        switch verdict {
        case .retry(let time):
            if case .retry(_, let progress, _) = error, !progress.isEmpty {
                context.consumer.saveProgress(job.current.id, progress)
            }
            retry(job, at: time, now: now, reason: error.reason)
        case .split(let halves): await split(job, halves, now: now)
        case .giveUp(let cause): await giveUp(job, cause, reason: error.reason)
        }
    }

    /// Keeps health and schedule informed.
    private func note(_ error: ExportError, now: Duration) {
        switch error {
        case .payload: schedule.peerAnswered()
        case .retry:
            schedule.peerFailed(now: now)
            health = .failing(reason: error.reason)
        case .misconfigured:
            schedule.peerFailed(now: now)
            health = .misconfigured(reason: error.reason)
        }
    }

    private func retry(_ job: SendingJob, at time: Duration, now: Duration, reason: String) {
        var job = job
        if let rest = job.detachRest() { schedule.addReady(rest, first: true) }
        job.attempt += 1
        job.attemptsInAll += 1
        schedule.park(job, until: time)
        context.metrics.retries.add()
        let suppressed = lines.suppressed
        guard lines.mayWrite(now: now) else { return }
        var metadata: Logger.Metadata = ["error": "\(reason)", "interval": "\((time - now).goDescription)"]
        if suppressed > 0 { metadata["suppressed_lines"] = "\(suppressed)" }
        context.logger.info("Exporting failed. Will retry the request after interval.", metadata: metadata)
    }

    private func split(_ job: SendingJob, _ halves: [[ItemRange]], now: Duration) async {
        var job = job
        do {
            job.replacePart(by: try await context.consumer.split(job.current.id, into: halves))
            job.attemptsInAll += 1
            schedule.addReady(job, first: true)
        } catch {
            retry(job, at: now + Self.logErrorPause, now: now, reason: "cannot split the batch: \(error)")
        }
    }

    private func unreadable(_ job: SendingJob, _ error: LogError) async {
        switch error.code {
        case .corrupt, .misuse, .unsupportedFormat, .recordTooLarge:
            await giveUp(job, .corrupt, reason: "\(error)", hasPayload: false)
        case .full, .io, .inUse, .closed:
            let now = context.timeline.now
            if isStopping {
                leaveForShutdown(job, .retry(after: nil, progress: [], reason: "\(error)"))
            } else {
                retry(job, at: now + Self.logErrorPause, now: now, reason: "\(error)")
            }
        }
    }

    /// Ends the job's current part without a delivery: as a dead letter where one can be kept, else dropped.
    private func giveUp(
        _ job: SendingJob, _ cause: GiveUpCause, reason: String, hasPayload: Bool = true
    ) async {
        var job = job
        let part = job.current
        if let sink = context.deadLetters, hasPayload, context.isDurable || cause == .permanentError {
            do {
                try await sink.accept(try letter(job, cause, reason: reason))
                context.metrics.deadLettered.add(part.itemCount)
                end(part, CutOutcome(deadLettered: part.itemCount))
                tellDeadLetter(part, cause, reason: reason)
            } catch {
                let now = context.timeline.now
                retry(
                    job, at: now + context.config.retry.maxInterval, now: now,
                    reason: "cannot keep a dead letter: \(error)")
                return
            }
        } else {
            drop(part, cause, reason: reason)
        }
        context.metrics.sendFailed.add(part.itemCount)
        goOn(&job)
    }

    private func tellDeadLetter(_ part: Cut, _ cause: GiveUpCause, reason: String) {
        let suppressed = deadLetterLines.suppressed
        guard deadLetterLines.mayWrite(now: context.timeline.now) else { return }
        var metadata: Logger.Metadata = [
            "error": "\(cause.errorPrefix)\(reason)", "items": "\(part.itemCount)", "reason": "\(cause.rawValue)",
        ]
        if suppressed > 0 { metadata["suppressed_lines"] = "\(suppressed)" }
        context.logger.error("Exporting failed. Keeping the data as dead letters.", metadata: metadata)
    }

    private func letter(_ job: SendingJob, _ cause: GiveUpCause, reason: String) throws(LogError) -> DeadLetter {
        let part = job.current
        let records = try context.consumer.read(part.ranges)
        let payload: [UInt8]
        do {
            payload = Array(try records.payloads(context.slice, signal: context.signal).joined())
        } catch {
            // What cannot be divided is kept whole: more than was meant, but nothing is lost.
            payload = Array(records.map(\.payload).joined())
        }
        return DeadLetter(
            exporter: context.exporterID, signal: context.signal, pipeline: context.pipeline, batchID: part.id,
            itemCount: part.itemCount, cause: cause, reason: reason, attempts: job.attemptsInAll,
            givenUpAtUnixNanos: wallClockUnixNanos(), payload: payload)
    }

    func drop(_ part: Cut, _ cause: GiveUpCause, reason: String) {
        end(part, CutOutcome(dropped: part.itemCount))
        context.metrics.drop(part.itemCount, cause)
        let hint =
            cause == .retryDisabled
            ? " Try enabling retry_on_failure config option to retry on retryable errors." : ""
        context.logger.error(
            "Exporting failed. Dropping data.\(hint)",
            metadata: [
                "error": "\(cause.errorPrefix)\(reason)", "dropped_items": "\(part.itemCount)",
                "reason": "\(cause.rawValue)",
            ])
    }

    private func end(_ part: Cut, _ outcome: CutOutcome) { context.consumer.done(part.id, outcome: outcome) }

    /// The log took the part away while it was out, and has counted it.
    private func goOnWithoutPart(_ job: SendingJob) {
        var job = job
        goOn(&job)
    }

    /// Goes on with what is left of the job after its current part has ended.
    private func goOn(_ job: inout SendingJob) {
        guard job.finishPart() else { return }
        schedule.addReady(job, first: true)
    }
}

extension GiveUpCause {
    /// How otelcol begins the error text.
    fileprivate var errorPrefix: String {
        switch self {
        case .permanentError: "not retryable error: "
        case .retryExhausted: "no more retries left: "
        case .shutdown: "interrupted due to shutdown: "
        case .retryDisabled, .queueFull, .corrupt, .evicted, .expired: ""
        }
    }
}

extension Duration {
    /// As Go prints it, to the millisecond: `5.3s`, `1m30s`, `250ms`.
    var goDescription: String {
        let millis = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        if millis < 1000 { return "\(millis)ms" }
        let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60)
        let seconds = Double(millis % 60_000) / 1000
        var text = seconds == seconds.rounded() ? "\(Int(seconds))s" : "\(seconds)s"
        if hours > 0 || minutes > 0 { text = "\(minutes)m" + text }
        if hours > 0 { text = "\(hours)h" + text }
        return text
    }
}

/// The time of day, nanoseconds since 1970.
func wallClockUnixNanos() -> UInt64 { WallClock.unixNanos }
