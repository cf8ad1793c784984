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

    mutating func append(item record: WireBytes, onlyDay: UInt32?) throws(WireError) {
        if let onlyDay, try PartitionDay.of(logRecord: record) != onlyDay { return }
        try append(record: record)
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

    private static var attributesTag: UInt8 {
        UInt8(truncatingIfNeeded: LogRecordField.attributes) << 3 | WireType.lengthDelimited.rawValue
    }

    /// One pass: attributes go to their column as they come, the other fields when all are known.
    private mutating func append(record: WireBytes) throws(WireError) {
        var (time, observedTime, severity) = (UInt64(0), UInt64(0), UInt64(0))
        var (severityText, body, eventName) = (WireBytes.empty, WireBytes.empty, WireBytes.empty)
        var (traceID, spanID) = (WireBytes.empty, WireBytes.empty)
        var flags: UInt32 = 0
        var cursor = WireCursor(record)
        while true {
            try logAttributes.append(attributesAt: &cursor, tag: Self.attributesTag, scratch: &scratch)
            guard let field = try cursor.nextField() else { break }
            switch field.number {
            case LogRecordField.attributes:
                try logAttributes.append(keyValue: try field.payload(), scratch: &scratch)
            case LogRecordField.timeUnixNano: time = try field.fixed64()
            case LogRecordField.observedTimeUnixNano: observedTime = try field.fixed64()
            case LogRecordField.severityNumber: severity = try field.varint()
            case LogRecordField.severityText: severityText = try field.payload()
            case LogRecordField.body: body = try field.payload()
            case LogRecordField.flags: flags = try field.fixed32()
            case LogRecordField.traceID: traceID = try field.payload()
            case LogRecordField.spanID: spanID = try field.payload()
            case LogRecordField.eventName: eventName = try field.payload()
            default: continue
            }
        }
        timestamp.append(unixNanos: time != 0 ? time : observedTime)
        self.traceID.append(id: traceID)
        self.spanID.append(id: spanID)
        traceFlags.append(integer: UInt64(flags & 0xff))
        self.severityText.append(severityText)
        severityNumber.append(integer: UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: severity))))
        try self.body.append(textOf: body, scratch: &scratch)
        logAttributes.endRow()
        self.eventName.append(eventName)
    }
}
