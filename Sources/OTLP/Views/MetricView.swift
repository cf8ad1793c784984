/// The value of a number data point or an exemplar.
@frozen
public enum NumberValue: Hashable, Sendable {
    case int(Int64)
    case double(Double)
}

/// One metric. Borrowed, as `WireBytes`.
@safe @frozen
public struct MetricView {
    /// The kinds of metric.
    @safe @frozen
    public enum Data {
        /// No data, or of a kind unknown here.
        case none
        case gauge(MetricDataView)
        case sum(MetricDataView)
        case histogram(MetricDataView)
        case exponentialHistogram(MetricDataView)
        case summary(MetricDataView)
    }

    /// The whole message.
    public let bytes: WireBytes
    public var name: WireBytes = .empty
    public var description: WireBytes = .empty
    public var unit: WireBytes = .empty
    public var data: Data = .none

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        self.bytes = bytes
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case MetricField.name: name = try field.payload()
            case MetricField.description: description = try field.payload()
            case MetricField.unit: unit = try field.payload()
            case MetricField.gauge: data = .gauge(try MetricDataView(try field.payload()))
            case MetricField.sum: data = .sum(try MetricDataView(try field.payload()))
            case MetricField.histogram: data = .histogram(try MetricDataView(try field.payload()))
            case MetricField.exponentialHistogram:
                data = .exponentialHistogram(try MetricDataView(try field.payload()))
            case MetricField.summary: data = .summary(try MetricDataView(try field.payload()))
            default: continue
            }
        }
    }

    /// Payloads for `KeyValueView`.
    @inlinable public var metadata: RepeatedField { RepeatedField(bytes, MetricField.metadata) }
}

/// A Gauge, Sum, Histogram, ExponentialHistogram or Summary. Borrowed, as `WireBytes`.
@safe @frozen
public struct MetricDataView {
    /// The whole message.
    public let bytes: WireBytes
    /// AggregationTemporality: 0 unspecified, 1 delta, 2 cumulative. Gauges and summaries have none.
    public var aggregationTemporality: Int32 = 0
    /// Only sums can be monotonic.
    public var isMonotonic: Bool = false

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        self.bytes = bytes
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            // By type as well as number: in a gauge and a summary these numbers are unknown fields.
            guard field.type == .varint else { continue }
            switch field.number {
            case MetricDataField.aggregationTemporality:
                aggregationTemporality = Int32(truncatingIfNeeded: field.value)
            case MetricDataField.isMonotonic: isMonotonic = field.value != 0
            default: continue
            }
        }
    }

    /// Payloads for `NumberDataPointView` (gauge, sum), `HistogramDataPointView`, `ExponentialHistogramDataPointView`
    /// or `SummaryDataPointView`.
    @inlinable public var dataPoints: RepeatedField { RepeatedField(bytes, MetricDataField.dataPoints) }
}
