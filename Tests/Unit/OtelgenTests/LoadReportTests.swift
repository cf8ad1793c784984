import Testing

@testable import otelgen

/// Sets of numbers stay exact, whatever the order in which answers come.
@Suite struct NumberRangesTests {
    /// Scenario: 60 ranges that do not overlap, added in a random order.
    /// Guarantees: the ranges are the numbers that were added, as few as can be, at every step.
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func rangesJoin(seed: UInt64) {
        var random = Generator(state: seed)
        let all = (0..<60 as Range<UInt64>).map { $0 * 5..<$0 * 5 + 5 }.shuffled(using: &random)
        var ranges = NumberRanges()
        var numbers: Set<UInt64> = []
        for range in all {
            ranges.insert(range)
            numbers.formUnion(range)
            #expect(ranges.ranges.flatMap(Array.init) == numbers.sorted())
            #expect(zip(ranges.ranges, ranges.ranges.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
        }
        #expect(ranges.ranges == [0..<300])
        #expect(ranges.count == 300)
    }

    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }
    }
}

/// Percentiles are those of the sorted durations, within the width of a bucket.
@Suite struct LatencyHistogramTests {
    @Test func percentilesAreNearTheTruth() throws {
        var histogram = LatencyHistogram()
        #expect(histogram.percentile(0.5) == nil)
        let micros = (1...10_000).map { ($0 * 7919 % 10_000 + 1) * ($0 % 7 == 0 ? 1000 : 1) }
        for value in micros { histogram.add(.microseconds(value)) }
        let sorted = micros.sorted()
        for share in [0.01, 0.5, 0.9, 0.99, 0.999] {
            let truth = Double(sorted[Int((10_000 * share).rounded(.up)) - 1])
            let measured = try #require(histogram.percentile(share)) / .microseconds(1)
            #expect(measured >= truth && measured <= truth * (1 + 1.0 / 64) + 1, "\(share): \(measured), not \(truth)")
        }
        #expect(histogram.percentile(1) == .microseconds(try #require(sorted.last)))
        #expect(histogram.max == .microseconds(try #require(sorted.last)))
    }
}

/// A schedule hands out each item once, in requests of the asked size, and ends where it should.
@Suite struct LoadScheduleTests {
    private let start = ContinuousClock.now

    private func requests(_ schedule: LoadSchedule, now: ContinuousClock.Instant) -> [LoadSchedule.Request] {
        var requests: [LoadSchedule.Request] = []
        while let request = schedule.next(now: now), requests.count < 1000 { requests.append(request) }
        return requests
    }

    @Test func theTotalIsDividedIntoRequests() {
        let schedule = LoadSchedule(batch: 30, rate: 0, duration: nil, total: 100, start: start)
        let requests = requests(schedule, now: start)
        #expect(requests.map(\.items) == [1..<31, 31..<61, 61..<91, 91..<101])
        #expect(requests.allSatisfy { $0.due == nil })
        #expect(schedule.itemsLeft == 0)
    }

    /// Scenario: 100 items a second for two seconds, in requests of 50.
    /// Guarantees: requests are due every half second, and there are four of them.
    @Test func aRateMakesRequestsDue() {
        let schedule = LoadSchedule(batch: 50, rate: 100, duration: .seconds(2), total: nil, start: start)
        #expect(requests(schedule, now: start).map(\.due) == [0, 0.5, 1, 1.5].map { start + .seconds($0) })
    }

    /// Scenario: nobody takes a request until long after the end.
    /// Guarantees: nothing is sent any more, and what was due is known.
    @Test func whatIsLateIsNotSent() {
        let schedule = LoadSchedule(batch: 50, rate: 100, duration: .seconds(2), total: nil, start: start)
        #expect(schedule.next(now: start)?.items == 1..<51)
        #expect(schedule.next(now: start + .seconds(2) + LoadSchedule.latenessMax) == nil)
        #expect(schedule.itemsLeft == 150)
    }

    @Test func withoutARateTheTimeEndsIt() {
        let schedule = LoadSchedule(batch: 50, rate: 0, duration: .seconds(2), total: nil, start: start)
        #expect(schedule.next(now: start + .seconds(1)) != nil)
        #expect(schedule.next(now: start + .seconds(2)) == nil)
        #expect(schedule.itemsLeft == 0)
    }
}

/// What is sent again, and what is final.
@Suite struct LoadRetryPolicyTests {
    @Test func onlyWhatMaySucceedIsSentAgain() {
        let policy = LoadRetryPolicy()
        let all = LoadRetryPolicy(includesUnanswered: true)
        #expect(policy.delay(after: .acknowledged(rejected: 1, message: ""), attempt: 0) == nil)
        #expect(policy.delay(after: .refusedForGood(reason: ""), attempt: 0) == nil)
        #expect(policy.delay(after: .unknown(reason: ""), attempt: 0) == nil)
        #expect(all.delay(after: .unknown(reason: ""), attempt: 0) != nil)
        #expect(policy.delay(after: .unreachable(reason: ""), attempt: 0) != nil)
    }

    @Test func delaysGrowAndTheServerCanAskForMore() throws {
        let policy = LoadRetryPolicy()
        for (attempt, bound) in [1, 2, 4, 8, 16, 30, 30].enumerated() {
            let answer = LoadAnswer.refusedRetryable(after: .milliseconds(1), reason: "")
            let delay = try #require(policy.delay(after: answer, attempt: attempt))
            #expect(delay >= .seconds(bound) / 2 && delay <= .seconds(bound))
        }
        let answer = LoadAnswer.refusedRetryable(after: .seconds(90), reason: "")
        #expect(policy.delay(after: answer, attempt: 0) == .seconds(90))
    }
}

/// `grpc-status-details-bin` comes with and without padding.
@Suite struct Base64Tests {
    @Test(arguments: [("", []), ("AA", [0]), ("AAE=", [0, 1]), ("AAEC", [0, 1, 2]), ("//79", [255, 254, 253])])
    func textBecomesBytes(text: String, expected: [UInt8]) { #expect(bytes(base64: text) == expected) }

    @Test func otherTextIsRefused() { #expect(bytes(base64: "A*") == nil) }
}
