import Component
import OTLP
import Synchronization
import Testing
import WriteAheadLog

@testable import SendingQueue

/// Letters reach their exporter again, and only theirs; expired ones by themselves, others when asked for. None is lost
/// on the way.
@Suite struct RedriveTests {
    private let directory = LogDirectory()
    private let rig = Rig()

    private func binding(_ exporter: any Exporter, name: String = "a") -> ExporterBinding {
        var config = SendingConfig()
        config.timeout = nil
        config.retry.randomizationFactor = 0
        let id = ComponentID(type: "scripted", name: name)
        return ExporterBinding(
            id: id, signal: .logs, exporter: exporter, config: config, isDurable: true, slots: SendingSlots(count: 1),
            metrics: ExporterMetrics(exporter: id, signal: .logs, queueCapacity: nil, registry: rig.registry))
    }

    private var services: SendingServices {
        SendingServices(
            workers: rig.workers, metrics: rig.registry, timeline: rig.timeline, slice: slicePerByte)
    }

    private func letter(_ start: Int, exporter: String = "a", cause: GiveUpCause = .permanentError) -> DeadLetter {
        DeadLetterCodingTests.letter(start..<start + 3, exporter: exporter, cause: cause)
    }

    private func count(_ name: String) -> Double {
        rig.metric(name, ["exporter": "scripted/a", "data_type": "logs"])
    }

    @Test("letters that were asked for go to their own exporter, under their own ids, and end")
    func replay() async throws {
        let log = try directory.open()
        let letters = try deadLetters(log)
        let (a, b) = (rig.exporter { _ in .complete }, rig.exporter { _ in .complete })
        letters.startRedrives([binding(a), binding(b, name: "b")], services: services)
        for start in [0, 10, 20] { try await letters.accept(letter(start)) }
        try await letters.accept(letter(30, exporter: "b"))
        _ = try await letters.replay(DeadLetterFilter(exporter: ComponentID(type: "scripted", name: "a")))
        await rig.run("all delivered") { letters.letters().count == 1 }
        #expect(a.delivered == [0, 1, 2, 10, 11, 12, 20, 21, 22])
        #expect(a.attempts.map(\.batch) == [0, 10, 20].map { BatchID(high: 7, low: $0) })
        #expect(b.attempts.isEmpty)
        #expect(count("otelcol_swift_exporter_replayed_items") == 9)
        #expect(rig.metric("otelcol_exporter_sent_log_records", ["exporter": "scripted/a"]) == 9)
        await letters.stop()
        await log.close()
    }

    @Test("a peer that is down is tried again, with growing pauses, until it takes the letter")
    func retries() async throws {
        let log = try directory.open()
        let letters = try deadLetters(log)
        let a = rig.exporter { (attempt) throws(ExportError) in
            if attempt.at < .seconds(60) { throw .retry(after: nil, progress: [], reason: "down") }
            return .complete
        }
        try await letters.accept(letter(0))
        try await letters.accept(letter(5))
        letters.startRedrives([binding(a)], services: services)
        _ = try await letters.replay(DeadLetterFilter())
        await rig.run("delivered") { letters.letters().isEmpty }
        #expect(Set(a.delivered) == [0, 1, 2, 5, 6, 7])
        let times = a.attempts.map(\.at)
        #expect(zip(times, times.dropFirst()).prefix(3).allSatisfy { $1 - $0 >= .seconds(5) })
        // One that fails does not stand in the way of the next.
        #expect(a.attempts[0].batch != a.attempts[1].batch)
        await letters.stop()
        await log.close()
    }

    @Test("what expired goes out by itself once its exporter delivers, at most ten letters a second; others stay")
    func expired() async throws {
        let log = try directory.open()
        let letters = try deadLetters(log)
        let a = rig.exporter { _ in .complete }
        for start in 0..<20 { try await letters.accept(letter(start * 3, cause: .retryExhausted)) }
        try await letters.accept(letter(100))
        try await letters.accept(letter(200, cause: .retryDisabled))
        letters.startRedrives([binding(a)], services: services)
        await rig.until { true }
        #expect(a.attempts.isEmpty)
        letters.delivered(by: ComponentID(type: "scripted", name: "other"), .logs)
        letters.delivered(by: ComponentID(type: "scripted", name: "a"), .traces)
        #expect(a.attempts.isEmpty)
        letters.delivered(by: ComponentID(type: "scripted", name: "a"), .logs)
        await rig.run("all that expired") { letters.letters().count == 2 }
        #expect(a.delivered == Array(0..<60))
        let times = a.attempts.map(\.at)
        #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 >= .milliseconds(100) })
        await letters.stop()
        await log.close()
    }

    @Test("what expired is tried by itself, without new data, once in max_interval while the peer is down")
    func expiredNeedsNoNewData() async throws {
        let log = try directory.open()
        let letters = try deadLetters(log)
        let a = rig.exporter { (attempt) throws(ExportError) in
            if attempt.at < .seconds(100) { throw .retry(after: nil, progress: [], reason: "down") }
            return .complete
        }
        for start in [0, 10, 20] { try await letters.accept(letter(start, cause: .retryExhausted)) }
        letters.startRedrives([binding(a)], services: services)
        func replays() -> ReplayCounts {
            letters.replays(of: ComponentID(type: "scripted", name: "a"), pipeline: "logs/2")
        }
        // A letter's delivery is accounted for when it has ended.
        await rig.run("all") { letters.letters().isEmpty && replays().items == 9 }
        #expect(a.attempts[0].at == .seconds(30), "nothing at once")
        // The one that was begun is tried until it is delivered; only then come the others.
        #expect(Set(a.attempts.filter { $0.at < .seconds(100) }.map(\.batch)).count == 1)
        #expect(a.delivered == [0, 1, 2, 10, 11, 12, 20, 21, 22])
        #expect(replays().outcome == CutOutcome(delivered: 9))
        await letters.stop()
        await log.close()
    }

