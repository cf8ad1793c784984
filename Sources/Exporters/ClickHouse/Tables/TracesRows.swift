import ClickHouseNative
import OTLP

/// Spans as rows.
struct TracesRows: TelemetryRows, ~Copyable {
    private var timestamp = NumberColumn()
    private var traceID = TextColumn()
    private var spanID = TextColumn()
    private var parentSpanID = TextColumn()
    private var traceState = TextColumn()
    private var spanName = TextColumn()
    private var spanKind = WordColumn(["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"])
    private var serviceName = TextColumn()
    private var resourceAttributes = MapColumn()
    private var scopeName = TextColumn()
    private var scopeVersion = TextColumn()
    private var spanAttributes = MapColumn()
    private var duration = NumberColumn()
    private var statusCode = WordColumn(["Unset", "Ok", "Error"])
    private var statusMessage = TextColumn()
    private var eventTimestamps = ArrayColumn(of: NumberColumn())
    private var eventNames = ArrayColumn(of: TextColumn())
    private var eventAttributes = ArrayColumn(of: MapColumn())
    private var linkTraceIDs = ArrayColumn(of: TextColumn())
    private var linkSpanIDs = ArrayColumn(of: TextColumn())
    private var linkTraceStates = ArrayColumn(of: TextColumn())
    private var linkAttributes = ArrayColumn(of: MapColumn())
    /// Rows without events and links at the end, which the arrays do not have yet: most spans have neither.
    private var rowsWithoutArrays = 0
    private var scratch: [UInt8] = []

    var rowCount: Int { timestamp.rowCount }

    mutating func visit<Visitor: ColumnVisitor & ~Copyable>(_ visitor: inout Visitor) throws(ClickHouseError) {
        try visitor.visit("Timestamp", &timestamp)
        try visitor.visit("TraceId", &traceID)
        try visitor.visit("SpanId", &spanID)
        try visitor.visit("ParentSpanId", &parentSpanID)
        try visitor.visit("TraceState", &traceState)
        try visitor.visit("SpanName", &spanName)
        try visitor.visit("SpanKind", &spanKind)
        try visitor.visit("ServiceName", &serviceName)
        try visitor.visit("ResourceAttributes", &resourceAttributes)
        try visitor.visit("ScopeName", &scopeName)
        try visitor.visit("ScopeVersion", &scopeVersion)
        try visitor.visit("SpanAttributes", &spanAttributes)
        try visitor.visit("Duration", &duration)
        try visitor.visit("StatusCode", &statusCode)
        try visitor.visit("StatusMessage", &statusMessage)
        endArrays()
        try visitor.visit("Events.Timestamp", &eventTimestamps)
        try visitor.visit("Events.Name", &eventNames)
        try visitor.visit("Events.Attributes", &eventAttributes)
        try visitor.visit("Links.TraceId", &linkTraceIDs)
        try visitor.visit("Links.SpanId", &linkSpanIDs)
        try visitor.visit("Links.TraceState", &linkTraceStates)
        try visitor.visit("Links.Attributes", &linkAttributes)
    }

    mutating func append(item span: WireBytes, onlyDay: UInt32?) throws(WireError) {
        if let onlyDay, try PartitionDay.of(span: span) != onlyDay { return }
        try append(span: span)
    }

    mutating func append(_ scope: ScopeContext, rows: Int) throws(WireError) {
        scopeName.append(scope.scope.name, rows: rows)
        scopeVersion.append(scope.scope.version, rows: rows)
    }

    mutating func append(_ resource: ResourceContext, rows: Int) throws(WireError) {
        serviceName.append(resource.serviceName, rows: rows)
        try resourceAttributes.append(resource.attributes, rows: rows, scratch: &scratch)
    }

    private static var attributesTag: UInt8 {
        UInt8(truncatingIfNeeded: SpanField.attributes) << 3 | WireType.lengthDelimited.rawValue
    }

    /// One pass: repeated fields go to their columns as they come, the others when all are known.
    private mutating func append(span: WireBytes) throws(WireError) {
        var (start, end): (UInt64, UInt64) = (0, 0)
        var (traceID, spanID, parentSpanID) = (WireBytes.empty, WireBytes.empty, WireBytes.empty)
        var (traceState, name, status) = (WireBytes.empty, WireBytes.empty, WireBytes.empty)
        var kind: UInt64 = 0
        var hasArrays = false
        var cursor = WireCursor(span)
        while true {
            try spanAttributes.append(attributesAt: &cursor, tag: Self.attributesTag, scratch: &scratch)
            guard let field = try cursor.nextField() else { break }
            switch field.number {
            case SpanField.attributes:
                try spanAttributes.append(keyValue: try field.payload(), scratch: &scratch)
            case SpanField.traceID: traceID = try field.payload()
            case SpanField.spanID: spanID = try field.payload()
            case SpanField.parentSpanID: parentSpanID = try field.payload()
            case SpanField.traceState: traceState = try field.payload()
            case SpanField.name: name = try field.payload()
            case SpanField.kind: kind = try field.varint()
            case SpanField.startTimeUnixNano: start = try field.fixed64()
            case SpanField.endTimeUnixNano: end = try field.fixed64()
            case SpanField.status: status = try field.payload()
            case SpanField.events, SpanField.links:
                if !hasArrays { endArrays() }
                hasArrays = true
                if field.number == SpanField.events {
                    try append(event: try field.payload())
                } else {
                    try append(link: try field.payload())
                }
            default: continue
            }
        }
        timestamp.append(unixNanos: start)
        duration.append(integer: end &- start)
        self.traceID.append(id: traceID)
        self.spanID.append(id: spanID)
        self.parentSpanID.append(id: parentSpanID)
        self.traceState.append(traceState)
        spanName.append(name)
        spanKind.append(Int(Int32(truncatingIfNeeded: kind)))
        let outcome = try StatusView(status)
        statusCode.append(Int(outcome.code))
        statusMessage.append(outcome.message)
        spanAttributes.endRow()
        if hasArrays { endArrays(1) } else { rowsWithoutArrays += 1 }
    }

    /// Ends the rows that have no events and links. Before elements of a later row are appended.
    private mutating func endArrays() {
        if rowsWithoutArrays > 0 { endArrays(rowsWithoutArrays) }
        rowsWithoutArrays = 0
    }

    private mutating func endArrays(_ count: Int) {
        eventTimestamps.endRows(count)
        eventNames.endRows(count)
        eventAttributes.endRows(count)
        linkTraceIDs.endRows(count)
        linkSpanIDs.endRows(count)
        linkTraceStates.endRows(count)
        linkAttributes.endRows(count)
    }

    private mutating func append(event: WireBytes) throws(WireError) {
        var time: UInt64 = 0
        var name = WireBytes.empty
        var cursor = WireCursor(event)
        while let field = try cursor.nextField() {
            switch field.number {
            case SpanEventField.timeUnixNano: time = try field.fixed64()
            case SpanEventField.name: name = try field.payload()
            case SpanEventField.attributes:
                try eventAttributes.elements.append(keyValue: try field.payload(), scratch: &scratch)
            default: continue
            }
        }
        eventTimestamps.elements.append(unixNanos: time)
        eventNames.elements.append(name)
        eventAttributes.elements.endRow()
    }

    private mutating func append(link bytes: WireBytes) throws(WireError) {
        let link = try SpanLinkView(bytes)
        linkTraceIDs.elements.append(id: link.traceID)
        linkSpanIDs.elements.append(id: link.spanID)
        linkTraceStates.elements.append(link.traceState)
        try linkAttributes.elements.appendRow(link.attributes, scratch: &scratch)
    }
}
