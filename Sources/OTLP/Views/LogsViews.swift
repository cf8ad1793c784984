/// The logRecords of one resource. Borrowed, as `WireBytes`.
@safe @frozen
public struct ResourceLogsView {
    /// The whole message.
    public let bytes: WireBytes
    /// The Resource message.
    public var resource: WireBytes = .empty
    public var schemaURL: WireBytes = .empty

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        self.bytes = bytes
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case ResourceLogsField.resource: resource = try field.payload()
            case ResourceLogsField.schemaURL: schemaURL = try field.payload()
            default: continue
            }
        }
    }

    /// Payloads for `ScopeLogsView`.
    @inlinable public var scopeLogs: RepeatedField { RepeatedField(bytes, ResourceLogsField.scopeLogs) }
}

/// The logRecords of one instrumentation scope. Borrowed, as `WireBytes`.
@safe @frozen
public struct ScopeLogsView {
    /// The whole message.
    public let bytes: WireBytes
    /// The InstrumentationScope message.
    public var scope: WireBytes = .empty
    public var schemaURL: WireBytes = .empty

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        self.bytes = bytes
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case ScopeLogsField.scope: scope = try field.payload()
            case ScopeLogsField.schemaURL: schemaURL = try field.payload()
            default: continue
            }
        }
    }

    /// Payloads for `LogRecordView`.
    @inlinable public var logRecords: RepeatedField { RepeatedField(bytes, ScopeLogsField.logRecords) }
}

/// One log record. Borrowed, as `WireBytes`.
@safe @frozen
public struct LogRecordView {
    /// The whole message.
    public let bytes: WireBytes
    public var timeUnixNano: UInt64 = 0
    public var observedTimeUnixNano: UInt64 = 0
    /// SeverityNumber, 0 to 24.
    public var severityNumber: Int32 = 0
    public var severityText: WireBytes = .empty
    /// The AnyValue message; nil where the record has no body.
    public var body: WireBytes?
    public var droppedAttributesCount: UInt32 = 0
    public var flags: UInt32 = 0
    /// 16 bytes, or none.
    public var traceID: WireBytes = .empty
    /// 8 bytes, or none.
    public var spanID: WireBytes = .empty
    public var eventName: WireBytes = .empty

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        self.bytes = bytes
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case LogRecordField.timeUnixNano: timeUnixNano = try field.fixed64()
            case LogRecordField.observedTimeUnixNano: observedTimeUnixNano = try field.fixed64()
            case LogRecordField.severityNumber: severityNumber = Int32(truncatingIfNeeded: try field.varint())
            case LogRecordField.severityText: severityText = try field.payload()
            case LogRecordField.body: body = try field.payload()
            case LogRecordField.droppedAttributesCount:
                droppedAttributesCount = UInt32(truncatingIfNeeded: try field.varint())
            case LogRecordField.flags: flags = try field.fixed32()
            case LogRecordField.traceID: traceID = try field.payload()
            case LogRecordField.spanID: spanID = try field.payload()
            case LogRecordField.eventName: eventName = try field.payload()
            default: continue
            }
        }
    }

    /// Payloads for `KeyValueView`.
    @inlinable public var attributes: RepeatedField { RepeatedField(bytes, LogRecordField.attributes) }
}
