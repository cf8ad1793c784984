import OTLP
import TestSupport
import Testing

/// JSON as clients send it is understood, and JSON as otelcol writes it is what we write, character for character.
@Suite struct JSONDocumentTests {
    static func rewritten(_ json: String, _ signal: Signal) throws -> String {
        try JSONRoundTripTests.json(OTLPRequest.fromJSON(Array(json.utf8), signal: signal), signal)
    }

    static func span(_ body: String) -> String { #"{"resourceSpans":[{"scopeSpans":[{"spans":[\#(body)]}]}]}"# }

    /// What we write for a span with these fields, and nothing around it.
    static func writtenSpan(_ body: String) -> String {
        #"{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":[\#(body)]}]}]}"#
    }

    static let noIDs = #""traceId":"","spanId":"","parentSpanId":"""#

    /// Scenario: traces in the documented form: upper-case ids, numbers as numbers and as strings.
    /// Guarantees: otelcol's text, with its key order, its empty messages and its escapes.
    @Test func traces() throws {
        let json = """
            {"resourceSpans": [{
              "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]},
              "scopeSpans": [{
                "scope": {"name": "my.library", "version": "1.0.0", "attributes": [
                  {"key": "my.scope.attribute", "value": {"stringValue": "some <scope>"}}]},
                "spans": [{
                  "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174",
                  "parentSpanId": "EEE19B7EC3C1B173", "name": "I'm a server span",
                  "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": 1544712661000000000, "kind": 2,
                  "attributes": [{"key": "my.span.attr", "value": {"intValue": 5}}], "flags": 257,
                  "events": [{"timeUnixNano": "1", "name": "e"}], "links": [{"traceId": "", "flags": "1"}],
                  "status": {"code": 1}}]}]}]}
            """
        #expect(
            try JSONDocumentTests.rewritten(json, .traces) == #"{"resourceSpans":[{"resource":{"attributes":[{"key":"#
                + #""service.name","value":{"stringValue":"my.service"}}]},"scopeSpans":[{"scope":{"name":"my.library","#
                + #""version":"1.0.0","attributes":[{"key":"my.scope.attribute","value":{"stringValue":"#
                + #""some \u003cscope\u003e"}}]},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","#
                + #""spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173","flags":257,"name":"#
                + #""I'm a server span","kind":2,"startTimeUnixNano":"1544712660000000000","#
                + #""endTimeUnixNano":"1544712661000000000","attributes":[{"key":"my.span.attr","value":{"intValue":"5"}}"#
                + #"],"events":[{"timeUnixNano":"1","name":"e"}],"links":[{"traceId":"","spanId":"","flags":1}],"#
                + #""status":{"code":1}}]}]}]}"#)
    }

    /// Scenario: logs in the documented form, with the newer event name.
    /// Guarantees: as for traces; a body is there even when empty.
    @Test func logs() throws {
        let json = """
            {"resourceLogs":[{"scopeLogs":[{"logRecords":[{
              "timeUnixNano":"1544712660300000000","observedTimeUnixNano":"1544712660300000001","severityNumber":10,
              "severityText":"Information","traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174",
              "body":{"stringValue":"Example"},"eventName":"n","attributes":[
                {"key":"boolean.attribute","value":{"boolValue":true}},
                {"key":"double.attribute","value":{"doubleValue":637.704}},
                {"key":"array","value":{"arrayValue":{"values":[{"stringValue":"many"},{}]}}},
                {"key":"map","value":{"kvlistValue":{"values":[{"key":"some.key","value":{"bytesValue":"+/8="}}]}}}]
            },{}]}]}]}
            """
        #expect(
            try JSONDocumentTests.rewritten(json, .logs)
                == #"{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"#
                + #""logRecords":[{"timeUnixNano":"1544712660300000000","observedTimeUnixNano":"1544712660300000001","#
                + #""severityNumber":10,"severityText":"Information","body":{"stringValue":"Example"},"attributes":["#
                + #"{"key":"boolean.attribute","value":{"boolValue":true}},"#
                + #"{"key":"double.attribute","value":{"doubleValue":637.704}},"#
                + #"{"key":"array","value":{"arrayValue":{"values":[{"stringValue":"many"},{}]}}},"#
                + #"{"key":"map","value":{"kvlistValue":{"values":[{"key":"some.key","value":{"bytesValue":"+/8="}}]}}}],"#
                + #""traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","eventName":"n"},"#
                + #"{"body":{},"traceId":"","spanId":""}]}]}]}"#)
    }

    /// Scenario: each kind of metric.
    /// Guarantees: as for traces; optional doubles and oneof members are there although 0, buckets although empty.
    @Test func metrics() throws {
        let points = #""startTimeUnixNano":"1","timeUnixNano":"2""#
        let metrics = [
            #"{"name":"g","unit":"1","gauge":{"dataPoints":[{\#(points),"asDouble":0,"exemplars":["#
                + #"{"timeUnixNano":"3","asInt":"0","spanId":"","traceId":""}],"flags":1}]}}"#,
            #"{"name":"s","sum":{"dataPoints":[{"attributes":[{"key":"k","value":{}}],\#(points),"asInt":"-5"}],"#
                + #""aggregationTemporality":2,"isMonotonic":true},"metadata":[{"key":"m","value":{}}]}"#,
            #"{"name":"h","histogram":{"dataPoints":[{\#(points),"count":"3","sum":0,"bucketCounts":["1","2"],"#
                + #""explicitBounds":[0.5],"min":0,"max":1}],"aggregationTemporality":1}}"#,
            #"{"name":"e","exponentialHistogram":{"dataPoints":[{\#(points),"count":"1","scale":-3,"zeroCount":"1","#
                + #""positive":{"offset":-1,"bucketCounts":["18446744073709551615"]},"negative":{},"zeroThreshold":0.1}]}}"#,
            #"{"name":"q","summary":{"dataPoints":[{\#(points),"count":"1","sum":2,"quantileValues":["#
                + #"{"quantile":0.99,"value":7},{}]}]}}"#,
        ]
        let json =
            #"{"resourceMetrics":[{"resource":{"entityRefs":[{"schemaUrl":"s","type":"t","idKeys":["a",""]}]},"#
            + #""scopeMetrics":[{"scope":{},"metrics":[\#(metrics.joined(separator: ","))],"schemaUrl":"u"}]}]}"#
        #expect(try JSONDocumentTests.rewritten(json, .metrics) == json)
    }

    /// Scenario: spellings that otelcol understands beyond the specification.
    /// Guarantees: so do we.
    @Test(arguments: [
        (
            #"{"trace_state":"a","start_time_unix_nano":1e3}"#,
            #"{\#(noTrace),"traceState":"a","parentSpanId":"","startTimeUnixNano":"1000","status":{}}"#
        ),
        (
            #"{"kind":"SPAN_KIND_CLIENT","status":{"code":"STATUS_CODE_ERROR"}}"#,
            #"{\#(noIDs),"kind":3,"status":{"code":2}}"#
        ),
        (
            #"{"flags":"7","dropped_attributes_count":"8"}"#,
            #"{\#(noIDs),"flags":7,"droppedAttributesCount":8,"status":{}}"#
        ),
        (#"{"name":null,"attributes":null,"status":null,"kind":null}"#, #"{\#(noIDs),"status":{}}"#),
        (#"{"unknown":{"a":[1,{"b":"}"}]},"name":"n","x":"\"" }"#, #"{\#(noIDs),"name":"n","status":{}}"#),
        (#"{"name":"a","name":"b","kind":2,"kind":0}"#, #"{\#(noIDs),"name":"b","status":{}}"#),
        (#"{"status":{"code":1},"status":{"message":"m"}}"#, #"{\#(noIDs),"status":{"message":"m","code":1}}"#),
        (
            #"{"events":[{"name":"1"}],"events":[null,{"name":"2"}]}"#,
            #"{\#(noIDs),"events":[{"name":"1"},{},{"name":"2"}],"status":{}}"#
        ),
        (#"{"name":"\ud83d\ude00\u00e9\/\ud800x\u2028"}"#, "{\(noIDs),\"name\":\"😀é/\u{fffd}x\\u2028\",\"status\":{}}"),
        (#"{"n\u0061me":"tab\t\b\f\u0000"}"#, #"{\#(noIDs),"name":"tab\t\b\f\u0000","status":{}}"#),
        (#"{"traceId":"00000000000000000000000000000000"}"#, #"{\#(noIDs),"status":{}}"#),
        (
            #"{"attributes":[{"value":{"stringValue":"a","intValue":1},"key":"k"}]}"#,
            #"{\#(noIDs),"attributes":[{"key":"k","value":{"intValue":"1"}}],"status":{}}"#
        ),
        (
            #"{"attributes":[{"value":{"bytesValue":"AQI"}},{"value":{"doubleValue":"-Infinity"}}]}"#,
            #"{\#(noIDs),"attributes":[{"value":{"bytesValue":"AQI="}},{"value":{"doubleValue":"-Infinity"}}],"status":{}}"#
        ),
    ])
    func leniency(_ read: String, _ written: String) throws {
        let json = JSONDocumentTests.span(read) + " trailing ]"
        #expect(try JSONDocumentTests.rewritten(json, .traces) == JSONDocumentTests.writtenSpan(written))
    }

    static let noTrace = #""traceId":"","spanId":"""#

    /// Scenario: the resource after its scopes, the scope after its items, the schema first.
    /// Guarantees: the request is canonical all the same.
    @Test func keysInAnyOrder() throws {
        let json =
            #"{"resourceLogs":[{"schemaUrl":"u","scopeLogs":[{"logRecords":[{"eventName":"e"}],"scope":{"name":"s"}}],"#
            + #""resource":{"droppedAttributesCount":1}}]}"#
        let request = try OTLPRequest.fromJSON(Array(json.utf8), signal: .logs)
        #expect(try OTLPRequest.validate(request, signal: .logs).bytes == request)
        #expect(
            try JSONRoundTripTests.json(request, .logs)
                == #"{"resourceLogs":[{"resource":{"droppedAttributesCount":1},"#
                + #""scopeLogs":[{"scope":{"name":"s"},"logRecords":[{"body":{},"traceId":"","spanId":"","#
                + #""eventName":"e"}]}],"schemaUrl":"u"}]}"#)
        for empty in ["{}", "null", #"{"resourceLogs":[]}"#, #"{"resourceLogs":null}"#, #"{"resource_logs":[]}"#] {
            #expect(try OTLPRequest.fromJSON(Array(empty.utf8), signal: .logs) == [])
        }
        #expect(try JSONRoundTripTests.json([], .logs) == "{}")
    }

    /// Scenario: a name of bytes that are not UTF-8, in JSON.
    /// Guarantees: they are kept in protobuf, and each becomes U+FFFD in JSON.
    @Test func invalidUTF8() throws {
        let json = Array(#"{"resourceSpans":[{"schemaUrl":""#.utf8) + [0xff, 0x41, 0xe2, 0x80] + Array(#""}]}"#.utf8)
        let request = try OTLPRequest.fromJSON(json, signal: .traces)
        #expect(request == [0x0a, 6, 0x1a, 4, 0xff, 0x41, 0xe2, 0x80])
        #expect(
            try JSONRoundTripTests.json(request, .traces)
                == #"{"resourceSpans":[{"resource":{},"schemaUrl":"\ufffdA\ufffd\ufffd"}]}"#)
    }
}
