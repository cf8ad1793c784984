import Component
import Testing
import WriteAheadLog

@testable import SendingQueue

/// Parked batches come back when due, ready ones go first, and a peer that takes nothing is probed, not stormed.
@Suite struct SendingScheduleTests {
    private func job(_ id: UInt64) -> SendingJob {
        SendingJob(
            cut: Cut(id: BatchID(high: 0, low: id), ranges: [ItemRange(sequence: id, items: 0..<1)], itemCount: 1),
            policy: RetryPolicy(), isDurable: true)
    }

    private func ids(_ schedule: inout SendingSchedule, now: Duration) -> [UInt64] {
        var ids: [UInt64] = []
        while let job = schedule.takeJob(now: now) { ids.append(job.current.id.low) }
        return ids
    }

    @Test("ready jobs go before due ones, due ones by their time, the others stay")
    func order() {
        var schedule = SendingSchedule(numConsumers: 10, probeInterval: .seconds(5))
        schedule.park(job(1), until: .seconds(9))
        schedule.park(job(2), until: .seconds(4))
        schedule.park(job(3), until: .seconds(20))
        schedule.addReady(job(4))
        schedule.addReady(job(5), first: true)
        #expect(!schedule.mayCut(now: .seconds(10)), "recovered batches go before new ones")
        #expect(schedule.nextWake(after: .seconds(10)) == .seconds(20))
        #expect(ids(&schedule, now: .seconds(10)) == [5, 4, 2, 1])
        #expect(schedule.mayCut(now: .seconds(10)))
        schedule.hurry()
        #expect(ids(&schedule, now: .seconds(10)) == [3])
    }

    @Test("after failures in a row one attempt at a time, and a new batch only each interval, until the peer answers")
    func probing() {
        var schedule = SendingSchedule(numConsumers: 10, probeInterval: .seconds(5))
        for _ in 0..<3 { schedule.peerFailed(now: .zero) }
        #expect(!schedule.isProbing)
        schedule.peerFailed(now: .seconds(1))
        #expect(schedule.isProbing)
        schedule.park(job(1), until: .seconds(2))
        schedule.park(job(2), until: .seconds(2))
        #expect(!schedule.mayCut(now: .seconds(5.9)))
        #expect(schedule.mayCut(now: .seconds(6)))
        #expect(schedule.nextWake(after: .seconds(2)) == .seconds(6))
        guard let probe = schedule.takeJob(now: .seconds(6)) else {
            Issue.record("a due job is the probe")
            return
        }
        let key = schedule.start(probe)
        #expect(!schedule.hasJob(now: .seconds(6)))
        #expect(!schedule.mayCut(now: .seconds(100)))
        _ = schedule.finish(key)
        schedule.peerAnswered()
        #expect(schedule.hasJob(now: .seconds(6)) && schedule.mayCut(now: .seconds(6)))
    }

    @Test("parked batches are bounded")
    func bound() {
        var schedule = SendingSchedule(numConsumers: 10, probeInterval: .seconds(5))
        for id in 0..<UInt64(SendingSchedule.parkedMax) {
            #expect(schedule.mayCut(now: .zero))
            schedule.park(job(id), until: .seconds(9))
        }
        #expect(!schedule.mayCut(now: .zero))
    }

    @Test("slots are handed on in the order of asking, once for each who asks")
    func slots() {
        final class Owner {}
        let (first, second) = (Owner(), Owner())
        let granted = Granted()
        let slots = SendingSlots(count: 1)
        #expect(slots.take(for: ObjectIdentifier(first)) {})
        for (owner, name) in [(first, "first"), (first, "again"), (second, "second")] {
            #expect(!slots.take(for: ObjectIdentifier(owner)) { granted.add(name) })
        }
        slots.give()
        #expect(granted.names == ["first"])
        slots.forget(ObjectIdentifier(second))
        slots.give()
        #expect(granted.names == ["first"])
        #expect(slots.inUse == 0)
    }
}