    @Test("what is refused again is narrowed down and kept with the new reason; the rest is delivered")
    func refusedAgain() async throws {
        let log = try directory.open()
        let letters = try deadLetters(log)
        let a = rig.exporter { (attempt) throws(ExportError) in
            if attempt.items.contains(4) { throw .payload(reason: "still bad") }
            return .complete
        }
        var eight = letter(0)
        eight.itemCount = 8
        eight.payload = request(0..<8)
        try await letters.accept(eight)
        letters.startRedrives([binding(a)], services: services)
        _ = try await letters.replay(DeadLetterFilter())
        await rig.run("one bad item left") {
            letters.letters().count == 1 && letters.letters()[0].letter.itemCount == 1
        }
        #expect(Set(a.delivered) == [0, 1, 2, 3, 5, 6, 7])
        let left = letters.letters()[0]
        #expect(left.letter.reason == "still bad")
        #expect(left.letter.cause == .permanentError)
        #expect(!left.isRequested)
        #expect(left.letter.attempts > eight.attempts)
        #expect(itemIDs(try letters.payload(of: left.sequence)) == [4])
        #expect(count("otelcol_swift_exporter_dead_lettered_items") == 1)
        #expect(count("otelcol_swift_exporter_replayed_items") == 8)
        await letters.stop()
        await log.close()
    }

    @Test("a letter that is refused whole takes the place of the old one")
    func refusedWhole() async throws {
        let log = try directory.open()
        let letters = try deadLetters(log)
        let a = rig.exporter { (_) throws(ExportError) in throw .payload(reason: "never") }
        var one = letter(0)
        one.itemCount = 1
        one.payload = request(0..<1)
        try await letters.accept(one)
        letters.startRedrives([binding(a)], services: services)
        _ = try await letters.replay(DeadLetterFilter())
        await rig.run("refused") { letters.letters().first?.letter.reason == "never" && letters.letters().count == 1 }
        #expect(letters.letters()[0].letter.batchID == one.batchID)
        #expect(a.attempts.count == 1)
        await letters.stop()
        await log.close()
    }

    @Test("a letter on its way when the process ends is sent again at the next start")
    func restart() async throws {
        var log = try directory.open()
        do {
            let letters = try deadLetters(log)
            let hanging = rig.exporter { (_) throws(ExportError) in
                do {
                    try await rig.timeline.sleep(until: .seconds(1_000_000))
                } catch {
                    throw .retry(after: nil, progress: [], reason: "cancelled")
                }
                return .complete
            }
            try await letters.accept(letter(0, cause: .retryExhausted))
            letters.startRedrives([binding(hanging)], services: services)
            letters.delivered(by: ComponentID(type: "scripted", name: "a"), .logs)
            await rig.until("under way") { !hanging.attempts.isEmpty }
            await letters.stop()
        }
        await log.close()
        log = try directory.open()
        let letters = try deadLetters(log)
        let a = rig.exporter { _ in .complete }
        letters.startRedrives([binding(a)], services: services)
        await rig.run("delivered") { letters.letters().isEmpty }
        #expect(a.delivered == [0, 1, 2])
        #expect(a.attempts[0].batch == BatchID(high: 7, low: 0))
        await letters.stop()
        await log.close()
    }

    @Test("a queue's batches that expire come back by themselves", .timeLimit(.minutes(30)))
    func queueToRedrive() async throws {
        let log = try directory.open()
        let letters = try deadLetters(log)
        let isDown = Mutex(true)
        let a = rig.exporter { (_) throws(ExportError) in
            if isDown.withLock({ $0 }) { throw .retry(after: nil, progress: [], reason: "down") }
            return .complete
        }
        var bound = binding(a)
        bound.config.retry.maxElapsedTime = .seconds(60)
        bound.config.retry.isMaxElapsedTimeWritten = true
        let sender = PipelineSender(
            pipeline: "logs", signal: .logs, log: rig.log, exporters: [bound], batch: nil, services: services,
            deadLetters: letters, logger: silentLogger())
        try await sender.start()
        letters.startRedrives([bound], services: services)
        func send(_ ids: Range<Int>) async {
            _ = await withCheckedContinuation { continuation in
                sender.consume(telemetry(ids)) { continuation.resume(returning: $0) }
            }
        }
        await send(0..<5)
        await rig.run("given up") { letters.letters().count == 1 }
        #expect(letters.letters()[0].letter.cause == .retryExhausted)
        #expect(letters.letters()[0].letter.pipeline == "logs")
        isDown.withLock { $0 = false }
        await send(5..<7)
        func account() -> ConsumerAccount? { sender.ledger.exporters["scripted/a"] }
        // A letter's delivery is accounted for when it has ended.
        await rig.run("all delivered") { letters.letters().isEmpty && account()?.outcome.delivered == 7 }
        #expect(Set(a.delivered) == Set(0..<7))
        #expect(
            account()?.balance == 0 && account()?.replayed == 5, "\(String(describing: account()))")
        await letters.stop()
        _ = await sender.stop(deadline: .now)
        await log.close()
    }
}
