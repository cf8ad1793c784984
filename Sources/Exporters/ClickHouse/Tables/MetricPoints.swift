import ClickHouseNative
import OTLP

struct GaugePoints: PointColumns, ~Copyable {
    private var value = NumberColumn()
    private var flags = NumberColumn()
    private var exemplars = ExemplarColumns()

    static var metricField: UInt32 { MetricField.gauge }

    mutating func visit<Visitor: ColumnVisitor & ~Copyable>(_ visitor: inout Visitor) throws(ClickHouseError) {
        try visitor.visit("Value", &value)
        try visitor.visit("Flags", &flags)
        try exemplars.visit(&visitor)
    }

    mutating func append(_ bytes: WireBytes, of data: MetricDataView, head: inout PointHead) throws(WireError) {
        let point = try NumberDataPointView(bytes)
        try head.append(
            startTimeUnixNano: point.startTimeUnixNano, timeUnixNano: point.timeUnixNano, attributes: point.attributes)
        value.append(point.value)
        flags.append(integer: UInt64(point.flags))
        try exemplars.appendRow(point.exemplars, scratch: &head.scratch)
    }
}

struct SumPoints: PointColumns, ~Copyable {
    private var number = GaugePoints()
    private var aggregationTemporality = NumberColumn()
    private var isMonotonic = NumberColumn()

    static var metricField: UInt32 { MetricField.sum }

    mutating func visit<Visitor: ColumnVisitor & ~Copyable>(_ visitor: inout Visitor) throws(ClickHouseError) {
        try number.visit(&visitor)
        try visitor.visit("AggregationTemporality", &aggregationTemporality)
        try visitor.visit("IsMonotonic", &isMonotonic)
    }

    mutating func append(_ bytes: WireBytes, of data: MetricDataView, head: inout PointHead) throws(WireError) {
        try number.append(bytes, of: data, head: &head)
        aggregationTemporality.append(signed: data.aggregationTemporality)
        isMonotonic.append(integer: data.isMonotonic ? 1 : 0)
    }
}

struct HistogramPoints: PointColumns, ~Copyable {
    private var count = NumberColumn()
    private var sum = NumberColumn()
    private var bucketCounts = ArrayColumn(of: NumberColumn())
    private var explicitBounds = ArrayColumn(of: NumberColumn())
    private var exemplars = ExemplarColumns()
    private var flags = NumberColumn()
    private var min = NumberColumn()
    private var max = NumberColumn()
    private var aggregationTemporality = NumberColumn()

    static var metricField: UInt32 { MetricField.histogram }

    mutating func visit<Visitor: ColumnVisitor & ~Copyable>(_ visitor: inout Visitor) throws(ClickHouseError) {
        try visitor.visit("Count", &count)
        try visitor.visit("Sum", &sum)
        try visitor.visit("BucketCounts", &bucketCounts)
        try visitor.visit("ExplicitBounds", &explicitBounds)
        try exemplars.visit(&visitor)
        try visitor.visit("Flags", &flags)
        try visitor.visit("Min", &min)
        try visitor.visit("Max", &max)
        try visitor.visit("AggregationTemporality", &aggregationTemporality)
    }

    mutating func append(_ bytes: WireBytes, of data: MetricDataView, head: inout PointHead) throws(WireError) {
        let point = try HistogramDataPointView(bytes)
        try head.append(
            startTimeUnixNano: point.startTimeUnixNano, timeUnixNano: point.timeUnixNano, attributes: point.attributes)
        count.append(integer: point.count)
        sum.append(double: point.sum ?? 0)
        try bucketCounts.appendRow(integers: point.bucketCounts)
        try explicitBounds.appendRow(doubles: point.explicitBounds)
        try exemplars.appendRow(point.exemplars, scratch: &head.scratch)
        flags.append(integer: UInt64(point.flags))
        min.append(double: point.min ?? 0)
        max.append(double: point.max ?? 0)
        aggregationTemporality.append(signed: data.aggregationTemporality)
    }
}

