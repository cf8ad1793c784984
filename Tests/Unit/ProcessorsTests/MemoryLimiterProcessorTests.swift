import Component
import OTLP
import Synchronization
import TestSupport
import Testing

@testable import Processors

/// Guarantees: requests are refused, retryably, exactly while memory is above the limit, and that is counted and
/// logged.
@Suite struct MemoryLimiterProcessorTests {
    private func config(_ literal: ConfigLiteral) throws -> MemoryLimiterProcessorConfig {
        try MemoryLimiterProcessorConfig.decode(literal.node, path: "processors::memory_limiter")
    }

    // MARK: Configuration

    @Test func wrongValues() {
        let cases: [(ConfigLiteral, String)] = [
            (["limit_mib": 1], "'check_interval' must be greater than zero"),
            (["check_interval": "-1s", "limit_mib": 1], "'check_interval' must be greater than zero"),
            (["check_interval": "1s"], "'limit_mib' or 'limit_percentage' must be greater than zero"),
            (
                ["check_interval": "1s", "limit_percentage": 101],
                "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or equal to hundred"
            ),
            (
                ["check_interval": "1s", "limit_percentage": 50, "spike_limit_percentage": 101],
                "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or equal to hundred"
            ),
            (
                ["check_interval": "1s", "limit_mib": 10, "spike_limit_mib": 10],
                "'spike_limit_mib' must be smaller than 'limit_mib'"
            ),
            (
                ["check_interval": "1s", "limit_percentage": 50, "spike_limit_percentage": 50],
                "'spike_limit_percentage' must be smaller than 'limit_percentage'"
            ),
            (
                ["check_interval": "1s", "limit_mib": -1],
                "'limit_mib' cannot parse value as 'uint32': -1 is out of range"
            ),
            (
                ["check_interval": "1s", "limit_mib": 1, "min_gc_interval_when_hard_limited": "11s"],
                "'min_gc_interval_when_soft_limited' should be larger than 'min_gc_interval_when_hard_limited'"
            ),
        ]
        for (config, message) in cases { #expect(ProcessorFactory.memoryLimiter.findings(config) == [message]) }
    }

    @Test func limits() throws {
        struct NotAsked: Error {}
        let size = try config(["check_interval": "1s", "limit_mib": 512, "spike_limit_mib": 128, "limit_percentage": 1])
        let sizes = try size.limits { throw NotAsked() }
        #expect(sizes == MemoryLimits(hard: 512 << 20, spike: 128 << 20))
        #expect(sizes.soft == 384 << 20)
        let fifth = try config(["check_interval": "1s", "limit_mib": 100]).limits { throw NotAsked() }
        #expect(fifth.soft == 80 << 20)
        let percentage = try config(["check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 30])
        #expect(percentage.limits { 1000 } == MemoryLimits(hard: 800, spike: 300))
        #expect(try config(["check_interval": "1s", "limit_percentage": 50]).limits { 1000 }.spike == 100)
    }

    @Test func totalMemory() throws {
        let machine = ["/proc/meminfo": "MemTotal:       1000 kB\nMemFree: 1 kB\n"]
        func total(_ files: [String: String]) throws -> UInt64 {
            let files = machine.merging(files) { $1 }
            return try ProcessMemory.total { files[$0] }
        }
        #expect(try total([:]) == 1_024_000)
        let v2 = ["/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "max\n"]
        #expect(try total(v2) == 1_024_000)
        #expect(try total(v2.merging(["/sys/fs/cgroup/a/memory.max": "4096\n"]) { $1 }) == 4096)
        let v1 = [
            "/proc/self/cgroup": "3:cpu,memory:/x\n2:pids:/x\n",
            "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "8192\n",
        ]
        #expect(try total(v1) == 8192)
        let unlimited = v1.merging(["/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "9223372036854771712\n"]) { $1 }
        #expect(try total(unlimited) == 1_024_000)
        #expect(throws: ProcessMemory.UnknownTotal.self) { try ProcessMemory.total { _ in nil } }
        #expect(try ProcessMemory.total() > 1 << 20)
    }

    // MARK: State machine

    private func state(soft: Duration = .seconds(10), hard: Duration = .zero) -> MemoryLimiterState {
        MemoryLimiterState(
            limits: MemoryLimits(hard: 1000, spike: 200), minTrimIntervalWhenSoftLimited: soft,
            minTrimIntervalWhenHardLimited: hard)
    }

    @Test func refusesFromTheSoftLimitUntilWellBelow() {
        var state = state()
        let start = ContinuousClock.now
        #expect(state.check(799, at: start) == nil)
        #expect(!state.isRefusing)
        #expect(state.check(800, at: start) == .trim(isHard: false))
        #expect(state.finishTrim(800) == .startedRefusing)
        #expect(state.isRefusing)
        // Between 775 and 800 it goes on refusing: no flapping around the limit.
        #expect(state.check(780, at: start + .seconds(1)) == nil)
        #expect(state.isRefusing)
        #expect(state.check(774, at: start + .seconds(2)) == .resumed)
        #expect(!state.isRefusing)
        #expect(state.check(780, at: start + .seconds(3)) == nil)
        #expect(!state.isRefusing)
    }

    @Test func aTrimThatHelpsPreventsRefusing() {
        var state = state()
        #expect(state.check(900, at: .now) == .trim(isHard: false))
        #expect(state.finishTrim(500) == nil)
        #expect(!state.isRefusing)
    }

    @Test func trimsKeepTheirIntervals() {
        var state = state(soft: .seconds(10), hard: .seconds(2))
        let start = ContinuousClock.now
        #expect(state.check(900, at: start) == .trim(isHard: false))
        #expect(state.finishTrim(900) == .startedRefusing)
        #expect(state.check(900, at: start + .seconds(10)) == nil)
        #expect(state.check(1000, at: start + .seconds(10)) == .trim(isHard: true))
        #expect(state.finishTrim(1000) == nil)
        #expect(state.check(1000, at: start + .seconds(11)) == nil)
        #expect(state.check(900, at: start + .seconds(21)) == .trim(isHard: false))
    }

    // MARK: Processor

    @Test func refusesCountsAndLogs() throws {
        let reading = Mutex<UInt64>(0)
        let metrics = MetricRegistry()
        let log = LogRecorder()
        let limiter = try MemoryLimiterProcessor(
            try config(["check_interval": "1s", "limit_mib": 100]),
            settings: .test(ComponentID(type: "memory_limiter"), metrics: metrics, log: log),
            bytesInUse: { reading.withLock { $0 } })
        var telemetry = Telemetry(signal: .metrics, bytes: [], itemCount: 5, receivedAtUnixNanos: 0)
        let now = ContinuousClock.now
        limiter.check(at: now)
        try limiter.process(&telemetry)

        reading.withLock { $0 = 100 << 20 }
        limiter.check(at: now)
        #expect(
            throws: RefusalError(
                isRetryable: true, reason: "data refused due to high memory usage", retryAfter: .seconds(1))
        ) {
            try limiter.process(&telemetry)
        }
        reading.withLock { $0 = 1 << 20 }
        limiter.check(at: now)
        try limiter.process(&telemetry)

        #expect(metrics.value("otelcol_processor_accepted_metric_points") == 10)
        #expect(metrics.value("otelcol_processor_refused_metric_points") == 5)
        #expect(metrics.value("otelcol_processor_accepted_spans") == nil)
        #expect(metrics.value("otelcol_processor_incoming_items", "metrics") == 15)
        #expect(metrics.value("otelcol_processor_outgoing_items", "metrics") == 10)
        #expect(
            log.lines == [
                "info Memory limiter configured",
                "warning Memory usage is above hard limit. Forcing a GC.",
                "info Memory usage after GC.",
                "warning Memory usage is above soft limit. Refusing data.",
                "info Memory usage back within limits. Resuming normal operation.",
            ])
    }

    /// Scenario: two pipelines name the same limiter; both start and stop it.
    /// Guarantees: they share one object, which reads until the last one stops.
    @Test func onePerConfiguration() async throws {
        guard
            case .perRequest(let make) = try ProcessorFactory.memoryLimiter.role(
                ["check_interval": "1ms", "limit_mib": 100_000])
        else { throw NotPerRequest() }
        let first = try #require(try make(.test(), .traces) as? MemoryLimiterProcessor)
        let second = try #require(try make(.test(), .logs) as? MemoryLimiterProcessor)
        #expect(first === second)
    }

    @Test func readsFromTheFirstStartToTheLastStop() async throws {
        let config = try config(["check_interval": "1ms", "limit_mib": 1])
        let readings = Readings()
        let limiter = try MemoryLimiterProcessor(config, settings: .test(), bytesInUse: { readings.take() })
        try await limiter.start()
        try await limiter.start()
        await limiter.stop()
        let before = readings.count
        #expect(await eventually { readings.count >= before + 3 })
        await limiter.stop()
        let after = readings.count
        for _ in 0..<1000 { await Task.yield() }
        #expect(readings.count == after)
    }

    @Test func bytesInUseFollowTheHeap() {
        let before = ProcessMemory.bytesInUse()
        let bytes = [UInt8](repeating: 1, count: 64 << 20)
        let during = ProcessMemory.bytesInUse()
        #expect(during >= before + (32 << 20))
        #expect(bytes.count == 64 << 20)
    }
}

private final class Readings: Sendable {
    private let taken = Atomic(0)
    var count: Int { taken.load(ordering: .relaxed) }
    func take() -> UInt64 {
        taken.add(1, ordering: .relaxed)
        return 0
    }
}
