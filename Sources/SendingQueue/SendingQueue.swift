package import Component
import Logging
package import OTLP
import Synchronization
package import WriteAheadLog

/// Takes items `range` out of a request as a request of its own (`OTLPRequest.items`).
package typealias PayloadSlicer =
    @Sendable (_ range: Range<Int>, _ request: [UInt8], _ signal: Signal) throws(WireError) -> [UInt8]

/// How an exporter fares, for readiness and status pages.
package struct ExporterState: Sendable {
    package enum Health: Sendable, Hashable {
        case healthy
        /// Attempts fail, and are repeated.
        case failing(reason: String)
        /// Nothing will be delivered before an operator acts.
        case misconfigured(reason: String)
    }

    package var exporter: ComponentID
    package var pipeline: String
    package var signal: Signal
    package var isDurable: Bool
    package var health = Health.healthy
    package var inFlightBatches = 0
    package var parkedBatches = 0
    package var backlog = ConsumerBacklog()
}

/// What was left when sending ended.
package struct StopReport: Sendable, Hashable {
    /// Items given up because the time was over.
    package var droppedItems = 0
    /// Items that stay on disk for the next start.
    package var waitingItems = 0

    package init(droppedItems: Int = 0, waitingItems: Int = 0) {
        self.droppedItems = droppedItems
        self.waitingItems = waitingItems
    }

    static func + (left: StopReport, right: StopReport) -> StopReport {
        StopReport(
            droppedItems: left.droppedItems + right.droppedItems,
            waitingItems: left.waitingItems + right.waitingItems)
    }
}

/// What a sending queue works with.
struct SendingContext: Sendable {
    var exporterID: ComponentID
    var pipeline: String
    var signal: Signal
    var exporter: any Exporter
    var config: SendingConfig
    /// Nil: each record is a batch.
    var batch: BatchSettings?
    /// Whether the log's records are of several partitions.
    var isPartitioned: Bool
    var isDurable: Bool
    var consumer: any LogConsumer
    var slots: SendingSlots
    var workers: WorkerPool
    var metrics: ExporterMetrics
    var batchMetrics: BatchMetrics?
    var deadLetters: (any DeadLetterSink)?
    var logger: Logger
    var timeline: Timeline
    var slice: PayloadSlicer
    /// Called when batches have ended, so that there may be room in the log.
    var madeRoom: @Sendable () -> Void
}

/// Sends what one exporter reads from one log: cuts batches, exports them with retries, and accounts for each item.
///
/// The work is done by one owner task (`SendingLoop`) and a task for each attempt, all on the worker pool.
final class SendingQueue: Sendable {
    let context: SendingContext
    private let mailbox = Mailbox<SendingEvent>()
    private let shown: Mutex<ExporterState>
    private let owner = Mutex<Task<StopReport, Never>?>(nil)
    /// Items of the consumer's backlog that the metrics have, or that an earlier process had.
    private let counted: Mutex<ConsumerBacklog>

    init(_ context: SendingContext) {
        self.context = context
        counted = Mutex(context.consumer.backlog)
        shown = Mutex(
            ExporterState(
                exporter: context.exporterID, pipeline: context.pipeline, signal: context.signal,
                isDurable: context.isDurable))
        context.metrics.addQueue { [weak self] in self?.reading ?? ExporterMetrics.Reading() }
    }

    func start() {
        let (context, mailbox) = (context, mailbox)
        let show: @Sendable (SendingLoop.Shown) -> Void = { [weak self] shown in self?.show(shown) }
        let task = Task(executorPreference: context.workers) {
            await SendingLoop(context, mailbox: mailbox, show: show).run()
        }
        owner.withLock { $0 = task }
    }

    /// Ends sending. In memory: everything gets one more try until `deadline`, and what is left is dropped and counted.
    /// On disk: what is in flight ends, the rest stays there.
    func stop(deadline: Duration) async -> StopReport {
        guard let task = owner.withLock({ $0 }) else { return StopReport() }
        mailbox.post(.stop(deadline: deadline))
        let report = await task.value
        countSkips()
        return report
    }

    var state: ExporterState {
        var state = shown.withLock { $0 }
        state.backlog = context.consumer.backlog
        return state
    }

    private func show(_ new: SendingLoop.Shown) {
        shown.withLock { shown in
            shown.health = new.health
            shown.inFlightBatches = new.inFlightBatches
            shown.parkedBatches = new.parkedBatches
        }
        countSkips()
    }

    /// Counts what the log made this consumer skip, took from it, or could not read back for it, since the last time.
    private func countSkips() {
        let backlog = context.consumer.backlog
        let last = counted.withLock { counted in
            defer {
                counted.skippedItems = max(counted.skippedItems, backlog.skippedItems)
                counted.evictedItems = max(counted.evictedItems, backlog.evictedItems)
                counted.expiredItems = max(counted.expiredItems, backlog.expiredItems)
                counted.lostItems = max(counted.lostItems, backlog.lostItems)
            }
            return counted
        }
        context.metrics.enqueueFailed.add(max(backlog.skippedItems - last.skippedItems, 0))
        context.metrics.drop(max(backlog.skippedItems - last.skippedItems, 0), .queueFull)
        context.metrics.drop(max(backlog.evictedItems - last.evictedItems, 0), .evicted)
        context.metrics.drop(max(backlog.expiredItems - last.expiredItems, 0), .expired)
        context.metrics.drop(max(backlog.lostItems - last.lostItems, 0), .corrupt)
    }

    private var reading: ExporterMetrics.Reading {
        countSkips()
        let backlog = context.consumer.backlog
        return ExporterMetrics.Reading(
            queued: context.config.queue.size(of: backlog, batch: context.batch),
            waitingItems: backlog.waitingItems, inFlightItems: backlog.inFlightItems)
    }
}

extension QueueConfig {
    /// Items in a batch of the pipeline's `batch` processor, in whose batches `queue_size` counts; nil: it counts
    /// requests.
    private func itemsPerRequest(_ batch: BatchSettings?) -> Int? {
        guard sizer == .requests, self.batch == nil, let batch, batch.sendBatchSize > 1 else { return nil }
        return batch.sendBatchSize
    }

    /// How far a volatile consumer may lag.
    func limit(batch: BatchSettings?) -> ConsumerLimit {
        if isAbsent { return .bytes(WaitingRequests.bytesMax) }
        return switch sizer {
        case .items: .items(queueSize)
        case .bytes: .bytes(queueSize)
        case .requests:
            itemsPerRequest(batch).map { .items(queueSize.multipliedReportingOverflow(by: $0).partialValue) }
                ?? .records(queueSize)
        }
    }

    /// What waits, in the unit of `queue_size`.
    func size(of backlog: ConsumerBacklog, batch: BatchSettings?) -> Int {
        switch sizer {
        case .items: backlog.waitingItems
        case .bytes: backlog.waitingBytes
        case .requests:
            itemsPerRequest(batch).map { (backlog.waitingItems + $0 - 1) / $0 } ?? backlog.waitingRecords
        }
    }
}