struct ExponentialHistogramPoints: PointColumns, ~Copyable {
    private var count = NumberColumn()
    private var sum = NumberColumn()
    private var scale = NumberColumn()
    private var zeroCount = NumberColumn()
    private var positiveOffset = NumberColumn()
    private var positiveBucketCounts = ArrayColumn(of: NumberColumn())
    private var negativeOffset = NumberColumn()
    private var negativeBucketCounts = ArrayColumn(of: NumberColumn())
    private var exemplars = ExemplarColumns()
    private var flags = NumberColumn()
    private var min = NumberColumn()
    private var max = NumberColumn()
    private var aggregationTemporality = NumberColumn()

    static var metricField: UInt32 { MetricField.exponentialHistogram }

    mutating func visit<Visitor: ColumnVisitor & ~Copyable>(_ visitor: inout Visitor) throws(ClickHouseError) {
        try visitor.visit("Count", &count)
        try visitor.visit("Sum", &sum)
        try visitor.visit("Scale", &scale)
        try visitor.visit("ZeroCount", &zeroCount)
        try visitor.visit("PositiveOffset", &positiveOffset)
        try visitor.visit("PositiveBucketCounts", &positiveBucketCounts)
        try visitor.visit("NegativeOffset", &negativeOffset)
        try visitor.visit("NegativeBucketCounts", &negativeBucketCounts)
        try exemplars.visit(&visitor)
        try visitor.visit("Flags", &flags)
        try visitor.visit("Min", &min)
        try visitor.visit("Max", &max)
        try visitor.visit("AggregationTemporality", &aggregationTemporality)
    }

    mutating func append(_ bytes: WireBytes, of data: MetricDataView, head: inout PointHead) throws(WireError) {
        let point = try ExponentialHistogramDataPointView(bytes)
        try head.append(
            startTimeUnixNano: point.startTimeUnixNano, timeUnixNano: point.timeUnixNano, attributes: point.attributes)
        count.append(integer: point.count)
        sum.append(double: point.sum ?? 0)
        scale.append(signed: point.scale)
        zeroCount.append(integer: point.zeroCount)
        let positive = try BucketsView(point.positive)
        positiveOffset.append(signed: positive.offset)
        try positiveBucketCounts.appendRow(integers: positive.bucketCounts)
        let negative = try BucketsView(point.negative)
        negativeOffset.append(signed: negative.offset)
        try negativeBucketCounts.appendRow(integers: negative.bucketCounts)
        try exemplars.appendRow(point.exemplars, scratch: &head.scratch)
        flags.append(integer: UInt64(point.flags))
        min.append(double: point.min ?? 0)
        max.append(double: point.max ?? 0)
        aggregationTemporality.append(signed: data.aggregationTemporality)
    }
}

struct SummaryPoints: PointColumns, ~Copyable {
    private var count = NumberColumn()
    private var sum = NumberColumn()
    private var quantiles = ArrayColumn(of: NumberColumn())
    private var values = ArrayColumn(of: NumberColumn())
    private var flags = NumberColumn()

    static var metricField: UInt32 { MetricField.summary }

    mutating func visit<Visitor: ColumnVisitor & ~Copyable>(_ visitor: inout Visitor) throws(ClickHouseError) {
        try visitor.visit("Count", &count)
        try visitor.visit("Sum", &sum)
        try visitor.visit("ValueAtQuantiles.Quantile", &quantiles)
        try visitor.visit("ValueAtQuantiles.Value", &values)
        try visitor.visit("Flags", &flags)
    }

    mutating func append(_ bytes: WireBytes, of data: MetricDataView, head: inout PointHead) throws(WireError) {
        let point = try SummaryDataPointView(bytes)
        try head.append(
            startTimeUnixNano: point.startTimeUnixNano, timeUnixNano: point.timeUnixNano, attributes: point.attributes)
        count.append(integer: point.count)
        sum.append(double: point.sum)
        var quantileValues = point.quantileValues
        while let next = try quantileValues.next() {
            let quantileValue = try ValueAtQuantileView(next)
            quantiles.elements.append(double: quantileValue.quantile)
            values.elements.append(double: quantileValue.value)
        }
        quantiles.endRow()
        values.endRow()
        flags.append(integer: UInt64(point.flags))
    }
}
