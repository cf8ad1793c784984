// Field numbers of opentelemetry.proto.common.v1 and resource.v1.
// Computed properties rather than constants, so that other modules switch over them without a call.

/// Field numbers of AnyValue: the kinds of one attribute value or log body (a oneof).
@frozen
package enum AnyValueField {
    @inlinable package static var stringValue: UInt32 { 1 }
    @inlinable package static var boolValue: UInt32 { 2 }
    @inlinable package static var intValue: UInt32 { 3 }
    @inlinable package static var doubleValue: UInt32 { 4 }
    @inlinable package static var arrayValue: UInt32 { 5 }
    @inlinable package static var kvlistValue: UInt32 { 6 }
    @inlinable package static var bytesValue: UInt32 { 7 }
    @inlinable package static var stringValueStrindex: UInt32 { 8 }
}

/// Field numbers of ArrayValue: a list of AnyValue.
@frozen
package enum ArrayValueField {
    @inlinable package static var values: UInt32 { 1 }
}

/// Field numbers of KeyValueList: a map as a list of KeyValue.
@frozen
package enum KeyValueListField {
    @inlinable package static var values: UInt32 { 1 }
}

/// Field numbers of KeyValue: one attribute.
@frozen
package enum KeyValueField {
    @inlinable package static var key: UInt32 { 1 }
    @inlinable package static var value: UInt32 { 2 }
    @inlinable package static var keyStrindex: UInt32 { 3 }
}

/// Field numbers of InstrumentationScope: the library that made the items.
@frozen
package enum InstrumentationScopeField {
    @inlinable package static var name: UInt32 { 1 }
    @inlinable package static var version: UInt32 { 2 }
    @inlinable package static var attributes: UInt32 { 3 }
    @inlinable package static var droppedAttributesCount: UInt32 { 4 }
}

/// Field numbers of EntityRef: which resource attributes identify and describe an entity.
@frozen
package enum EntityRefField {
    @inlinable package static var schemaURL: UInt32 { 1 }
    @inlinable package static var type: UInt32 { 2 }
    @inlinable package static var idKeys: UInt32 { 3 }
    @inlinable package static var descriptionKeys: UInt32 { 4 }
}

/// Field numbers of Resource: what the items are about.
@frozen
package enum ResourceField {
    @inlinable package static var attributes: UInt32 { 1 }
    @inlinable package static var droppedAttributesCount: UInt32 { 2 }
    @inlinable package static var entityRefs: UInt32 { 3 }
}

/// Field numbers of an export request of any signal, and TracesData, LogsData, MetricsData.
@frozen
package enum ExportServiceRequestField {
    @inlinable package static var resources: UInt32 { 1 }
}

/// Field numbers of what ResourceSpans, ResourceLogs and ResourceMetrics have in common.
@frozen
package enum ResourceEnvelopeField {
    @inlinable package static var resource: UInt32 { 1 }
    @inlinable package static var scopes: UInt32 { 2 }
    @inlinable package static var schemaURL: UInt32 { 3 }
    @inlinable package static var deprecatedScopes: UInt32 { 1000 }
}

/// Field numbers of what ScopeSpans, ScopeLogs and ScopeMetrics have in common.
@frozen
package enum ScopeEnvelopeField {
    @inlinable package static var scope: UInt32 { 1 }
    @inlinable package static var items: UInt32 { 2 }
    @inlinable package static var schemaURL: UInt32 { 3 }
}
