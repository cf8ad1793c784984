import Component
import OTLP
import WriteAheadLog

/// One attempt to send one batch.
struct ExportAttempt: Sendable {
    private let context: SendingContext
    private let cut: Cut
    private let number: Int

    init(_ context: SendingContext, cut: Cut, number: Int) {
        self.context = context
        self.cut = cut
        self.number = number
    }

    /// - Parameter records: the batch's records if they are at hand; nil: they are read again.
    func run(records: [StoredRecord]?) async -> AttemptResult {
        let payloads: [[UInt8]]
        let itemCount: Int
        do throws(LogError) {
            let stored = if let records { records } else { try context.consumer.read(cut.ranges) }
            itemCount = stored.reduce(0) { $0 + $1.items.count }
            do throws(WireError) {
                payloads = try stored.payloads(context.slice, signal: context.signal)
            } catch {
                return .undividable(error)
            }
        } catch {
            return .unreadable(error)
        }
        let batch = Batch(
            id: cut.id, signal: context.signal, payloads: payloads, itemCount: itemCount,
            timeout: context.config.timeout, attempt: number, progress: cut.progress)
        do throws(ExportError) {
            let delivery = try await context.exporter.export(batch, within: context.timeline)
            return .delivered(delivery, lost: cut.itemCount - itemCount)
        } catch {
            return .failed(error)
        }
    }
}

extension [StoredRecord] {
    /// Each record's payload, or the part of it that is meant.
    func payloads(_ slice: PayloadSlicer, signal: Signal) throws(WireError) -> [[UInt8]] {
        var payloads: [[UInt8]] = []
        payloads.reserveCapacity(count)
        for record in self {
            let isWhole = record.items.count == record.itemCount
            payloads.append(isWhole ? record.payload : try slice(record.items, record.payload, signal))
        }
        return payloads
    }
}

extension Exporter {
    /// Exports within the batch's `timeout`: then, or when the task is cancelled, the export is cancelled and its
    /// answer waited for, so that no two attempts of a batch ever run side by side.
    func export(_ batch: Batch, within timeline: Timeline) async throws(ExportError) -> Delivery {
        guard let timeout = batch.timeout else { return try await export(batch) }
        let end = timeline.now + timeout
        let result = await withTaskGroup(of: Result<Delivery, ExportError>?.self) { group in
            group.addTask {
                do throws(ExportError) {
                    return .success(try await export(batch))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                // A cancelled sleep ends the attempt just as one that is over.
                try? await timeline.sleep(until: end)
                return nil
            }
            var answer: Result<Delivery, ExportError>?
            while let next = await group.next() {
                group.cancelAll()
                if let next { answer = next }
            }
            return answer
        }
        guard let result else { preconditionFailure("an export ends with an answer") }
        return try result.get()
    }
}
