import Component
import Logging
import OTLP
import Synchronization
import WriteAheadLog

/// Sends the dead letters of one exporter and signal again, one after another, straight to the exporter.
final class Redrive: Sendable {
    enum Event: Sendable {
        /// There may be something to do.
        case wake
        case slotGranted
    }

    let destination: DeadLetterIndex.Destination
    let letters: DeadLetterLog
    let binding: ExporterBinding
    let services: SendingServices
    let logger: Logger
    let mailbox = Mailbox<Event>()
    /// Whether the exporter has delivered anything since a letter failed.
    let isDelivering = Mutex(false)
    private let owner = Mutex<Task<Void, Never>?>(nil)

    init(letters: DeadLetterLog, binding: ExporterBinding, services: SendingServices, logger: Logger) {
        self.letters = letters
        self.binding = binding
        self.services = services
        var logger = logger
        logger[metadataKey: "kind"] = "exporter"
        logger[metadataKey: "name"] = "\(binding.id)"
        logger[metadataKey: "data_type"] = "\(binding.signal.rawValue)"
        self.logger = logger
        destination = DeadLetterIndex.Destination(binding.id, binding.signal)
    }

    func start() {
        let task = Task(executorPreference: services.workers) { [self] in await RedriveLoop(self).run() }
        owner.withLock { $0 = task }
    }

    func stop() async {
        guard let task = owner.withLock({ $0.take() }) else { return }
        task.cancel()
        mailbox.post(.wake)
        await task.value
    }

    func changed() { mailbox.post(.wake) }

    func delivered() {
        let isNew = isDelivering.withLock { isDelivering in
            defer { isDelivering = true }
            return !isDelivering
        }
        if isNew { mailbox.post(.wake) }
    }
}

/// The owner task's side of a redrive. Used by that task alone.
private final class RedriveLoop {
    /// Between two letters that nobody asked for, so that new data goes first.
    private static let expiredPause = Duration.milliseconds(100)
    private static let loadPause = Duration.seconds(1)

    private let redrive: Redrive
    private let binding: ExporterBinding
    private let timeline: Timeline
    private var backoff: Backoff
    private var random = SystemRandomNumberGenerator()
    private var dueAt = Duration.zero
    /// When the next letter that nobody asked for is tried although nothing else is being delivered.
    private var expiredDueAt: Duration
    private var lastTried: UInt64 = 0
    private var hasSlot = false
    private var timer: Task<Void, Never>?
    /// What is left of letters that failed in between.
    private var begun: [UInt64: RedriveJob] = [:]
    private var lines = LineLimiter(interval: .seconds(1))

    init(_ redrive: Redrive) {
        self.redrive = redrive
        binding = redrive.binding
        timeline = redrive.services.timeline
        backoff = Self.freshBackoff(binding.config.retry)
        expiredDueAt = timeline.now + binding.config.retry.maxInterval
    }

    /// Without a time limit: a letter that was asked for is never given up for its age.
    private static func freshBackoff(_ policy: RetryPolicy) -> Backoff {
        var policy = policy
        policy.maxElapsedTime = .zero
        return Backoff(policy: policy, isDurable: true)
    }

    func run() async {
        await load()
        while !Task.isCancelled {
            let kept = next()
            if let kept, takeSlot() {
                await send(kept)
                returnSlot()
                continue
            }
            // A slot that was granted for a letter that is gone by now is of use to others.
            if kept == nil { returnSlot() }
            for event in await redrive.mailbox.receive() {
                if case .slotGranted = event { hasSlot = true }
            }
        }
        timer?.cancel()
        binding.slots.forget(ObjectIdentifier(redrive))
        returnSlot()
    }

    /// Reads what letters there are, once the collector is up: there may be many.
    private func load() async {
        while !Task.isCancelled {
            do throws(LogError) {
                try redrive.letters.load()
                return
            } catch {
                redrive.logger.error(
                    "The dead letters cannot be read. Will try again.", metadata: ["error": "\(error)"])
                try? await timeline.sleep(until: timeline.now + Self.loadPause)
            }
        }
    }

    /// The letter to send now; sets the timer when one is to be sent later.
    private func next() -> KeptLetter? {
        let isDelivering = redrive.isDelivering.withLock { $0 }
        let letters = redrive.letters
        if let kept = letters.next(for: redrive.destination, after: lastTried, withExpired: isDelivering) {
            if dueAt <= timeline.now { return kept }
            wake(at: dueAt)
        } else if let kept = letters.next(for: redrive.destination, after: lastTried, withExpired: true) {
            // Nothing tells whether the peer is back: one letter now and then finds out.
            let time = max(dueAt, expiredDueAt)
            if time <= timeline.now { return kept }
            wake(at: time)
        }
        return nil
    }

    private func wake(at time: Duration) {
        timer?.cancel()
        timer = Task(executorPreference: redrive.services.workers) { [timeline, mailbox = redrive.mailbox] in
            do {
                try await timeline.sleep(until: time)
                mailbox.post(.wake)
            } catch {
                // Cancelled: another timer has taken this one's place.
            }
        }
    }

    private func takeSlot() -> Bool {
        if hasSlot { return true }
        hasSlot = binding.slots.take(for: ObjectIdentifier(redrive)) { [mailbox = redrive.mailbox] in
            mailbox.post(.slotGranted)
        }
        return hasSlot
    }

    private func returnSlot() {
        if hasSlot { binding.slots.give() }
        hasSlot = false
    }

