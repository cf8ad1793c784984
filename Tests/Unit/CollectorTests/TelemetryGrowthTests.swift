import Testing

@testable import Collector

/// The time until a log is full is told while it grows, and only then.
@Suite struct TelemetryGrowthTests {
    @Test("a steady growth gives the time that is left; a backlog that shrinks gives none")
    func estimate() throws {
        var growth = GrowthEstimate()
        #expect(growth.secondsToFull(room: 1000, held: 0, now: 0) == nil)
        var now: UInt64 = 0
        var last: Double?
        for second in 1...600 {
            now += 1_000_000_000
            last = growth.secondsToFull(room: 100_000, held: second * 100, now: now)
        }
        #expect(abs(try #require(last) - 1000) < 10)
        for second in 1...600 {
            now += 1_000_000_000
            last = growth.secondsToFull(room: 100_000, held: 60_000 - second * 100, now: now)
        }
        #expect(last == nil)
    }
}
