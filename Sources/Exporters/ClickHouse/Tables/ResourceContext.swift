import ClickHouseNative
import OTLP

/// What the rows of a resource share.
@safe
struct ResourceContext {
    /// The Resource message.
    private let resource: WireBytes
    let schemaURL: WireBytes
    /// The attribute `service.name`, where it is a string.
    let serviceName: WireBytes

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

    var attributes: RepeatedField { RepeatedField(resource, ResourceField.attributes) }

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
}

/// What the rows of an instrumentation scope share.
@safe
struct ScopeContext {
    private(set) var scope: InstrumentationScopeView
    private(set) var schemaURL = WireBytes.empty

    /// An absent scope.
    init() throws(WireError) { scope = try InstrumentationScopeView(.empty) }

    /// Takes what `field` of a ScopeSpans, ScopeLogs or ScopeMetrics message says of the scope, if anything.
    mutating func read(_ field: WireField) throws(WireError) {
        switch field.number {
        case ScopeEnvelopeField.scope: scope = try InstrumentationScopeView(field.payload())
        case ScopeEnvelopeField.schemaURL: schemaURL = try field.payload()
        default: return
        }
    }
}
