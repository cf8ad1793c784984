import OTLP

@testable import Exporters

/// Rows as the tables' description has them, decoded the plain way: an object for each value.
struct ExpectedRows {
    private(set) var rows: [[String: CellValue]] = []
    private let table: ClickHouseTable

    init(of request: [UInt8], in table: ClickHouseTable) throws {
        self.table = table
        try request.withWireBytes { wire in
            var resources = ExportServiceRequestView(wire).resources
            while let next = try resources.next() {
                switch table {
                case .traces: try appendSpans(ResourceSpansView(next))
                case .logs: try appendLogs(ResourceLogsView(next))
                default: try appendMetrics(ResourceMetricsView(next))
                }
            }
        }
    }

    // MARK: Traces

    private mutating func appendSpans(_ resourceSpans: ResourceSpansView) throws {
        let resource = try Self.resource(resourceSpans.resource)
        var scopes = resourceSpans.scopeSpans
        while let next = try scopes.next() {
            let scopeSpans = try ScopeSpansView(next)
            let scope = try InstrumentationScopeView(scopeSpans.scope)
            var spans = scopeSpans.spans
            while let next = try spans.next() {
                var row = try Self.span(SpanView(next)).merging(resource) { $1 }
                row["ScopeName"] = Self.text(scope.name)
                row["ScopeVersion"] = Self.text(scope.version)
                rows.append(row)
            }
        }
    }

    private static func span(_ span: SpanView) throws -> [String: CellValue] {
        let status = try StatusView(span.status)
        let kinds = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"]
        let codes = ["Unset", "Ok", "Error"]
        let events = try messages(span.events) { try SpanEventView($0) }
        let links = try messages(span.links) { try SpanLinkView($0) }
        return [
            "Timestamp": .time(span.startTimeUnixNano), "TraceId": id(span.traceID), "SpanId": id(span.spanID),
            "ParentSpanId": id(span.parentSpanID), "TraceState": text(span.traceState), "SpanName": text(span.name),
            "SpanKind": word(Int(span.kind), kinds), "SpanAttributes": try map(span.attributes),
            "Duration": .integer(Int128(span.endTimeUnixNano &- span.startTimeUnixNano)),
            "StatusCode": word(Int(status.code), codes), "StatusMessage": text(status.message),
            "Events.Timestamp": .array(events.map { .time($0.timeUnixNano) }),
            "Events.Name": .array(events.map { text($0.name) }),
            "Events.Attributes": .array(try events.map { try map($0.attributes) }),
            "Links.TraceId": .array(links.map { id($0.traceID) }),
            "Links.SpanId": .array(links.map { id($0.spanID) }),
            "Links.TraceState": .array(links.map { text($0.traceState) }),
            "Links.Attributes": .array(try links.map { try map($0.attributes) }),
        ]
    }

    // MARK: Logs

    private mutating func appendLogs(_ resourceLogs: ResourceLogsView) throws {
        var resource = try Self.resource(resourceLogs.resource)
        resource["ResourceSchemaUrl"] = Self.text(resourceLogs.schemaURL)
        var scopes = resourceLogs.scopeLogs
        while let next = try scopes.next() {
            let scopeLogs = try ScopeLogsView(next)
            var scope = try Self.scope(scopeLogs.scope)
            scope["ScopeDroppedAttrCount"] = nil
            scope["ScopeSchemaUrl"] = Self.text(scopeLogs.schemaURL)
            var records = scopeLogs.logRecords
            while let next = try records.next() {
                rows.append(
                    try Self.record(LogRecordView(next)).merging(resource) { $1 }.merging(scope) { $1 })
            }
        }
    }

    private static func record(_ record: LogRecordView) throws -> [String: CellValue] {
        let time = record.timeUnixNano == 0 ? record.observedTimeUnixNano : record.timeUnixNano
        return [
            "Timestamp": .time(time), "TraceId": id(record.traceID), "SpanId": id(record.spanID),
            "TraceFlags": .integer(Int128(record.flags & 0xff)), "SeverityText": text(record.severityText),
            "SeverityNumber": .integer(Int128(UInt8(truncatingIfNeeded: record.severityNumber))),
            "Body": try record.body.map { .text(try valueText($0)) } ?? .text([]),
            "LogAttributes": try map(record.attributes), "EventName": text(record.eventName),
        ]
    }

    // MARK: Metrics

