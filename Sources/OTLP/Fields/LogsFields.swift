// Field numbers of opentelemetry.proto.logs.v1.
// Computed properties rather than constants, so that other modules switch over them without a call.

/// Field numbers of ResourceLogs: the log records of one resource.
@frozen
package enum ResourceLogsField {
    @inlinable package static var resource: UInt32 { 1 }
    @inlinable package static var scopeLogs: UInt32 { 2 }
    @inlinable package static var schemaURL: UInt32 { 3 }
}

/// Field numbers of ScopeLogs: the log records of one scope.
@frozen
package enum ScopeLogsField {
    @inlinable package static var scope: UInt32 { 1 }
    @inlinable package static var logRecords: UInt32 { 2 }
    @inlinable package static var schemaURL: UInt32 { 3 }
}

/// Field numbers of LogRecord: one log record.
@frozen
package enum LogRecordField {
    @inlinable package static var timeUnixNano: UInt32 { 1 }
    @inlinable package static var severityNumber: UInt32 { 2 }
    @inlinable package static var severityText: UInt32 { 3 }
    @inlinable package static var body: UInt32 { 5 }
    @inlinable package static var attributes: UInt32 { 6 }
    @inlinable package static var droppedAttributesCount: UInt32 { 7 }
    @inlinable package static var flags: UInt32 { 8 }
    @inlinable package static var traceID: UInt32 { 9 }
    @inlinable package static var spanID: UInt32 { 10 }
    @inlinable package static var observedTimeUnixNano: UInt32 { 11 }
    @inlinable package static var eventName: UInt32 { 12 }
}
