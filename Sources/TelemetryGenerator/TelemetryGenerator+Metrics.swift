import OTLP

extension TelemetryGenerator {
    private enum Kind: CaseIterable {
        case gauge, sum, histogram, exponentialHistogram, summary

        var field: UInt32 {
            switch self {
            case .gauge: MetricField.gauge
            case .sum: MetricField.sum
            case .histogram: MetricField.histogram
            case .exponentialHistogram: MetricField.exponentialHistogram
            case .summary: MetricField.summary
            }
        }

        /// The field of a point's attributes.
        var attributes: UInt32 {
            switch self {
            case .gauge, .sum: NumberDataPointField.attributes
            case .histogram: HistogramDataPointField.attributes
            case .exponentialHistogram: ExponentialHistogramDataPointField.attributes
            case .summary: SummaryDataPointField.attributes
            }
        }
    }

    private static let pointsPerMetric = 8

    mutating func writeMetrics(pointCount: Int, to writer: inout WireWriter) {
        let kinds: [Kind] =
            switch shape {
            case .nginx: [.sum, .gauge]
            case .service: Kind.allCases
            case .tiny: [.gauge]
            }
        for (index, start) in stride(from: 0, to: pointCount, by: Self.pointsPerMetric).enumerated() {
            let count = min(Self.pointsPerMetric, pointCount - start)
            writeMetric(kinds[index % kinds.count], pointCount: count, to: &writer)
        }
    }

    private mutating func writeMetric(_ kind: Kind, pointCount: Int, to writer: inout WireWriter) {
        let metric = writer.beginMessage(ScopeMetricsField.metrics, expectedByteCount: 1000)
        let (name, unit) = name(of: kind)
        writer.writeText(MetricField.name, name)
        if shape != .tiny { writer.writeText(MetricField.unit, unit) }
        let data = writer.beginMessage(kind.field, expectedByteCount: 1000)
        timeUnixNano += 1_000_000
        for _ in 0..<pointCount {
            let number = takeItemNumber()
            let point = writer.beginMessage(MetricDataField.dataPoints, expectedByteCount: 200)
            writePoint(kind, number, to: &writer)
            writer.endMessage(point)
        }
        switch kind {
        case .sum:
            writer.writeVarint(MetricDataField.aggregationTemporality, 2)
            writer.writeVarint(MetricDataField.isMonotonic, 1)
        case .histogram, .exponentialHistogram: writer.writeVarint(MetricDataField.aggregationTemporality, 1)
        case .gauge, .summary: break
        }
        writer.endMessage(data)
        writer.endMessage(metric)
    }

    private func name(of kind: Kind) -> (name: StaticString, unit: StaticString) {
        switch kind {
        case .gauge: shape == .nginx ? ("nginx.connections_current", "{connection}") : ("jvm.memory.used", "By")
        case .sum: shape == .nginx ? ("nginx.requests", "{request}") : ("http.server.requests", "{request}")
        case .histogram: ("http.server.request.duration", "s")
        case .exponentialHistogram: ("db.client.operation.duration", "s")
        case .summary: ("rpc.server.latency", "ms")
        }
    }

    private mutating func writePoint(_ kind: Kind, _ number: UInt64, to writer: inout WireWriter) {
        if kind == .exponentialHistogram { writePointAttributes(kind, number, to: &writer) }
        // Every kind of point has its times in the same fields but the exponential histogram, whose fields are the
        // same two.
        let times = (start: NumberDataPointField.startTimeUnixNano, end: NumberDataPointField.timeUnixNano)
        if kind != .gauge { writeTime(times.start, timeUnixNano - 60_000_000_000, of: number, to: &writer) }
        writeTime(times.end, timeUnixNano, of: number, to: &writer)
        switch kind {
        case .gauge: writer.writeDouble(NumberDataPointField.asDouble, Double(random.below(1_000_000)) / 8)
        case .sum: writer.writeFixed64(NumberDataPointField.asInt, UInt64(random.below(1_000_000)))
        case .histogram: writeHistogram(to: &writer)
        case .exponentialHistogram: writeExponentialHistogram(to: &writer)
        case .summary: writeSummary(to: &writer)
        }
        if kind != .exponentialHistogram { writePointAttributes(kind, number, to: &writer) }
        if kind == .histogram {
            writer.writeDouble(HistogramDataPointField.min, 0.001)
            writer.writeDouble(HistogramDataPointField.max, 9.5)
        }
    }

