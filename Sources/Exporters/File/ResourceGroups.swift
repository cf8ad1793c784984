import OTLP

/// A request taken apart by the value of a resource attribute.
struct ResourceGroups {
    struct Group {
        var value: String
        /// A request with all resources that have the value.
        var request: [UInt8]
    }

    /// In the order in which their values first appear.
    private(set) var groups: [Group] = []
    /// Spans, data points or log records whose resource has no such attribute, or one that is no text.
    private(set) var itemCountWithoutValue = 0

    init(of request: [UInt8], signal: Signal, attribute: String) throws(WireError) {
        var indexByValue: [String: Int] = [:]
        var without: [UInt8] = []
        let name = Array(attribute.utf8)
        try request.withWireBytes { (wire) throws(WireError) in
            var cursor = WireCursor(wire)
            while let field = try cursor.nextField() {
                guard field.number == ExportServiceRequestField.resources else { continue }
                let bytes = wire.slice(field.range).array
                guard
                    let value = try name.withWireBytes({ (name) throws(WireError) in
                        try textAttribute(name, ofResourceIn: try field.payload())
                    })
                else {
                    without += bytes
                    continue
                }
                if let index = indexByValue[value] {
                    groups[index].request += bytes
                } else {
                    indexByValue[value] = groups.count
                    groups.append(Group(value: value, request: bytes))
                }
            }
        }
        itemCountWithoutValue = try OTLPRequest.itemCount(of: without, signal: signal)
    }
}

/// The resource is field 1 of its envelope in every signal.
private func textAttribute(_ name: WireBytes, ofResourceIn envelope: WireBytes) throws(WireError) -> String? {
    let resource = try ResourceSpansView(envelope).resource
    var attributes = try ResourceView(resource).attributes
    while let bytes = try attributes.next() {
        let attribute = try KeyValueView(bytes)
        if attribute.key.equals(name), case .string(let value) = attribute.value { return value.string }
    }
    return nil
}
