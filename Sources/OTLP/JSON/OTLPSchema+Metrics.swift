// The messages of metrics, in the order of the published metrics.proto.
extension OTLPSchema {
    static let metric: [FieldSchema] = {
        let members = [
            MetricField.gauge, MetricField.sum, MetricField.histogram, MetricField.exponentialHistogram,
            MetricField.summary,
        ]
        return [
            FieldSchema(#""name":"#, MetricField.name, .string),
            FieldSchema(#""description":"#, MetricField.description, .string),
            FieldSchema(#""unit":"#, MetricField.unit, .string),
            .member(of: members, #""gauge":"#, MetricField.gauge, .message(.gauge)),
            .member(of: members, #""sum":"#, MetricField.sum, .message(.sum)),
            .member(of: members, #""histogram":"#, MetricField.histogram, .message(.histogram)),
            .member(
                of: members, #""exponentialHistogram":"#, MetricField.exponentialHistogram,
                .message(.exponentialHistogram)),
            .member(of: members, #""summary":"#, MetricField.summary, .message(.summary)),
            .repeated(#""metadata":"#, MetricField.metadata, .message(.keyValue)),
        ]
    }()

    /// The data points of a gauge, sum, histogram, exponential histogram or summary.
    static func metricData(_ message: MessageType) -> [FieldSchema] {
        let point: MessageType =
            switch message {
            case .histogram: .histogramDataPoint
            case .exponentialHistogram: .exponentialHistogramDataPoint
            case .summary: .summaryDataPoint
            default: .numberDataPoint
            }
        return [.repeated(#""dataPoints":"#, MetricDataField.dataPoints, .message(point))]
    }

    static let temporality = FieldSchema(
        #""aggregationTemporality":"#, MetricDataField.aggregationTemporality, .enumeration(.aggregationTemporality))

    static let numberDataPoint: [FieldSchema] = {
        let members = [NumberDataPointField.asDouble, NumberDataPointField.asInt]
        return [
            .repeated(#""attributes":"#, NumberDataPointField.attributes, .message(.keyValue)),
            FieldSchema(#""startTimeUnixNano":"#, NumberDataPointField.startTimeUnixNano, .fixed64),
            FieldSchema(#""timeUnixNano":"#, NumberDataPointField.timeUnixNano, .fixed64),
            .member(of: members, #""asDouble":"#, NumberDataPointField.asDouble, .double),
            .member(of: members, #""asInt":"#, NumberDataPointField.asInt, .sfixed64),
            .repeated(#""exemplars":"#, NumberDataPointField.exemplars, .message(.exemplar)),
            FieldSchema(#""flags":"#, NumberDataPointField.flags, .uint32),
        ]
    }()

    static let histogramDataPoint: [FieldSchema] = [
        .repeated(#""attributes":"#, HistogramDataPointField.attributes, .message(.keyValue)),
        FieldSchema(#""startTimeUnixNano":"#, HistogramDataPointField.startTimeUnixNano, .fixed64),
        FieldSchema(#""timeUnixNano":"#, HistogramDataPointField.timeUnixNano, .fixed64),
        FieldSchema(#""count":"#, HistogramDataPointField.count, .fixed64),
        .optional(#""sum":"#, HistogramDataPointField.sum, .double),
        .repeated(#""bucketCounts":"#, HistogramDataPointField.bucketCounts, .fixed64),
        .repeated(#""explicitBounds":"#, HistogramDataPointField.explicitBounds, .double),
        .repeated(#""exemplars":"#, HistogramDataPointField.exemplars, .message(.exemplar)),
        FieldSchema(#""flags":"#, HistogramDataPointField.flags, .uint32),
        .optional(#""min":"#, HistogramDataPointField.min, .double),
        .optional(#""max":"#, HistogramDataPointField.max, .double),
    ]

    static let exponentialHistogramDataPoint: [FieldSchema] = [
        .repeated(#""attributes":"#, ExponentialHistogramDataPointField.attributes, .message(.keyValue)),
        FieldSchema(#""startTimeUnixNano":"#, ExponentialHistogramDataPointField.startTimeUnixNano, .fixed64),
        FieldSchema(#""timeUnixNano":"#, ExponentialHistogramDataPointField.timeUnixNano, .fixed64),
        FieldSchema(#""count":"#, ExponentialHistogramDataPointField.count, .fixed64),
        .optional(#""sum":"#, ExponentialHistogramDataPointField.sum, .double),
        FieldSchema(#""scale":"#, ExponentialHistogramDataPointField.scale, .sint32),
        FieldSchema(#""zeroCount":"#, ExponentialHistogramDataPointField.zeroCount, .fixed64),
        .always(#""positive":"#, ExponentialHistogramDataPointField.positive, .message(.buckets)),
        .always(#""negative":"#, ExponentialHistogramDataPointField.negative, .message(.buckets)),
        FieldSchema(#""flags":"#, ExponentialHistogramDataPointField.flags, .uint32),
        .repeated(#""exemplars":"#, ExponentialHistogramDataPointField.exemplars, .message(.exemplar)),
        .optional(#""min":"#, ExponentialHistogramDataPointField.min, .double),
        .optional(#""max":"#, ExponentialHistogramDataPointField.max, .double),
        FieldSchema(#""zeroThreshold":"#, ExponentialHistogramDataPointField.zeroThreshold, .double),
    ]

    static let buckets: [FieldSchema] = [
        FieldSchema(#""offset":"#, BucketsField.offset, .sint32),
        .repeated(#""bucketCounts":"#, BucketsField.bucketCounts, .uint64),
    ]

    static let summaryDataPoint: [FieldSchema] = [
        .repeated(#""attributes":"#, SummaryDataPointField.attributes, .message(.keyValue)),
        FieldSchema(#""startTimeUnixNano":"#, SummaryDataPointField.startTimeUnixNano, .fixed64),
        FieldSchema(#""timeUnixNano":"#, SummaryDataPointField.timeUnixNano, .fixed64),
        FieldSchema(#""count":"#, SummaryDataPointField.count, .fixed64),
        FieldSchema(#""sum":"#, SummaryDataPointField.sum, .double),
        .repeated(#""quantileValues":"#, SummaryDataPointField.quantileValues, .message(.valueAtQuantile)),
        FieldSchema(#""flags":"#, SummaryDataPointField.flags, .uint32),
    ]

    static let valueAtQuantile: [FieldSchema] = [
        FieldSchema(#""quantile":"#, ValueAtQuantileField.quantile, .double),
        FieldSchema(#""value":"#, ValueAtQuantileField.value, .double),
    ]

    static let exemplar: [FieldSchema] = {
        let members = [ExemplarField.asDouble, ExemplarField.asInt]
        return [
            .repeated(#""filteredAttributes":"#, ExemplarField.filteredAttributes, .message(.keyValue)),
            FieldSchema(#""timeUnixNano":"#, ExemplarField.timeUnixNano, .fixed64),
            .member(of: members, #""asDouble":"#, ExemplarField.asDouble, .double),
            .member(of: members, #""asInt":"#, ExemplarField.asInt, .sfixed64),
            .always(#""spanId":"#, ExemplarField.spanID, .spanID),
            .always(#""traceId":"#, ExemplarField.traceID, .traceID),
        ]
    }()
}