    private mutating func writePointAttributes(_ kind: Kind, _ number: UInt64, to writer: inout WireWriter) {
        let field = kind.attributes
        switch shape {
        case .nginx: writer.writeAttribute(field, "state", text: random.element(of: ["active", "reading", "waiting"]))
        case .service:
            let first = random.below(Self.serviceAttributeCount)
            for position in 0..<4 {
                writeServiceAttribute((first + position * 4) % Self.serviceAttributeCount, field, to: &writer)
            }
        case .tiny: writer.writeAttribute(field, "key", text: "value")
        }
        writeDataPointID(field, number, to: &writer)
    }
}

// The values of points with more than one.
extension TelemetryGenerator {
    private static let bounds = [
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
    ]

    private mutating func writeHistogram(to writer: inout WireWriter) {
        let counts = (0...Self.bounds.count).map { _ in UInt64(random.below(50)) }
        let count = counts.reduce(0, +)
        writer.writeFixed64(HistogramDataPointField.count, count)
        writer.writeDouble(HistogramDataPointField.sum, Double(count) / 4)
        let packedCounts = writer.beginMessage(HistogramDataPointField.bucketCounts)
        for count in counts { writer.writeFixed64(count) }
        writer.endMessage(packedCounts)
        let packedBounds = writer.beginMessage(HistogramDataPointField.explicitBounds)
        for bound in Self.bounds { writer.writeFixed64(bound.bitPattern) }
        writer.endMessage(packedBounds)
    }

    private mutating func writeExponentialHistogram(to writer: inout WireWriter) {
        let counts = (0..<20).map { _ in UInt64(random.below(200)) }
        let zeroCount = UInt64(random.below(3))
        let count = counts.reduce(zeroCount, +)
        writer.writeFixed64(ExponentialHistogramDataPointField.count, count)
        writer.writeDouble(ExponentialHistogramDataPointField.sum, Double(count) / 4)
        writer.writeVarint(ExponentialHistogramDataPointField.scale, Self.zigzag(3))
        writer.writeFixed64(ExponentialHistogramDataPointField.zeroCount, zeroCount)
        let buckets = writer.beginMessage(ExponentialHistogramDataPointField.positive)
        writer.writeVarint(BucketsField.offset, Self.zigzag(-random.below(40)))
        let packed = writer.beginMessage(BucketsField.bucketCounts)
        for count in counts { writer.writeVarint(count) }
        writer.endMessage(packed)
        writer.endMessage(buckets)
    }

    /// The varint of an sint32.
    private static func zigzag(_ value: Int) -> UInt64 { UInt64(bitPattern: Int64(value << 1 ^ value >> 63)) }

    private mutating func writeSummary(to writer: inout WireWriter) {
        let count = 1 + random.below(1000)
        writer.writeFixed64(SummaryDataPointField.count, UInt64(count))
        writer.writeDouble(SummaryDataPointField.sum, Double(count) * 12.5)
        for (index, quantile) in [0, 0.5, 0.9, 0.99, 1].enumerated() {
            let value = writer.beginMessage(SummaryDataPointField.quantileValues)
            writer.writeDouble(ValueAtQuantileField.quantile, quantile)
            writer.writeDouble(ValueAtQuantileField.value, Double(index * 10 + random.below(10)))
            writer.endMessage(value)
        }
    }
}
