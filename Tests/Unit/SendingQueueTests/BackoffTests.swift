import Component
import Testing
import WriteAheadLog

@testable import SendingQueue

/// Delays follow `retry_on_failure` to the letter, and a batch is given up when, and only when, its time limit says so.
@Suite struct BackoffTests {
    private var exact: RetryPolicy {
        var policy = RetryPolicy()
        policy.randomizationFactor = 0
        return policy
    }

    @Test("delays grow by the multiplier up to the longest interval")
    func growth() {
        var random = SplitMix(1)
        var backoff = Backoff(policy: exact, isDurable: true)
        let delays = (0..<7).map { _ in backoff.fail(at: .zero, minimum: nil, using: &random) }
        let seconds = [5, 7.5, 11.25, 16.875, 25.3125, 30, 30]
        #expect(delays == seconds.map { .retry(after: .milliseconds($0 * 1000)) })
    }

    @Test("jitter stays within the factor and is spread over it", arguments: UInt64(1)...5)
    func jitter(seed: UInt64) {
        var random = SplitMix(seed)
        var delays: [Duration] = []
        for _ in 0..<200 {
            var backoff = Backoff(policy: RetryPolicy(), isDurable: true)
            guard case .retry(let delay) = backoff.fail(at: .zero, minimum: nil, using: &random) else { continue }
            delays.append(delay)
        }
        #expect(delays.count == 200)
        #expect(delays.allSatisfy { $0 >= .seconds(2.5) && $0 <= .seconds(7.5) })
        #expect(delays.contains { $0 < .seconds(3.5) } && delays.contains { $0 > .seconds(6.5) })
    }

    @Test("the server's delay is a minimum")
    func minimum() {
        var random = SplitMix(1)
        var backoff = Backoff(policy: exact, isDurable: true)
        #expect(backoff.fail(at: .zero, minimum: .seconds(20), using: &random) == .retry(after: .seconds(20)))
        #expect(backoff.fail(at: .zero, minimum: .seconds(1), using: &random) == .retry(after: .seconds(7.5)))
    }

    @Test("the time limit counts from the first failure and includes the next delay")
    func limit() {
        var random = SplitMix(1)
        var backoff = Backoff(policy: exact, isDurable: false)
        #expect(backoff.fail(at: .seconds(1000), minimum: nil, using: &random) == .retry(after: .seconds(5)))
        #expect(backoff.fail(at: .seconds(1292.5), minimum: nil, using: &random) == .retry(after: .seconds(7.5)))
        #expect(backoff.fail(at: .seconds(1292.5), minimum: nil, using: &random) == .expired)
    }

    @Test("with storage only a written limit counts; 0 is none")
    func limits() {
        var policy = exact
        #expect(policy.timeLimit(isDurable: false) == .seconds(300))
        #expect(policy.timeLimit(isDurable: true) == nil)
        policy.isMaxElapsedTimeWritten = true
        #expect(policy.timeLimit(isDurable: true) == .seconds(300))
        policy.maxElapsedTime = .zero
        #expect(policy.timeLimit(isDurable: false) == nil)
    }
}

/// Halving covers exactly the items it was given, finds single bad ones, and asks a peer that refuses all only a few
/// times.
@Suite struct BisectionTests {
    @Test("halves cover the items, in order", arguments: UInt64(1)...20)
    func halves(seed: UInt64) throws {
        var random = SplitMix(seed)
        let ranges = (1...UInt64.random(in: 1...6, using: &random)).map { sequence in
            let start = Int.random(in: 0...5, using: &random)
            return ItemRange(sequence: sequence, items: start..<(start + Int.random(in: 1...9, using: &random)))
        }
        func flat(_ ranges: [ItemRange]) -> [[Int]] { ranges.flatMap { r in r.items.map { [Int(r.sequence), $0] } } }
        let count = flat(ranges).count
        guard let halves = Bisection.halves(of: ranges) else {
            #expect(count == 1)
            return
        }
        #expect(flat(halves[0]) + flat(halves[1]) == flat(ranges))
        #expect(flat(halves[0]).count == count / 2)
    }

    @Test("one bad item of many is found with about 2 log n questions", arguments: [0, 1, 511, 700, 1023])
    func oneBad(bad: Int) {
        let (asked, given) = bisect(itemCount: 1024) { $0.contains(bad) }
        #expect(given == [bad..<(bad + 1)])
        #expect(asked <= 23)
    }

    @Test("a peer that refuses everything is asked a few times only")
    func allBad() {
        let (asked, given) = bisect(itemCount: 8192) { _ in true }
        #expect(given.reduce(0) { $0 + $1.count } == 8192)
        #expect(asked <= 60)
    }

    /// Performs the questions as a sending queue does; returns their number and what was given up.
    private func bisect(itemCount: Int, isBad: (Range<Int>) -> Bool) -> (asked: Int, given: [Range<Int>]) {
        var bisection = Bisection(itemCount: itemCount)
        var parts = [[ItemRange(sequence: 1, items: 0..<itemCount)]]
        var (asked, given): (Int, [Range<Int>]) = (0, [])
        while let part = parts.popLast() {
            asked += 1
            if !isBad(part[0].items) {
                bisection.delivered()
            } else if let halves = bisection.split(part) {
                parts += halves.reversed()
            } else {
                given.append(part[0].items)
            }
        }
        return (asked, given)
    }
}
