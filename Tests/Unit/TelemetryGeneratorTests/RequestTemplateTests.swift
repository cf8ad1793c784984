import OTLP
import TelemetryGenerator
import Testing

/// A patched template is the request that a generator would have made with these numbers and times.
@Suite struct RequestTemplateTests {
    private static let time: UInt64 = 1_790_000_000_000_000_000

    private func json(_ request: [UInt8], _ signal: Signal) throws -> [UInt8] {
        var json: [UInt8] = []
        try OTLPRequest.appendJSON(of: request, signal: signal, to: &json)
        return json
    }

    /// Scenario: templates of every shape and signal, patched to other numbers and times, and back.
    /// Guarantees: the request is the one of the generator, and so is its JSON, byte for byte.
    @Test(arguments: TelemetryGenerator.Shape.allCases, Signal.allCases)
    func patchesChangeNumbersAndTimesAlone(shape: TelemetryGenerator.Shape, signal: Signal) throws {
        let laterTime = Self.time + 123_456_789_123
        func generator(at time: UInt64) -> TelemetryGenerator {
            var generator = TelemetryGenerator(shape, signal: signal, seed: 3, timeUnixNano: time, runID: 0x0101_0101)
            generator.identifiesDataPoints = true
            return generator
        }
        var first = generator(at: Self.time)
        let original = first.request(itemCount: 40)
        var later = generator(at: laterTime)
        let moved = later.request(itemCount: 40)
        for encoding in [RequestTemplate.Encoding.protobuf, .json] {
            let inEncoding = { encoding == .json ? try json($0, signal) : $0 }
            var source = generator(at: Self.time)
            var template = try RequestTemplate(from: &source, itemCount: 40, encoding: encoding)
            #expect(try template.bytes == inEncoding(original))
            template.patch(firstItemNumber: 1, timeUnixNano: laterTime)
            #expect(try template.bytes == inEncoding(moved))
            template.patch(firstItemNumber: 0x1234_5678_9abc_def0, timeUnixNano: Self.time)
            #expect(try template.bytes != inEncoding(original))
            let request =
                encoding == .json ? try OTLPRequest.fromJSON(template.bytes, signal: signal) : template.bytes
            #expect(try OTLPRequest.validate(request, signal: signal).itemCount == 40)
            template.patch(firstItemNumber: 1, timeUnixNano: Self.time)
            #expect(try template.bytes == inEncoding(original))
        }
    }

    /// Scenario: a template patched for the items from 1000 on.
    /// Guarantees: each span's ids are the run's id and its number.
    @Test func spansCarryTheirNumbers() throws {
        var source = TelemetryGenerator(.service, seed: 3, runID: 7)
        var template = try RequestTemplate(from: &source, itemCount: 20, encoding: .json)
        template.patch(firstItemNumber: 1000, timeUnixNano: Self.time)
        let text = String(decoding: template.bytes, as: UTF8.self)
        for number in 1000..<1020 {
            let digits = String(number, radix: 16)
            let span = String(repeating: "0", count: 16 - digits.count) + digits
            #expect(text.contains("\"traceId\":\"0000000000000007\(span)\",\"spanId\":\"\(span)\""))
        }
    }
}
