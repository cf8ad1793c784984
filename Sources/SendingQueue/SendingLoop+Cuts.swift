import WriteAheadLog

/// Making batches of what was read. A batch is sent only when its cut is durable: its id must outlive a restart.
extension SendingLoop {
    /// While a peer is down, a cut on its way counts as an attempt under way.
    func mayCut(_ now: Duration) -> Bool {
        schedule.mayCut(now: now) && (!schedule.isProbing || cutting.isEmpty)
            && schedule.parked.count + cutting.count < SendingSchedule.parkedMax
    }

    /// Has the log write a cut. Several may be on their way, so that they share writes and syncs; each has a slot.
    func beginCut(_ batch: PlannedBatch) {
        lastCutKey += 1
        cutting[lastCutKey] = batch
        Task(executorPreference: context.workers) { [key = lastCutKey, consumer = context.consumer, mailbox] in
            do throws(LogError) {
                mailbox.post(.cutEnded(key: key, .success(try await consumer.cut(batch.ranges))))
            } catch {
                mailbox.post(.cutEnded(key: key, .failure(error)))
            }
        }
    }

    func cutEnded(_ batch: PlannedBatch, _ result: Result<Cut, LogError>) {
        switch result {
        case .failure(let error):
            grantedSlots += 1
            cutFailed(batch, error, now: context.timeline.now)
        case .success(let cut):
            context.batchMetrics?.record(batch)
            let job = SendingJob(cut: cut, policy: context.config.retry, isDurable: context.isDurable)
            // Meanwhile the end may have come, or the peer gone down: then it waits for its turn like any other.
            if isStoppingDurable || isEnding || (schedule.isProbing && !schedule.inFlight.isEmpty) {
                grantedSlots += 1
                schedule.addReady(job)
            } else {
                start(job, records: batch.records)
            }
        }
    }

    /// In memory a cut takes no time.
    func cutAndStart(_ batch: PlannedBatch, now: Duration) async {
        do {
            let cut = try await context.consumer.cut(batch.ranges)
            context.batchMetrics?.record(batch)
            start(SendingJob(cut: cut, policy: context.config.retry, isDurable: false), records: batch.records)
        } catch {
            grantedSlots += 1
            cutFailed(batch, error, now: now)
        }
    }

    private func cutFailed(_ batch: PlannedBatch, _ error: LogError, now: Duration) {
        guard error.code == .misuse else {
            planned.insert(batch, at: 0)
            logFailed(error, now: now)
            return
        }
        // The log took records back meanwhile, and has counted them. What is left goes out at once.
        guard let rest = batch.keeping(context.consumer.holds), rest.records.count < batch.records.count else { return }
        planned.append(rest)
    }
}
