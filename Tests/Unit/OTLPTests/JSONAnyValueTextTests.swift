import OTLP
import Testing

/// A value's text is what otelcol's `AsString` gives.
@Suite struct JSONAnyValueTextTests {
    /// The text of the attribute value that JSON writes as `value`.
    static func text(_ value: String) throws -> String {
        let json = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":\#(value)}]}]}]}"#
        var bytes = try OTLPRequest.fromJSON(Array(json.utf8), signal: .logs)
        // Down to the body: request, resource logs, scope logs, log record.
        for field: UInt32 in [1, 2, 2, 5] {
            bytes = try bytes.withWireBytes { wire in
                var cursor = WireCursor(wire)
                while let found = try cursor.nextField() {
                    if found.number == field { return found.bytes.array }
                }
                return []
            }
        }
        var output = Array("> ".utf8)
        try bytes.withWireBytes { try OTLPRequest.appendText(of: AnyValueView($0), to: &output) }
        return String(decoding: output.dropFirst(2), as: UTF8.self)
    }

    @Test(arguments: [
        ("{}", ""), (#"{"stringValue":"a<\n"}"#, "a<\n"), (#"{"boolValue":false}"#, "false"),
        (#"{"intValue":"-9223372036854775808"}"#, "-9223372036854775808"), (#"{"doubleValue":1e21}"#, "1e+21"),
        (#"{"doubleValue":3}"#, "3"), (#"{"doubleValue":"NaN"}"#, "json: unsupported value: NaN"),
        (#"{"doubleValue":"-Infinity"}"#, "json: unsupported value: -Inf"), (#"{"bytesValue":"AQI="}"#, "AQI="),
        (#"{"arrayValue":{}}"#, "[]"), (#"{"kvlistValue":{}}"#, "{}"),
        (
            #"{"arrayValue":{"values":[{"intValue":1},{},{"stringValue":"<"},{"bytesValue":"AQI="},{"bytesValue":""}]}}"#,
            #"[1,null,"\u003c","AQI=",null]"#
        ),
        (
            #"{"kvlistValue":{"values":[{"key":"b","value":{"intValue":1}},{"key":"a","value":{"boolValue":true}},"#
                + #"{"key":"b","value":{"arrayValue":{"values":[{"doubleValue":0.5}]}}},{}]}}"#,
            #"{"":null,"a":true,"b":[0.5]}"#
        ),
        (#"{"arrayValue":{"values":[{"doubleValue":"NaN"}]}}"#, ""),
    ])
    func text(_ value: String, _ expected: String) throws {
        #expect(try JSONAnyValueTextTests.text(value) == expected)
    }
}
