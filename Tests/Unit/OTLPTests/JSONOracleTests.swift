import OTLP
import TestSupport
import Testing

/// The JSON of a request means what the request means, to a reader and a writer that are not ours.
@Suite struct JSONOracleTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let signal: Signal
        let seeds: [UInt64]
        var testDescription: String { "\(signal)" }

        static let all = Signal.allCases.map {
            Case(signal: $0, seeds: Seeds.regression + Seeds.fresh(count: 40))
        }

        /// Google's protobuf refuses strings that are not UTF-8.
        func requests() -> [[UInt8]] {
            seeds.flatMap { seed in
                var generator = OTLPGenerator(seed: seed)
                generator.hasInvalidUTF8 = false
                return (0..<3).map { _ in generator.request(signal).bytes }
            }
        }
    }

    /// Scenario: random requests, written as JSON by us.
    /// Guarantees: parsed, the JSON is what the oracle makes of the same bytes.
    @Test(arguments: Case.all)
    func writtenJSONIsTheOracles(_ test: Case) throws {
        let commands = try test.requests().map { request in
            var json: [UInt8] = []
            try OTLPRequest.appendJSON(of: request, signal: test.signal, to: &json)
            return JSONPythonOracle.Command.compareJSON(test.signal, request, with: json)
        }
        for (index, answer) in try JSONPythonOracle.answers(to: commands).enumerated() {
            #expect(answer == "same", "request \(index % 3) of TEST_SEED=\(test.seeds[index / 3])")
        }
    }

    /// Scenario: random requests, written as JSON by the oracle and read by us.
    /// Guarantees: the oracle finds in what we read all that was there, and nothing else.
    @Test(arguments: Case.all)
    func readJSONIsTheOracles(_ test: Case) throws {
        let requests = test.requests()
        let texts = try JSONPythonOracle.answers(to: requests.map { .json(test.signal, $0) })
        let commands = try zip(requests, texts).map { request, text in
            let read = try OTLPRequest.fromJSON(Array(text.utf8), signal: test.signal)
            return JSONPythonOracle.Command.compareProtobuf(test.signal, request, with: read)
        }
        for (index, answer) in try JSONPythonOracle.answers(to: commands).enumerated() {
            #expect(answer == "same", "request \(index % 3) of TEST_SEED=\(test.seeds[index / 3])")
        }
    }
}
