import OTLP
import TelemetryGenerator
import Testing

/// Generated requests are what they claim to be: valid, of the asked size, reproducible, and every item can be told.
@Suite struct TelemetryGeneratorTests {
    typealias Shape = TelemetryGenerator.Shape

    /// Scenario: requests of every shape and signal, of several sizes, from one generator each.
    /// Guarantees: each is canonical and has as many items as asked for; also as JSON, there and back.
    @Test(arguments: Shape.allCases, Signal.allCases)
    func requestsAreValid(shape: Shape, signal: Signal) throws {
        var generator = TelemetryGenerator(shape, signal: signal, seed: 5)
        for itemCount in [0, 1, 7, 8, 9, 100, 513] {
            let request = generator.request(itemCount: itemCount)
            let validated = try OTLPRequest.validate(request, signal: signal)
            #expect(validated.bytes == request)
            #expect(validated.itemCount == itemCount)
            var json: [UInt8] = []
            try OTLPRequest.appendJSON(of: request, signal: signal, to: &json)
            #expect(
                try OTLPRequest.itemCount(of: OTLPRequest.fromJSON(json, signal: signal), signal: signal) == itemCount)
        }
        #expect(generator.nextItemNumber == 639)
    }

    /// Scenario: two generators with the same arguments, and others that differ in one.
    /// Guarantees: the same bytes; other bytes.
    @Test(arguments: Shape.allCases, Signal.allCases)
    func requestsAreReproducible(shape: Shape, signal: Signal) {
        func request(seed: UInt64 = 5, time: UInt64 = 1_800_000_000_000_000_000, runID: UInt64? = nil) -> [UInt8] {
            var generator = TelemetryGenerator(shape, signal: signal, seed: seed, timeUnixNano: time, runID: runID)
            generator.identifiesDataPoints = true
            return generator.request(itemCount: 50)
        }
        #expect(request() == request())
        #expect(request() != request(seed: 6))
        #expect(request() != request(time: 1_700_000_000_000_000_000))
        #expect(request() != request(runID: 1))
    }

    /// Scenario: large requests of nginx and of services.
    /// Guarantees: their spans and log bodies have the sizes that measurements speak of.
    @Test(arguments: [(Shape.nginx, 470.0...490.0), (.service, 810...850), (.tiny, 50...80)])
    func spansHaveTheirSize(shape: Shape, range: ClosedRange<Double>) {
        var generator = TelemetryGenerator(shape, seed: 5)
        let size = Double(generator.request(itemCount: 4096).count) / 4096
        #expect(range.contains(size), "\(shape): \(size)")
    }
}
