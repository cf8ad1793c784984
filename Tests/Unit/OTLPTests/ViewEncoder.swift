import OTLP

/// Writes a request anew from what the views say of it, leaving out zeros and empties: a check on every one of their
/// properties, and a model of how they are used.
struct ViewEncoder: ~Copyable {
    private var writer = WireWriter()

    static func encode(_ request: WireBytes, _ signal: Signal) throws(WireError) -> [UInt8] {
        var encoder = ViewEncoder()
        try encoder.each(1, ExportServiceRequestView(request).resources) { (encoder, bytes) throws(WireError) in
            switch signal {
            case .traces: try encoder.resourceSpans(ResourceSpansView(bytes))
            case .logs: try encoder.resourceLogs(ResourceLogsView(bytes))
            case .metrics: try encoder.resourceMetrics(ResourceMetricsView(bytes))
            }
        }
        return encoder.writer.bytes
    }

    private mutating func each(
        _ number: UInt32, _ payloads: RepeatedField, _ body: (inout ViewEncoder, WireBytes) throws(WireError) -> Void
    ) throws(WireError) {
        var payloads = payloads
        while let payload = try payloads.next() { try message(number, payload, isRepeated: true, body) }
    }

    private mutating func message(
        _ number: UInt32, _ payload: WireBytes, isRepeated: Bool = false,
        _ body: (inout ViewEncoder, WireBytes) throws(WireError) -> Void
    ) throws(WireError) {
        let start = writer.count
        let mark = writer.beginMessage(number)
        let payloadStart = writer.count
        try body(&self, payload)
        let isEmpty = writer.count == payloadStart
        writer.endMessage(mark)
        if isEmpty && !isRepeated { writer.truncate(to: start) }
    }

    private mutating func bytes(_ number: UInt32, _ bytes: WireBytes) {
        if !bytes.isEmpty { writer.writeBytes(number, bytes) }
    }

    private mutating func varint(_ number: UInt32, _ value: some FixedWidthInteger) {
        if value != 0 { writer.writeVarint(number, UInt64(truncatingIfNeeded: Int64(value))) }
    }

    private mutating func zigzag(_ number: UInt32, _ value: Int32) {
        varint(number, UInt32(bitPattern: (value << 1) ^ (value >> 31)))
    }

    private mutating func fixed64(_ number: UInt32, _ value: UInt64) {
        if value != 0 { writer.writeFixed64(number, value) }
    }

    private mutating func fixed32(_ number: UInt32, _ value: UInt32) {
        if value != 0 { writer.writeFixed32(number, value) }
    }

    private mutating func optional(_ number: UInt32, _ value: Double?) {
        if let value { writer.writeDouble(number, value) }
    }

    private mutating func packed(_ number: UInt32, _ values: RepeatedNumbers, _ type: WireType) throws(WireError) {
        var values = values
        let start = writer.count
        let mark = writer.beginMessage(number)
        let payloadStart = writer.count
        while let value = try values.next() {
            if type == .varint { writer.writeVarint(value) } else { writer.writeFixed64(value) }
        }
        let isEmpty = writer.count == payloadStart
        writer.endMessage(mark)
        if isEmpty { writer.truncate(to: start) }
    }
}

// Common messages.
extension ViewEncoder {
    private mutating func resource(_ payload: WireBytes) throws(WireError) {
        try message(1, payload) { (encoder, payload) throws(WireError) in
            let resource = try ResourceView(payload)
            try encoder.attributes(1, resource.attributes)
            encoder.varint(2, resource.droppedAttributesCount)
            try encoder.each(3, resource.entityRefs) { (encoder, payload) throws(WireError) in
                let entityRef = try EntityRefView(payload)
                encoder.bytes(1, entityRef.schemaURL)
                encoder.bytes(2, entityRef.type)
                var keys = entityRef.idKeys
                while let key = try keys.next() { encoder.writer.writeBytes(3, key) }
                keys = entityRef.descriptionKeys
                while let key = try keys.next() { encoder.writer.writeBytes(4, key) }
            }
        }
    }

    private mutating func scope(_ payload: WireBytes) throws(WireError) {
        try message(1, payload) { (encoder, payload) throws(WireError) in
            let scope = try InstrumentationScopeView(payload)
            encoder.bytes(1, scope.name)
            encoder.bytes(2, scope.version)
            try encoder.attributes(3, scope.attributes)
            encoder.varint(4, scope.droppedAttributesCount)
        }
    }

    private mutating func attributes(_ number: UInt32, _ attributes: RepeatedField) throws(WireError) {
        try each(number, attributes) { (encoder, payload) throws(WireError) in
            let attribute = try KeyValueView(payload)
            encoder.bytes(1, attribute.key)
            try encoder.message(2, .empty) { (encoder, _) throws(WireError) in try encoder.value(attribute.value) }
        }
    }

