// Field numbers of opentelemetry.proto.logs.v1.
// Computed properties rather than constants, so that other modules switch over them without a call.

/// Field numbers of ResourceLogs: the log records of one resource.
@frozen
public enum ResourceLogsField {
    @inlinable public static var resource: UInt32 { 1 }
    @inlinable public static var scopeLogs: UInt32 { 2 }
    @inlinable public static var schemaURL: UInt32 { 3 }
}

/// Field numbers of ScopeLogs: the log records of one scope.
@frozen
public enum ScopeLogsField {
    @inlinable public static var scope: UInt32 { 1 }
    @inlinable public static var logRecords: UInt32 { 2 }
    @inlinable public static var schemaURL: UInt32 { 3 }
}

/// Field numbers of LogRecord: one log record.
@frozen
public enum LogRecordField {
    @inlinable public static var timeUnixNano: UInt32 { 1 }
    @inlinable public static var severityNumber: UInt32 { 2 }
    @inlinable public static var severityText: UInt32 { 3 }
    @inlinable public static var body: UInt32 { 5 }
    @inlinable public static var attributes: UInt32 { 6 }
    @inlinable public static var droppedAttributesCount: UInt32 { 7 }
    @inlinable public static var flags: UInt32 { 8 }
    @inlinable public static var traceID: UInt32 { 9 }
    @inlinable public static var spanID: UInt32 { 10 }
    @inlinable public static var observedTimeUnixNano: UInt32 { 11 }
    @inlinable public static var eventName: UInt32 { 12 }
}
