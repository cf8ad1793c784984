import Component
import Foundation
import TestSupport
import Testing

@testable import Collector

/// Guarantees: scrapes read the text as it is meant: names as registered, labels sorted and escaped, buckets cumulative.
@Suite struct TelemetryPrometheusTests {
    private static let constantLabels = [
        ("service_name", "otelcol-swift"), ("service_instance_id", "1-2"), ("service.version", "1.0.0"),
    ]

    private func registry() -> MetricRegistry {
        let registry = MetricRegistry()
        registry.counter(
            "otelcol_receiver_accepted_spans", help: "Number of spans successfully pushed into the pipeline.",
            labels: ["receiver": "otlp", "transport": "http"]
        ).add(3)
        registry.counter(
            "otelcol_receiver_accepted_spans", help: "", labels: ["transport": "grpc", "receiver": "otlp"]
        ).add(1234)
        _ = registry.counter("otelcol_never", help: "Hidden.", labels: [:])
        _ = registry.counter("otelcol_zero", help: "Shown.", labels: [:], showsZero: true)
        let sizes = registry.histogram(
            "otelcol_processor_batch_batch_send_size", help: "Items in a\nbatch \\ \"quoted\".",
            bounds: [10, 25, 0.5e3],
            labels: ["processor": "batch/\"a\\b\"\n"])
        for size in [5.0, 10, 10.5, 600] { sizes.record(size) }
        registry.observe("otelcol_process_uptime", help: "Uptime.", kind: .counter, labels: [:]) { 1.5 }
        registry.observe("otelcol_absent", help: "Absent.", kind: .gauge, labels: [:]) { nil }
        registry.observe("otelcol_limit", help: "Limit.", kind: .gauge, labels: [:]) { .infinity }
        return registry
    }

    @Test("the whole text") func text() {
        let text = PrometheusText.render(
            registry().snapshot(), constantLabels: Self.constantLabels, resource: Self.constantLabels)
        let constant = #"service_instance_id="1-2",service_name="otelcol-swift",service_version="1.0.0""#
        let batch = #"processor="batch/\"a\\b\"\n","# + constant
        #expect(
            String(decoding: text, as: UTF8.self) == """
                # HELP otelcol_limit Limit.
                # TYPE otelcol_limit gauge
                otelcol_limit{\(constant)} +Inf
                # HELP otelcol_process_uptime Uptime.
                # TYPE otelcol_process_uptime counter
                otelcol_process_uptime{\(constant)} 1.5
                # HELP otelcol_processor_batch_batch_send_size Items in a\\nbatch \\\\ "quoted".
                # TYPE otelcol_processor_batch_batch_send_size histogram
                otelcol_processor_batch_batch_send_size_bucket{\(batch),le="10"} 2
                otelcol_processor_batch_batch_send_size_bucket{\(batch),le="25"} 3
                otelcol_processor_batch_batch_send_size_bucket{\(batch),le="500"} 3
                otelcol_processor_batch_batch_send_size_bucket{\(batch),le="+Inf"} 4
                otelcol_processor_batch_batch_send_size_sum{\(batch)} 625.5
                otelcol_processor_batch_batch_send_size_count{\(batch)} 4
                # HELP otelcol_receiver_accepted_spans Number of spans successfully pushed into the pipeline.
                # TYPE otelcol_receiver_accepted_spans counter
                otelcol_receiver_accepted_spans{receiver="otlp",\(constant),transport="grpc"} 1234
                otelcol_receiver_accepted_spans{receiver="otlp",\(constant),transport="http"} 3
                # HELP otelcol_zero Shown.
                # TYPE otelcol_zero counter
                otelcol_zero{\(constant)} 0
                # HELP target_info Target metadata
                # TYPE target_info gauge
                target_info{\(constant)} 1

                """)
    }

    @Test("the order of registration does not show") func order() {
        let left = MetricRegistry()
        let right = MetricRegistry()
        for name in ["b", "a"] { left.counter(name, help: name, labels: ["x": name]).add() }
        for name in ["a", "b"] { right.counter(name, help: name, labels: ["x": name]).add() }
        #expect(PrometheusText.render(left.snapshot()) == PrometheusText.render(right.snapshot()))
    }

    @Test("counters can be told to end in _total") func suffix() {
        let text = String(decoding: PrometheusText.render(registry().snapshot(), addsTypeSuffix: true), as: UTF8.self)
        #expect(text.contains("\notelcol_receiver_accepted_spans_total{"))
        #expect(text.contains("# TYPE otelcol_process_uptime_total counter\n"))
        #expect(!text.contains("_limit_total"))
    }

    @Test("what the process uses is shown") func process() throws {
        let registry = MetricRegistry()
        ProcessMetrics.register(in: registry, startedAt: .now - .seconds(90))
        var values: [String: Double] = [:]
        for family in registry.snapshot() {
            if case .number(let value) = family.samples[0].value { values[family.name] = value }
        }
        #expect(values.count == 5)
        #expect(try #require(values["otelcol_process_uptime"]) >= 90)
        #expect(try #require(values["otelcol_process_cpu_seconds"]) > 0)
        #expect(try #require(values["otelcol_process_memory_rss"]) > 1_000_000)
        #expect(try #require(values["otelcol_process_runtime_heap_alloc_bytes"]) > 1000)
        #expect(try #require(values["otelcol_process_runtime_total_sys_memory_bytes"]) > 1000)
        // The two above are read one after the other, and other tests may free a lot in between.
        let heap = ProcessMetrics.heapBytes()
        #expect(heap.fromSystem >= heap.inUse)
    }

    /// promtool reads the text with Prometheus' own parser. Its lint also dislikes counters without `_total`, which are
    /// otelcol's names, so only that remark is allowed.
    @Test("promtool takes the text")
    func promtool() throws {
        let registry = registry()
        ProcessMetrics.register(in: registry)
        let (status, remarks) = try check(
            PrometheusText.render(
                registry.snapshot(), constantLabels: Self.constantLabels, resource: Self.constantLabels))
        #expect(status == 3)
        #expect(remarks.allSatisfy { $0.hasSuffix("counter metrics should have \"_total\" suffix") }, "\(remarks)")

        let (suffixedStatus, suffixedRemarks) = try check(
            PrometheusText.render(registry.snapshot(), constantLabels: Self.constantLabels, addsTypeSuffix: true))
        #expect(suffixedStatus == 0, "\(suffixedRemarks)")
        #expect(try check(Array("a{ 1\n".utf8)).status == 1)
    }

    private func check(_ text: [UInt8]) throws -> (status: Int32, remarks: [String]) {
        let process = try ChildProcess(["sh", "-c", "exec promtool check metrics 2>&1"], input: .pipe)
        try process.input?.write(contentsOf: Data(text))
        try process.input?.close()
        let remarks = String(decoding: process.output?.readDataToEndOfFile() ?? Data(), as: UTF8.self)
        return (process.waitUntilExit(), remarks.split(separator: "\n").map(String.init))
    }
}
