/// The spans of one resource. Borrowed, as `WireBytes`.
@safe @frozen
package struct ResourceSpansView {
    /// The whole message.
    package let bytes: WireBytes
    /// The Resource message.
    package var resource: WireBytes = .empty
    package var schemaURL: WireBytes = .empty

    @inlinable
    package init(_ bytes: WireBytes) throws(WireError) {
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
    @inlinable package var scopeSpans: RepeatedField { RepeatedField(bytes, ResourceSpansField.scopeSpans) }
}

/// The spans of one instrumentation scope. Borrowed, as `WireBytes`.
@safe @frozen
package struct ScopeSpansView {
    /// The whole message.
    package let bytes: WireBytes
    /// The InstrumentationScope message.
    package var scope: WireBytes = .empty
    package var schemaURL: WireBytes = .empty

    @inlinable
    package init(_ bytes: WireBytes) throws(WireError) {
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
    @inlinable package var spans: RepeatedField { RepeatedField(bytes, ScopeSpansField.spans) }
}

/// One span. Borrowed, as `WireBytes`.
@safe @frozen
package struct SpanView {
    /// The whole message.
    package let bytes: WireBytes
    /// 16 bytes, or none.
    package var traceID: WireBytes = .empty
    /// 8 bytes, or none.
    package var spanID: WireBytes = .empty
    package var traceState: WireBytes = .empty
    /// 8 bytes, or none.
    package var parentSpanID: WireBytes = .empty
    package var name: WireBytes = .empty
    /// SpanKind: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    package var kind: Int32 = 0
    package var startTimeUnixNano: UInt64 = 0
    package var endTimeUnixNano: UInt64 = 0
    package var droppedAttributesCount: UInt32 = 0
    package var droppedEventsCount: UInt32 = 0
    package var droppedLinksCount: UInt32 = 0
    /// The Status message.
    package var status: WireBytes = .empty
    package var flags: UInt32 = 0

    @inlinable
    package init(_ bytes: WireBytes) throws(WireError) {
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
    @inlinable package var attributes: RepeatedField { RepeatedField(bytes, SpanField.attributes) }

    /// Payloads for `SpanEventView`.
    @inlinable package var events: RepeatedField { RepeatedField(bytes, SpanField.events) }

    /// Payloads for `SpanLinkView`.
    @inlinable package var links: RepeatedField { RepeatedField(bytes, SpanField.links) }
}

/// One Span.Event. Borrowed, as `WireBytes`.
@safe @frozen
package struct SpanEventView {
    /// The whole message.
    package let bytes: WireBytes
    package var timeUnixNano: UInt64 = 0
    package var name: WireBytes = .empty
    package var droppedAttributesCount: UInt32 = 0

    @inlinable
    package init(_ bytes: WireBytes) throws(WireError) {
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
    @inlinable package var attributes: RepeatedField { RepeatedField(bytes, SpanEventField.attributes) }
}

/// One Span.Link. Borrowed, as `WireBytes`.
@safe @frozen
package struct SpanLinkView {
    /// The whole message.
    package let bytes: WireBytes
    /// 16 bytes, or none.
    package var traceID: WireBytes = .empty
    /// 8 bytes, or none.
    package var spanID: WireBytes = .empty
    package var traceState: WireBytes = .empty
    package var droppedAttributesCount: UInt32 = 0
    package var flags: UInt32 = 0

    @inlinable
    package init(_ bytes: WireBytes) throws(WireError) {
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
    @inlinable package var attributes: RepeatedField { RepeatedField(bytes, SpanLinkField.attributes) }
}

/// A span's outcome. Borrowed, as `WireBytes`.
@safe @frozen
package struct StatusView {
    package var message: WireBytes = .empty
    /// StatusCode: 0 unset, 1 ok, 2 error.
    package var code: Int32 = 0

    @inlinable
    package init(_ bytes: WireBytes) throws(WireError) {
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
