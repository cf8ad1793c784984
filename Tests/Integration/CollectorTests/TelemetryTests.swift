import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// The program's own metrics and log are otelcol's: dashboards and parsers built for it go on working.
    @Suite("Own telemetry")
    struct TelemetryTests {
        private let pipelines = """
            processors:
              memory_limiter: {check_interval: 1s, limit_mib: 512}
              attributes: {actions: [{key: a, value: 1, action: insert}]}
              batch: {timeout: 20ms}
            exporters:
              file: {path: out.json}
              otlphttp/dead: {endpoint: "http://127.0.0.1:1"}
            service:
              pipelines:
                traces: {receivers: [otlp], processors: [memory_limiter, attributes, batch], exporters: [file, otlphttp/dead]}
                metrics: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [file]}
                logs: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [file]}
            """

        private func sendAll(to collector: CollectorProcess) async throws {
            for (transport, endpoint) in [("grpc", try collector.grpcEndpoint), ("http", try collector.httpEndpoint)] {
                let result = try await runPython("sdk_client", [transport, endpoint, "10"])
                #expect(result.status == 0, "\(result.output)\(result.errors)")
            }
        }

        /// Scenario: all signals come in over both protocols and are written; one more exporter's backend is dead.
        /// Guarantees: each series that dashboards ask for is there, by otelcol's name, with its labels and its exact
        /// count.
        @Test func seriesAreThere() async throws {
            try await withCollector(pipelines) { collector in
                try await sendAll(to: collector)
                let sent = "otelcol_exporter_sent_metric_points"
                #expect(
                    try await eventually { try await Series.value(sent, ["exporter": "file"], of: collector) == 44 })
                #expect(
                    try await eventually {
                        let series = try await Series.all(of: collector)
                        let sent = series.filter { $0.name.hasPrefix("otelcol_exporter_sent_") }
                        return sent.reduce(0) { $0 + $1.value } == 84
                    })
                let series = try await Series.all(of: collector)
                func expect(_ name: String, _ labels: [String: String], _ value: Double?) {
                    let found = series.filter { series in
                        let own = series.labels.filter { !$0.key.hasPrefix("service_") }
                        return series.name == name && own == labels
                    }
                    #expect(found.count == 1, "\(name) \(labels)")
                    if let value { #expect(found.first?.value == value, "\(name) \(labels)") }
                }
                let counts = [("spans", 10.0), ("metric_points", 22), ("log_records", 10)]
                for (items, count) in counts {
                    for transport in ["grpc", "http"] {
                        expect(
                            "otelcol_receiver_accepted_\(items)", ["receiver": "otlp", "transport": transport], count)
                    }
                    expect("otelcol_exporter_sent_\(items)", ["exporter": "file"], 2 * count)
                    expect("otelcol_processor_accepted_\(items)", ["processor": "memory_limiter"], 2 * count)
                }
                // As in otelcol, the file exporter has no queue to show.
                let queues = series.filter { $0.name.hasPrefix("otelcol_exporter_queue") }
                #expect(queues.allSatisfy { $0.labels["exporter"] == "otlphttp/dead" } && !queues.isEmpty)
                for name in ["incoming", "outgoing"] {
                    let labels = ["processor": "attributes", "otel_signal": "traces"]
                    expect("otelcol_processor_\(name)_items", labels, 20)
                }
                expect("otelcol_exporter_queue_capacity", ["exporter": "otlphttp/dead"], 1000)
                expect("otelcol_exporter_queue_size", ["exporter": "otlphttp/dead", "data_type": "traces"], nil)
                expect("otelcol_processor_batch_batch_send_size_sum", ["processor": "batch"], 84)
                expect("otelcol_processor_batch_batch_send_size_count", ["processor": "batch"], nil)
                expect("otelcol_processor_batch_timeout_trigger_send", ["processor": "batch"], nil)
                expect("otelcol_processor_batch_metadata_cardinality", ["processor": "batch"], nil)
                for name in ["uptime", "cpu_seconds", "memory_rss", "runtime_heap_alloc_bytes"] {
                    expect("otelcol_process_\(name)", [:], nil)
                }
                expect("otelcol_process_runtime_total_sys_memory_bytes", [:], nil)
                let constant = Set(["service_name", "service_version", "service_instance_id"])
                #expect(series.allSatisfy { constant.isSubset(of: $0.labels.keys) })
                #expect(series.count { $0.name == "target_info" && Set($0.labels.keys) == constant } == 1)
                #expect(
                    !series.contains {
                        $0.name.hasSuffix("_total") || $0.name.hasPrefix("otelcol_exporter_send_failed") && $0.value > 0
                    })
            }
        }

        /// Scenario: promtool reads the metrics: as they are by default, and with type suffixes.
        /// Guarantees: with suffixes it has nothing to say; without them only that counters should end in "_total".
        @Test(arguments: [true, false])
        func promtoolAccepts(hasSuffix: Bool) async throws {
            let reader = """
                service: {telemetry: {metrics: {readers: [{pull: {exporter: {prometheus:
                  {host: 127.0.0.1, port: 0, without_type_suffix: \(!hasSuffix)}}}}]}}}
                """
            let arguments = ["--set", "service.telemetry.metrics.address=null", "--config", "yaml:\(reader)"]
            try await withCollector(pipelines, arguments: arguments) { collector in
                try await sendAll(to: collector)
                let answer = try await curl("http://\(try collector.metricsEndpoint)/metrics")
                #expect(answer.contentType.hasPrefix("text/plain; version=0.0.4"))
                #expect(answer.text.contains("otelcol_receiver_accepted_spans\(hasSuffix ? "_total" : ""){"))
                let result = try await runSubprocess(["promtool", "check", "metrics"], input: answer.body)
                let remarks = (result.output + result.errors).split(separator: "\n")
                if hasSuffix {
                    #expect(result.status == 0 && remarks.isEmpty, "\(remarks)")
                } else {
                    #expect(
                        remarks.allSatisfy { $0.contains("counter metrics should have \"_total\" suffix") },
                        "\(remarks)")
                    #expect(!remarks.isEmpty)
                }
            }
        }

        /// Scenario: another path than /metrics; level `none`.
        /// Guarantees: 404; and no port at all.
        @Test func onlyMetricsAreServed() async throws {
            try await withCollector(toFile) { collector in
                let answer = try await curl("http://\(try collector.metricsEndpoint)/")
                #expect(answer.status == 404)
            }
            try await withCollector(toFile, arguments: ["--set", "service.telemetry.metrics.level=none"]) { collector in
                #expect(collector.logLine(containing: "Serving metrics") == nil)
            }
        }

        /// Scenario: `logs.encoding: json`, with a field of the user's; then the console form.
        /// Guarantees: from the first line to the last each is a JSON object with level, ts, caller and msg, and the
        /// component's kind and name; on the console five columns, the last one a JSON object.
        @Test func logLinesAreParseable() async throws {
            let arguments = [
                "--set", "service.telemetry.logs.encoding=json", "--set",
                "service.telemetry.logs.initial_fields={site: käse}",
            ]
            try await withCollector(toFile, arguments: arguments) { collector in
                #expect(await collector.terminate() == 0)
                var messages: [String] = []
                for line in collector.log.split(separator: "\n") {
                    let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                    let fields = try #require(object)
                    for key in ["level", "ts", "caller", "msg", "site"] { #expect(fields[key] is String, "\(line)") }
                    #expect(fields["site"] as? String == "käse")
                    let time = try #require(fields["ts"] as? String)
                    #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d{4})/) != nil, "\(time)")
                    messages.append(fields["msg"] as? String ?? "")
                    if fields["msg"] as? String == "Starting GRPC server" {
                        #expect(fields["kind"] as? String == "receiver" && fields["name"] as? String == "otlp")
                    }
                }
                #expect(messages.first == "Setting up own telemetry..." && messages.last == "Shutdown complete.")
            }
            try await withCollector(toFile) { collector in
                let line = try #require(collector.logLine(containing: "Starting GRPC server"))
                let columns = line.split(separator: "\t")
                try #require(columns.count == 5)
                #expect(columns[1] == "info" && columns[2].contains(/\.swift:[0-9]+$/))
                #expect(try JSONSerialization.jsonObject(with: Data(columns[4].utf8)) is [String: Any])
            }
        }
    }
}