    private func send(_ kept: KeptLetter) async {
        lastTried = kept.sequence
        var job = begun.removeValue(forKey: kept.sequence) ?? RedriveJob(kept)
        do throws(LogError) {
            try await redrive.letters.request(kept.sequence)
            let payload = try redrive.letters.payload(of: kept.sequence)
            if let failure = await job.send(payload, redrive) {
                failed(job, failure)
            } else {
                try await finish(job, payload)
                redrive.isDelivering.withLock { $0 = true }
                backoff = Self.freshBackoff(binding.config.retry)
                dueAt = timeline.now + (kept.isRequested ? .zero : Self.expiredPause)
            }
        } catch {
            if error.code == .corrupt {
                redrive.letters.finishReplay(kept, CutOutcome(dropped: kept.letter.itemCount))
                binding.metrics.replayed.add(kept.letter.itemCount)
                binding.metrics.drop(kept.letter.itemCount, .corrupt)
                redrive.logger.error(
                    "A dead letter cannot be read back",
                    metadata: ["items": "\(kept.letter.itemCount)", "error": "\(error)"])
            } else {
                failed(job, .retry(after: nil, progress: [], reason: "\(error)"))
            }
        }
    }

    private func failed(_ job: RedriveJob, _ failure: ExportError) {
        begun[job.kept.sequence] = job
        redrive.isDelivering.withLock { $0 = false }
        var minimum: Duration?
        var isSlow = true
        if case .retry(let after, _, _) = failure { (minimum, isSlow) = (after, false) }
        let now = timeline.now
        let step = backoff.fail(at: now, minimum: minimum, isSlow: isSlow, using: &random)
        guard case .retry(let delay) = step else { preconditionFailure("a backoff without a limit ended") }
        dueAt = now + delay
        expiredDueAt = now + binding.config.retry.maxInterval
        guard !Task.isCancelled, lines.mayWrite(now: now) else { return }
        redrive.logger.info(
            "Sending a dead letter again failed. Will retry after interval.",
            metadata: ["error": "\(failure.reason)", "interval": "\(delay.goDescription)"])
    }

    /// Ends a letter that every part of was answered; what was refused again is kept as new letters first.
    private func finish(_ job: RedriveJob, _ payload: [UInt8]) async throws(LogError) {
        let letter = job.kept.letter
        for refused in job.refused {
            var part = letter
            if refused.range != 0..<letter.itemCount {
                part = letter.part(refused.range, payload: [])
            }
            // What cannot be divided is kept whole: more than was meant, but nothing is lost.
            part.payload = (try? redrive.letters.sliced(refused.range, of: payload, letter)) ?? payload
            part.cause = .permanentError
            part.reason = refused.reason
            part.attempts = letter.attempts + job.attempts
            part.givenUpAtUnixNanos = wallClockUnixNanos()
            try await redrive.letters.keep(part, replacing: job.kept.sequence)
        }
        let refusedItems = job.refused.reduce(0) { $0 + $1.range.count }
        let outcome = CutOutcome(
            delivered: letter.itemCount - refusedItems - job.rejected, rejectedByPeer: job.rejected,
            deadLettered: refusedItems)
        redrive.letters.finishReplay(job.kept, outcome)
        let metrics = binding.metrics
        metrics.replayed.add(letter.itemCount)
        metrics.sent.add(outcome.delivered)
        metrics.rejected.add(outcome.rejectedByPeer)
        metrics.deadLettered.add(outcome.deadLettered)
        if outcome.delivered > 0 {
            redrive.logger.info(
                "A dead letter was delivered",
                metadata: ["batch": "\(letter.batchID)", "items": "\(outcome.delivered)"])
        }
        if let refused = job.refused.first {
            redrive.logger.error(
                "A dead letter was refused again",
                metadata: ["batch": "\(letter.batchID)", "items": "\(refusedItems)", "error": "\(refused.reason)"])
        }
    }
}

/// A letter being sent: what of it has been answered.
private struct RedriveJob {
    let kept: KeptLetter
    /// Still to be sent, the next one last.
    private var parts: [Range<Int>]
    private var bisection: Bisection
    private(set) var refused: [(range: Range<Int>, reason: String)] = []
    private(set) var rejected = 0
    private(set) var attempts = 0

    init(_ kept: KeptLetter) {
        self.kept = kept
        parts = [0..<kept.letter.itemCount]
        bisection = Bisection(itemCount: kept.letter.itemCount)
    }

    /// Sends what is left, narrowing down what is refused for its content. Returns why it has to stop before the end.
    mutating func send(_ payload: [UInt8], _ redrive: Redrive) async -> ExportError? {
        let letter = kept.letter
        while let range = parts.popLast() {
            let slice: [UInt8]
            do throws(WireError) {
                slice = try redrive.letters.sliced(range, of: payload, letter)
            } catch {
                refused.append((range, "cannot divide a stored request: \(error)"))
                continue
            }
            attempts += 1
            let batch = Batch(
                id: range == 0..<letter.itemCount ? letter.batchID : letter.batchID.part(range), signal: letter.signal,
                payloads: [slice], itemCount: range.count, timeout: redrive.binding.config.timeout, attempt: attempts)
            do throws(ExportError) {
                let delivery = try await redrive.binding.exporter.export(batch, within: redrive.services.timeline)
                rejected += min(max(delivery.rejectedItems, 0), range.count)
                bisection.delivered()
            } catch {
                guard case .payload(let reason) = error else {
                    parts.append(range)
                    return error
                }
                if let halves = bisection.split([ItemRange(sequence: 0, items: range)]) {
                    parts += halves.reversed().compactMap { $0.first?.items }
                } else {
                    refused.append((range, reason))
                }
            }
        }
        return nil
    }
}
