import OTLP
import TestSupport
import Testing

/// What passes the door is canonical, means what came, and is counted right; what is broken does not pass.
@Suite struct RequestValidationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let signal: Signal
        let seed: UInt64
        var testDescription: String { "\(signal) TEST_SEED=\(seed)" }

        static let all = Signal.allCases.flatMap { signal in
            (Seeds.regression + Seeds.fresh(count: 8)).map { Case(signal: signal, seed: $0) }
        }

        func generator() -> OTLPGenerator { OTLPGenerator(seed: seed) }
    }

    /// Scenario: a request whose layout is canonical.
    /// Guarantees: the very same bytes come back, and the count is the oracle's.
    @Test(arguments: Case.all)
    func canonicalRequestsAreUntouched(_ test: Case) throws {
        var generator = test.generator()
        for _ in 0..<10 {
            let request = generator.request(test.signal)
            let bytes = request.bytes
            let validated = try OTLPRequest.validate(bytes, signal: test.signal)
            #expect(validated.bytes == bytes)
            #expect(validated.itemCount == request.count(where: \.isItem))
            #expect(validated.itemCount == Oracle.items(bytes, test.signal)?.count)
            #expect(try OTLPRequest.itemCount(of: bytes, signal: test.signal) == validated.itemCount)
        }
    }

    /// Scenario: a canonical request, and where its bytes lie in memory.
    /// Guarantees: the common case costs no copy.
    @Test func canonicalRequestsAreNotCopied() throws {
        var generator = OTLPGenerator(seed: 5)
        let bytes = generator.request(.traces).bytes
        let before = unsafe bytes.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
        let validated = try OTLPRequest.validate(bytes, signal: .traces)
        let after = unsafe validated.bytes.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
        #expect(before == after)
    }

    /// Scenario: the same content, encoded oddly: fields out of order, messages in parts, values overridden, scopes in
    /// field 1000, padded tags and lengths.
    /// Guarantees: the result means what the canonical encoding means, and passes the door again unchanged.
    @Test(arguments: Case.all)
    func oddRequestsAreRewritten(_ test: Case) throws {
        var generator = test.generator()
        for round in 0..<10 {
            let request = generator.request(test.signal)
            let ways: Deformation = round == 0 ? .all : Deformation(rawValue: generator.random.int(in: 1...63))
            let odd = request.deformedBytes(ways, using: &generator.random)
            let validated = try OTLPRequest.validate(odd, signal: test.signal)
            #expect(Oracle.normalForm(validated.bytes, test.signal) == Oracle.normalForm(request.bytes, test.signal))
            #expect(validated.itemCount == request.count(where: \.isItem))
            let again = try OTLPRequest.validate(validated.bytes, signal: test.signal)
            #expect(again.bytes == validated.bytes)
            #expect(again.itemCount == validated.itemCount)
        }
    }

    /// Scenario: odd encodings without scopes in field 1000 and without unknown fields, which the oracle loses in
    /// merging. Guarantees: the test's own deformation keeps the meaning, so the property above tests what it says.
    @Test(arguments: Case.all)
    func deformationKeepsTheMeaning(_ test: Case) {
        var generator = test.generator()
        generator.hasUnknownFields = false
        for _ in 0..<10 {
            let request = generator.request(test.signal)
            let odd = request.deformedBytes(
                [.order, .overridden, .paddedTags, .paddedLengths], using: &generator.random)
            #expect(Oracle.normalForm(odd, test.signal) == Oracle.normalForm(request.bytes, test.signal))
        }
    }

    /// Scenario: a request cut at every byte.
    /// Guarantees: refused, or a whole shorter request, exactly as the oracle sees it.
    @Test(arguments: Case.all)
    func truncationsAreSeen(_ test: Case) {
        var generator = test.generator()
        generator.countMax = 2
        let bytes = generator.request(test.signal).bytes.prefix(3000)
        for count in 0...bytes.count {
            expectOracleAgrees(Array(bytes.prefix(count)), test.signal)
        }
    }

    /// Scenario: random bytes changed, inserted, removed.
    /// Guarantees: no trap; what passes parses by the oracle with the same count, and what does not parse is refused.
    @Test(arguments: Case.all)
    func corruptionsAreSeen(_ test: Case) {
        var generator = test.generator()
        for _ in 0..<20 {
            let bytes = generator.request(test.signal).bytes
            for _ in 0..<20 { expectOracleAgrees(bytes.corrupted(using: &generator.random), test.signal) }
        }
    }

    /// Scenario: tags and lengths of more than the five bytes that they need at most, as Go's reader takes them.
    /// Guarantees: they are read, and tags become minimal.
    @Test func longTagsAndLengthsAreRead() throws {
        let zeros = [UInt8](repeating: 0x80, count: 8)
        let tag = [0xf8] + zeros + [0x2e, 0x07]
        #expect(try OTLPRequest.validate(tag, signal: .metrics).bytes == [0x78, 0x07])
        let length = [0x0a, 0x82] + zeros + [0x00, 0x78, 0x07]
        #expect(try OTLPRequest.validate(length, signal: .metrics).bytes == length)
        for bytes in [tag, length] { expectOracleAgrees(bytes, .metrics) }
    }

    /// The oracle is laxer: in what protobuf alone does not say (id lengths, nesting), in field number 0, and in bools
    /// (`AnyValue.bool_value` is field 2, `Sum.is_monotonic` field 3), which it takes from any wire type.
    /// It is stricter in tags and lengths, of which it takes five bytes at most: by way of JSON they become that short.
    private func expectOracleAgrees(_ bytes: [UInt8], _ signal: Signal) {
        let expected = Oracle.normalForm(bytes, signal)
        do {
            let validated = try OTLPRequest.validate(bytes, signal: signal)
            if expected == nil, Self.hasLongVarint(bytes) {
                #expect(Self.itemCountByJSON(validated.bytes, signal) == validated.itemCount, "\(bytes)")
            } else {
                #expect(expected != nil, "accepted what the oracle refuses: \(bytes)")
                #expect(Oracle.items(validated.bytes, signal)?.count == validated.itemCount)
            }
            if validated.bytes != bytes {
                let again = try OTLPRequest.validate(validated.bytes, signal: signal)
                #expect(again.bytes == validated.bytes)
            }
        } catch {
            switch error {
            case .invalidTraceIDLength, .invalidSpanIDLength, .nestedTooDeeply, .invalidFieldNumber: break
            case .unexpectedWireType(field: AnyValueField.boolValue, found: _): break
            case .unexpectedWireType(field: MetricDataField.isMonotonic, found: _): break
            default: #expect(expected == nil, "refused what the oracle accepts, as \(error): \(bytes)")
            }
        }
    }

    /// Whether there may be a varint of more than five bytes.
    private static func hasLongVarint(_ bytes: [UInt8]) -> Bool {
        var followed = 0
        for byte in bytes {
            followed = byte < 0x80 ? 0 : followed + 1
            if followed == 5 { return true }
        }
        return false
    }

    /// The oracle's count of items in the request that the JSON of `request` makes.
    private static func itemCountByJSON(_ request: [UInt8], _ signal: Signal) -> Int? {
        var json: [UInt8] = []
        guard (try? OTLPRequest.appendJSON(of: request, signal: signal, to: &json)) != nil,
            let read = try? OTLPRequest.fromJSON(json, signal: signal)
        else { return nil }
        return Oracle.items(read, signal)?.count
    }
}
