import Component
import Logging
import OTLP
import WriteAheadLog

/// What the owner task of a sending queue waits for.
enum SendingEvent: Sendable {
    /// The wait of this number has ended.
    case recordsArrived(wait: Int)
    case timer
    /// A slot was set aside for this queue.
    case slotGranted
    case attemptEnded(key: Int, AttemptResult)
    case cutEnded(key: Int, Result<Cut, LogError>)
    case stop(deadline: Duration)
}

/// How an attempt ended, as its task reports it.
enum AttemptResult: Sendable {
    /// `lost`: items of the batch that the log could not read any more, and that were left out.
    case delivered(Delivery, lost: Int)
    case failed(ExportError)
    /// The log could not hand out the batch's bytes.
    case unreadable(LogError)
    /// The batch's items could not be taken out of their records.
    case undividable(WireError)
}

/// The owner task's side of a sending queue: performs what cutter, schedule and jobs decide. Used by that task alone.
final class SendingLoop {
    struct Shown: Sendable {
        var health: ExporterState.Health
        var inFlightBatches: Int
        var parkedBatches: Int
    }

    enum Phase {
        case running
        case stopping(deadline: Duration)
        /// The deadline is over: attempts were told to end.
        case ending(giveUpAt: Duration)
    }

    /// How long a log that failed is left alone, and how long attempts that were told to end are waited for.
    static let logErrorPause = Duration.seconds(1)
    static let endingGrace = Duration.seconds(2)
    private static let recordsPerRead = 64
    private static let bytesPerRead = 8 << 20

    let context: SendingContext
    let mailbox: Mailbox<SendingEvent>
    private let show: @Sendable (Shown) -> Void
    var schedule: SendingSchedule
    var phase = Phase.running
    var health = ExporterState.Health.healthy
    var deliveredBatches = 0
    var report = StopReport()
    var random = SystemRandomNumberGenerator()
    var lines: LineLimiter
    var deadLetterLines: LineLimiter
    var cutter: BatchCutter
    /// Batches that wait for a slot, or that the log could not write yet; the next one last.
    var planned: [PlannedBatch] = []
    /// Batches whose cuts are on their way to the disk, each with a slot of its own.
    var cutting: [Int: PlannedBatch] = [:]
    var lastCutKey = 0
    private var attempts: [Int: Task<Void, Never>] = [:]
    var grantedSlots = 0
    private var pausedUntil = Duration.zero
    private var armedFor: Duration?
    private var timer: Task<Void, Never>?
    private var recordWaiter: Task<Void, Never>?
    private var lastWait = 0
    /// Items that `recordWaiter` sleeps through.
    private var awaitedItems = 0
    /// The last wait for records ended without one: the log is closing, or failed.
    private var waitedInVain = false
    private var nextWaitAt = Duration.zero

    init(_ context: SendingContext, mailbox: Mailbox<SendingEvent>, show: @escaping @Sendable (Shown) -> Void) {
        self.context = context
        self.mailbox = mailbox
        self.show = show
        cutter = BatchCutter(settings: context.batch, batchesInFlightMax: context.slots.count)
        schedule = SendingSchedule(
            numConsumers: context.slots.count, probeInterval: context.config.retry.initialInterval)
        lines = LineLimiter(interval: .seconds(1))
        deadLetterLines = LineLimiter(interval: .seconds(1))
    }

    func run() async -> StopReport {
        for cut in context.consumer.recoveredCuts {
            schedule.addReady(
                SendingJob(cut: cut, policy: context.config.retry, isDurable: context.isDurable))
        }
        while true {
            let now = context.timeline.now
            advancePhase(now)
            await startWork(now)
            show(
                Shown(
                    health: health, inFlightBatches: schedule.inFlight.count, parkedBatches: schedule.parked.count))
            if isFinished { break }
            arm(now)
            for event in await mailbox.receive() { await handle(event) }
        }
        timer?.cancel()
        recordWaiter?.cancel()
        context.slots.forget(ObjectIdentifier(self))
        returnSlots()
        return finalReport()
    }

    private func handle(_ event: SendingEvent) async {
        switch event {
        case .recordsArrived(let wait): if wait == lastWait { recordWaiter = nil }
        case .timer: armedFor = nil
        case .slotGranted: grantedSlots += 1
        case .attemptEnded(let key, let result):
            attempts[key] = nil
            // Nobody waits any more for what was abandoned at the end.
            guard let job = schedule.finish(key) else { return }
            context.slots.give()
            await settle(job, result)
            context.madeRoom()
        case .cutEnded(let key, let result):
            // Nobody waits any more for what was abandoned at the end.
            if let batch = cutting.removeValue(forKey: key) { cutEnded(batch, result) }
        case .stop(let deadline):
            phase = .stopping(deadline: deadline)
            if !context.isDurable { schedule.hurry() }
        }
    }

