import ClickHouseNative
import OTLP

/// A resource on the way through its rows: what they share, and where it is already encoded.
@safe
struct ResourceContext {
    /// The Resource message.
    private let resource: WireBytes
    let schemaURL: WireBytes
    /// The attribute `service.name`, where it is a string.
    private let serviceName: WireBytes
    private var encodedAttributes: MapColumn.EncodedRow?
    private var encodedServiceName: Range<Int>?
    private var encodedSchemaURL: Range<Int>?

    /// - Parameter envelope: a ResourceSpans, ResourceLogs or ResourceMetrics message.
    init(envelope: WireBytes) throws(WireError) {
        var resource = WireBytes.empty
        var schemaURL = WireBytes.empty
        var cursor = WireCursor(envelope)
        while let field = try cursor.nextField() {
            switch field.number {
            case ResourceEnvelopeField.resource: resource = try field.payload()
            case ResourceEnvelopeField.schemaURL: schemaURL = try field.payload()
            default: continue
            }
        }
        self.resource = resource
        self.schemaURL = schemaURL
        serviceName = try Self.serviceName(of: resource)
    }

    /// The first of that name counts, as it does for otelcol.
    private static func serviceName(of resource: WireBytes) throws(WireError) -> WireBytes {
        var attributes = RepeatedField(resource, ResourceField.attributes)
        while let next = try attributes.next() {
            let attribute = try KeyValueView(next)
            guard attribute.key.equals("service.name") else { continue }
            if case .string(let name) = attribute.value { return name }
            return .empty
        }
        return .empty
    }

    mutating func appendServiceName(to column: inout TextColumn) {
        column.append(serviceName, encoded: &encodedServiceName)
    }

    mutating func appendSchemaURL(to column: inout TextColumn) {
        column.append(schemaURL, encoded: &encodedSchemaURL)
    }

    mutating func appendAttributes(to column: inout MapColumn, scratch: inout [UInt8]) throws(WireError) {
        try column.appendRow(encoded: &encodedAttributes) { (column) throws(WireError) in
            try column.append(RepeatedField(resource, ResourceField.attributes), scratch: &scratch)
        }
    }
}

/// An instrumentation scope on the way through its rows.
@safe
struct ScopeContext {
    private let scope: InstrumentationScopeView
    private let schemaURL: WireBytes
    private var encodedName: Range<Int>?
    private var encodedVersion: Range<Int>?
    private var encodedSchemaURL: Range<Int>?
    private var encodedAttributes: MapColumn.EncodedRow?

    var droppedAttributesCount: UInt32 { scope.droppedAttributesCount }

    /// - Parameter envelope: a ScopeSpans, ScopeLogs or ScopeMetrics message.
    init(envelope: WireBytes) throws(WireError) {
        var scope = WireBytes.empty
        var schemaURL = WireBytes.empty
        var cursor = WireCursor(envelope)
        while let field = try cursor.nextField() {
            switch field.number {
            case ScopeEnvelopeField.scope: scope = try field.payload()
            case ScopeEnvelopeField.schemaURL: schemaURL = try field.payload()
            default: continue
            }
        }
        self.scope = try InstrumentationScopeView(scope)
        self.schemaURL = schemaURL
    }

    mutating func appendName(to column: inout TextColumn) { column.append(scope.name, encoded: &encodedName) }

    mutating func appendVersion(to column: inout TextColumn) { column.append(scope.version, encoded: &encodedVersion) }

    mutating func appendSchemaURL(to column: inout TextColumn) { column.append(schemaURL, encoded: &encodedSchemaURL) }

    mutating func appendAttributes(to column: inout MapColumn, scratch: inout [UInt8]) throws(WireError) {
        try column.appendRow(encoded: &encodedAttributes) { (column) throws(WireError) in
            try column.append(scope.attributes, scratch: &scratch)
        }
    }
}

/// Calls `body` for each item of a request, with its resource and scope. The items are spans, log records or metrics.
@inline(__always)
func forEachItem(
    of request: WireBytes,
    _ body: (WireBytes, inout ResourceContext, inout ScopeContext) throws(WireError) -> Void
) throws(WireError) {
    var resources = RepeatedField(request, ExportServiceRequestField.resources)
    while let resourceEnvelope = try resources.next() {
        var resource = try ResourceContext(envelope: resourceEnvelope)
        var scopes = RepeatedField(resourceEnvelope, ResourceEnvelopeField.scopes)
        while let scopeEnvelope = try scopes.next() {
            var scope = try ScopeContext(envelope: scopeEnvelope)
            var items = RepeatedField(scopeEnvelope, ScopeEnvelopeField.items)
            while let item = try items.next() { try body(item, &resource, &scope) }
        }
    }
}
