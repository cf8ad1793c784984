// Field numbers of opentelemetry.proto.trace.v1.
// Computed properties rather than constants, so that other modules switch over them without a call.

/// Field numbers of ResourceSpans: the spans of one resource.
@frozen
public enum ResourceSpansField {
    @inlinable public static var resource: UInt32 { 1 }
    @inlinable public static var scopeSpans: UInt32 { 2 }
    @inlinable public static var schemaURL: UInt32 { 3 }
}

/// Field numbers of ScopeSpans: the spans of one scope.
@frozen
public enum ScopeSpansField {
    @inlinable public static var scope: UInt32 { 1 }
    @inlinable public static var spans: UInt32 { 2 }
    @inlinable public static var schemaURL: UInt32 { 3 }
}

/// Field numbers of Span: one span.
@frozen
public enum SpanField {
    @inlinable public static var traceID: UInt32 { 1 }
    @inlinable public static var spanID: UInt32 { 2 }
    @inlinable public static var traceState: UInt32 { 3 }
    @inlinable public static var parentSpanID: UInt32 { 4 }
    @inlinable public static var name: UInt32 { 5 }
    @inlinable public static var kind: UInt32 { 6 }
    @inlinable public static var startTimeUnixNano: UInt32 { 7 }
    @inlinable public static var endTimeUnixNano: UInt32 { 8 }
    @inlinable public static var attributes: UInt32 { 9 }
    @inlinable public static var droppedAttributesCount: UInt32 { 10 }
    @inlinable public static var events: UInt32 { 11 }
    @inlinable public static var droppedEventsCount: UInt32 { 12 }
    @inlinable public static var links: UInt32 { 13 }
    @inlinable public static var droppedLinksCount: UInt32 { 14 }
    @inlinable public static var status: UInt32 { 15 }
    @inlinable public static var flags: UInt32 { 16 }
}

/// Field numbers of SpanEvent: Span.Event.
@frozen
public enum SpanEventField {
    @inlinable public static var timeUnixNano: UInt32 { 1 }
    @inlinable public static var name: UInt32 { 2 }
    @inlinable public static var attributes: UInt32 { 3 }
    @inlinable public static var droppedAttributesCount: UInt32 { 4 }
}

/// Field numbers of SpanLink: Span.Link.
@frozen
public enum SpanLinkField {
    @inlinable public static var traceID: UInt32 { 1 }
    @inlinable public static var spanID: UInt32 { 2 }
    @inlinable public static var traceState: UInt32 { 3 }
    @inlinable public static var attributes: UInt32 { 4 }
    @inlinable public static var droppedAttributesCount: UInt32 { 5 }
    @inlinable public static var flags: UInt32 { 6 }
}

/// Field numbers of Status: a span's outcome.
@frozen
public enum StatusField {
    @inlinable public static var message: UInt32 { 2 }
    @inlinable public static var code: UInt32 { 3 }
}
