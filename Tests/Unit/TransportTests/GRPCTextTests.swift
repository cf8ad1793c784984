import Foundation
import Testing

@testable import Transport

/// gRPC's header fields are written and read as its specification says.
@Suite("GRPCText")
struct GRPCTextTests {
    @Test("base64 is Foundation's, without padding", arguments: 0..<20)
    func base64(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 89 + 200) }
        let expected = Data(bytes).base64EncodedString().filter { $0 != "=" }
        #expect(GRPCText.base64(bytes) == expected)
    }

    @Test("messages are percent-encoded, and cut at whole characters")
    func percent() {
        #expect(GRPCText.percentEncoded("a %~\u{7f}\né") == "a %25~%7F%0A%C3%A9")
        let long = String(repeating: "é", count: 1000)
        let encoded = GRPCText.percentEncoded(long)
        #expect(encoded.removingPercentEncoding?.allSatisfy { $0 == "é" } == true)
        #expect(encoded.utf8.count <= 3 * GRPCResponse.statusMessageBytesMax)
        #expect(encoded.utf8.count > GRPCResponse.statusMessageBytesMax)
    }

    @Test(
        "timeouts",
        arguments: [
            ("1H", .seconds(3600)), ("2M", .seconds(120)), ("3S", .seconds(3)),
            ("99999999m", .milliseconds(99_999_999)),
            ("5u", .microseconds(5)), ("6n", .nanoseconds(6)), ("", nil), ("S", nil), ("123456789S", nil), ("1x", nil),
            ("-1S", nil), ("1.5S", nil),
        ] as [(String, Duration?)])
    func timeout(text: String, expected: Duration?) {
        #expect(GRPCText.timeout(text) == expected)
    }
}
