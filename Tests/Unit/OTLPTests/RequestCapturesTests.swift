import Foundation
import OTLP
import TelemetryGenerator
import TestSupport
import Testing

/// Requests of the real nginx module pass, whatever their strings hold.
@Suite struct RequestCapturesTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Fixtures/nginx").standardizedFileURL

    /// Scenario: captured requests, one of them with invalid UTF-8.
    /// Guarantees: they pass unchanged and are counted right; the strings' bytes are kept as they came.
    @Test(
        arguments: [("003.pb", nil), ("008.pb", nil), ("014.pb", nil), ("016.pb", 8), ("018.pb", 512)]
            as [(String, Int?)])
    func capturesPass(name: String, itemCount: Int?) throws {
        let bytes = [UInt8](try Data(contentsOf: Self.folder.appending(path: name)))
        let validated = try OTLPRequest.validate(bytes, signal: .traces)
        #expect(validated.bytes == bytes)
        #expect(validated.itemCount == Oracle.items(bytes, .traces)?.count)
        if let itemCount { #expect(validated.itemCount == itemCount) }
    }

    /// Scenario: the invalid UTF-8 of one capture, looked for in its attributes.
    /// Guarantees: the capture really holds what the test above claims to prove.
    @Test func captureHoldsInvalidUTF8() throws {
        let bytes = [UInt8](try Data(contentsOf: Self.folder.appending(path: "016.pb")))
        var invalid: Set<String> = []
        try eachSpan(of: bytes) { (span) throws(WireError) in
            var attributes = span.attributes
            while let payload = try attributes.next() {
                let attribute = try KeyValueView(payload)
                guard case .string(let text) = attribute.value else { continue }
                if String(validating: text.array, as: UTF8.self) == nil { invalid.insert(attribute.key.string) }
            }
        }
        #expect(invalid.isSuperset(of: ["http.target", "http.user_agent"]))
    }

    /// Scenario: generated requests like nginx's and services'.
    /// Guarantees: they are valid and canonical, of the size asked for, and no span id comes twice.
    @Test func realisticRequestsAreValid() throws {
        var ids: Set<[UInt8]> = []
        for (shape, itemCount) in [(TelemetryGenerator.Shape.nginx, 512), (.service, 200)] {
            var generator = TelemetryGenerator(shape, seed: 7)
            let request = generator.request(itemCount: itemCount)
            let validated = try OTLPRequest.validate(request, signal: .traces)
            #expect(validated.bytes == request)
            ids = []
            try eachSpan(of: request) { (span) throws(WireError) in ids.insert(span.spanID.array) }
            #expect(ids.count == itemCount)
        }
    }

    private func eachSpan(
        of request: [UInt8], _ body: (SpanView) throws(WireError) -> Void
    ) throws(WireError) {
        try request.withWireBytes { (bytes) throws(WireError) in
            var resources = ExportServiceRequestView(bytes).resources
            while let resource = try resources.next() {
                var scopes = try ResourceSpansView(resource).scopeSpans
                while let scope = try scopes.next() {
                    var spans = try ScopeSpansView(scope).spans
                    while let span = try spans.next() { try body(SpanView(span)) }
                }
            }
        }
    }
}
