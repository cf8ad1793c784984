/// What items are about. Borrowed, as `WireBytes`.
@safe @frozen
public struct ResourceView {
    /// The whole message.
    public let bytes: WireBytes
    public var droppedAttributesCount: UInt32 = 0

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
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
    @inlinable public var attributes: RepeatedField { RepeatedField(bytes, ResourceField.attributes) }

    /// Payloads for `EntityRefView`.
    @inlinable public var entityRefs: RepeatedField { RepeatedField(bytes, ResourceField.entityRefs) }
}

/// Which resource attributes identify and describe an entity. Borrowed, as `WireBytes`.
@safe @frozen
public struct EntityRefView {
    /// The whole message.
    public let bytes: WireBytes
    public var schemaURL: WireBytes = .empty
    public var type: WireBytes = .empty

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
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
    @inlinable public var idKeys: RepeatedField { RepeatedField(bytes, EntityRefField.idKeys) }

    /// Strings.
    @inlinable public var descriptionKeys: RepeatedField { RepeatedField(bytes, EntityRefField.descriptionKeys) }
}

/// The library that made the items. Borrowed, as `WireBytes`.
@safe @frozen
public struct InstrumentationScopeView {
    /// The whole message.
    public let bytes: WireBytes
    public var name: WireBytes = .empty
    public var version: WireBytes = .empty
    public var droppedAttributesCount: UInt32 = 0

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
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
    @inlinable public var attributes: RepeatedField { RepeatedField(bytes, InstrumentationScopeField.attributes) }
}

/// An export request of any signal.
@safe @frozen
public struct ExportServiceRequestView {
    /// The whole request.
    public let bytes: WireBytes

    @inlinable
    public init(_ bytes: WireBytes) {
        self.bytes = bytes
    }

    /// Payloads for `ResourceSpansView`, `ResourceLogsView` or `ResourceMetricsView`, by the signal.
    @inlinable public var resources: RepeatedField { RepeatedField(bytes, ExportServiceRequestField.resources) }
}
