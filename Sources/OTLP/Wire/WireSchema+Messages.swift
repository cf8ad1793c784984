extension Signal {
    /// The export request of this signal.
    var requestType: MessageType {
        switch self {
        case .traces: .tracesRequest
        case .logs: .logsRequest
        case .metrics: .metricsRequest
        }
    }
}

extension MessageType {
    /// What a resource envelope holds in its scopes; nil for all other messages.
    var scopesType: MessageType? {
        switch self {
        case .resourceSpans: .scopeSpans
        case .resourceLogs: .scopeLogs
        case .resourceMetrics: .scopeMetrics
        default: nil
        }
    }

    /// The message's known fields.
    var rules: [FieldRule] {
        switch self {
        case .tracesRequest: MessageType.request(of: .resourceSpans)
        case .resourceSpans: MessageType.resourceEnvelope(of: .scopeSpans)
        case .scopeSpans: MessageType.scopeEnvelope(of: .span, isItem: true)
        case .span: MessageType.spanRules
        case .spanEvent: MessageType.spanEventRules
        case .spanLink: MessageType.spanLinkRules
        case .status: MessageType.statusRules
        case .logsRequest: MessageType.request(of: .resourceLogs)
        case .resourceLogs: MessageType.resourceEnvelope(of: .scopeLogs)
        case .scopeLogs: MessageType.scopeEnvelope(of: .logRecord, isItem: true)
        case .logRecord: MessageType.logRecordRules
        case .metricsRequest: MessageType.request(of: .resourceMetrics)
        case .resourceMetrics: MessageType.resourceEnvelope(of: .scopeMetrics)
        case .scopeMetrics: MessageType.scopeEnvelope(of: .metric, isItem: false)
        case .metric: MessageType.metricRules
        case .gauge: MessageType.metricData(of: .numberDataPoint, hasTemporality: false)
        case .sum: MessageType.metricData(of: .numberDataPoint) + [FieldRule(MetricDataField.isMonotonic, .varint)]
        case .histogram: MessageType.metricData(of: .histogramDataPoint)
        case .exponentialHistogram: MessageType.metricData(of: .exponentialHistogramDataPoint)
        case .summary: MessageType.metricData(of: .summaryDataPoint, hasTemporality: false)
        case .numberDataPoint: MessageType.numberDataPointRules
        case .histogramDataPoint: MessageType.histogramDataPointRules
        case .exponentialHistogramDataPoint: MessageType.exponentialHistogramDataPointRules
        case .buckets: MessageType.bucketsRules
        case .summaryDataPoint: MessageType.summaryDataPointRules
        case .valueAtQuantile: MessageType.valueAtQuantileRules
        case .exemplar: MessageType.exemplarRules
        case .resource: MessageType.resourceRules
        case .scope: MessageType.scopeRules
        case .entityRef: MessageType.entityRefRules
        case .keyValue: MessageType.keyValueRules
        case .anyValue: MessageType.anyValueRules
        case .arrayValue: [FieldRule(ArrayValueField.values, .message(.anyValue), .repeated)]
        case .keyValueList: [FieldRule(KeyValueListField.values, .message(.keyValue), .repeated)]
        }
    }

    private static func request(of envelope: MessageType) -> [FieldRule] {
        [FieldRule(ExportServiceRequestField.resources, .message(envelope), .repeated)]
    }

    private static func resourceEnvelope(of scopes: MessageType) -> [FieldRule] {
        [
            FieldRule(ResourceEnvelopeField.resource, .message(.resource), .onceBefore(ResourceEnvelopeField.scopes)),
            FieldRule(ResourceEnvelopeField.scopes, .message(scopes), .repeated),
            FieldRule(ResourceEnvelopeField.schemaURL, .bytes),
        ]
    }

    private static func scopeEnvelope(of items: MessageType, isItem: Bool) -> [FieldRule] {
        [
            FieldRule(ScopeEnvelopeField.scope, .message(.scope), .onceBefore(ScopeEnvelopeField.items)),
            FieldRule(ScopeEnvelopeField.items, .message(items), .repeated, isItem: isItem),
            FieldRule(ScopeEnvelopeField.schemaURL, .bytes),
        ]
    }

    private static func metricData(of points: MessageType, hasTemporality: Bool = true) -> [FieldRule] {
        let dataPoints = FieldRule(MetricDataField.dataPoints, .message(points), .repeated, isItem: true)
        return hasTemporality ? [dataPoints, FieldRule(MetricDataField.aggregationTemporality, .varint)] : [dataPoints]
    }
}

// Common messages.
extension MessageType {
    private static let resourceRules = [
        FieldRule(ResourceField.attributes, .message(.keyValue), .repeated),
        FieldRule(ResourceField.droppedAttributesCount, .varint),
        FieldRule(ResourceField.entityRefs, .message(.entityRef), .repeated),
    ]

