package import Component

/// The keys of `memory_limiter`. Sizes are MiB; a percentage counts only where the size is not given.
package struct MemoryLimiterProcessorConfig: ComponentConfig {
    let checkInterval: Duration
    let limitMiB: Int
    let spikeLimitMiB: Int
    let limitPercentage: Int
    let spikeLimitPercentage: Int
    let minTrimIntervalWhenSoftLimited: Duration
    let minTrimIntervalWhenHardLimited: Duration

    package init(from map: inout ConfigMap) throws(ConfigError) {
        checkInterval = try map.take("check_interval", default: .zero)
        limitMiB = try map.take("limit_mib", default: 0)
        spikeLimitMiB = try map.take("spike_limit_mib", default: 0)
        limitPercentage = try map.take("limit_percentage", default: 0)
        spikeLimitPercentage = try map.take("spike_limit_percentage", default: 0)
        minTrimIntervalWhenSoftLimited = try map.take("min_gc_interval_when_soft_limited", default: .seconds(10))
        minTrimIntervalWhenHardLimited = try map.take("min_gc_interval_when_hard_limited", default: .zero)

        for (key, value) in [
            ("limit_mib", limitMiB), ("spike_limit_mib", spikeLimitMiB), ("limit_percentage", limitPercentage),
            ("spike_limit_percentage", spikeLimitPercentage),
        ] where value < 0 || value > UInt32.max {
            throw map.error("'\(key)' cannot parse value as 'uint32': \(value) is out of range")
        }
        if checkInterval <= .zero { throw map.error("'check_interval' must be greater than zero") }
        if minTrimIntervalWhenSoftLimited < minTrimIntervalWhenHardLimited {
            throw map.error(
                "'min_gc_interval_when_soft_limited' should be larger than 'min_gc_interval_when_hard_limited'")
        }
        if limitMiB == 0, limitPercentage == 0 {
            throw map.error("'limit_mib' or 'limit_percentage' must be greater than zero")
        }
        if limitPercentage > 100 || spikeLimitPercentage > 100 {
            throw map.error(
                "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or equal to "
                    + "hundred")
        }
        if limitMiB > 0, limitMiB <= spikeLimitMiB {
            throw map.error("'spike_limit_mib' must be smaller than 'limit_mib'")
        }
        if limitPercentage > 0, limitPercentage <= spikeLimitPercentage {
            throw map.error("'spike_limit_percentage' must be smaller than 'limit_percentage'")
        }
    }

    /// The limits in bytes.
    ///
    /// - Parameter totalMemory: bytes this process may use; asked only if percentages count.
    func limits(totalMemory: () throws -> UInt64) rethrows -> MemoryLimits {
        if limitMiB > 0 {
            let hard = UInt64(limitMiB) << 20
            return MemoryLimits(hard: hard, spike: spikeLimitMiB > 0 ? UInt64(spikeLimitMiB) << 20 : hard / 5)
        }
        let total = try totalMemory()
        let hard = total / 100 * UInt64(limitPercentage)
        return MemoryLimits(
            hard: hard, spike: spikeLimitPercentage > 0 ? total / 100 * UInt64(spikeLimitPercentage) : hard / 5)
    }
}

/// How much memory may be in use, in bytes.
struct MemoryLimits: Sendable, Hashable {
    let hard: UInt64
    let spike: UInt64

    /// From here on requests are refused.
    var soft: UInt64 { hard - spike }
    /// Refusing ends below this, an eighth of the spike under `soft`, so that it does not flap around the limit.
    var resume: UInt64 { soft - min(soft, spike / 8) }
}
