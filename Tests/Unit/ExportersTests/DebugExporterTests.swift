import Component
import OTLP
import Synchronization
import Testing

@testable import Exporters

private let time: UInt64 = 1_734_343_200_000_000_000
private let traceID: [UInt8] = (1...16).map { $0 }
private let spanID: [UInt8] = (1...8).map { $0 }

/// The texts are those of otelcol, to the character.
@Suite struct DebugExporterTests {
    /// Messages, each followed by its fields.
    private func shown(
        _ verbosity: String, _ signal: Signal, _ payloads: [[UInt8]], items: Int
    ) async throws -> [String] {
        let lines = Mutex<[String]>([])
        let config = try configure(DebugExporterConfig.self, ["verbosity": .string(verbosity)])
        let exporter = DebugExporter(config: config, signal: signal) { message, fields in
            lines.withLock { $0.append(([message] + fields.map { "\($0.name)=\($0.value)" }).joined(separator: " ")) }
        }
        #expect(try await exporter.export(batch(payloads, signal, items: items)) == .complete)
        return lines.withLock { $0 }
    }

    private var span: [UInt8] {
        let event =
            fixed(1, time + 500_000_000) + field(2, "retry") + attribute("n", number(3, 2), in: 3) + number(4, 3)
        let link = field(1, traceID) + field(2, spanID) + field(3, "a=b") + attribute("k", text("v"), in: 4)
        return field(1, traceID) + field(2, spanID) + field(3, "x=y") + field(5, "GET /") + number(6, 2)
            + fixed(7, time) + fixed(8, time + 1) + attribute("http.method", text("GET"), in: 9)
            + attribute("ok", number(2, 1), in: 9) + field(11, event) + field(13, link)
            + field(15, field(2, "broken") + number(3, 2))
    }

    private var record: [UInt8] {
        let list = field(5, field(1, number(3, 1)) + field(1, text("two")))
        return fixed(1, time) + number(2, 10) + field(3, "INFO") + field(5, text("hello"))
            + attribute("pi", double(4, 3.5), in: 6) + attribute("list", list, in: 6) + field(9, traceID)
            + field(10, spanID) + fixed(11, time)
    }

    private var metrics: [[UInt8]] {
        let ends = fixed(2, time) + fixed(3, time)
        let gauge = field(1, attribute("cpu", text("0"), in: 7) + ends + double(4, 0.25))
        let exemplar = fixed(2, time) + double(3, 1.5) + field(4, spanID) + field(5, traceID)
        let sum = field(1, ends + fixed(6, 7) + field(5, exemplar)) + number(2, 2) + number(3, 1)
        let histogram =
            field(
                1,
                ends + fixed(4, 3) + double(5, 12) + double(11, 1) + double(12, 9.5)
                    + field(6, [1, 2].flatMap { (count: UInt8) in [count, 0, 0, 0, 0, 0, 0, 0] })
                    + field(7, Array(double(1, 5).dropFirst()))) + number(2, 1)
        let exponential = field(
            1, ends + fixed(4, 4) + double(5, 2) + fixed(7, 1) + field(8, number(1, 0) + field(2, [2, 1])))
        let summary = field(1, ends + fixed(4, 2) + double(5, 3) + field(6, double(1, 0.5) + double(2, 1.5)))
        return [
            field(1, "g") + field(2, "a gauge") + field(3, "1") + field(5, gauge), field(1, "s") + field(7, sum),
            field(1, "h") + field(9, histogram), field(1, "e") + field(10, exponential),
            field(1, "q") + field(11, summary),
        ]
    }

