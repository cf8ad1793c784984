// Field numbers of opentelemetry.proto.common.v1 and resource.v1.
// Computed properties rather than constants, so that other modules switch over them without a call.

/// Field numbers of AnyValue: the kinds of one attribute value or log body (a oneof).
@frozen
public enum AnyValueField {
    @inlinable public static var stringValue: UInt32 { 1 }
    @inlinable public static var boolValue: UInt32 { 2 }
    @inlinable public static var intValue: UInt32 { 3 }
    @inlinable public static var doubleValue: UInt32 { 4 }
    @inlinable public static var arrayValue: UInt32 { 5 }
    @inlinable public static var kvlistValue: UInt32 { 6 }
    @inlinable public static var bytesValue: UInt32 { 7 }
    @inlinable public static var stringValueStrindex: UInt32 { 8 }
}

/// Field numbers of ArrayValue: a list of AnyValue.
@frozen
public enum ArrayValueField {
    @inlinable public static var values: UInt32 { 1 }
}

/// Field numbers of KeyValueList: a map as a list of KeyValue.
@frozen
public enum KeyValueListField {
    @inlinable public static var values: UInt32 { 1 }
}

/// Field numbers of KeyValue: one attribute.
@frozen
public enum KeyValueField {
    @inlinable public static var key: UInt32 { 1 }
    @inlinable public static var value: UInt32 { 2 }
    @inlinable public static var keyStrindex: UInt32 { 3 }
}

/// Field numbers of InstrumentationScope: the library that made the items.
@frozen
public enum InstrumentationScopeField {
    @inlinable public static var name: UInt32 { 1 }
    @inlinable public static var version: UInt32 { 2 }
    @inlinable public static var attributes: UInt32 { 3 }
    @inlinable public static var droppedAttributesCount: UInt32 { 4 }
}

/// Field numbers of EntityRef: which resource attributes identify and describe an entity.
@frozen
public enum EntityRefField {
    @inlinable public static var schemaURL: UInt32 { 1 }
    @inlinable public static var type: UInt32 { 2 }
    @inlinable public static var idKeys: UInt32 { 3 }
    @inlinable public static var descriptionKeys: UInt32 { 4 }
}

/// Field numbers of Resource: what the items are about.
@frozen
public enum ResourceField {
    @inlinable public static var attributes: UInt32 { 1 }
    @inlinable public static var droppedAttributesCount: UInt32 { 2 }
    @inlinable public static var entityRefs: UInt32 { 3 }
}

/// Field numbers of an export request of any signal, and TracesData, LogsData, MetricsData.
@frozen
public enum ExportServiceRequestField {
    @inlinable public static var resources: UInt32 { 1 }
}

/// Field numbers of what ResourceSpans, ResourceLogs and ResourceMetrics have in common.
@frozen
public enum ResourceEnvelopeField {
    @inlinable public static var resource: UInt32 { 1 }
    @inlinable public static var scopes: UInt32 { 2 }
    @inlinable public static var schemaURL: UInt32 { 3 }
    @inlinable public static var deprecatedScopes: UInt32 { 1000 }
}

/// Field numbers of what ScopeSpans, ScopeLogs and ScopeMetrics have in common.
@frozen
public enum ScopeEnvelopeField {
    @inlinable public static var scope: UInt32 { 1 }
    @inlinable public static var items: UInt32 { 2 }
    @inlinable public static var schemaURL: UInt32 { 3 }
}
