import Component
import Logging
import Synchronization
import WriteAheadLog

/// Sends requests without a queue: the client's answer is the export's. Each request is one export, with the exporter's
/// timeout and, unless it never had a queue, its retries.
final class DirectSender: Sendable {
    typealias Completion = @Sendable (Result<Void, RefusalError>) -> Void

    private struct State {
        var sends: [UInt64: Task<Void, Never>] = [:]
        var requests = WaitingRequests()
        var inFlightItems = 0
        var isClosed = false
        var health = ExporterState.Health.healthy
        var emptied: CheckedContinuation<Void, Never>?
    }

    private let binding: ExporterBinding
    /// The exporter, if it is an immediate one.
    private let immediate: (any ImmediateExporter)?
    private let pipeline: String
    private let workers: WorkerPool
    private let logger: Logger
    private let timeline: Timeline
    private let epoch = UInt64.random(in: .min ... .max)
    private let started = Atomic<UInt64>(0)
    private let state = Mutex(State())

    init(_ binding: ExporterBinding, pipeline: String, workers: WorkerPool, logger: Logger, timeline: Timeline) {
        self.binding = binding
        immediate = binding.exporter as? any ImmediateExporter
        self.pipeline = pipeline
        self.workers = workers
        self.logger = logger
        self.timeline = timeline
        binding.metrics.addQueue { [weak self] in
            var reading = ExporterMetrics.Reading()
            reading.inFlightItems = self?.state.withLock { $0.inFlightItems } ?? 0
            return reading
        }
    }

    /// Whether `sendAtOnce` may be called.
    var isImmediate: Bool { immediate != nil }

    /// Sends a request by an immediate exporter, which always succeeds.
    func sendAtOnce(_ telemetry: borrowing Telemetry) {
        guard let immediate else { preconditionFailure("exporter \(binding.id) is not immediate") }
        count(telemetry.itemCount, immediate.deliver(telemetry))
    }

    /// Sends a request. `completion` is called once, before the return if the exporter is an immediate one.
    func send(_ telemetry: Telemetry, completion: @escaping Completion) {
        if isImmediate {
            sendAtOnce(telemetry)
            return completion(.success(()))
        }
        let key = started.add(1, ordering: .relaxed).newValue
        let batch = Batch(
            id: BatchID(high: epoch, low: key), signal: telemetry.signal, payloads: [telemetry.bytes],
            itemCount: telemetry.itemCount, timeout: binding.config.timeout)
        let payloadBytes = telemetry.bytes.count
        let refusal: RefusalError? = state.withLock { state in
            if state.isClosed { return .shuttingDown }
            guard state.requests.add(payloadBytes: payloadBytes) else {
                return RefusalError(isRetryable: true, reason: "too many requests wait for exporter \(binding.id)")
            }
            state.inFlightItems += batch.itemCount
            // Started under the lock: the task cannot end, and remove itself, before it is registered.
            state.sends[key] = Task(executorPreference: workers) { [self] in
                let result = await deliver(batch)
                ended(key, batch, payloadBytes: payloadBytes)
                completion(result)
            }
            return nil
        }
        guard let refusal else { return }
        binding.metrics.enqueueFailed.add(telemetry.itemCount)
        completion(.failure(refusal))
    }

    private func deliver(_ first: Batch) async -> Result<Void, RefusalError> {
        var batch = first
        var random = SystemRandomNumberGenerator()
        var backoff = Backoff(policy: binding.config.retry, isDurable: false)
        while true {
            let failure: ExportError
            do throws(ExportError) {
                count(batch.itemCount, try await binding.exporter.export(batch, within: timeline))
                state.withLock { $0.health = .healthy }
                return .success(())
            } catch {
                failure = error
            }
            note(failure)
            if case .payload(let reason) = failure { return fail(batch, reason: reason, isRetryable: false) }
            guard binding.config.retry.isEnabled, binding.config.repeatsForClients else {
                return fail(batch, reason: failure.reason, isRetryable: true)
            }
            var minimum: Duration?
            var isSlow = true
            if case .retry(let after, let progress, _) = failure {
                (minimum, isSlow) = (after, false)
                if !progress.isEmpty { batch.progress = progress }
            }
            let step = backoff.fail(at: timeline.now, minimum: minimum, isSlow: isSlow, using: &random)
            guard case .retry(let delay) = step else {
                return fail(batch, reason: "no more retries left: \(failure.reason)", isRetryable: true)
            }
            binding.metrics.retries.add()
            do {
                try await timeline.sleep(until: timeline.now + delay)
            } catch {
                return fail(batch, reason: "interrupted due to shutdown: \(failure.reason)", isRetryable: true)
            }
            batch.attempt += 1
        }
    }

    private func count(_ itemCount: Int, _ delivery: Delivery) {
        let rejected = min(max(delivery.rejectedItems, 0), itemCount)
        binding.metrics.sent.add(itemCount - rejected)
        if rejected > 0 { binding.metrics.rejected.add(rejected) }
    }

    private func note(_ error: ExportError) {
        state.withLock { state in
            switch error {
            case .payload: break
            case .retry: state.health = .failing(reason: error.reason)
            case .misconfigured: state.health = .misconfigured(reason: error.reason)
            }
        }
    }

    /// Nothing is dropped here: the client hears of it and keeps its data.
    private func fail(_ batch: Batch, reason: String, isRetryable: Bool) -> Result<Void, RefusalError> {
        binding.metrics.sendFailed.add(batch.itemCount)
        logger.error(
            "Exporting failed. Rejecting data.",
            metadata: ["error": "\(reason)", "rejected_items": "\(batch.itemCount)"])
        return .failure(RefusalError(isRetryable: isRetryable, reason: reason))
    }

    private func ended(_ key: UInt64, _ batch: Batch, payloadBytes: Int) {
        let emptied = state.withLock { state in
            state.sends[key] = nil
            state.requests.remove(payloadBytes: payloadBytes)
            state.inFlightItems -= batch.itemCount
            return state.sends.isEmpty ? state.emptied.take() : nil
        }
        emptied?.resume()
    }

    /// Lets what is on its way end until `deadline`, then tells it to.
    func stop(deadline: Duration) async {
        state.withLock { $0.isClosed = true }
        let end = Task(executorPreference: workers) { [self] in
            do {
                try await timeline.sleep(until: deadline)
            } catch {
                return
            }
            for task in state.withLock({ Array($0.sends.values) }) { task.cancel() }
        }
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.sends.isEmpty { state.emptied = continuation }
                return state.sends.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
        end.cancel()
    }

    var exporterState: ExporterState {
        state.withLock { state in
            var shown = ExporterState(
                exporter: binding.id, pipeline: pipeline, signal: binding.signal, isDurable: false)
            shown.health = state.health
            shown.inFlightBatches = state.sends.count
            return shown
        }
    }
}
