// Field numbers of opentelemetry.proto.metrics.v1.
// Computed properties rather than constants, so that other modules switch over them without a call.

/// Field numbers of ResourceMetrics: the metrics of one resource.
@frozen
public enum ResourceMetricsField {
    @inlinable public static var resource: UInt32 { 1 }
    @inlinable public static var scopeMetrics: UInt32 { 2 }
    @inlinable public static var schemaURL: UInt32 { 3 }
}

/// Field numbers of ScopeMetrics: the metrics of one scope.
@frozen
public enum ScopeMetricsField {
    @inlinable public static var scope: UInt32 { 1 }
    @inlinable public static var metrics: UInt32 { 2 }
    @inlinable public static var schemaURL: UInt32 { 3 }
}

/// Field numbers of Metric: one metric; its data is a oneof.
@frozen
public enum MetricField {
    @inlinable public static var name: UInt32 { 1 }
    @inlinable public static var description: UInt32 { 2 }
    @inlinable public static var unit: UInt32 { 3 }
    @inlinable public static var gauge: UInt32 { 5 }
    @inlinable public static var sum: UInt32 { 7 }
    @inlinable public static var histogram: UInt32 { 9 }
    @inlinable public static var exponentialHistogram: UInt32 { 10 }
    @inlinable public static var summary: UInt32 { 11 }
    @inlinable public static var metadata: UInt32 { 12 }
}

/// Field numbers of what Gauge, Sum, Histogram, ExponentialHistogram and Summary have in common.
@frozen
public enum MetricDataField {
    @inlinable public static var dataPoints: UInt32 { 1 }
    @inlinable public static var aggregationTemporality: UInt32 { 2 }
    @inlinable public static var isMonotonic: UInt32 { 3 }
}

/// Field numbers of NumberDataPoint: a point of a gauge or sum.
@frozen
public enum NumberDataPointField {
    @inlinable public static var startTimeUnixNano: UInt32 { 2 }
    @inlinable public static var timeUnixNano: UInt32 { 3 }
    @inlinable public static var asDouble: UInt32 { 4 }
    @inlinable public static var exemplars: UInt32 { 5 }
    @inlinable public static var asInt: UInt32 { 6 }
    @inlinable public static var attributes: UInt32 { 7 }
    @inlinable public static var flags: UInt32 { 8 }
}

/// Field numbers of HistogramDataPoint: a point of a histogram.
@frozen
public enum HistogramDataPointField {
    @inlinable public static var startTimeUnixNano: UInt32 { 2 }
    @inlinable public static var timeUnixNano: UInt32 { 3 }
    @inlinable public static var count: UInt32 { 4 }
    @inlinable public static var sum: UInt32 { 5 }
    @inlinable public static var bucketCounts: UInt32 { 6 }
    @inlinable public static var explicitBounds: UInt32 { 7 }
    @inlinable public static var exemplars: UInt32 { 8 }
    @inlinable public static var attributes: UInt32 { 9 }
    @inlinable public static var flags: UInt32 { 10 }
    @inlinable public static var min: UInt32 { 11 }
    @inlinable public static var max: UInt32 { 12 }
}

/// Field numbers of ExponentialHistogramDataPoint: a point of an exponential histogram.
@frozen
public enum ExponentialHistogramDataPointField {
    @inlinable public static var attributes: UInt32 { 1 }
    @inlinable public static var startTimeUnixNano: UInt32 { 2 }
    @inlinable public static var timeUnixNano: UInt32 { 3 }
    @inlinable public static var count: UInt32 { 4 }
    @inlinable public static var sum: UInt32 { 5 }
    @inlinable public static var scale: UInt32 { 6 }
    @inlinable public static var zeroCount: UInt32 { 7 }
    @inlinable public static var positive: UInt32 { 8 }
    @inlinable public static var negative: UInt32 { 9 }
    @inlinable public static var flags: UInt32 { 10 }
    @inlinable public static var exemplars: UInt32 { 11 }
    @inlinable public static var min: UInt32 { 12 }
    @inlinable public static var max: UInt32 { 13 }
    @inlinable public static var zeroThreshold: UInt32 { 14 }
}

/// Field numbers of Buckets: ExponentialHistogramDataPoint.Buckets.
@frozen
public enum BucketsField {
    @inlinable public static var offset: UInt32 { 1 }
    @inlinable public static var bucketCounts: UInt32 { 2 }
}

/// Field numbers of SummaryDataPoint: a point of a summary.
@frozen
public enum SummaryDataPointField {
    @inlinable public static var startTimeUnixNano: UInt32 { 2 }
    @inlinable public static var timeUnixNano: UInt32 { 3 }
    @inlinable public static var count: UInt32 { 4 }
    @inlinable public static var sum: UInt32 { 5 }
    @inlinable public static var quantileValues: UInt32 { 6 }
    @inlinable public static var attributes: UInt32 { 7 }
    @inlinable public static var flags: UInt32 { 8 }
}

/// Field numbers of ValueAtQuantile: SummaryDataPoint.ValueAtQuantile.
@frozen
public enum ValueAtQuantileField {
    @inlinable public static var quantile: UInt32 { 1 }
    @inlinable public static var value: UInt32 { 2 }
}

/// Field numbers of Exemplar: a sample measurement behind a point.
@frozen
public enum ExemplarField {
    @inlinable public static var timeUnixNano: UInt32 { 2 }
    @inlinable public static var asDouble: UInt32 { 3 }
    @inlinable public static var spanID: UInt32 { 4 }
    @inlinable public static var traceID: UInt32 { 5 }
    @inlinable public static var asInt: UInt32 { 6 }
    @inlinable public static var filteredAttributes: UInt32 { 7 }
}
