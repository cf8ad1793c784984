import Foundation
import OTLP
import TestSupport
import Testing

/// Writing JSON and reading it lose nothing that JSON can hold, and neither ever traps.
@Suite struct JSONRoundTripTests {
    typealias Case = RequestValidationTests.Case

    static func json(_ request: [UInt8], _ signal: Signal) throws -> String {
        var json: [UInt8] = []
        try OTLPRequest.appendJSON(of: request, signal: signal, to: &json)
        return try #require(String(validating: json, as: UTF8.self))
    }

    /// Where two texts begin to differ, with what is around it in both; nil if they are the same.
    static func difference(_ text: String, _ other: String) -> String? {
        guard text != other else { return nil }
        let (bytes, otherBytes) = (Array(text.utf8), Array(other.utf8))
        let common = zip(bytes, otherBytes).prefix { $0 == $1 }.count
        func excerpt(_ bytes: [UInt8]) -> String {
            String(decoding: bytes[max(0, common - 60)..<min(bytes.count, common + 40)], as: UTF8.self)
        }
        return "\(excerpt(bytes)) | \(excerpt(otherBytes))"
    }

    /// A byte that was not UTF-8 is written as an escape, but once read it is a character like any other.
    static func rewritten(_ json: String) -> String {
        // By scalars: a character may combine with the one before it.
        json.replacingOccurrences(of: #"\ufffd"#, with: "\u{fffd}", options: .literal)
    }

    /// Scenario: random requests, with unknown fields and strings that are not UTF-8.
    /// Guarantees: what is read back is canonical, has as many items, and gives the same JSON again.
    @Test(arguments: Case.all)
    func jsonReadsBack(_ test: Case) throws {
        var generator = test.generator()
        for _ in 0..<10 {
            let request = generator.request(test.signal).bytes
            let json = try JSONRoundTripTests.json(request, test.signal)
            let read = try OTLPRequest.fromJSON(Array(json.utf8), signal: test.signal)
            let again = try JSONRoundTripTests.json(read, test.signal)
            #expect(JSONRoundTripTests.difference(again, JSONRoundTripTests.rewritten(json)) == nil)
            let validated = try OTLPRequest.validate(read, signal: test.signal)
            #expect(validated.bytes == read)
            #expect(validated.itemCount == (try OTLPRequest.itemCount(of: request, signal: test.signal)))
            #expect(try OTLPRequest.fromJSON(Array(again.utf8), signal: test.signal) == read)
        }
    }

    /// Scenario: the same content in another layout: fields out of order, messages in parts, values overridden.
    /// Guarantees: the JSON of the canonical form is the JSON of the content.
    @Test(arguments: Case.all)
    func jsonDependsOnTheContentAlone(_ test: Case) throws {
        var generator = test.generator()
        for _ in 0..<5 {
            generator.hasUnknownFields = false
            let request = generator.request(test.signal)
            let odd = request.deformedBytes(.all, using: &generator.random)
            let validated = try OTLPRequest.validate(odd, signal: test.signal)
            let ofOdd = try JSONRoundTripTests.json(validated.bytes, test.signal)
            let expected = try JSONRoundTripTests.json(request.bytes, test.signal)
            #expect(JSONRoundTripTests.difference(ofOdd, expected) == nil)
        }
    }

    /// Scenario: JSON with some bytes changed.
    /// Guarantees: it is read or refused, never a trap; what is read passes the door unchanged; an error's place is
    /// inside the input.
    @Test(arguments: Case.all)
    func corruptedJSONNeverTraps(_ test: Case) throws {
        var generator = test.generator()
        for _ in 0..<4 {
            let json = try JSONRoundTripTests.json(generator.request(test.signal).bytes, test.signal)
            for _ in 0..<8 {
                let corrupted = Array(json.utf8).corrupted(using: &generator.random)
                do {
                    let read = try OTLPRequest.fromJSON(corrupted, signal: test.signal)
                    #expect(try OTLPRequest.validate(read, signal: test.signal).bytes == read)
                } catch let error as JSONError {
                    #expect((0...corrupted.count).contains(error.offset))
                }
            }
        }
    }

    /// Scenario: protobuf with some bytes changed, unvalidated.
    /// Guarantees: it is written or refused, never a trap; a refusal leaves the output as it was.
    @Test(arguments: Case.all)
    func corruptedProtobufNeverTraps(_ test: Case) throws {
        var generator = test.generator()
        for _ in 0..<4 {
            let request = generator.request(test.signal).bytes
            for _ in 0..<8 {
                var output: [UInt8] = [1, 2, 3]
                do {
                    let corrupted = request.corrupted(using: &generator.random)
                    try OTLPRequest.appendJSON(of: corrupted, signal: test.signal, to: &output)
                    _ = try JSONSerialization.jsonObject(with: Data(output.dropFirst(3)))
                } catch is WireError {
                    #expect(output == [1, 2, 3])
                }
            }
        }
    }

    /// Scenario: requests of every length written one after the other in the memory of one encoder, some of them refused.
    /// Guarantees: each is written as if it were the only one, whether its memory was kept or not, and the JSON of several
    /// requests is that of the one they make together.
    @Test(arguments: Case.all)
    func memoryIsUsedAgain(_ test: Case) throws {
        var generator = test.generator()
        var encoder = RequestJSONEncoder(capacity: 0)
        for round in 0..<10 {
            let requests = (0..<round % 4).map { _ in generator.request(test.signal).bytes }
            let merged = OTLPRequest.merge([[]] + requests)
            try encoder.append(requests, signal: test.signal)
            #expect(throws: WireError.self) { try encoder.append(requests + [[0x0a, 0x7f]], signal: test.signal) }
            encoder.append(UInt8(ascii: "\n"))
            let written = unsafe encoder.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
            #expect(written == (try JSONRoundTripTests.json(merged, test.signal)) + "\n")
            encoder.removeAll(keepingCapacityUpTo: round.isMultiple(of: 3) ? 0 : 1 << 20)
            #expect(encoder.byteCount == 0)
        }
    }

    /// Scenario: spans as nginx sent them, some with invalid UTF-8.
    /// Guarantees: the JSON is valid, holds every span, and reads back to the same JSON.
    @Test(arguments: ["003", "008", "014", "016", "018"])
    func capturedRequests(_ name: String) throws {
        let request = try Fixture.nginx(name)
        let json = try JSONRoundTripTests.json(request, .traces)
        _ = try JSONSerialization.jsonObject(with: Data(json.utf8))
        let read = try OTLPRequest.fromJSON(Array(json.utf8), signal: .traces)
        #expect(
            try OTLPRequest.itemCount(of: read, signal: .traces)
                == OTLPRequest.itemCount(of: request, signal: .traces))
        #expect(try JSONRoundTripTests.json(read, .traces) == JSONRoundTripTests.rewritten(json))
    }
}

/// Files of `Tests/Fixtures`.
enum Fixture {
    static func nginx(_ name: String) throws -> [UInt8] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Fixtures/nginx/\(name).pb")
        return Array(try Data(contentsOf: file))
    }
}
