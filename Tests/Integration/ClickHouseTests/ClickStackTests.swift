import Foundation
import OTLP
import TestSupport
import Testing

/// configs/clickstack-local.yaml does what its users expect of it, against a real server.
@Suite(.serialized)
struct ClickStackTests {
    /// The file with its addresses and folders put into the test's own, and nothing else changed.
    private func config(_ server: ServerProcess, in directory: URL) throws -> String {
        let file = packageDirectory.appendingPathComponent("configs/clickstack-local.yaml")
        var text = try String(contentsOf: file, encoding: .utf8)
        for (old, new) in [
            ("tcp://clickhouse:9000", "tcp://127.0.0.1:\(server.tcpPort)"),
            ("https://uptrace-2.pne.io/v1/traces", "http://127.0.0.1:1/v1/traces"),
            ("http://logs.pnetest.biz:9428", "http://127.0.0.1:1"), ("0.0.0.0:13133", "127.0.0.1:0"),
            ("0.0.0.0:4317", "127.0.0.1:0"), ("0.0.0.0:4318", "127.0.0.1:0"), ("0.0.0.0:8888", "127.0.0.1:0"),
            ("/var/lib/otelcol", directory.path),
        ] {
            try #require(text.contains(old), "\(old)")
            text = text.replacing(old, with: new)
        }
        return text
    }

    /// A request with one span that began just now and took `seconds`, as nginx's module describes it.
    private func slowSpan(_ number: UInt8, seconds: UInt64) -> [UInt8] {
        let end = UInt64(Date().timeIntervalSince1970) * 1_000_000_000
        let span = ProtobufMessage([
            ProtobufField(1, .bytes(Array(repeating: number, count: 16))),
            ProtobufField(2, .bytes(Array(repeating: number, count: 8))), ProtobufField.string(5, "GET /slow"),
            ProtobufField(7, .fixed64(end - seconds * 1_000_000_000)), ProtobufField(8, .fixed64(end)),
            ProtobufField.attribute(9, "upstream_addr", "10.0.0.1:80, 10.0.0.2:81"),
        ])
        let resource = ProtobufMessage([ProtobufField.attribute(1, "service.name", "nginx")])
        let scope = ProtobufMessage([ProtobufField(2, .message(span))])
        return ProtobufMessage([
            ProtobufField(
                1, .message(ProtobufMessage([ProtobufField(1, .message(resource)), ProtobufField(2, .message(scope))])))
        ]).bytes
    }

    private func runSDK(_ harness: CollectorHarness, count: Int) async throws {
        let script = packageDirectory.appendingPathComponent("Tests/Integration/python/sdk_client.py").path
        for (protocolName, endpoint) in [
            ("grpc", try harness.collector.grpcEndpoint), ("http", try harness.collector.httpEndpoint),
        ] {
            let result = try await runSubprocess(["python3", script, protocolName, endpoint, "\(count)"])
            try #require(result.status == 0, "\(result.output)\(result.errors)")
        }
    }

