/// What items are about. Borrowed, as `WireBytes`.
@safe @frozen
package struct ResourceView {
    /// The whole message.
    package let bytes: WireBytes
    package var droppedAttributesCount: UInt32 = 0

    @inlinable
    package init(_ bytes: WireBytes) throws(WireError) {
        self.bytes = bytes
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case ResourceField.droppedAttributesCount:
                droppedAttributesCount = UInt32(truncatingIfNeeded: try field.varint())
            default: continue
            }
        }
    }

    /// Payloads for `KeyValueView`.
    @inlinable package var attributes: RepeatedField { RepeatedField(bytes, ResourceField.attributes) }

    /// Payloads for `EntityRefView`.
    @inlinable package var entityRefs: RepeatedField { RepeatedField(bytes, ResourceField.entityRefs) }
}

/// Which resource attributes identify and describe an entity. Borrowed, as `WireBytes`.
@safe @frozen
package struct EntityRefView {
    /// The whole message.
    package let bytes: WireBytes
    package var schemaURL: WireBytes = .empty
    package var type: WireBytes = .empty

    @inlinable
    package init(_ bytes: WireBytes) throws(WireError) {
        self.bytes = bytes
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case EntityRefField.schemaURL: schemaURL = try field.payload()
            case EntityRefField.type: type = try field.payload()
            default: continue
            }
        }
    }

    /// Strings.
    @inlinable package var idKeys: RepeatedField { RepeatedField(bytes, EntityRefField.idKeys) }

    /// Strings.
    @inlinable package var descriptionKeys: RepeatedField { RepeatedField(bytes, EntityRefField.descriptionKeys) }
}

/// The library that made the items. Borrowed, as `WireBytes`.
@safe @frozen
package struct InstrumentationScopeView {
    /// The whole message.
    package let bytes: WireBytes
    package var name: WireBytes = .empty
    package var version: WireBytes = .empty
    package var droppedAttributesCount: UInt32 = 0

    @inlinable
    package init(_ bytes: WireBytes) throws(WireError) {
        self.bytes = bytes
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case InstrumentationScopeField.name: name = try field.payload()
            case InstrumentationScopeField.version: version = try field.payload()
            case InstrumentationScopeField.droppedAttributesCount:
                droppedAttributesCount = UInt32(truncatingIfNeeded: try field.varint())
            default: continue
            }
        }
    }

    /// Payloads for `KeyValueView`.
    @inlinable package var attributes: RepeatedField { RepeatedField(bytes, InstrumentationScopeField.attributes) }
}

/// An export request of any signal.
@safe @frozen
package struct ExportServiceRequestView {
    /// The whole request.
    package let bytes: WireBytes

    @inlinable
    package init(_ bytes: WireBytes) {
        self.bytes = bytes
    }

    /// Payloads for `ResourceSpansView`, `ResourceLogsView` or `ResourceMetricsView`, by the signal.
    @inlinable package var resources: RepeatedField { RepeatedField(bytes, ExportServiceRequestField.resources) }
}
