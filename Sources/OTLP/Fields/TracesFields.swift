// Field numbers of opentelemetry.proto.trace.v1.
// Computed properties rather than constants, so that other modules switch over them without a call.

/// Field numbers of ResourceSpans: the spans of one resource.
@frozen
package enum ResourceSpansField {
    @inlinable package static var resource: UInt32 { 1 }
    @inlinable package static var scopeSpans: UInt32 { 2 }
    @inlinable package static var schemaURL: UInt32 { 3 }
}

/// Field numbers of ScopeSpans: the spans of one scope.
@frozen
package enum ScopeSpansField {
    @inlinable package static var scope: UInt32 { 1 }
    @inlinable package static var spans: UInt32 { 2 }
    @inlinable package static var schemaURL: UInt32 { 3 }
}

/// Field numbers of Span: one span.
@frozen
package enum SpanField {
    @inlinable package static var traceID: UInt32 { 1 }
    @inlinable package static var spanID: UInt32 { 2 }
    @inlinable package static var traceState: UInt32 { 3 }
    @inlinable package static var parentSpanID: UInt32 { 4 }
    @inlinable package static var name: UInt32 { 5 }
    @inlinable package static var kind: UInt32 { 6 }
    @inlinable package static var startTimeUnixNano: UInt32 { 7 }
    @inlinable package static var endTimeUnixNano: UInt32 { 8 }
    @inlinable package static var attributes: UInt32 { 9 }
    @inlinable package static var droppedAttributesCount: UInt32 { 10 }
    @inlinable package static var events: UInt32 { 11 }
    @inlinable package static var droppedEventsCount: UInt32 { 12 }
    @inlinable package static var links: UInt32 { 13 }
    @inlinable package static var droppedLinksCount: UInt32 { 14 }
    @inlinable package static var status: UInt32 { 15 }
    @inlinable package static var flags: UInt32 { 16 }
}

/// Field numbers of SpanEvent: Span.Event.
@frozen
package enum SpanEventField {
    @inlinable package static var timeUnixNano: UInt32 { 1 }
    @inlinable package static var name: UInt32 { 2 }
    @inlinable package static var attributes: UInt32 { 3 }
    @inlinable package static var droppedAttributesCount: UInt32 { 4 }
}

/// Field numbers of SpanLink: Span.Link.
@frozen
package enum SpanLinkField {
    @inlinable package static var traceID: UInt32 { 1 }
    @inlinable package static var spanID: UInt32 { 2 }
    @inlinable package static var traceState: UInt32 { 3 }
    @inlinable package static var attributes: UInt32 { 4 }
    @inlinable package static var droppedAttributesCount: UInt32 { 5 }
    @inlinable package static var flags: UInt32 { 6 }
}

/// Field numbers of Status: a span's outcome.
@frozen
package enum StatusField {
    @inlinable package static var message: UInt32 { 2 }
    @inlinable package static var code: UInt32 { 3 }
}