    /// Scenario: SDKs send traces, logs and metrics over gRPC and HTTP, and nginx two slow spans; the server is killed,
    /// and absent while as much comes again.
    /// Guarantees: clients are always answered OK; once the server is back all three signals are complete, each row
    /// once, as the processors change them; the documented monitoring queries answer.
    @Test("the local stack, with an outage")
    func localStack() async throws {
        try await withTemporaryDirectory { directory in
            let server = try ServerProcess(in: directory)
            try server.start()
            let collector = try await CollectorProcess.start(
                config: try config(server, in: directory), in: directory)
            let harness = CollectorHarness(collector: collector)
            defer { collector.kill() }
            let count = 600
            try await runSDK(harness, count: count)
            try harness.send(slowSpan(1, seconds: 3), .traces)
            let isThere = try await eventually(within: .seconds(120)) {
                try server.text("EXISTS TABLE otel.otel_traces") == "1"
                    && server.text("SELECT count() > 0 FROM otel.otel_traces") == "1"
            }
            #expect(isThere, "\(collector.log.suffix(4000))")
            server.kill()
            try await runSDK(harness, count: count)
            try harness.send(slowSpan(2, seconds: 2), .traces)
            try server.start()
            let isComplete = try await eventually(within: .seconds(120)) {
                try server.text("SELECT count() FROM otel.otel_traces") == "\(4 * count + 2)"
                    && server.text("SELECT count() FROM otel.otel_logs") == "\(4 * count)"
                    && server.text("SELECT count() FROM otel.otel_metrics_histogram") == "8"
            }
            #expect(isComplete, "\(collector.log.suffix(4000))")
            try expectRows(server, count: count)
            try expectMonitoring(server, count: count)
            #expect(
                try harness.metric("otelcol_exporter_sent_spans", "exporter=\"clickhouse\"") == Double(4 * count + 2))
            #expect(
                try harness.metric("otelcol_exporter_sent_log_records", "exporter=\"clickhouse\"") == Double(4 * count))
            #expect(try harness.metric("otelcol_swift_ledger_imbalance") == 0)
            #expect(await collector.terminate() == 0, "\(collector.log)")
        }
    }

    private func expectRows(_ server: ServerProcess, count: Int) throws {
        let spans =
            "uniqExact(SpanId), countIf(ResourceAttributes['deployment.environment'] = 'local'), "
            + "countIf(ResourceAttributes['service.namespace'] = 'clickstack'), "
            + "countIf(SpanAttributes['text'] = 'käse' AND SpanAttributes['list'] = '[1,2]' AND Events.Name = ['event'])"
        #expect(
            try server.text("SELECT \(spans) FROM otel.otel_traces")
                == "\(4 * count + 2)\t\(4 * count + 2)\t\(4 * count + 2)\t\(4 * count)")
        #expect(
            try server.text(
                "SELECT count() FROM (SELECT ServiceName, SpanName, count() AS c FROM otel.otel_traces "
                    + "WHERE ServiceName != 'nginx' GROUP BY ServiceName, SpanName HAVING c = 2)") == "\(2 * count)")
        #expect(
            try server.text(
                "SELECT SpanAttributes['upstream_primary'], SpanAttributes['upstream_secondary'] "
                    + "FROM otel.otel_traces WHERE ServiceName = 'nginx' AND TraceId LIKE '01%'")
                == "10.0.0.1:80\t10.0.0.2:81")
        #expect(
            try server.text(
                "SELECT uniqExact(Body), countIf(SeverityText = 'WARN'), countIf(SeverityNumber = 13), "
                    + "countIf(ResourceAttributes['deployment.environment'] = 'local') FROM otel.otel_logs")
                == "\(count)\t\(4 * count)\t\(4 * count)\t\(4 * count)")
        // The SDK sends its cumulative metrics twice, when it is flushed and when it ends.
        #expect(
            try server.text(
                "SELECT ServiceName, sum(Value), count() FROM otel.otel_metrics_sum WHERE MetricName = 'requests' "
                    + "GROUP BY ServiceName ORDER BY ServiceName")
                == "sdk-grpc\t\(4 * count)\t\(4 * count)\nsdk-http\t\(4 * count)\t\(4 * count)")
        #expect(
            try server.text("SELECT MetricName, sum(Count) FROM otel.otel_metrics_histogram GROUP BY MetricName")
                == "latency\t\(8 * count)")
        #expect(
            try server.text("SELECT uniqExact(TraceId) FROM otel.otel_traces_trace_id_ts")
                == server.text("SELECT uniqExact(TraceId) FROM otel.otel_traces"))
    }

    /// The queries that operators of this stack are told to watch.
    private func expectMonitoring(_ server: ServerProcess, count: Int) throws {
        #expect(try server.text("SELECT COUNT(*) FROM otel.otel_traces") == "\(4 * count + 2)")
        #expect(
            try server.text(
                "SELECT ServiceName, COUNT(*) as count FROM otel.otel_traces GROUP BY ServiceName ORDER BY count DESC, ServiceName"
            )
                == "sdk-grpc\t\(2 * count)\nsdk-http\t\(2 * count)\nnginx\t2")
        let slow = try server.text(
            "SELECT TraceId, SpanName, Duration/1000000 as duration_ms FROM otel.otel_traces "
                + "WHERE Duration > 1000000000 ORDER BY Duration DESC LIMIT 10")
        #expect(
            slow
                == ["01", "02"].enumerated().map { index, byte in
                    String(repeating: byte, count: 16) + "\tGET /slow\t\(3000 - 1000 * index)"
                }.joined(separator: "\n"))
        let rate = try server.text(
            "SELECT toStartOfMinute(Timestamp) as minute, COUNT(*) as traces FROM otel.otel_traces "
                + "WHERE Timestamp > now() - INTERVAL 1 HOUR GROUP BY minute ORDER BY minute")
        let perMinute = rate.split(separator: "\n").compactMap { Int($0.split(separator: "\t").last ?? "") }
        #expect(perMinute.reduce(0, +) == 4 * count + 2)
    }
}
