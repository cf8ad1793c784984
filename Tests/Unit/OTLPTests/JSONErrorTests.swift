import OTLP
import Testing

/// What is not an OTLP request in JSON is refused, and the error says what is wrong and where.
@Suite struct JSONErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let json: String
        let code: JSONError.Code
        let path: String
        var signal = Signal.traces
        var testDescription: String { String(json.prefix(60)) }
    }

    static func span(_ body: String) -> String { #"{"resourceSpans":[{"scopeSpans":[{"spans":[{},\#(body)]}]}]}"# }
    static let spanPath = "resourceSpans[0].scopeSpans[0].spans[1]"
    static let cases: [Case] = [
        Case(json: "", code: .unexpectedEnd, path: ""),
        Case(json: "[]", code: .unexpectedCharacter, path: ""),
        Case(json: #"{"resourceSpans":[{"#, code: .unexpectedEnd, path: "resourceSpans[0]"),
        Case(json: #"{"resourceSpans":{}}"#, code: .unexpectedCharacter, path: "resourceSpans"),
        Case(json: #"{"resourceSpans":[{},]}"#, code: .unexpectedCharacter, path: "resourceSpans[1]"),
        Case(json: span(#"{"traceId":"abc"}"#), code: .invalidIDLength, path: "\(spanPath).traceId"),
        Case(json: span(#"{"spanId":"000000000000000g"}"#), code: .invalidID, path: "\(spanPath).spanId"),
        Case(json: span(#"{"name":"a","kind":"SPAN"}"#), code: .unknownEnumerationName, path: "\(spanPath).kind"),
        Case(json: span(#"{"name":"a\#u{1}"}"#), code: .invalidString, path: "\(spanPath).name"),
        Case(json: span(#"{"name":"\q"}"#), code: .invalidString, path: "\(spanPath).name"),
        Case(json: span(#"{"name":"\u12g4"}"#), code: .invalidString, path: "\(spanPath).name"),
        Case(json: span(#"{"name":7}"#), code: .unexpectedCharacter, path: "\(spanPath).name"),
        Case(json: span(#"{"name" 7}"#), code: .unexpectedCharacter, path: "\(spanPath).name"),
        Case(json: span(#"{"startTimeUnixNano":"x"}"#), code: .invalidNumber, path: "\(spanPath).startTimeUnixNano"),
        Case(json: span(#"{"flags":1.5}"#), code: .notAnInteger, path: "\(spanPath).flags"),
        Case(json: span(#"{"flags":-1}"#), code: .numberOutOfRange, path: "\(spanPath).flags"),
        Case(json: span(#"{"unknown":{"a":[1,01]}}"#), code: .invalidNumber, path: "\(spanPath).unknown.a[1]"),
        Case(json: span(#"{"unknown":nul}"#), code: .unexpectedCharacter, path: "\(spanPath).unknown"),
        Case(
            json: span(#"{"attributes":[{"key":"k","value":{"bytesValue":"a"}}]}"#), code: .invalidBase64,
            path: "\(spanPath).attributes[0].value.bytesValue"),
        Case(
            json: span(#"{"attributes":[{"value":{"boolValue":"true"}}]}"#), code: .unexpectedCharacter,
            path: "\(spanPath).attributes[0].value.boolValue"),
        Case(
            json:
                #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"asDouble":1e999}]}}]}]}]}"#,
            code: .numberOutOfRange,
            path: "resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints[0].asDouble", signal: .metrics),
    ]

    /// Scenario: one mistake in each document.
    /// Guarantees: its kind and its path are told.
    @Test(arguments: cases)
    func mistakes(_ test: Case) {
        let error = #expect(throws: JSONError.self) {
            try OTLPRequest.fromJSON(Array(test.json.utf8), signal: test.signal)
        }
        #expect(error?.code == test.code)
        #expect(error?.path == test.path)
    }

    /// Scenario: a mistake on the third line.
    /// Guarantees: the error's line, column and text.
    @Test func position() {
        let json = "{\n  \"resourceSpans\": [\n    {\"schemaUrl\": 1}]}"
        let error = #expect(throws: JSONError.self) { try OTLPRequest.fromJSON(Array(json.utf8), signal: .traces) }
        #expect(error?.line == 3)
        #expect(error?.column == 19)
        #expect(error?.offset == 41)
        #expect(
            error?.description
                == "resourceSpans[0].schemaUrl: unexpected character or type of value (line 3, column 19)")
    }

    /// Scenario: every prefix of a document.
    /// Guarantees: none is taken for a whole request, none traps.
    @Test func prefixes() {
        let json = Array(
            JSONErrorTests.span(#"{"name":"\u00e9\n","kind":2,"attributes":[{"value":{"boolValue":true}}]}"#).utf8)
        for count in 0..<json.count {
            #expect(throws: JSONError.self) { try OTLPRequest.fromJSON(Array(json[..<count]), signal: .traces) }
        }
    }

    /// Scenario: values nested up to the limit and one beyond; unknown ones, too, and millions of brackets.
    /// Guarantees: the limit is 64 AnyValues and 64 unknown containers; beyond it is an error, not a stack overflow.
    @Test func nesting() throws {
        func attribute(_ depth: Int) -> [UInt8] {
            let opening = String(repeating: #"{"arrayValue":{"values":["#, count: depth - 1)
            let value = opening + "{}" + String(repeating: "]}}", count: depth - 1)
            return Array(JSONErrorTests.span(#"{"attributes":[{"key":"k","value":\#(value)}]}"#).utf8)
        }
        let deepest = try OTLPRequest.fromJSON(attribute(64), signal: .traces)
        #expect(try OTLPRequest.validate(deepest, signal: .traces).bytes == deepest)
        #expect(try JSONRoundTripTests.json(deepest, .traces).contains("arrayValue"))
        #expect(throws: JSONError.self) { try OTLPRequest.fromJSON(attribute(65), signal: .traces) }
        func unknown(_ depth: Int) -> [UInt8] {
            Array(#"{"x":\#(String(repeating: "[", count: depth))\#(String(repeating: "]", count: depth))}"#.utf8)
        }
        #expect(try OTLPRequest.fromJSON(unknown(64), signal: .logs) == [])
        let error = #expect(throws: JSONError.self) { try OTLPRequest.fromJSON(unknown(1_000_000), signal: .logs) }
        #expect(error?.code == .nestedTooDeeply)
    }
}
