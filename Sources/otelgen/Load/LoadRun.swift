internal import Compression
internal import OTLP
internal import TelemetryGenerator

/// Sends requests as scheduled, on several connections at once, and accounts for every item.
struct LoadRun: Sendable {
    let settings: LoadSettings
    let account = LoadAccount()
    private let schedule: LoadSchedule
    private let client: ExportClient
    private let templates: RequestTemplates
    private let start: ContinuousClock.Instant

    init(_ settings: LoadSettings) throws {
        self.settings = settings
        templates = try RequestTemplates(settings)
        client = try ExportClient(settings)
        start = ContinuousClock.now
        schedule = LoadSchedule(
            batch: settings.batch, rate: settings.rate, duration: settings.duration, total: settings.total,
            start: start)
    }

    /// Runs to the end, or until the user wants it.
    ///
    /// - Parameter progress: called about every second.
    func run(progress: @escaping @Sendable (LoadReport) -> Void) async throws -> LoadReport {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<settings.clientCount {
                group.addTask {
                    try await sendRequests()
                    return true
                }
            }
            group.addTask {
                let clock = ContinuousClock()
                while !Task.isCancelled {
                    // Cancelled at the end of the run, which is the only error there is.
                    try? await clock.sleep(for: .seconds(1))
                    if !Task.isCancelled { progress(report) }
                }
                return false
            }
            var clientsLeft = settings.clientCount
            while clientsLeft > 0, let isClient = try await group.next() {
                if isClient { clientsLeft -= 1 }
            }
            group.cancelAll()
        }
        client.shutdown()
        return report
    }

    private static let unreachablePause: Duration = .milliseconds(100)

    /// How things stand.
    private var report: LoadReport {
        LoadReport(
            settings: settings, counts: account.counts, elapsed: ContinuousClock.now - start,
            unsentItems: schedule.itemsLeft)
    }

    /// What one connection does.
    private func sendRequests() async throws {
        var templates = templates
        while !StopRequest.isMade, let request = schedule.next(now: .now) {
            if let due = request.due, await !StopRequest.wait(until: due) { return }
            let bytes = try templates.request(firstItem: request.firstItem, itemCount: request.itemCount)
            await send(try client.body(bytes), request)
        }
    }

    private func send(_ body: [UInt8], _ request: LoadSchedule.Request) async {
        let firstAttempt = ContinuousClock.now
        account.sent(itemCount: request.itemCount)
        var attempt = 0
        while true {
            account.attempted(isRetry: attempt > 0)
            let answer = await client.send(body)
            let now = ContinuousClock.now
            if let reason = answer.reason { account.failed(reason: reason) }
            if let retry = settings.retry, let delay = retry.delay(after: answer, attempt: attempt),
                now - firstAttempt + delay <= retry.elapsedMax, await StopRequest.wait(until: now + delay)
            {
                attempt += 1
                continue
            }
            account.finished(request.items, answer, latency: now - (request.due ?? firstAttempt))
            // Where nobody listens, the next request would fail in no time.
            if case .unreachable = answer { _ = await StopRequest.wait(until: now + Self.unreachablePause) }
            return
        }
    }
}

extension LoadRetryPolicy {
    /// Nil: the answer is final.
    func delay(after answer: LoadAnswer, attempt: Int) -> Duration? {
        switch answer {
        case .acknowledged, .refusedForGood: nil
        case .refusedRetryable(let after, _): delay(attempt: attempt, serverDelay: after)
        case .unreachable: delay(attempt: attempt, serverDelay: nil)
        case .unknown: includesUnanswered ? delay(attempt: attempt, serverDelay: nil) : nil
        }
    }
}

/// The requests of one connection: one made beforehand, and one with fewer items at the end.
private struct RequestTemplates: Sendable {
    private let settings: LoadSettings
    private var template: RequestTemplate

    init(_ settings: LoadSettings) throws(WireError) {
        self.settings = settings
        template = try Self.make(settings, itemCount: settings.batch)
    }

    /// The request with the items from `firstItem` on, as of now.
    mutating func request(firstItem: UInt64, itemCount: Int) throws(WireError) -> [UInt8] {
        if template.itemCount != itemCount { template = try Self.make(settings, itemCount: itemCount) }
        template.patch(firstItemNumber: firstItem, timeUnixNano: unixNanos())
        return template.bytes
    }

    private static func make(_ settings: LoadSettings, itemCount: Int) throws(WireError) -> RequestTemplate {
        var generator = TelemetryGenerator(
            settings.shape, signal: settings.signal, seed: settings.seed, runID: settings.runID)
        generator.identifiesDataPoints = true
        let encoding: RequestTemplate.Encoding = settings.transport == .httpJSON ? .json : .protobuf
        return try RequestTemplate(from: &generator, itemCount: itemCount, encoding: encoding)
    }
}
