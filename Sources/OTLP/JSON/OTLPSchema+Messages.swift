// The fields of each message, in the order of the published .proto files.
extension OTLPSchema {
    static func fields(of message: MessageType) -> [FieldSchema] {
        switch message {
        case .tracesRequest: request(#""resourceSpans":"#, .resourceSpans)
        case .metricsRequest: request(#""resourceMetrics":"#, .resourceMetrics)
        case .logsRequest: request(#""resourceLogs":"#, .resourceLogs)
        case .resourceSpans: resourceEnvelope(#""scopeSpans":"#, .scopeSpans)
        case .resourceMetrics: resourceEnvelope(#""scopeMetrics":"#, .scopeMetrics)
        case .resourceLogs: resourceEnvelope(#""scopeLogs":"#, .scopeLogs)
        case .scopeSpans: scopeEnvelope(#""spans":"#, .span)
        case .scopeMetrics: scopeEnvelope(#""metrics":"#, .metric)
        case .scopeLogs: scopeEnvelope(#""logRecords":"#, .logRecord)
        case .resource: resource
        case .entityRef: entityRef
        case .scope: scope
        case .keyValue: keyValue
        case .anyValue: anyValue
        case .arrayValue: [.repeated(#""values":"#, ArrayValueField.values, .message(.anyValue))]
        case .keyValueList: [.repeated(#""values":"#, KeyValueListField.values, .message(.keyValue))]
        case .span: span
        case .spanEvent: spanEvent
        case .spanLink: spanLink
        case .status: status
        case .logRecord: logRecord
        case .metric: metric
        case .gauge, .summary: metricData(message)
        case .sum:
            metricData(message) + [temporality, FieldSchema(#""isMonotonic":"#, MetricDataField.isMonotonic, .bool)]
        case .histogram, .exponentialHistogram: metricData(message) + [temporality]
        case .numberDataPoint: numberDataPoint
        case .histogramDataPoint: histogramDataPoint
        case .exponentialHistogramDataPoint: exponentialHistogramDataPoint
        case .buckets: buckets
        case .summaryDataPoint: summaryDataPoint
        case .valueAtQuantile: valueAtQuantile
        case .exemplar: exemplar
        }
    }

    private static func request(_ key: StaticString, _ resource: MessageType) -> [FieldSchema] {
        [.repeated(key, ExportServiceRequestField.resources, .message(resource))]
    }

    private static func resourceEnvelope(_ scopesKey: StaticString, _ scopes: MessageType) -> [FieldSchema] {
        [
            FieldSchema(
                #""resource":"#, ResourceEnvelopeField.resource, .message(.resource), .always,
                before: ResourceEnvelopeField.scopes),
            .repeated(scopesKey, ResourceEnvelopeField.scopes, .message(scopes)),
            FieldSchema(#""schemaUrl":"#, ResourceEnvelopeField.schemaURL, .string),
        ]
    }

    private static func scopeEnvelope(_ itemsKey: StaticString, _ item: MessageType) -> [FieldSchema] {
        [
            FieldSchema(
                #""scope":"#, ScopeEnvelopeField.scope, .message(.scope), .always, before: ScopeEnvelopeField.items),
            .repeated(itemsKey, ScopeEnvelopeField.items, .message(item)),
            FieldSchema(#""schemaUrl":"#, ScopeEnvelopeField.schemaURL, .string),
        ]
    }

    private static let resource: [FieldSchema] = [
        .repeated(#""attributes":"#, ResourceField.attributes, .message(.keyValue)),
        FieldSchema(#""droppedAttributesCount":"#, ResourceField.droppedAttributesCount, .uint32),
        .repeated(#""entityRefs":"#, ResourceField.entityRefs, .message(.entityRef)),
    ]

    private static let entityRef: [FieldSchema] = [
        FieldSchema(#""schemaUrl":"#, EntityRefField.schemaURL, .string),
        FieldSchema(#""type":"#, EntityRefField.type, .string),
        .repeated(#""idKeys":"#, EntityRefField.idKeys, .string),
        .repeated(#""descriptionKeys":"#, EntityRefField.descriptionKeys, .string),
    ]

    private static let scope: [FieldSchema] = [
        FieldSchema(#""name":"#, InstrumentationScopeField.name, .string),
        FieldSchema(#""version":"#, InstrumentationScopeField.version, .string),
        .repeated(#""attributes":"#, InstrumentationScopeField.attributes, .message(.keyValue)),
        FieldSchema(#""droppedAttributesCount":"#, InstrumentationScopeField.droppedAttributesCount, .uint32),
    ]

    private static let keyValue: [FieldSchema] = [
        FieldSchema(#""key":"#, KeyValueField.key, .string, before: KeyValueField.value),
        .always(#""value":"#, KeyValueField.value, .message(.anyValue)),
    ]

    private static let anyValue: [FieldSchema] = {
        let members: [UInt32] = Array(AnyValueField.stringValue...AnyValueField.bytesValue)
        return [
            .member(of: members, #""stringValue":"#, AnyValueField.stringValue, .string),
            .member(of: members, #""boolValue":"#, AnyValueField.boolValue, .bool),
            .member(of: members, #""intValue":"#, AnyValueField.intValue, .int64),
            .member(of: members, #""doubleValue":"#, AnyValueField.doubleValue, .double),
            .member(of: members, #""arrayValue":"#, AnyValueField.arrayValue, .message(.arrayValue)),
            .member(of: members, #""kvlistValue":"#, AnyValueField.kvlistValue, .message(.keyValueList)),
            .member(of: members, #""bytesValue":"#, AnyValueField.bytesValue, .bytes),
        ]
    }()

    private static let span: [FieldSchema] = [
        .always(#""traceId":"#, SpanField.traceID, .traceID),
        .always(#""spanId":"#, SpanField.spanID, .spanID),
        FieldSchema(#""traceState":"#, SpanField.traceState, .string),
        .always(#""parentSpanId":"#, SpanField.parentSpanID, .spanID),
        FieldSchema(#""flags":"#, SpanField.flags, .fixed32),
        FieldSchema(#""name":"#, SpanField.name, .string),
        FieldSchema(#""kind":"#, SpanField.kind, .enumeration(.spanKind)),
        FieldSchema(#""startTimeUnixNano":"#, SpanField.startTimeUnixNano, .fixed64),
        FieldSchema(#""endTimeUnixNano":"#, SpanField.endTimeUnixNano, .fixed64),
        .repeated(#""attributes":"#, SpanField.attributes, .message(.keyValue)),
        FieldSchema(#""droppedAttributesCount":"#, SpanField.droppedAttributesCount, .uint32),
        .repeated(#""events":"#, SpanField.events, .message(.spanEvent)),
        FieldSchema(#""droppedEventsCount":"#, SpanField.droppedEventsCount, .uint32),
        .repeated(#""links":"#, SpanField.links, .message(.spanLink)),
        FieldSchema(#""droppedLinksCount":"#, SpanField.droppedLinksCount, .uint32),
        .always(#""status":"#, SpanField.status, .message(.status)),
    ]

    private static let spanEvent: [FieldSchema] = [
        FieldSchema(#""timeUnixNano":"#, SpanEventField.timeUnixNano, .fixed64),
        FieldSchema(#""name":"#, SpanEventField.name, .string),
        .repeated(#""attributes":"#, SpanEventField.attributes, .message(.keyValue)),
        FieldSchema(#""droppedAttributesCount":"#, SpanEventField.droppedAttributesCount, .uint32),
    ]

    private static let spanLink: [FieldSchema] = [
        .always(#""traceId":"#, SpanLinkField.traceID, .traceID),
        .always(#""spanId":"#, SpanLinkField.spanID, .spanID),
        FieldSchema(#""traceState":"#, SpanLinkField.traceState, .string),
        .repeated(#""attributes":"#, SpanLinkField.attributes, .message(.keyValue)),
        FieldSchema(#""droppedAttributesCount":"#, SpanLinkField.droppedAttributesCount, .uint32),
        FieldSchema(#""flags":"#, SpanLinkField.flags, .fixed32),
    ]

    private static let status: [FieldSchema] = [
        FieldSchema(#""message":"#, StatusField.message, .string),
        FieldSchema(#""code":"#, StatusField.code, .enumeration(.statusCode)),
    ]

    private static let logRecord: [FieldSchema] = [
        FieldSchema(#""timeUnixNano":"#, LogRecordField.timeUnixNano, .fixed64),
        FieldSchema(#""observedTimeUnixNano":"#, LogRecordField.observedTimeUnixNano, .fixed64),
        FieldSchema(#""severityNumber":"#, LogRecordField.severityNumber, .enumeration(.severityNumber)),
        FieldSchema(#""severityText":"#, LogRecordField.severityText, .string),
        .always(#""body":"#, LogRecordField.body, .message(.anyValue)),
        .repeated(#""attributes":"#, LogRecordField.attributes, .message(.keyValue)),
        FieldSchema(#""droppedAttributesCount":"#, LogRecordField.droppedAttributesCount, .uint32),
        FieldSchema(#""flags":"#, LogRecordField.flags, .fixed32),
        .always(#""traceId":"#, LogRecordField.traceID, .traceID),
        .always(#""spanId":"#, LogRecordField.spanID, .spanID),
        FieldSchema(#""eventName":"#, LogRecordField.eventName, .string),
    ]
}