    private mutating func appendMetrics(_ resourceMetrics: ResourceMetricsView) throws {
        var resource = try Self.resource(resourceMetrics.resource)
        resource["ResourceSchemaUrl"] = Self.text(resourceMetrics.schemaURL)
        var scopes = resourceMetrics.scopeMetrics
        while let next = try scopes.next() {
            let scopeMetrics = try ScopeMetricsView(next)
            var scope = try Self.scope(scopeMetrics.scope)
            scope["ScopeSchemaUrl"] = Self.text(scopeMetrics.schemaURL)
            for metric in try Self.messages(scopeMetrics.metrics, { try MetricView($0) }) {
                for point in try points(of: metric) {
                    rows.append(
                        point.merging(resource) { $1 }.merging(scope) { $1 }.merging([
                            "MetricName": Self.text(metric.name), "MetricDescription": Self.text(metric.description),
                            "MetricUnit": Self.text(metric.unit),
                        ]) { $1 })
                }
            }
        }
    }

    private func points(of metric: MetricView) throws -> [[String: CellValue]] {
        switch (metric.data, table) {
        case (.gauge(let data), .gauge):
            try Self.messages(data.dataPoints) { try Self.number(NumberDataPointView($0)) }
        case (.sum(let data), .sum):
            try Self.messages(data.dataPoints) {
                try Self.number(NumberDataPointView($0)).merging([
                    "AggregationTemporality": .integer(Int128(data.aggregationTemporality)),
                    "IsMonotonic": .integer(data.isMonotonic ? 1 : 0),
                ]) { $1 }
            }
        case (.histogram(let data), .histogram):
            try Self.messages(data.dataPoints) {
                try Self.histogram(HistogramDataPointView($0), data.aggregationTemporality)
            }
        case (.exponentialHistogram(let data), .exponentialHistogram):
            try Self.messages(data.dataPoints) {
                try Self.exponentialHistogram(ExponentialHistogramDataPointView($0), data.aggregationTemporality)
            }
        case (.summary(let data), .summary):
            try Self.messages(data.dataPoints) { try Self.summary(SummaryDataPointView($0)) }
        default: []
        }
    }

    private static func number(_ point: NumberDataPointView) throws -> [String: CellValue] {
        [
            "Attributes": try map(point.attributes), "StartTimeUnix": .time(point.startTimeUnixNano),
            "TimeUnix": .time(point.timeUnixNano), "Value": value(point.value),
            "Flags": .integer(Int128(point.flags)),
        ].merging(try exemplars(point.exemplars)) { $1 }
    }

    private static func histogram(
        _ point: HistogramDataPointView, _ temporality: Int32
    ) throws -> [String: CellValue] {
        [
            "Attributes": try map(point.attributes), "StartTimeUnix": .time(point.startTimeUnixNano),
            "TimeUnix": .time(point.timeUnixNano), "Count": .integer(Int128(point.count)), "Sum": double(point.sum),
            "BucketCounts": try integers(point.bucketCounts), "ExplicitBounds": try doubles(point.explicitBounds),
            "Flags": .integer(Int128(point.flags)), "Min": double(point.min), "Max": double(point.max),
            "AggregationTemporality": .integer(Int128(temporality)),
        ].merging(try exemplars(point.exemplars)) { $1 }
    }

    private static func exponentialHistogram(
        _ point: ExponentialHistogramDataPointView, _ temporality: Int32
    ) throws -> [String: CellValue] {
        let positive = try BucketsView(point.positive)
        let negative = try BucketsView(point.negative)
        return [
            "Attributes": try map(point.attributes), "StartTimeUnix": .time(point.startTimeUnixNano),
            "TimeUnix": .time(point.timeUnixNano), "Count": .integer(Int128(point.count)), "Sum": double(point.sum),
            "Scale": .integer(Int128(point.scale)), "ZeroCount": .integer(Int128(point.zeroCount)),
            "PositiveOffset": .integer(Int128(positive.offset)),
            "PositiveBucketCounts": try integers(positive.bucketCounts),
            "NegativeOffset": .integer(Int128(negative.offset)),
            "NegativeBucketCounts": try integers(negative.bucketCounts),
            "Flags": .integer(Int128(point.flags)), "Min": double(point.min), "Max": double(point.max),
            "AggregationTemporality": .integer(Int128(temporality)),
        ].merging(try exemplars(point.exemplars)) { $1 }
    }

    private static func summary(_ point: SummaryDataPointView) throws -> [String: CellValue] {
        let quantiles = try messages(point.quantileValues) { try ValueAtQuantileView($0) }
        return [
            "Attributes": try map(point.attributes), "StartTimeUnix": .time(point.startTimeUnixNano),
            "TimeUnix": .time(point.timeUnixNano), "Count": .integer(Int128(point.count)), "Sum": double(point.sum),
            "ValueAtQuantiles.Quantile": .array(quantiles.map { double($0.quantile) }),
            "ValueAtQuantiles.Value": .array(quantiles.map { double($0.value) }),
            "Flags": .integer(Int128(point.flags)),
        ]
    }

