import OTLP
import TestSupport
import Testing

/// The views see every field of every message.
@Suite struct WireViewsTests {
    /// Scenario: a request written anew from nothing but what the views say, defaults left out.
    /// Guarantees: it means what the request meant, by the oracle; nothing is lost, mixed up or invented.
    @Test(arguments: RequestValidationTests.Case.all)
    func viewsSeeEverything(_ test: RequestValidationTests.Case) throws {
        var generator = test.generator()
        generator.hasUnknownFields = false
        for _ in 0..<10 {
            let request = generator.request(test.signal)
            let written = try request.bytes.withWireBytes { (bytes) throws(WireError) in
                try ViewEncoder.encode(bytes, test.signal)
            }
            let expected = Oracle.normalForm(request.withoutDefaults.bytes, test.signal)
            #expect(Oracle.normalForm(written, test.signal) == expected)
        }
    }

    /// Scenario: views over corrupt bytes that no door has checked.
    /// Guarantees: an error or a result, never a trap.
    @Test(arguments: RequestValidationTests.Case.all)
    func viewsDoNotTrap(_ test: RequestValidationTests.Case) {
        var generator = test.generator()
        var refused = 0
        for _ in 0..<100 {
            let bytes = generator.request(test.signal).bytes.corrupted(using: &generator.random)
            do {
                _ = try bytes.withWireBytes { (bytes) throws(WireError) in try ViewEncoder.encode(bytes, test.signal) }
            } catch {
                refused += 1
            }
        }
        #expect(refused > 0)
    }
}