    private mutating func value(_ value: AnyValueView) throws(WireError) {
        switch value {
        case .empty: break
        case .string(let text): writer.writeBytes(1, text)
        case .bool(let value): writer.writeVarint(2, value ? 1 : 0)
        case .int(let value): writer.writeVarint(3, UInt64(bitPattern: value))
        case .double(let value): writer.writeDouble(4, value)
        case .array(let array):
            try message(5, array, isRepeated: true) { (encoder, array) throws(WireError) in
                try encoder.each(1, AnyValueView.elements(of: array)) { (encoder, payload) throws(WireError) in
                    try encoder.value(AnyValueView(payload))
                }
            }
        case .keyValueList(let list):
            try message(6, list, isRepeated: true) { (encoder, list) throws(WireError) in
                try encoder.attributes(1, AnyValueView.entries(of: list))
            }
        case .bytes(let bytes): writer.writeBytes(7, bytes)
        case .stringIndex(let index): writer.writeVarint(8, UInt64(truncatingIfNeeded: index))
        }
    }
}

// Traces and logs.
extension ViewEncoder {
    private mutating func resourceSpans(_ envelope: ResourceSpansView) throws(WireError) {
        try resource(envelope.resource)
        try each(2, envelope.scopeSpans) { (encoder, payload) throws(WireError) in
            let envelope = try ScopeSpansView(payload)
            try encoder.scope(envelope.scope)
            try encoder.each(2, envelope.spans) { (encoder, payload) throws(WireError) in
                try encoder.span(SpanView(payload))
            }
            encoder.bytes(3, envelope.schemaURL)
        }
        bytes(3, envelope.schemaURL)
    }

    private mutating func span(_ span: SpanView) throws(WireError) {
        bytes(1, span.traceID)
        bytes(2, span.spanID)
        bytes(3, span.traceState)
        bytes(4, span.parentSpanID)
        bytes(5, span.name)
        varint(6, span.kind)
        fixed64(7, span.startTimeUnixNano)
        fixed64(8, span.endTimeUnixNano)
        try attributes(9, span.attributes)
        varint(10, span.droppedAttributesCount)
        try each(11, span.events) { (encoder, payload) throws(WireError) in
            let event = try SpanEventView(payload)
            encoder.fixed64(1, event.timeUnixNano)
            encoder.bytes(2, event.name)
            try encoder.attributes(3, event.attributes)
            encoder.varint(4, event.droppedAttributesCount)
        }
        varint(12, span.droppedEventsCount)
        try each(13, span.links) { (encoder, payload) throws(WireError) in
            let link = try SpanLinkView(payload)
            encoder.bytes(1, link.traceID)
            encoder.bytes(2, link.spanID)
            encoder.bytes(3, link.traceState)
            try encoder.attributes(4, link.attributes)
            encoder.varint(5, link.droppedAttributesCount)
            encoder.fixed32(6, link.flags)
        }
        varint(14, span.droppedLinksCount)
        try message(15, span.status) { (encoder, payload) throws(WireError) in
            let status = try StatusView(payload)
            encoder.bytes(2, status.message)
            encoder.varint(3, status.code)
        }
        fixed32(16, span.flags)
    }

    private mutating func resourceLogs(_ envelope: ResourceLogsView) throws(WireError) {
        try resource(envelope.resource)
        try each(2, envelope.scopeLogs) { (encoder, payload) throws(WireError) in
            let envelope = try ScopeLogsView(payload)
            try encoder.scope(envelope.scope)
            try encoder.each(2, envelope.logRecords) { (encoder, payload) throws(WireError) in
                try encoder.logRecord(LogRecordView(payload))
            }
            encoder.bytes(3, envelope.schemaURL)
        }
        bytes(3, envelope.schemaURL)
    }

    private mutating func logRecord(_ record: LogRecordView) throws(WireError) {
        fixed64(1, record.timeUnixNano)
        varint(2, record.severityNumber)
        bytes(3, record.severityText)
        if let body = record.body {
            try message(5, body) { (encoder, body) throws(WireError) in try encoder.value(AnyValueView(body)) }
        }
        try attributes(6, record.attributes)
        varint(7, record.droppedAttributesCount)
        fixed32(8, record.flags)
        bytes(9, record.traceID)
        bytes(10, record.spanID)
        fixed64(11, record.observedTimeUnixNano)
        bytes(12, record.eventName)
    }
}

// Metrics.
extension ViewEncoder {
    private mutating func resourceMetrics(_ envelope: ResourceMetricsView) throws(WireError) {
        try resource(envelope.resource)
        try each(2, envelope.scopeMetrics) { (encoder, payload) throws(WireError) in
            let envelope = try ScopeMetricsView(payload)
            try encoder.scope(envelope.scope)
            try encoder.each(2, envelope.metrics) { (encoder, payload) throws(WireError) in
                try encoder.metric(MetricView(payload))
            }
            encoder.bytes(3, envelope.schemaURL)
        }
        bytes(3, envelope.schemaURL)
    }

