/// The metrics of one resource. Borrowed, as `WireBytes`.
@safe @frozen
package struct ResourceMetricsView {
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
            case ResourceMetricsField.resource: resource = try field.payload()
            case ResourceMetricsField.schemaURL: schemaURL = try field.payload()
            default: continue
            }
        }
    }

    /// Payloads for `ScopeMetricsView`.
    @inlinable package var scopeMetrics: RepeatedField { RepeatedField(bytes, ResourceMetricsField.scopeMetrics) }
}

/// The metrics of one instrumentation scope. Borrowed, as `WireBytes`.
@safe @frozen
package struct ScopeMetricsView {
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
            case ScopeMetricsField.scope: scope = try field.payload()
            case ScopeMetricsField.schemaURL: schemaURL = try field.payload()
            default: continue
            }
        }
    }

    /// Payloads for `MetricView`.
    @inlinable package var metrics: RepeatedField { RepeatedField(bytes, ScopeMetricsField.metrics) }
}
