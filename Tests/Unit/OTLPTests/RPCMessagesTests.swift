import OTLP
import Testing

/// The small messages around OTLP are those of the published schemas, in protobuf and in JSON.
@Suite struct RPCMessagesTests {
    /// Scenario: statuses with and without a delay.
    /// Guarantees: the bytes of google.rpc.Status, written out by hand, and its JSON; both read back.
    @Test func status() throws {
        let plain = RPCStatus(code: .invalidArgument, message: "no <b>")
        #expect(plain.encodeProtobuf() == [0x08, 3, 0x12, 6] + Array("no <b>".utf8))
        #expect(String(decoding: plain.encodeJSON(), as: UTF8.self) == #"{"code":3,"message":"no \u003cb\u003e"}"#)
        let throttled = RPCStatus(code: .unavailable, message: "", retryDelay: .milliseconds(2500))
        let typeURL = Array("type.googleapis.com/google.rpc.RetryInfo".utf8)
        let retryInfo: [UInt8] = [0x0a, 8, 0x08, 2, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01]
        let detail = [0x0a, UInt8(typeURL.count)] + typeURL + [0x12, UInt8(retryInfo.count)] + retryInfo
        #expect(throttled.encodeProtobuf() == [0x08, 14, 0x1a, UInt8(detail.count)] + detail)
        #expect(
            String(decoding: throttled.encodeJSON(), as: UTF8.self)
                == #"{"code":14,"message":"","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"2.500s"}]}"#
        )
        for status in [plain, throttled, RPCStatus(code: .ok, message: "é\0", retryDelay: .zero)] {
            #expect(try RPCStatus(protobuf: status.encodeProtobuf()) == status)
            #expect(try RPCStatus(json: status.encodeJSON()) == status)
        }
    }

    /// Scenario: what peers send beyond that: unknown codes and details, code as text, foreign keys; and rubbish.
    /// Guarantees: leniency where the meaning is clear, an error where there is none.
    @Test func foreignStatus() throws {
        #expect(try RPCStatus(protobuf: []) == RPCStatus(code: .ok, message: ""))
        #expect(try RPCStatus(protobuf: [0x08, 99]) == RPCStatus(code: .unknown, message: ""))
        let json = #"{"x":[1], "details":[7,{"@type":"a","retryDelay":"9s"},null], "message":null, "code":"8"} tail"#
        #expect(try RPCStatus(json: Array(json.utf8)) == RPCStatus(code: .resourceExhausted, message: ""))
        #expect(throws: RPCMessageError.malformedProtobuf) { try RPCStatus(protobuf: [0x12, 9, 1]) }
        #expect(throws: RPCMessageError.self) { try RPCStatus(json: Array("<html>".utf8)) }
    }

    /// Scenario: every code, and every HTTP status that means something.
    /// Guarantees: the tables of the specification and of otelcol.
    @Test func codes() {
        let retryable: Set<UInt32> = [1, 4, 10, 11, 14, 15]
        for code in RPCCode.allCases { #expect(code.isRetryable == retryable.contains(code.rawValue)) }
        #expect(
            RPCCode.allCases.map(\.httpStatus) == [
                200, 503, 500, 400, 503, 500, 500, 403, 429, 500, 503, 503, 404, 500, 503, 503, 401,
            ])
        let fromHTTP = [
            200: 0, 400: 3, 401: 16, 403: 7, 404: 12, 408: 2, 413: 2, 429: 8, 500: 2, 502: 14, 503: 14, 504: 14,
        ]
        for (status, code) in fromHTTP { #expect(RPCCode(httpStatus: status).rawValue == UInt32(code)) }
        #expect((100..<600).filter(RPCCode.isRetryable(httpStatus:)) == [429, 502, 503, 504])
        #expect(!RPCStatus(code: .resourceExhausted, message: "").isRetryable)
        #expect(RPCStatus(code: .resourceExhausted, message: "", retryDelay: .seconds(1)).isRetryable)
    }

    /// Scenario: answers of full and partial success and a warning, for each signal.
    /// Guarantees: the published bytes and keys; full success is no bytes and `{"partialSuccess":{}}`; all read back.
    @Test(arguments: zip(Signal.allCases, ["rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"]))
    func exportResponse(_ signal: Signal, _ key: String) throws {
        #expect(ExportResponse().encodeProtobuf() == [])
        #expect(ExportResponse().encodeJSON(signal: signal) == Array(#"{"partialSuccess":{}}"#.utf8))
        let partial = ExportResponse(rejectedItems: 300, errorMessage: "no")
        #expect(partial.encodeProtobuf() == [0x0a, 7, 0x08, 0xac, 0x02, 0x12, 2, 0x6e, 0x6f])
        #expect(
            partial.encodeJSON(signal: signal)
                == Array(#"{"partialSuccess":{"\#(key)":"300","errorMessage":"no"}}"#.utf8))
        for response in [ExportResponse(), partial, ExportResponse(errorMessage: "slow")] {
            #expect(try ExportResponse(protobuf: response.encodeProtobuf()) == response)
            #expect(try ExportResponse(json: response.encodeJSON(signal: signal)) == response)
        }
        #expect(try ExportResponse(json: Array("{}".utf8)).isFullSuccess)
        #expect(try ExportResponse(protobuf: [0x0a, 0]).isFullSuccess)
        #expect(throws: RPCMessageError.malformedProtobuf) { try ExportResponse(protobuf: [0x0a, 5]) }
    }
}