    @Test func basicCountsOverAllPayloads() async throws {
        let payload = request([span, span])
        #expect(
            try await shown("basic", .traces, [payload, payload], items: 4) == ["Traces resource spans=2 spans=4"])
        #expect(
            try await shown("basic", .logs, [request([record])], items: 1) == ["Logs resource logs=1 log records=1"])
        #expect(
            try await shown("Basic", .metrics, [request(metrics)], items: 5)
                == ["Metrics resource metrics=1 metrics=5 data points=5"])
    }

    @Test func normalIsOneLineForEachItem() async throws {
        let ids = "0102030405060708090a0b0c0d0e0f10 0102030405060708"
        #expect(
            try await shown("normal", .traces, [request([span])], items: 1)
                == ["Traces resource spans=1 spans=1", "GET / \(ids) http.method=GET ok=true\n"])
        #expect(
            try await shown("normal", .logs, [request([record])], items: 1).last == "hello pi=3.5 list=[1,\"two\"]\n")
        #expect(
            try await shown("normal", .metrics, [request(metrics)], items: 5).last == """
                g{cpu=0} 0.25
                s{} 7
                h{} count=3 sum=12 min=1 max=9.5 le5=1 2
                e{} count=4 sum=2
                q{} count=2 sum=3.000000 q0.5=1.5

                """)
    }

    @Test func detailedSpan() async throws {
        let shown = try await shown("detailed", .traces, [request([span])], items: 1)
        #expect(
            shown.last == """
                ResourceSpans #0
                Resource SchemaURL: \

                Resource attributes:
                     -> service.name: Str(shop)
                ScopeSpans #0
                ScopeSpans SchemaURL: \

                InstrumentationScope lib 1.2
                Span #0
                    Trace ID       : 0102030405060708090a0b0c0d0e0f10
                    Parent ID      : \

                    ID             : 0102030405060708
                    Name           : GET /
                    Kind           : Server
                    TraceState     : x=y
                    Start time     : 2024-12-16 10:00:00 +0000 UTC
                    End time       : 2024-12-16 10:00:00.000000001 +0000 UTC
                    Status code    : Error
                    Status message : broken
                Attributes:
                     -> http.method: Str(GET)
                     -> ok: Bool(true)
                Events:
                SpanEvent #0
                     -> Name: retry
                     -> Timestamp: 2024-12-16 10:00:00.5 +0000 UTC
                     -> DroppedAttributesCount: 3
                     -> Attributes::
                          -> n: Int(2)
                Links:
                SpanLink #0
                     -> Trace ID: 0102030405060708090a0b0c0d0e0f10
                     -> ID: 0102030405060708
                     -> TraceState: a=b
                     -> DroppedAttributesCount: 0
                     -> Attributes::
                          -> k: Str(v)

                """)
    }

    @Test func detailedLogRecord() async throws {
        let shown = try await shown("detailed", .logs, [request([record])], items: 1)
        #expect(
            shown.last == """
                ResourceLog #0
                Resource SchemaURL: \

                Resource attributes:
                     -> service.name: Str(shop)
                ScopeLogs #0
                ScopeLogs SchemaURL: \

                InstrumentationScope lib 1.2
                LogRecord #0
                ObservedTimestamp: 2024-12-16 10:00:00 +0000 UTC
                Timestamp: 2024-12-16 10:00:00 +0000 UTC
                SeverityText: INFO
                SeverityNumber: Info2(10)
                Body: Str(hello)
                Attributes:
                     -> pi: Double(3.5)
                     -> list: Slice([1,"two"])
                Trace ID: 0102030405060708090a0b0c0d0e0f10
                Span ID: 0102030405060708
                Flags: 0

                """)
    }

    @Test func detailedMetrics() async throws {
        let shown = try await shown("detailed", .metrics, [request(metrics, service: nil)], items: 5)
        let times = "StartTimestamp: 2024-12-16 10:00:00 +0000 UTC\nTimestamp: 2024-12-16 10:00:00 +0000 UTC"
        func head(_ index: Int, _ name: String, _ type: String, description: String = "", unit: String = "") -> String {
            """
            Metric #\(index)
            Descriptor:
                 -> Name: \(name)
                 -> Description: \(description)
                 -> Unit: \(unit)
                 -> DataType: \(type)
            """
        }
        #expect(
            shown.last == """
                ResourceMetrics #0
                Resource SchemaURL: \

                ScopeMetrics #0
                ScopeMetrics SchemaURL: \

                InstrumentationScope lib 1.2
                \(head(0, "g", "Gauge", description: "a gauge", unit: "1"))
                NumberDataPoints #0
                Data point attributes:
                     -> cpu: Str(0)
                \(times)
                Value: 0.250000
                \(head(1, "s", "Sum"))
                     -> IsMonotonic: true
                     -> AggregationTemporality: Cumulative
                NumberDataPoints #0
                \(times)
                Value: 7
                Exemplars:
                Exemplar #0
                     -> Trace ID: 0102030405060708090a0b0c0d0e0f10
                     -> Span ID: 0102030405060708
                     -> Timestamp: 2024-12-16 10:00:00 +0000 UTC
                     -> Value: 1.500000
                \(head(2, "h", "Histogram"))
                     -> AggregationTemporality: Delta
                HistogramDataPoints #0
                \(times)
                Count: 3
                Sum: 12.000000
                Min: 1.000000
                Max: 9.500000
                ExplicitBounds #0: 5.000000
                Buckets #0, Count: 1
                Buckets #1, Count: 2
                \(head(3, "e", "ExponentialHistogram"))
                     -> AggregationTemporality: Unspecified
                ExponentialHistogramDataPoints #0
                \(times)
                Count: 4
                Sum: 2.000000
                Bucket [0, 0], Count: 1
                Bucket (1.000000, 2.000000], Count: 2
                Bucket (2.000000, 4.000000], Count: 1
                \(head(4, "q", "Summary"))
                SummaryDataPoints #0
                \(times)
                Count: 2
                Sum: 3.000000
                QuantileValue #0: Quantile 0.500000, Value 1.500000

                """)
    }

    @Test(
        arguments: [
            (0, "0"), (-0.0, "-0"), (1, "1"), (0.0001, "0.0001"), (0.00001, "1e-05"), (1e20, "100000000000000000000"),
            (1e21, "1e+21"), (-1.25e-7, "-1.25e-07"), (123456.789, "123456.789"), (1.5e300, "1.5e+300"),
            (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (.leastNonzeroMagnitude, "5e-324"),
            (9_007_199_254_740_992, "9007199254740992"),
        ] as [(Double, String)])
    func shortestNumbers(value: Double, expected: String) { #expect(GoText.shortest(value) == expected) }

    @Test func extremeFixedNumbersAndTimes() {
        #expect(GoText.fixed(-.greatestFiniteMagnitude).count == 317)
        #expect(GoText.fixed(.infinity) == "+Inf")
        #expect(GoText.time(unixNanos: 0) == "1970-01-01 00:00:00 +0000 UTC")
        #expect(GoText.time(unixNanos: .max) == "1969-12-31 23:59:59.999999999 +0000 UTC")
    }

    @Test func theFirstOfEachSecondAndThenOneInSoMany() {
        let start = ContinuousClock.now
        var sampler = DebugSampler(initial: 2, thereafter: 3)
        let first = (0..<9).map { sampler.shows(at: start + .milliseconds($0)) }
        #expect(first == [true, true, false, false, true, false, false, true, false])
        let isNewSecondShown = sampler.shows(at: start + .seconds(1))
        #expect(isNewSecondShown)
        var silent = DebugSampler(initial: 1, thereafter: 0)
        let rest = (0..<4).map { silent.shows(at: start + .milliseconds($0)) }
        #expect(rest == [true, false, false, false])
    }

    @Test func theProgramsLogGetsMessageAndFields() async throws {
        let recorder = LogRecorder()
        let exporter = try makeExporter(.debug, [:], signal: .logs, logger: recorder.logger)
        _ = try await exporter.export(batch([request([record])], .logs, items: 1))
        #expect(recorder.lines == ["info | Logs | log records=1 | resource logs=1"])
    }

    @Test func mistakesInTheConfiguration() {
        #expect(
            configMessage(DebugExporterConfig.self, ["verbosity": "loud"])
                == "verbosity level \"loud\" is not supported")
        #expect(configMessage(DebugExporterConfig.self, ["verbosty": "basic"]).contains("did you mean \"verbosity\"?"))
        let all: KeyValuePairs<String, ConfigValue> = [
            "verbosity": "detailed", "sampling_initial": 5, "sampling_thereafter": 200, "use_internal_logger": false,
        ]
        #expect(configMessage(DebugExporterConfig.self, all) == "(accepted)")
    }
}
