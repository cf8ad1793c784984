import OTLP
import Testing

/// Each rule of the door by one example, written out in bytes.
@Suite struct RequestRulesTests {
    /// Scenario: ids of every length up to 20 in a span, a link, a log record and an exemplar.
    /// Guarantees: only the lengths that OTLP knows pass, and zeros stay.
    @Test func idLengths() throws {
        for count in 0...20 {
            let id = [UInt8](repeating: 0, count: count)
            let traceID: WireError? = count == 0 || count == 16 ? nil : .invalidTraceIDLength(count)
            let spanID: WireError? = count == 0 || count == 8 ? nil : .invalidSpanIDLength(count)
            let link = field(13, field(1, id))
            for (signal, item, error) in [
                (Signal.traces, field(1, id), traceID), (.traces, field(2, id), spanID),
                (.traces, field(4, id), spanID), (.traces, link, traceID), (.logs, field(9, id), traceID),
                (.logs, field(10, id), spanID), (.metrics, field(5, field(1, field(5, field(5, id)))), traceID),
            ] {
                let request = field(1, field(2, field(2, item)))
                #expect(refusal(request, signal) == error)
                if error == nil { #expect(try OTLPRequest.validate(request, signal: signal).bytes == request) }
            }
        }
    }

    /// Scenario: field number 0, groups and reserved wire types, in a request, in a span and in an attribute.
    /// Guarantees: refused by name.
    @Test func forbiddenTags() {
        for wrap in [{ $0 }, { field(1, field(2, field(2, $0))) }, { field(1, field(1, field(1, $0))) }]
            as [([UInt8]) -> [UInt8]]
        {
            #expect(refusal(wrap([0x00, 0x00]), .traces) == .invalidFieldNumber)
            #expect(refusal(wrap([0x80, 0x00, 0x00]), .traces) == .invalidFieldNumber)
            #expect(refusal(wrap([0xf8, 0xff, 0xff, 0xff, 0x7f, 0x00]), .traces) == .invalidFieldNumber)
            for type in [3, 4, 6, 7] as [UInt8] {
                #expect(refusal(wrap([0x98 | type, 0x06]), .traces) == .unsupportedWireType(type))
                #expect(refusal(wrap([0xa0 | type, 0x01]), .traces) == .unsupportedWireType(type))
                #expect(refusal(wrap([0x78 | type]), .traces) == .unsupportedWireType(type))
            }
        }
    }

    /// Scenario: known fields with wrong wire types.
    /// Guarantees: refused with field and type; field 1000 too.
    @Test func wrongWireTypes() {
        #expect(refusal([0x08, 0x01], .logs) == .unexpectedWireType(field: 1, found: 0))
        #expect(refusal(field(1, field(2, field(2, [0x85, 0x01]))), .traces) == .truncated)
        #expect(
            refusal(field(1, field(2, field(2, [0x80, 0x01, 0]))), .traces) == .unexpectedWireType(field: 16, found: 0))
        #expect(refusal(field(1, [0xc0, 0x3e, 0x01]), .traces) == .unexpectedWireType(field: 1000, found: 0))
    }

    /// Scenario: values nested in arrays and maps, 64 and 65 deep, in attributes and log bodies.
    /// Guarantees: 64 pass, 65 are refused, and a million do not exhaust the stack.
    @Test func nesting() throws {
        for kind in [5, 6] {
            func attribute(depth: Int) -> [UInt8] {
                var value = field(1, [0x61])
                for _ in 1..<depth {
                    value =
                        kind == 5 ? field(5, field(1, value)) : field(6, field(1, field(1, [0x6b]) + field(2, value)))
                }
                return field(1, field(1, field(1, field(2, value))))
            }
            #expect(refusal(attribute(depth: 64), .metrics) == nil)
            #expect(refusal(attribute(depth: 65), .metrics) == .nestedTooDeeply)
            #expect(refusal(attribute(depth: 2000), .metrics) == .nestedTooDeeply)
        }
    }

    /// Scenario: field 1000 alone, and beside field 2.
    /// Guarantees: alone it becomes field 2 and its items count; beside field 2 it is a copy and goes.
    @Test func deprecatedScopes() throws {
        let scope = field(2, field(5, Array("old".utf8)))
        let other = field(2, field(5, Array("new".utf8)))
        let old = [0xc2, 0x3e, UInt8(scope.count)] + scope
        let alone = try OTLPRequest.validate(field(1, old), signal: .traces)
        #expect(alone.bytes == field(1, field(2, scope)))
        #expect(alone.itemCount == 1)
        let both = try OTLPRequest.validate(field(1, old + field(2, other)), signal: .traces)
        #expect(both.bytes == field(1, field(2, other)))
        #expect(both.itemCount == 1)
        #expect(refusal(field(1, [0xc2, 0x3e, 2, 0x12, 1]), .traces) == .truncated)
    }

    /// Scenario: a resource in two parts, one behind the scopes; a gauge in two parts; a sum after a gauge.
    /// Guarantees: parts of one message merge, and the member of a oneof that came last wins.
    @Test func repeatedMessages() throws {
        let resource = try OTLPRequest.validate(
            field(1, field(1, [0x10, 1]) + field(2, []) + field(1, field(1, field(1, [0x61])))), signal: .logs)
        #expect(resource.bytes == field(1, field(1, [0x10, 1] + field(1, field(1, [0x61]))) + field(2, [])))

        func metric(_ data: [UInt8]) -> [UInt8] { field(1, field(2, field(2, data))) }
        let gauges = try OTLPRequest.validate(metric(field(5, field(1, [])) + field(5, field(1, []))), signal: .metrics)
        #expect(gauges.bytes == metric(field(5, field(1, []) + field(1, []))))
        #expect(gauges.itemCount == 2)
        let sum = try OTLPRequest.validate(metric(field(5, field(1, [])) + field(7, [])), signal: .metrics)
        #expect(sum.bytes == metric(field(7, [])))
        #expect(sum.itemCount == 0)
    }

    /// Scenario: no bytes at all.
    /// Guarantees: an empty request is valid.
    @Test(arguments: Signal.allCases)
    func emptyRequest(_ signal: Signal) throws {
        let validated = try OTLPRequest.validate([], signal: signal)
        #expect(validated.bytes.isEmpty)
        #expect(validated.itemCount == 0)
    }

    private func refusal(_ request: [UInt8], _ signal: Signal) -> WireError? {
        do {
            _ = try OTLPRequest.validate(request, signal: signal)
            return nil
        } catch {
            return error
        }
    }
}

/// A length-delimited field, encoded by hand.
private func field(_ number: UInt8, _ payload: [UInt8]) -> [UInt8] {
    var length: [UInt8] = []
    var rest = payload.count
    while rest >= 0x80 {
        length.append(UInt8(rest & 0x7f) | 0x80)
        rest >>= 7
    }
    return [number << 3 | 2] + length + [UInt8(rest)] + payload
}