    // MARK: Starting attempts

    private func startWork(_ now: Duration) async {
        while true {
            if isStoppingDurable || isEnding { break }
            if schedule.hasJob(now: now) {
                guard takeSlot() else { break }
                guard let job = schedule.takeJob(now: now) else { preconditionFailure("a job that waits is taken") }
                start(job, records: nil)
                continue
            }
            guard mayCut(now), pausedUntil <= now, let batch = plan(now) else { break }
            guard takeSlot() else {
                planned.append(batch)
                break
            }
            if context.isDurable {
                beginCut(batch)
            } else {
                await cutAndStart(batch, now: now)
            }
        }
        returnSlots()
    }

    /// The next batch to cut, read from the log as far as needed.
    private func plan(_ now: Duration) -> PlannedBatch? {
        if let batch = planned.popLast() { return batch }
        let backlogItems = context.exporter.preferredBacklogItems
        while true {
            if !cutter.wantsMore(backlogItems: backlogItems),
                let batch = cutter.next(now: now, backlogItems: backlogItems)
            {
                return batch
            }
            do {
                let records = try context.consumer.next(
                    maxRecords: Self.recordsPerRead, maxBytes: Self.bytesPerRead)
                if records.isEmpty { break }
                waitedInVain = false
                for record in records { cutter.add(record, now: now) }
            } catch {
                logFailed(error, now: now)
                return nil
            }
        }
        // All that waits is held.
        if let batch = cutter.next(now: now, flush: isStopping, backlogItems: backlogItems) { return batch }
        waitForRecords(now)
        return nil
    }

    private func waitForRecords(_ now: Duration) {
        guard !isStopping, nextWaitAt <= now else { return }
        // Behind the first record of a batch only those count that fill it; when it is due, the timer tells. A record of
        // another partition would have to be seen at once, for its own time to begin.
        let (items, bytes) = context.isPartitioned ? (0, 0) : (cutter.missingItems, cutter.missingBytes)
        if recordWaiter != nil {
            // Once its batch has gone out, a wait would sleep through the first record of the next.
            guard items < awaitedItems else { return }
        } else if waitedInVain {
            // A log that closes ends every wait at once; asking again without a pause would spin.
            nextWaitAt = now + Self.logErrorPause
            waitedInVain = false
            return
        }
        // A wait that takes another's place may be ended by it, which says nothing about the log.
        waitedInVain = recordWaiter == nil
        awaitedItems = items
        lastWait += 1
        recordWaiter = Task(executorPreference: context.workers) {
            [consumer = context.consumer, mailbox, wait = lastWait] in
            await consumer.waitForRecords(items: items, bytes: bytes)
            mailbox.post(.recordsArrived(wait: wait))
        }
    }

    func start(_ job: SendingJob, records: [StoredRecord]?) {
        let key = schedule.start(job)
        let attempt = ExportAttempt(context, cut: job.current, number: job.attempt)
        attempts[key] = Task(executorPreference: context.workers) { [mailbox] in
            mailbox.post(.attemptEnded(key: key, await attempt.run(records: records)))
        }
    }

    func logFailed(_ error: LogError, now: Duration) {
        pausedUntil = now + Self.logErrorPause
        if lines.mayWrite(now: now) {
            context.logger.error("Cannot read the log. Will try again.", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Slots and time

    private func takeSlot() -> Bool {
        if grantedSlots > 0 {
            grantedSlots -= 1
            return true
        }
        return context.slots.take(for: ObjectIdentifier(self)) { [mailbox] in mailbox.post(.slotGranted) }
    }

    private func returnSlots() {
        for _ in 0..<grantedSlots { context.slots.give() }
        grantedSlots = 0
    }

    /// Sets the timer for the next moment at which something is to be done. A timer that is earlier stays: it only
    /// wakes the loop once too often.
    private func arm(_ now: Duration) {
        var times = [schedule.nextWake(after: now), pausedUntil, nextWaitAt, phaseDeadline].compactMap { $0 }
        if planned.isEmpty, let deadline = cutter.deadline { times.append(deadline) }
        guard let next = times.filter({ $0 > now }).min() else { return }
        if let armedFor, armedFor <= next { return }
        timer?.cancel()
        armedFor = next
        timer = Task(executorPreference: context.workers) { [timeline = context.timeline, mailbox] in
            do {
                try await timeline.sleep(until: next)
                mailbox.post(.timer)
            } catch {
                // Cancelled: another timer has taken this one's place.
            }
        }
    }

    /// Tells all attempts to end.
    func cancelAttempts() {
        for task in attempts.values { task.cancel() }
    }
}
