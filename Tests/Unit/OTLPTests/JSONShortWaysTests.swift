import TestSupport
import Testing

@testable import OTLP

/// What is read or written several bytes at a time is what byte by byte would be.
@Suite struct JSONShortWaysTests {
    typealias Case = RequestValidationTests.Case

    static func outcome(of json: [UInt8], _ signal: Signal) -> Result<[UInt8], JSONError.Code> {
        do {
            return .success(try OTLPRequest.fromJSON(json, signal: signal))
        } catch {
            return .failure(error.code)
        }
    }

    /// Scenario: random requests, whole and with some bytes changed, without and with white space.
    /// Guarantees: both are read as the same, or refused for the same.
    @Test(arguments: Case.all)
    func whiteSpaceChangesNothing(_ test: Case) throws {
        var generator = test.generator()
        for _ in 0..<4 {
            let json = Array(try JSONRoundTripTests.json(generator.request(test.signal).bytes, test.signal).utf8)
            for document in [json] + (0..<8).map({ _ in json.corrupted(using: &generator.random) }) {
                let expected = Self.outcome(of: spacedJSON(document), test.signal)
                #expect(Self.outcome(of: document, test.signal) == expected)
            }
        }
    }

    private func time(_ value: String) -> Result<[UInt8], JSONError.Code> {
        Self.outcome(of: Array(JSONDocumentTests.span(#"{"startTimeUnixNano":\#(value)}"#).utf8), .traces)
    }

    /// Scenario: numbers of 1 to 20 digits, bare, as strings, and with an exponent, which is read the long way.
    /// Guarantees: the same value; what does not fit in 64 bits is refused in every form.
    @Test(arguments: Seeds.regression + Seeds.fresh(count: 4))
    func digitsAreReadAlike(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for count in 1...20 {
            for _ in 0..<20 {
                let digits = (0..<count).map { "\(Int.random(in: ($0 == 0 ? 1 : 0)...9, using: &random))" }.joined()
                let expected = time(digits + "e0")
                #expect(time(digits) == expected, "\(digits)")
                #expect(time("\"\(digits)\"") == expected, "\"\(digits)\"")
                #expect(((try? expected.get()) == nil) == (UInt64(digits) == nil))
            }
        }
    }

    /// Guarantees: what begins with digits and is no number is refused, bare and as a string.
    @Test(arguments: [
        "01", "007", "1x", "12345678a", "1234567:", "1 2", "1-", "1.", "1e", "1+", "123456781234567812345",
    ])
    func noNumbers(text: String) {
        #expect(throws: JSONError.Code.self) { try time(text).get() }
        #expect(throws: JSONError.Code.self) { try time("\"\(text)\"").get() }
    }

    /// Scenario: each byte in each place of an identifier.
    /// Guarantees: hexadecimal digits of either case have their value, all else is refused.
    @Test func hexadecimalDigits() {
        for byte in UInt8.min...UInt8.max {
            for place in 0..<8 {
                var digits: [UInt8] = Array("01abCD9F".utf8)
                digits[place] = byte
                let word = digits.reversed().reduce(0) { $0 << 8 | UInt64($1) }
                let values = digits.map {
                    Character(Unicode.Scalar($0)).isASCII ? Character(Unicode.Scalar($0)).hexDigitValue : nil
                }
                var expected: UInt32? = 0
                for pair in stride(from: 6, through: 0, by: -2) {
                    guard let high = values[pair], let low = values[pair + 1], let value = expected else {
                        expected = nil
                        break
                    }
                    expected = value << 8 | UInt32(high << 4 | low)
                }
                #expect(JSONReader.bytes(ofHexDigits: word) == expected)
            }
        }
    }

    /// As Go's encoder does, one byte of ASCII after the other.
    private func escaped(_ text: [UInt8]) -> String {
        let letters: [UInt8: String] = [
            0x22: #"\""#, 0x5c: #"\\"#, 0x08: #"\b"#, 0x09: #"\t"#, 0x0a: #"\n"#, 0x0c: #"\f"#, 0x0d: #"\r"#,
        ]
        return text.map { byte in
            if let letter = letters[byte] { return letter }
            guard byte < 0x20 || "<>&".utf8.contains(byte) else { return String(Unicode.Scalar(byte)) }
            return #"\u00"# + (byte < 0x10 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    /// Scenario: each ASCII character at each place of strings up to 40 bytes.
    /// Guarantees: written as byte by byte, read back as it was; bare control characters and half strings are refused.
    @Test func charactersAtEachPlace() throws {
        for count in 1...40 {
            for place in 0..<count {
                for byte in UInt8(0)..<0x80 where byte < 0x30 || byte > 0x7a || place == 3 {
                    var text = (0..<count).map { UInt8(ascii: "0") + UInt8($0) }
                    text[place] = byte
                    var writer = JSONWriter(capacity: 0)
                    text.withWireBytes { writer.write(string: $0) }
                    let expected = "\"" + escaped(text) + "\""
                    #expect(String(decoding: writer.bytes, as: UTF8.self) == expected)
                    #expect(try readString(writer.bytes) == text)
                    guard byte < 0x20 || byte == UInt8(ascii: "\\") else { continue }
                    let bare = Array("\"".utf8) + text + Array("\"".utf8)
                    let isEscapeOfNext = byte == UInt8(ascii: "\\") && place + 1 < count
                    guard !isEscapeOfNext else { continue }
                    #expect(throws: JSONFailure.self) { try readString(bare) }
                }
            }
        }
    }

    /// The text of a document that is one string.
    private func readString(_ json: [UInt8]) throws(JSONFailure) -> [UInt8] {
        try json.withWireBytes { (bytes) throws(JSONFailure) in
            var reader = JSONReader(bytes)
            let text = try reader.readString().array
            guard reader.remaining == 0 else { throw reader.failure(.unexpectedCharacter) }
            return text
        }
    }
}