    private static func exemplars(_ field: RepeatedField) throws -> [String: CellValue] {
        let exemplars = try messages(field) { try ExemplarView($0) }
        return [
            "Exemplars.FilteredAttributes": .array(try exemplars.map { try map($0.filteredAttributes) }),
            "Exemplars.TimeUnix": .array(exemplars.map { .time($0.timeUnixNano) }),
            "Exemplars.Value": .array(exemplars.map { value($0.value) }),
            "Exemplars.SpanId": .array(exemplars.map { hex($0.spanID, byteCount: 8) }),
            "Exemplars.TraceId": .array(exemplars.map { hex($0.traceID, byteCount: 16) }),
        ]
    }
}

// Values.
extension ExpectedRows {
    private static func resource(_ bytes: WireBytes) throws -> [String: CellValue] {
        let resource = try ResourceView(bytes)
        var serviceName: [UInt8] = []
        let attributes = try messages(resource.attributes) { try KeyValueView($0) }
        if let name = attributes.first(where: { $0.key.string == "service.name" }), case .string(let text) = name.value
        {
            serviceName = text.array
        }
        return ["ServiceName": .text(serviceName), "ResourceAttributes": try map(resource.attributes)]
    }

    private static func scope(_ bytes: WireBytes) throws -> [String: CellValue] {
        let scope = try InstrumentationScopeView(bytes)
        return [
            "ScopeName": text(scope.name), "ScopeVersion": text(scope.version),
            "ScopeAttributes": try map(scope.attributes),
            "ScopeDroppedAttrCount": .integer(Int128(scope.droppedAttributesCount)),
        ]
    }

    private static func messages<Message>(
        _ field: RepeatedField, _ read: (WireBytes) throws -> Message
    ) throws -> [Message] {
        var field = field
        var messages: [Message] = []
        while let next = try field.next() { messages.append(try read(next)) }
        return messages
    }

    private static func map(_ attributes: RepeatedField) throws -> CellValue {
        .map(
            try messages(attributes) { attribute in
                var key: [UInt8] = []
                var value: [UInt8] = []
                var cursor = WireCursor(attribute)
                while let field = try cursor.nextField() {
                    if field.number == KeyValueField.key { key = field.bytes.array }
                    if field.number == KeyValueField.value { value = try valueText(field.bytes) }
                }
                return [.text(key), .text(value)]
            })
    }

    private static func valueText(_ anyValue: WireBytes) throws -> [UInt8] {
        switch try AnyValueView(anyValue) {
        case .empty, .stringIndex: return []
        case .string(let text): return text.array
        case .bool(let value): return Array("\(value)".utf8)
        case .int(let value): return Array("\(value)".utf8)
        case let value:
            var text: [UInt8] = []
            try OTLPRequest.appendText(of: value, to: &text)
            return text
        }
    }

    private static func text(_ bytes: WireBytes) -> CellValue { .text(bytes.array) }

    private static func id(_ bytes: WireBytes) -> CellValue {
        bytes.array.allSatisfy { $0 == 0 } ? .text([]) : hex(bytes, byteCount: bytes.count)
    }

    private static func hex(_ bytes: WireBytes, byteCount: Int) -> CellValue {
        let id = bytes.isEmpty ? Array(repeating: 0, count: byteCount) : bytes.array
        let digits = Array("0123456789abcdef".utf8)
        return .text(id.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    private static func word(_ number: Int, _ words: [String]) -> CellValue {
        .text(words.indices.contains(number) ? Array(words[number].utf8) : [])
    }

    private static func double(_ value: Double?) -> CellValue { .double((value ?? 0).bitPattern) }

    private static func value(_ value: NumberValue?) -> CellValue {
        switch value {
        case .int(let value): double(Double(value))
        case .double(let value): double(value)
        case nil: double(0)
        }
    }

    private static func integers(_ numbers: RepeatedNumbers) throws -> CellValue {
        var numbers = numbers
        var values: [CellValue] = []
        while let value = try numbers.next() { values.append(.integer(Int128(value))) }
        return .array(values)
    }

    private static func doubles(_ numbers: RepeatedNumbers) throws -> CellValue {
        var numbers = numbers
        var values: [CellValue] = []
        while let value = try numbers.nextDouble() { values.append(double(value)) }
        return .array(values)
    }
}
