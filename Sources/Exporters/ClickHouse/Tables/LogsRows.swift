import ClickHouseNative
import OTLP

/// Log records as rows.
struct LogsRows: TableRows, ~Copyable {
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

    mutating func append(_ request: WireBytes, onlyDay: UInt32?) throws(WireError) {
        try forEachItem(of: request) { (item, resource, scope) throws(WireError) in
            let record = try LogRecordView(item)
            let time = record.timeUnixNano != 0 ? record.timeUnixNano : record.observedTimeUnixNano
            if let onlyDay, PartitionDay.of(unixNanos: time) != onlyDay { return }
            timestamp.append(unixNanos: time)
            try append(record)
            resource.appendServiceName(to: &serviceName)
            resource.appendSchemaURL(to: &resourceSchemaURL)
            try resource.appendAttributes(to: &resourceAttributes, scratch: &scratch)
            scope.appendSchemaURL(to: &scopeSchemaURL)
            scope.appendName(to: &scopeName)
            scope.appendVersion(to: &scopeVersion)
            try scope.appendAttributes(to: &scopeAttributes, scratch: &scratch)
        }
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
