/// Counts durations in buckets no wider than a 64th of their lower bound, from a microsecond to an hour and more.
struct LatencyHistogram: Sendable {
    private var counts: [UInt64] = []
    private(set) var count: UInt64 = 0
    private(set) var max: Duration = .zero

    mutating func add(_ duration: Duration) {
        let index = Self.index(of: UInt64(Swift.max(duration / .microseconds(1), 0)))
        while counts.count <= index { counts.append(0) }
        counts[index] += 1
        count += 1
        max = Swift.max(max, duration)
    }

    /// The duration that `share` of all do not exceed, up to a bucket's width too long; nil when there are none.
    func percentile(_ share: Double) -> Duration? {
        guard count > 0 else { return nil }
        let rank = Swift.max(1, UInt64((Double(count) * share).rounded(.up)))
        var seen: UInt64 = 0
        for (index, bucket) in counts.enumerated() {
            seen += bucket
            if seen >= rank { return Swift.min(.microseconds(Self.upperBound(of: index)), max) }
        }
        return max
    }

    /// 64 buckets for each power of two, single microseconds below 128.
    private static func index(of micros: UInt64) -> Int {
        guard micros >= 128 else { return Int(micros) }
        let shift = 57 - micros.leadingZeroBitCount
        return shift * 64 + Int(micros >> UInt64(shift))
    }

    private static func upperBound(of index: Int) -> UInt64 {
        guard index >= 128 else { return UInt64(index) + 1 }
        let shift = UInt64(index / 64 - 1)
        return (UInt64(index % 64) + 65) << shift
    }
}
