import OTLP
import TestSupport
import Testing

/// Splitting and merging lose no item, repeat none, and keep what is around each.
@Suite struct RequestItemsTests {
    typealias Case = RequestValidationTests.Case

    /// Scenario: a request split into parts of every size.
    /// Guarantees: each part holds what it should, and together they hold every item once, in order, with its resource,
    /// scope and metric, as the oracle reads them.
    @Test(arguments: Case.all)
    func splitsKeepEachItem(_ test: Case) throws {
        var generator = test.generator()
        for _ in 0..<4 {
            let request = generator.request(test.signal).bytes
            let expected = try #require(Oracle.items(request, test.signal))
            for maxItems in [1, 2, 3, 7, max(1, expected.count - 1), expected.count + 1] {
                let parts = try OTLPRequest.split(request, signal: test.signal, maxItems: maxItems)
                let items = try parts.map { try #require(Oracle.items($0, test.signal)) }
                #expect(items.flatMap(\.self) == expected)
                #expect(items.dropLast().allSatisfy { $0.count == maxItems })
                #expect(items.count == max(1, (expected.count + maxItems - 1) / maxItems))
                for part in parts { #expect(try OTLPRequest.validate(part, signal: test.signal).bytes == part) }
                #expect(Oracle.items(OTLPRequest.merge(parts), test.signal) == expected)
            }
        }
    }

    /// Scenario: every range of items of small requests, and random ranges of larger ones.
    /// Guarantees: exactly those items come, with all around them; none of them is none.
    @Test(arguments: Case.all)
    func rangesSelectTheirItems(_ test: Case) throws {
        var generator = test.generator()
        let request = generator.request(test.signal).bytes
        let expected = try #require(Oracle.items(request, test.signal))
        for _ in 0..<60 {
            let lower = generator.random.int(in: 0...expected.count)
            let upper = generator.random.int(in: lower...expected.count)
            let part = try OTLPRequest.items(lower..<upper, of: request, signal: test.signal)
            #expect(Oracle.items(part, test.signal) == Array(expected[lower..<upper]))
        }
        #expect(try OTLPRequest.items(0..<expected.count, of: request, signal: test.signal) == request)
        #expect(try OTLPRequest.items(0..<expected.count + 9, of: request, signal: test.signal) == request)
    }

    /// Scenario: pieces of several requests appended to one writer, whole ones among them.
    /// Guarantees: the result is a canonical request of just those items, in order.
    @Test(arguments: Case.all)
    func appendingMerges(_ test: Case) throws {
        var generator = test.generator()
        var writer = WireWriter(capacity: 0)
        var expected: [[UInt8]] = []
        for _ in 0..<6 {
            let request = generator.request(test.signal).bytes
            let items = try #require(Oracle.items(request, test.signal))
            let lower = generator.random.oneIn(2) ? 0 : generator.random.int(in: 0...items.count)
            let upper = generator.random.oneIn(2) ? items.count : generator.random.int(in: lower...items.count)
            expected += items[lower..<upper]
            try request.withWireBytes { (bytes) throws(WireError) in
                try OTLPRequest.appendItems(lower..<upper, of: bytes, signal: test.signal, to: &writer)
            }
        }
        #expect(Oracle.items(writer.bytes, test.signal) == expected)
        let validated = try OTLPRequest.validate(writer.bytes, signal: test.signal)
        #expect(validated.bytes == writer.bytes)
        #expect(validated.itemCount == expected.count)
    }

    /// Scenario: several requests merged.
    /// Guarantees: the items of all, in order; nothing becomes an empty request.
    @Test(arguments: Case.all)
    func mergingConcatenates(_ test: Case) throws {
        var generator = test.generator()
        let requests = (0..<4).map { _ in generator.request(test.signal).bytes }
        let expected = try requests.flatMap { try #require(Oracle.items($0, test.signal)) }
        #expect(Oracle.items(OTLPRequest.merge(requests), test.signal) == expected)
        #expect(OTLPRequest.merge([]) == [])
    }
}
