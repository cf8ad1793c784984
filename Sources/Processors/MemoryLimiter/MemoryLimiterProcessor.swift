package import Component
import Logging
import OTLP
import Synchronization

extension ProcessorFactory {
    /// `memory_limiter`: refuses requests, retryably, while too much memory is in use. All pipelines that name it share
    /// one.
    package static var memoryLimiter: ProcessorFactory {
        ProcessorFactory(type: "memory_limiter", config: MemoryLimiterProcessorConfig.self) { config in
            let shared = SharedMemoryLimiter()
            return .perRequest { settings, _ in try shared.limiter(config, settings: settings) }
        }
    }
}

/// The one limiter of a configuration block.
private final class SharedMemoryLimiter: Sendable {
    private let limiter = Mutex<MemoryLimiterProcessor?>(nil)

    func limiter(
        _ config: MemoryLimiterProcessorConfig, settings: ComponentSettings
    ) throws -> MemoryLimiterProcessor {
        try limiter.withLock { limiter in
            if let limiter { return limiter }
            let made = try MemoryLimiterProcessor(config, settings: settings)
            limiter = made
            return made
        }
    }
}

/// Reads the memory in use every `check_interval`, and refuses while it is above the limit.
///
/// Shared by pipelines: the first `start` begins reading, the last `stop` ends it.
final class MemoryLimiterProcessor: Processor {
    private struct Counters: Sendable {
        let items: ItemCounters
        let accepted: Counter
        let refused: Counter

        init(_ settings: ComponentSettings, signal: Signal) {
            items = ItemCounters(settings, signal: signal)
            let noun =
                switch signal {
                case .traces: "spans"
                case .metrics: "metric_points"
                case .logs: "log_records"
                }
            let words = noun.split(separator: "_").joined(separator: " ")
            accepted = settings.metrics.counter(
                "otelcol_processor_accepted_\(noun)",
                help: "Number of \(words) successfully pushed into the next component in the pipeline.",
                labels: ["processor": "\(settings.id)"])
            refused = settings.metrics.counter(
                "otelcol_processor_refused_\(noun)",
                help: "Number of \(words) that were rejected by the next component in the pipeline.",
                labels: ["processor": "\(settings.id)"])
        }
    }

    private struct Run {
        var startCount = 0
        var checks: Task<Void, Never>?
    }

    private let checkInterval: Duration
    private let limits: MemoryLimits
    private let logger: Logger
    private let counters: [Signal: Counters]
    private let state: Mutex<MemoryLimiterState>
    private let isRefusing = Atomic(false)
    private let run = Mutex(Run())
    private let bytesInUse: @Sendable () -> UInt64

    /// - Parameters:
    ///   - bytesInUse: reads the memory in use.
    ///   - totalMemory: what percentages count of.
    init(
        _ config: MemoryLimiterProcessorConfig, settings: ComponentSettings,
        bytesInUse: @escaping @Sendable () -> UInt64 = ProcessMemory.bytesInUse,
        totalMemory: () throws -> UInt64 = { try ProcessMemory.total() }
    ) throws {
        limits = try config.limits(totalMemory: totalMemory)
        checkInterval = config.checkInterval
        logger = settings.logger
        counters = Dictionary(
            uniqueKeysWithValues: Signal.allCases.map { ($0, Counters(settings, signal: $0)) })
        state = Mutex(
            MemoryLimiterState(
                limits: limits, minTrimIntervalWhenSoftLimited: config.minTrimIntervalWhenSoftLimited,
                minTrimIntervalWhenHardLimited: config.minTrimIntervalWhenHardLimited))
        self.bytesInUse = bytesInUse
        if config.limitMiB == 0 {
            logger.info(
                "Using percentage memory limiter",
                metadata: [
                    "limit_percentage": "\(config.limitPercentage)",
                    "spike_limit_percentage": "\(config.spikeLimitPercentage)",
                ])
        }
        logger.info(
            "Memory limiter configured",
            metadata: [
                "limit_mib": "\(limits.hard >> 20)", "spike_limit_mib": "\(limits.spike >> 20)",
                "check_interval": "\(config.checkInterval)",
            ])
    }

    func start() async throws {
        run.withLock { run in
            run.startCount += 1
            guard run.startCount == 1 else { return }
            check(at: .now)
            run.checks = Task { [self] in
                while !Task.isCancelled {
                    // Throws only when cancelled, which ends the loop.
                    guard (try? await Task.sleep(for: checkInterval)) != nil else { return }
                    check(at: .now)
                }
            }
        }
    }

    func stop() async {
        let checks: Task<Void, Never>? = run.withLock { run in
            run.startCount -= 1
            guard run.startCount == 0 else { return nil }
            defer { run.checks = nil }
            return run.checks
        }
        checks?.cancel()
        await checks?.value
    }

    func process(_ telemetry: inout Telemetry) throws(RefusalError) {
        let counters = counters[telemetry.signal]
        counters?.items.incoming.add(telemetry.itemCount)
        if isRefusing.load(ordering: .relaxed) {
            counters?.refused.add(telemetry.itemCount)
            throw RefusalError(
                isRetryable: true, reason: "data refused due to high memory usage", retryAfter: checkInterval)
        }
        counters?.accepted.add(telemetry.itemCount)
        counters?.items.outgoing.add(telemetry.itemCount)
    }

    /// Takes one reading and acts on it.
    func check(at now: ContinuousClock.Instant) {
        state.withLock { state in
            var bytes = bytesInUse()
            var event = state.check(bytes, at: now)
            if case .trim(let isHard) = event {
                if isHard {
                    logger.warning("Memory usage is above hard limit. Forcing a GC.", metadata: usage(bytes))
                } else {
                    logger.info("Memory usage is above soft limit. Forcing a GC.", metadata: usage(bytes))
                }
                ProcessMemory.trim()
                bytes = bytesInUse()
                logger.info("Memory usage after GC.", metadata: usage(bytes))
                event = state.finishTrim(bytes)
            }
            isRefusing.store(state.isRefusing, ordering: .relaxed)
            if event == .startedRefusing {
                logger.warning("Memory usage is above soft limit. Refusing data.", metadata: usage(bytes))
            } else if event == .resumed {
                logger.info(
                    "Memory usage back within limits. Resuming normal operation.", metadata: usage(bytes))
            }
        }
    }

    private func usage(_ bytes: UInt64) -> Logger.Metadata { ["cur_mem_mib": "\(bytes >> 20)"] }
}
