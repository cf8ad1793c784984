import Component
import SendingQueue
import Synchronization

/// The entry of one pipeline: runs the processors on the caller's thread, then hands the request to the pipeline's log.
final class PipelineEntry: TelemetryConsumer {
    private let processors: [(name: String, processor: any Processor)]
    private let sender: PipelineSender

    init(processors: [(name: String, processor: any Processor)], sender: PipelineSender) {
        self.processors = processors
        self.sender = sender
    }

    func consume(
        _ telemetry: consuming Telemetry, completion: @escaping @Sendable (Result<Void, RefusalError>) -> Void
    ) {
        var itemCount = telemetry.itemCount
        sender.account.accepted(itemCount)
        for (name, processor) in processors {
            do {
                try processor.process(&telemetry)
            } catch {
                sender.account.refused(itemCount)
                completion(.failure(error))
                return
            }
            sender.account.processed(by: name, from: itemCount, to: telemetry.itemCount)
            itemCount = telemetry.itemCount
            // All items were taken out on purpose: that is success.
            if telemetry.itemCount == 0 {
                completion(.success(()))
                return
            }
        }
        sender.consume(telemetry, completion: completion)
    }
}

/// Hands a request to several pipelines. It succeeds when all have taken it; else the first refusal is the answer, and what
/// other pipelines took is delivered twice should the client send again.
final class FanOut: TelemetryConsumer {
    private let consumers: [any TelemetryConsumer]

    init(_ consumers: [any TelemetryConsumer]) { self.consumers = consumers }

    /// One consumer needs no fan-out.
    static func joining(_ consumers: [any TelemetryConsumer]) -> any TelemetryConsumer {
        consumers.count == 1 ? consumers[0] : FanOut(consumers)
    }

    func consume(
        _ telemetry: consuming Telemetry, completion: @escaping @Sendable (Result<Void, RefusalError>) -> Void
    ) {
        let join = Join(count: consumers.count, completion: completion)
        let telemetry = telemetry
        for consumer in consumers {
            consumer.consume(telemetry) { join.finish($0) }
        }
    }

    /// Calls `completion` once, when `count` results have come.
    private final class Join: Sendable {
        private struct State {
            var remaining: Int
            var refusal: RefusalError?
        }

        private let state: Mutex<State>
        private let completion: @Sendable (Result<Void, RefusalError>) -> Void

        init(count: Int, completion: @escaping @Sendable (Result<Void, RefusalError>) -> Void) {
            state = Mutex(State(remaining: count))
            self.completion = completion
        }

        func finish(_ result: Result<Void, RefusalError>) {
            let outcome: Result<Void, RefusalError>? = state.withLock { state in
                if case .failure(let refusal) = result, state.refusal == nil { state.refusal = refusal }
                state.remaining -= 1
                guard state.remaining == 0 else { return nil }
                return state.refusal.map { .failure($0) } ?? .success(())
            }
            if let outcome { completion(outcome) }
        }
    }
}
