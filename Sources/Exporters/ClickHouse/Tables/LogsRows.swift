import ClickHouseNative
import OTLP

/// Log records as rows.
struct LogsRows: TelemetryRows, ~Copyable {
    private var timestamp = NumberColumn()
    private var traceID = TextColumn()
    private var spanID = TextColumn()
    private var traceFlags = NumberColumn()
    private var severityText = TextColumn()
    private var severityNumber = NumberColumn()
    private var serviceName = TextColumn()
    private var body = TextColumn()
    private var resourceSchemaURL = TextColumn()
    private var resourceAttributes = MapColumn()
    private var scopeSchemaURL = TextColumn()
    private var scopeName = TextColumn()
    private var scopeVersion = TextColumn()
    private var scopeAttributes = MapColumn()
    private var logAttributes = MapColumn()
    private var eventName = TextColumn()
    private var scratch: [UInt8] = []

    var rowCount: Int { timestamp.rowCount }

    mutating func visit<Visitor: ColumnVisitor & ~Copyable>(_ visitor: inout Visitor) throws(ClickHouseError) {
        try visitor.visit("Timestamp", &timestamp)
        try visitor.visit("TraceId", &traceID)
        try visitor.visit("SpanId", &spanID)
        try visitor.visit("TraceFlags", &traceFlags)
        try visitor.visit("SeverityText", &severityText)
        try visitor.visit("SeverityNumber", &severityNumber)
        try visitor.visit("ServiceName", &serviceName)
        try visitor.visit("Body", &body)
        try visitor.visit("ResourceSchemaUrl", &resourceSchemaURL)
        try visitor.visit("ResourceAttributes", &resourceAttributes)
        try visitor.visit("ScopeSchemaUrl", &scopeSchemaURL)
        try visitor.visit("ScopeName", &scopeName)
        try visitor.visit("ScopeVersion", &scopeVersion)
        try visitor.visit("ScopeAttributes", &scopeAttributes)
        try visitor.visit("LogAttributes", &logAttributes)
        // Tables made by later versions of otelcol have it.
        try visitor.visit("EventName", isOptional: true, &eventName)
    }

    mutating func append(item: WireBytes, onlyDay: UInt32?) throws(WireError) {
        let record = try LogRecordView(item)
        let time = record.timeUnixNano != 0 ? record.timeUnixNano : record.observedTimeUnixNano
        if let onlyDay, PartitionDay.of(unixNanos: time) != onlyDay { return }
        timestamp.append(unixNanos: time)
        try append(record)
    }

    mutating func append(_ scope: ScopeContext, rows: Int) throws(WireError) {
        scopeSchemaURL.append(scope.schemaURL, rows: rows)
        scopeName.append(scope.scope.name, rows: rows)
        scopeVersion.append(scope.scope.version, rows: rows)
        try scopeAttributes.append(scope.scope.attributes, rows: rows, scratch: &scratch)
    }

    mutating func append(_ resource: ResourceContext, rows: Int) throws(WireError) {
        serviceName.append(resource.serviceName, rows: rows)
        resourceSchemaURL.append(resource.schemaURL, rows: rows)
        try resourceAttributes.append(resource.attributes, rows: rows, scratch: &scratch)
    }

    private mutating func append(_ record: LogRecordView) throws(WireError) {
        traceID.append(id: record.traceID)
        spanID.append(id: record.spanID)
        traceFlags.append(integer: UInt64(record.flags & 0xff))
        severityText.append(record.severityText)
        severityNumber.append(integer: UInt64(bitPattern: Int64(record.severityNumber)))
        try body.append(textOf: record.body ?? .empty, scratch: &scratch)
        try logAttributes.appendRow(record.attributes, scratch: &scratch)
        eventName.append(record.eventName)
    }
}
