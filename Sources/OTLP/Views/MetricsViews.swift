/// The metrics of one resource. Borrowed, as `WireBytes`.
@safe @frozen
public struct ResourceMetricsView {
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
            case ResourceMetricsField.resource: resource = try field.payload()
            case ResourceMetricsField.schemaURL: schemaURL = try field.payload()
            default: continue
            }
        }
    }

    /// Payloads for `ScopeMetricsView`.
    @inlinable public var scopeMetrics: RepeatedField { RepeatedField(bytes, ResourceMetricsField.scopeMetrics) }
}

/// The metrics of one instrumentation scope. Borrowed, as `WireBytes`.
@safe @frozen
public struct ScopeMetricsView {
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
            case ScopeMetricsField.scope: scope = try field.payload()
            case ScopeMetricsField.schemaURL: schemaURL = try field.payload()
            default: continue
            }
        }
    }

    /// Payloads for `MetricView`.
    @inlinable public var metrics: RepeatedField { RepeatedField(bytes, ScopeMetricsField.metrics) }
}