    private mutating func metric(_ metric: MetricView) throws(WireError) {
        bytes(1, metric.name)
        bytes(2, metric.description)
        bytes(3, metric.unit)
        switch metric.data {
        case .none: break
        case .gauge(let data):
            try self.data(5, data) { (encoder, payload) throws(WireError) in try encoder.numberDataPoint(payload) }
        case .sum(let data):
            try self.data(7, data) { (encoder, payload) throws(WireError) in try encoder.numberDataPoint(payload) }
        case .histogram(let data):
            try self.data(9, data) { (encoder, payload) throws(WireError) in try encoder.histogramDataPoint(payload) }
        case .exponentialHistogram(let data):
            try self.data(10, data) { (encoder, payload) throws(WireError) in
                try encoder.exponentialHistogramDataPoint(payload)
            }
        case .summary(let data):
            try self.data(11, data) { (encoder, payload) throws(WireError) in try encoder.summaryDataPoint(payload) }
        }
        try attributes(12, metric.metadata)
    }

    private mutating func data(
        _ number: UInt32, _ data: MetricDataView, _ point: (inout ViewEncoder, WireBytes) throws(WireError) -> Void
    ) throws(WireError) {
        try message(number, .empty, isRepeated: true) { (encoder, _) throws(WireError) in
            try encoder.each(1, data.dataPoints, point)
            encoder.varint(2, data.aggregationTemporality)
            encoder.varint(3, data.isMonotonic ? 1 : 0)
        }
    }

    private mutating func numberDataPoint(_ payload: WireBytes) throws(WireError) {
        let point = try NumberDataPointView(payload)
        fixed64(2, point.startTimeUnixNano)
        fixed64(3, point.timeUnixNano)
        number(point.value, double: 4, int: 6)
        try exemplars(5, point.exemplars)
        try attributes(7, point.attributes)
        varint(8, point.flags)
    }

    private mutating func number(_ value: NumberValue?, double: UInt32, int: UInt32) {
        switch value {
        case .double(let value): writer.writeDouble(double, value)
        case .int(let value): writer.writeFixed64(int, UInt64(bitPattern: value))
        case nil: break
        }
    }

    private mutating func histogramDataPoint(_ payload: WireBytes) throws(WireError) {
        let point = try HistogramDataPointView(payload)
        fixed64(2, point.startTimeUnixNano)
        fixed64(3, point.timeUnixNano)
        fixed64(4, point.count)
        optional(5, point.sum)
        try packed(6, point.bucketCounts, .fixed64)
        try packed(7, point.explicitBounds, .fixed64)
        try exemplars(8, point.exemplars)
        try attributes(9, point.attributes)
        varint(10, point.flags)
        optional(11, point.min)
        optional(12, point.max)
    }

    private mutating func exponentialHistogramDataPoint(_ payload: WireBytes) throws(WireError) {
        let point = try ExponentialHistogramDataPointView(payload)
        try attributes(1, point.attributes)
        fixed64(2, point.startTimeUnixNano)
        fixed64(3, point.timeUnixNano)
        fixed64(4, point.count)
        optional(5, point.sum)
        zigzag(6, point.scale)
        fixed64(7, point.zeroCount)
        try buckets(8, point.positive)
        try buckets(9, point.negative)
        varint(10, point.flags)
        try exemplars(11, point.exemplars)
        optional(12, point.min)
        optional(13, point.max)
        fixed64(14, point.zeroThreshold.bitPattern)
    }

    private mutating func buckets(_ number: UInt32, _ payload: WireBytes) throws(WireError) {
        try message(number, payload) { (encoder, payload) throws(WireError) in
            let buckets = try BucketsView(payload)
            encoder.zigzag(1, buckets.offset)
            try encoder.packed(2, buckets.bucketCounts, .varint)
        }
    }

    private mutating func summaryDataPoint(_ payload: WireBytes) throws(WireError) {
        let point = try SummaryDataPointView(payload)
        fixed64(2, point.startTimeUnixNano)
        fixed64(3, point.timeUnixNano)
        fixed64(4, point.count)
        fixed64(5, point.sum.bitPattern)
        try each(6, point.quantileValues) { (encoder, payload) throws(WireError) in
            let value = try ValueAtQuantileView(payload)
            encoder.fixed64(1, value.quantile.bitPattern)
            encoder.fixed64(2, value.value.bitPattern)
        }
        try attributes(7, point.attributes)
        varint(8, point.flags)
    }

    private mutating func exemplars(_ number: UInt32, _ exemplars: RepeatedField) throws(WireError) {
        try each(number, exemplars) { (encoder, payload) throws(WireError) in
            let exemplar = try ExemplarView(payload)
            encoder.fixed64(2, exemplar.timeUnixNano)
            encoder.number(exemplar.value, double: 3, int: 6)
            encoder.bytes(4, exemplar.spanID)
            encoder.bytes(5, exemplar.traceID)
            try encoder.attributes(7, exemplar.filteredAttributes)
        }
    }
}