    private static let scopeRules = [
        FieldRule(InstrumentationScopeField.name, .bytes),
        FieldRule(InstrumentationScopeField.version, .bytes),
        FieldRule(InstrumentationScopeField.attributes, .message(.keyValue), .repeated),
        FieldRule(InstrumentationScopeField.droppedAttributesCount, .varint),
    ]

    private static let entityRefRules = [
        FieldRule(EntityRefField.schemaURL, .bytes),
        FieldRule(EntityRefField.type, .bytes),
        FieldRule(EntityRefField.idKeys, .bytes, .repeated),
        FieldRule(EntityRefField.descriptionKeys, .bytes, .repeated),
    ]

    private static let keyValueRules = [
        FieldRule(KeyValueField.key, .bytes, .onceBefore(KeyValueField.value)),
        FieldRule(KeyValueField.value, .message(.anyValue)),
        FieldRule(KeyValueField.keyStrindex, .varint),
    ]

    private static let anyValueRules = [
        FieldRule(AnyValueField.stringValue, .bytes, .oneof),
        FieldRule(AnyValueField.boolValue, .varint, .oneof),
        FieldRule(AnyValueField.intValue, .varint, .oneof),
        FieldRule(AnyValueField.doubleValue, .fixed64, .oneof),
        FieldRule(AnyValueField.arrayValue, .message(.arrayValue), .oneof),
        FieldRule(AnyValueField.kvlistValue, .message(.keyValueList), .oneof),
        FieldRule(AnyValueField.bytesValue, .bytes, .oneof),
        FieldRule(AnyValueField.stringValueStrindex, .varint, .oneof),
    ]
}

// Traces and logs.
extension MessageType {
    private static let spanRules = [
        FieldRule(SpanField.traceID, .traceID),
        FieldRule(SpanField.spanID, .spanID),
        FieldRule(SpanField.traceState, .bytes),
        FieldRule(SpanField.parentSpanID, .spanID),
        FieldRule(SpanField.name, .bytes),
        FieldRule(SpanField.kind, .varint),
        FieldRule(SpanField.startTimeUnixNano, .fixed64),
        FieldRule(SpanField.endTimeUnixNano, .fixed64),
        FieldRule(SpanField.attributes, .message(.keyValue), .repeated),
        FieldRule(SpanField.droppedAttributesCount, .varint),
        FieldRule(SpanField.events, .message(.spanEvent), .repeated),
        FieldRule(SpanField.droppedEventsCount, .varint),
        FieldRule(SpanField.links, .message(.spanLink), .repeated),
        FieldRule(SpanField.droppedLinksCount, .varint),
        FieldRule(SpanField.status, .message(.status)),
        FieldRule(SpanField.flags, .fixed32),
    ]

    private static let spanEventRules = [
        FieldRule(SpanEventField.timeUnixNano, .fixed64),
        FieldRule(SpanEventField.name, .bytes),
        FieldRule(SpanEventField.attributes, .message(.keyValue), .repeated),
        FieldRule(SpanEventField.droppedAttributesCount, .varint),
    ]

    private static let spanLinkRules = [
        FieldRule(SpanLinkField.traceID, .traceID),
        FieldRule(SpanLinkField.spanID, .spanID),
        FieldRule(SpanLinkField.traceState, .bytes),
        FieldRule(SpanLinkField.attributes, .message(.keyValue), .repeated),
        FieldRule(SpanLinkField.droppedAttributesCount, .varint),
        FieldRule(SpanLinkField.flags, .fixed32),
    ]

    private static let statusRules = [FieldRule(StatusField.message, .bytes), FieldRule(StatusField.code, .varint)]

    private static let logRecordRules = [
        FieldRule(LogRecordField.timeUnixNano, .fixed64),
        FieldRule(LogRecordField.severityNumber, .varint),
        FieldRule(LogRecordField.severityText, .bytes),
        FieldRule(LogRecordField.body, .message(.anyValue)),
        FieldRule(LogRecordField.attributes, .message(.keyValue), .repeated),
        FieldRule(LogRecordField.droppedAttributesCount, .varint),
        FieldRule(LogRecordField.flags, .fixed32),
        FieldRule(LogRecordField.traceID, .traceID),
        FieldRule(LogRecordField.spanID, .spanID),
        FieldRule(LogRecordField.observedTimeUnixNano, .fixed64),
        FieldRule(LogRecordField.eventName, .bytes),
    ]
}

