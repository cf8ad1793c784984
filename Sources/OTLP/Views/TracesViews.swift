/// The spans of one resource. Borrowed, as `WireBytes`.
@safe @frozen
public struct ResourceSpansView {
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
            case ResourceSpansField.resource: resource = try field.payload()
            case ResourceSpansField.schemaURL: schemaURL = try field.payload()
            default: continue
            }
        }
    }

    /// Payloads for `ScopeSpansView`.
    @inlinable public var scopeSpans: RepeatedField { RepeatedField(bytes, ResourceSpansField.scopeSpans) }
}

/// The spans of one instrumentation scope. Borrowed, as `WireBytes`.
@safe @frozen
public struct ScopeSpansView {
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
            case ScopeSpansField.scope: scope = try field.payload()
            case ScopeSpansField.schemaURL: schemaURL = try field.payload()
            default: continue
            }
        }
    }

    /// Payloads for `SpanView`.
    @inlinable public var spans: RepeatedField { RepeatedField(bytes, ScopeSpansField.spans) }
}

/// One span. Borrowed, as `WireBytes`.
@safe @frozen
public struct SpanView {
    /// The whole message.
    public let bytes: WireBytes
    /// 16 bytes, or none.
    public var traceID: WireBytes = .empty
    /// 8 bytes, or none.
    public var spanID: WireBytes = .empty
    public var traceState: WireBytes = .empty
    /// 8 bytes, or none.
    public var parentSpanID: WireBytes = .empty
    public var name: WireBytes = .empty
    /// SpanKind: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    public var kind: Int32 = 0
    public var startTimeUnixNano: UInt64 = 0
    public var endTimeUnixNano: UInt64 = 0
    public var droppedAttributesCount: UInt32 = 0
    public var droppedEventsCount: UInt32 = 0
    public var droppedLinksCount: UInt32 = 0
    /// The Status message.
    public var status: WireBytes = .empty
    public var flags: UInt32 = 0

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        self.bytes = bytes
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case SpanField.traceID: traceID = try field.payload()
            case SpanField.spanID: spanID = try field.payload()
            case SpanField.traceState: traceState = try field.payload()
            case SpanField.parentSpanID: parentSpanID = try field.payload()
            case SpanField.name: name = try field.payload()
            case SpanField.kind: kind = Int32(truncatingIfNeeded: try field.varint())
            case SpanField.startTimeUnixNano: startTimeUnixNano = try field.fixed64()
            case SpanField.endTimeUnixNano: endTimeUnixNano = try field.fixed64()
            case SpanField.droppedAttributesCount:
                droppedAttributesCount = UInt32(truncatingIfNeeded: try field.varint())
            case SpanField.droppedEventsCount: droppedEventsCount = UInt32(truncatingIfNeeded: try field.varint())
            case SpanField.droppedLinksCount: droppedLinksCount = UInt32(truncatingIfNeeded: try field.varint())
            case SpanField.status: status = try field.payload()
            case SpanField.flags: flags = try field.fixed32()
            default: continue
            }
        }
    }

    /// Payloads for `KeyValueView`.
    @inlinable public var attributes: RepeatedField { RepeatedField(bytes, SpanField.attributes) }

    /// Payloads for `SpanEventView`.
    @inlinable public var events: RepeatedField { RepeatedField(bytes, SpanField.events) }

    /// Payloads for `SpanLinkView`.
    @inlinable public var links: RepeatedField { RepeatedField(bytes, SpanField.links) }
}

/// One Span.Event. Borrowed, as `WireBytes`.
@safe @frozen
public struct SpanEventView {
    /// The whole message.
    public let bytes: WireBytes
    public var timeUnixNano: UInt64 = 0
    public var name: WireBytes = .empty
    public var droppedAttributesCount: UInt32 = 0

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        self.bytes = bytes
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case SpanEventField.timeUnixNano: timeUnixNano = try field.fixed64()
            case SpanEventField.name: name = try field.payload()
            case SpanEventField.droppedAttributesCount:
                droppedAttributesCount = UInt32(truncatingIfNeeded: try field.varint())
            default: continue
            }
        }
    }

    /// Payloads for `KeyValueView`.
    @inlinable public var attributes: RepeatedField { RepeatedField(bytes, SpanEventField.attributes) }
}

/// One Span.Link. Borrowed, as `WireBytes`.
@safe @frozen
public struct SpanLinkView {
    /// The whole message.
    public let bytes: WireBytes
    /// 16 bytes, or none.
    public var traceID: WireBytes = .empty
    /// 8 bytes, or none.
    public var spanID: WireBytes = .empty
    public var traceState: WireBytes = .empty
    public var droppedAttributesCount: UInt32 = 0
    public var flags: UInt32 = 0

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        self.bytes = bytes
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case SpanLinkField.traceID: traceID = try field.payload()
            case SpanLinkField.spanID: spanID = try field.payload()
            case SpanLinkField.traceState: traceState = try field.payload()
            case SpanLinkField.droppedAttributesCount:
                droppedAttributesCount = UInt32(truncatingIfNeeded: try field.varint())
            case SpanLinkField.flags: flags = try field.fixed32()
            default: continue
            }
        }
    }

    /// Payloads for `KeyValueView`.
    @inlinable public var attributes: RepeatedField { RepeatedField(bytes, SpanLinkField.attributes) }
}

/// A span's outcome. Borrowed, as `WireBytes`.
@safe @frozen
public struct StatusView {
    public var message: WireBytes = .empty
    /// StatusCode: 0 unset, 1 ok, 2 error.
    public var code: Int32 = 0

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case StatusField.message: message = try field.payload()
            case StatusField.code: code = Int32(truncatingIfNeeded: try field.varint())
            default: continue
            }
        }
    }
}
