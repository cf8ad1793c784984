// Field numbers of opentelemetry.proto.metrics.v1.
// Computed properties rather than constants, so that other modules switch over them without a call.

/// Field numbers of ResourceMetrics: the metrics of one resource.
@frozen
package enum ResourceMetricsField {
    @inlinable package static var resource: UInt32 { 1 }
    @inlinable package static var scopeMetrics: UInt32 { 2 }
    @inlinable package static var schemaURL: UInt32 { 3 }
}

/// Field numbers of ScopeMetrics: the metrics of one scope.
@frozen
package enum ScopeMetricsField {
    @inlinable package static var scope: UInt32 { 1 }
    @inlinable package static var metrics: UInt32 { 2 }
    @inlinable package static var schemaURL: UInt32 { 3 }
}

/// Field numbers of Metric: one metric; its data is a oneof.
@frozen
package enum MetricField {
    @inlinable package static var name: UInt32 { 1 }
    @inlinable package static var description: UInt32 { 2 }
    @inlinable package static var unit: UInt32 { 3 }
    @inlinable package static var gauge: UInt32 { 5 }
    @inlinable package static var sum: UInt32 { 7 }
    @inlinable package static var histogram: UInt32 { 9 }
    @inlinable package static var exponentialHistogram: UInt32 { 10 }
    @inlinable package static var summary: UInt32 { 11 }
    @inlinable package static var metadata: UInt32 { 12 }
}

/// Field numbers of what Gauge, Sum, Histogram, ExponentialHistogram and Summary have in common.
@frozen
package enum MetricDataField {
    @inlinable package static var dataPoints: UInt32 { 1 }
    @inlinable package static var aggregationTemporality: UInt32 { 2 }
    @inlinable package static var isMonotonic: UInt32 { 3 }
}

/// Field numbers of NumberDataPoint: a point of a gauge or sum.
@frozen
package enum NumberDataPointField {
    @inlinable package static var startTimeUnixNano: UInt32 { 2 }
    @inlinable package static var timeUnixNano: UInt32 { 3 }
    @inlinable package static var asDouble: UInt32 { 4 }
    @inlinable package static var exemplars: UInt32 { 5 }
    @inlinable package static var asInt: UInt32 { 6 }
    @inlinable package static var attributes: UInt32 { 7 }
    @inlinable package static var flags: UInt32 { 8 }
}

/// Field numbers of HistogramDataPoint: a point of a histogram.
@frozen
package enum HistogramDataPointField {
    @inlinable package static var startTimeUnixNano: UInt32 { 2 }
    @inlinable package static var timeUnixNano: UInt32 { 3 }
    @inlinable package static var count: UInt32 { 4 }
    @inlinable package static var sum: UInt32 { 5 }
    @inlinable package static var bucketCounts: UInt32 { 6 }
    @inlinable package static var explicitBounds: UInt32 { 7 }
    @inlinable package static var exemplars: UInt32 { 8 }
    @inlinable package static var attributes: UInt32 { 9 }
    @inlinable package static var flags: UInt32 { 10 }
    @inlinable package static var min: UInt32 { 11 }
    @inlinable package static var max: UInt32 { 12 }
}

/// Field numbers of ExponentialHistogramDataPoint: a point of an exponential histogram.
@frozen
package enum ExponentialHistogramDataPointField {
    @inlinable package static var attributes: UInt32 { 1 }
    @inlinable package static var startTimeUnixNano: UInt32 { 2 }
    @inlinable package static var timeUnixNano: UInt32 { 3 }
    @inlinable package static var count: UInt32 { 4 }
    @inlinable package static var sum: UInt32 { 5 }
    @inlinable package static var scale: UInt32 { 6 }
    @inlinable package static var zeroCount: UInt32 { 7 }
    @inlinable package static var positive: UInt32 { 8 }
    @inlinable package static var negative: UInt32 { 9 }
    @inlinable package static var flags: UInt32 { 10 }
    @inlinable package static var exemplars: UInt32 { 11 }
    @inlinable package static var min: UInt32 { 12 }
    @inlinable package static var max: UInt32 { 13 }
    @inlinable package static var zeroThreshold: UInt32 { 14 }
}

/// Field numbers of Buckets: ExponentialHistogramDataPoint.Buckets.
@frozen
package enum BucketsField {
    @inlinable package static var offset: UInt32 { 1 }
    @inlinable package static var bucketCounts: UInt32 { 2 }
}

/// Field numbers of SummaryDataPoint: a point of a summary.
@frozen
package enum SummaryDataPointField {
    @inlinable package static var startTimeUnixNano: UInt32 { 2 }
    @inlinable package static var timeUnixNano: UInt32 { 3 }
    @inlinable package static var count: UInt32 { 4 }
    @inlinable package static var sum: UInt32 { 5 }
    @inlinable package static var quantileValues: UInt32 { 6 }
    @inlinable package static var attributes: UInt32 { 7 }
    @inlinable package static var flags: UInt32 { 8 }
}

/// Field numbers of ValueAtQuantile: SummaryDataPoint.ValueAtQuantile.
@frozen
package enum ValueAtQuantileField {
    @inlinable package static var quantile: UInt32 { 1 }
    @inlinable package static var value: UInt32 { 2 }
}

/// Field numbers of Exemplar: a sample measurement behind a point.
@frozen
package enum ExemplarField {
    @inlinable package static var timeUnixNano: UInt32 { 2 }
    @inlinable package static var asDouble: UInt32 { 3 }
    @inlinable package static var spanID: UInt32 { 4 }
    @inlinable package static var traceID: UInt32 { 5 }
    @inlinable package static var asInt: UInt32 { 6 }
    @inlinable package static var filteredAttributes: UInt32 { 7 }
}