// Metrics.
extension MessageType {
    private static let metricRules = [
        FieldRule(MetricField.name, .bytes),
        FieldRule(MetricField.description, .bytes),
        FieldRule(MetricField.unit, .bytes),
        FieldRule(MetricField.gauge, .message(.gauge), .oneof),
        FieldRule(MetricField.sum, .message(.sum), .oneof),
        FieldRule(MetricField.histogram, .message(.histogram), .oneof),
        FieldRule(MetricField.exponentialHistogram, .message(.exponentialHistogram), .oneof),
        FieldRule(MetricField.summary, .message(.summary), .oneof),
        FieldRule(MetricField.metadata, .message(.keyValue), .repeated),
    ]

    private static let numberDataPointRules = [
        FieldRule(NumberDataPointField.startTimeUnixNano, .fixed64),
        FieldRule(NumberDataPointField.timeUnixNano, .fixed64),
        FieldRule(NumberDataPointField.asDouble, .fixed64, .oneof),
        FieldRule(NumberDataPointField.asInt, .fixed64, .oneof),
        FieldRule(NumberDataPointField.exemplars, .message(.exemplar), .repeated),
        FieldRule(NumberDataPointField.attributes, .message(.keyValue), .repeated),
        FieldRule(NumberDataPointField.flags, .varint),
    ]

    private static let histogramDataPointRules = [
        FieldRule(HistogramDataPointField.startTimeUnixNano, .fixed64),
        FieldRule(HistogramDataPointField.timeUnixNano, .fixed64),
        FieldRule(HistogramDataPointField.count, .fixed64),
        FieldRule(HistogramDataPointField.sum, .fixed64),
        FieldRule(HistogramDataPointField.bucketCounts, .fixed64s, .repeated),
        FieldRule(HistogramDataPointField.explicitBounds, .fixed64s, .repeated),
        FieldRule(HistogramDataPointField.exemplars, .message(.exemplar), .repeated),
        FieldRule(HistogramDataPointField.attributes, .message(.keyValue), .repeated),
        FieldRule(HistogramDataPointField.flags, .varint),
        FieldRule(HistogramDataPointField.min, .fixed64),
        FieldRule(HistogramDataPointField.max, .fixed64),
    ]

    private static let exponentialHistogramDataPointRules = [
        FieldRule(ExponentialHistogramDataPointField.attributes, .message(.keyValue), .repeated),
        FieldRule(ExponentialHistogramDataPointField.startTimeUnixNano, .fixed64),
        FieldRule(ExponentialHistogramDataPointField.timeUnixNano, .fixed64),
        FieldRule(ExponentialHistogramDataPointField.count, .fixed64),
        FieldRule(ExponentialHistogramDataPointField.sum, .fixed64),
        FieldRule(ExponentialHistogramDataPointField.scale, .varint),
        FieldRule(ExponentialHistogramDataPointField.zeroCount, .fixed64),
        FieldRule(ExponentialHistogramDataPointField.positive, .message(.buckets)),
        FieldRule(ExponentialHistogramDataPointField.negative, .message(.buckets)),
        FieldRule(ExponentialHistogramDataPointField.flags, .varint),
        FieldRule(ExponentialHistogramDataPointField.exemplars, .message(.exemplar), .repeated),
        FieldRule(ExponentialHistogramDataPointField.min, .fixed64),
        FieldRule(ExponentialHistogramDataPointField.max, .fixed64),
        FieldRule(ExponentialHistogramDataPointField.zeroThreshold, .fixed64),
    ]

    private static let bucketsRules = [
        FieldRule(BucketsField.offset, .varint), FieldRule(BucketsField.bucketCounts, .varints, .repeated),
    ]

    private static let summaryDataPointRules = [
        FieldRule(SummaryDataPointField.startTimeUnixNano, .fixed64),
        FieldRule(SummaryDataPointField.timeUnixNano, .fixed64),
        FieldRule(SummaryDataPointField.count, .fixed64),
        FieldRule(SummaryDataPointField.sum, .fixed64),
        FieldRule(SummaryDataPointField.quantileValues, .message(.valueAtQuantile), .repeated),
        FieldRule(SummaryDataPointField.attributes, .message(.keyValue), .repeated),
        FieldRule(SummaryDataPointField.flags, .varint),
    ]

    private static let valueAtQuantileRules = [
        FieldRule(ValueAtQuantileField.quantile, .fixed64), FieldRule(ValueAtQuantileField.value, .fixed64),
    ]

    private static let exemplarRules = [
        FieldRule(ExemplarField.timeUnixNano, .fixed64),
        FieldRule(ExemplarField.asDouble, .fixed64, .oneof),
        FieldRule(ExemplarField.asInt, .fixed64, .oneof),
        FieldRule(ExemplarField.spanID, .spanID),
        FieldRule(ExemplarField.traceID, .traceID),
        FieldRule(ExemplarField.filteredAttributes, .message(.keyValue), .repeated),
    ]
}
