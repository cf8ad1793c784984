import Component
import OTLP
import Testing

@testable import Processors

/// Guarantees: include and exclude choose the items otelcol would, and processors count, fuse and read the client's
/// context.
@Suite struct AttributesProcessorTests {
    /// A traces request: resource `service.name: shop`, scope `lib` 1.2, one server span `GET /cart` with these
    /// attributes.
    static func span(_ attributes: [(String, AttributeConstant)] = []) -> Telemetry {
        var writer = WireWriter()
        let group = writer.beginMessage(1)
        let resource = writer.beginMessage(1)
        write("service.name", .string("shop"), 1, to: &writer)
        write("zone", .int(7), 1, to: &writer)
        writer.endMessage(resource)
        let scopes = writer.beginMessage(2)
        let scope = writer.beginMessage(1)
        writer.writeString(1, "lib")
        writer.writeString(2, "1.2")
        writer.endMessage(scope)
        let span = writer.beginMessage(2)
        writer.writeString(SpanField.name, "GET /cart")
        writer.writeVarint(SpanField.kind, 2)
        for (key, value) in attributes { write(key, value, SpanField.attributes, to: &writer) }
        writer.endMessage(span)
        writer.endMessage(scopes)
        writer.endMessage(group)
        return Telemetry(signal: .traces, bytes: writer.bytes, itemCount: 1, receivedAtUnixNanos: 0)
    }

    static func log(body: AttributeConstant, severity: UInt64, text: String) -> Telemetry {
        var writer = WireWriter()
        let group = writer.beginMessage(1)
        let scopes = writer.beginMessage(2)
        let record = writer.beginMessage(2)
        writer.writeVarint(LogRecordField.severityNumber, severity)
        writer.writeString(LogRecordField.severityText, text)
        writer.writeBytes(LogRecordField.body, body.encoded)
        writer.endMessage(record)
        writer.endMessage(scopes)
        writer.endMessage(group)
        return Telemetry(signal: .logs, bytes: writer.bytes, itemCount: 1, receivedAtUnixNanos: 0)
    }

    static func gauge(_ name: String) -> Telemetry {
        var writer = WireWriter()
        let group = writer.beginMessage(1)
        let scopes = writer.beginMessage(2)
        let metric = writer.beginMessage(2)
        writer.writeString(MetricField.name, name)
        let gauge = writer.beginMessage(MetricField.gauge)
        let point = writer.beginMessage(1)
        writer.writeFixed64(NumberDataPointField.asInt, 1)
        writer.endMessage(point)
        writer.endMessage(gauge)
        writer.endMessage(metric)
        writer.endMessage(scopes)
        writer.endMessage(group)
        return Telemetry(signal: .metrics, bytes: writer.bytes, itemCount: 1, receivedAtUnixNanos: 0)
    }

    private static func write(
        _ key: String, _ value: AttributeConstant, _ field: UInt32, to writer: inout WireWriter
    ) {
        let attribute = writer.beginMessage(field)
        writer.writeString(KeyValueField.key, key)
        writer.writeBytes(KeyValueField.value, value.encoded)
        writer.endMessage(attribute)
    }

    /// Whether the processor marks the item.
    static func marks(_ telemetry: Telemetry, _ filter: [(String, ConfigLiteral)]) throws -> Bool {
        let config = [("actions", [["key": "mark", "value": true, "action": "insert"]] as ConfigLiteral)] + filter
        var telemetry = telemetry
        let before = telemetry.bytes
        try ProcessorFactory.attributes.make(.map(config), telemetry.signal).process(&telemetry)
        return telemetry.bytes != before
    }

    static let spanCases: [(ConfigLiteral, Bool)] = [
        (["match_type": "strict", "services": ["other", "shop"]], true),
        (["match_type": "strict", "services": ["sho"]], false),
        (["match_type": "regexp", "services": ["sho"]], true),
        (["match_type": "strict", "span_names": ["GET /cart"]], true),
        (["match_type": "regexp", "span_names": ["^GET", "nope"]], true),
        (["match_type": "regexp", "span_names": ["^POST"]], false),
        (["match_type": "strict", "span_kinds": ["SPAN_KIND_SERVER"]], true),
        (["match_type": "strict", "span_kinds": ["SPAN_KIND_CLIENT"]], false),
        (["match_type": "regexp", "span_kinds": ["SERVER|CLIENT"]], true),
        (["match_type": "strict", "libraries": [["name": "lib"]]], true),
        (["match_type": "strict", "libraries": [["name": "lib", "version": "1.2"]]], true),
        (["match_type": "strict", "libraries": [["name": "lib", "version": ""]]], false),
        (["match_type": "regexp", "libraries": [["name": "x"], ["name": "^l", "version": "^1\\."]]], true),
        (["match_type": "strict", "attributes": [["key": "code"]]], true),
        (["match_type": "strict", "attributes": [["key": "code", "value": 200]]], true),
        (["match_type": "strict", "attributes": [["key": "code", "value": "200"]]], false),
        (["match_type": "strict", "attributes": [["key": "code", "value": 200], ["key": "absent"]]], false),
        (["match_type": "regexp", "attributes": [["key": "code", "value": "^2.."]]], true),
        (["match_type": "regexp", "attributes": [["key": "list", "value": "^\\[1,"]]], true),
        (["match_type": "strict", "attributes": [["key": "list", "value": [1, ["b": 2, "a": "x"]]]]], true),
        (["match_type": "strict", "attributes": [["key": "list", "value": [1]]]], false),
        (["match_type": "strict", "resources": [["key": "zone", "value": 7]]], true),
        (["match_type": "strict", "resources": [["key": "zone", "value": 7], ["key": "code"]]], false),
        (["match_type": "strict", "services": ["shop"], "span_names": ["other"]], false),
        (
            ["match_type": "regexp", "regexp": ["cacheenabled": true, "cachemaxnumentries": 5], "services": ["s"]], true
        ),
    ]

    @Test(arguments: spanCases.indices)
    func spansAreChosen(index: Int) throws {
        let (match, expected) = Self.spanCases[index]
        let list: AttributeConstant = .list([
            .int(1), .map([.init(key: "a", value: .string("x")), .init(key: "b", value: .int(2))]),
        ])
        let span = Self.span([("code", .int(200)), ("list", list)])
        #expect(try Self.marks(span, [("include", match)]) == expected)
        #expect(try Self.marks(span, [("exclude", match)]) == !expected)
        let all: ConfigLiteral = ["match_type": "strict", "services": ["shop"]]
        #expect(try Self.marks(span, [("include", all), ("exclude", match)]) == !expected)
        #expect(try Self.marks(span, [("include", match), ("exclude", all)]) == false)
    }

    static let logCases: [(ConfigLiteral, Bool)] = [
        (["match_type": "strict", "log_bodies": ["hello"]], true),
        (["match_type": "regexp", "log_bodies": ["^h.*o$"]], true),
        (["match_type": "strict", "log_bodies": ["hell"]], false),
        (["match_type": "strict", "log_severity_texts": ["WARN"]], true),
        (["match_type": "strict", "log_severity_texts": ["warn"]], false),
        (["match_type": "strict", "log_severity_number": ["min": 13]], true),
        (["match_type": "strict", "log_severity_number": ["min": 14]], false),
    ]

    @Test(arguments: logCases.indices)
    func logRecordsAreChosen(index: Int) throws {
        let (match, expected) = Self.logCases[index]
        let log = Self.log(body: .string("hello"), severity: 13, text: "WARN")
        #expect(try Self.marks(log, [("include", match)]) == expected)
        #expect(try Self.marks(log, [("exclude", match)]) == !expected)
    }

    @Test func undefinedSeverityAndOtherBodies() throws {
        let log = Self.log(body: .int(5), severity: 0, text: "")
        for (matches, expected) in [(true, true), (false, false)] {
            let number: ConfigLiteral = ["min": 1, "match_undefined": .value(.bool(matches))]
            let match: ConfigLiteral = ["match_type": "strict", "log_severity_number": number]
            #expect(try Self.marks(log, [("include", match)]) == expected)
        }
        // A body that is no string passes, as in otelcol.
        #expect(try Self.marks(log, [("include", ["match_type": "strict", "log_bodies": ["x"]])]))
    }

    @Test func metricsAreChosenByNameAndResource() throws {
        let gauge = Self.gauge("cpu.load")
        #expect(try Self.marks(gauge, [("include", ["match_type": "regexp", "metric_names": ["^cpu"]])]))
        #expect(try !Self.marks(gauge, [("include", ["match_type": "strict", "metric_names": ["mem"]])]))
        #expect(try !Self.marks(gauge, [("include", ["match_type": "strict", "resources": [["key": "zone"]]])]))
        // Without a key for metrics an include matches none of them; the log says so.
        let log = LogRecorder()
        let config: ConfigLiteral = [
            "actions": [["key": "a", "action": "delete"]],
            "include": ["match_type": "strict", "services": ["shop"]],
        ]
        _ = try ProcessorFactory.attributes.make(config, .metrics, settings: .test(log: log))
        #expect(log.lines.contains { $0.hasPrefix("warning Metrics are matched by metric_names") })
        #expect(try !Self.marks(gauge, [("include", ["match_type": "strict", "services": ["shop"]])]))
    }

    static let errors: [(ConfigLiteral, Signal, String)] = [
        (
            ["match_type": "glob", "services": ["a"]], .traces,
            "unrecognized match_type: 'glob', valid types are: [regexp strict]"
        ),
        (["services": ["a"]], .traces, "unrecognized match_type: '', valid types are: [regexp strict]"),
        (
            ["match_type": "strict"], .traces,
            "at least one of \"attributes\", \"libraries\",  or \"resources\" field must be specified"
        ),
        (
            ["match_type": "strict"], .logs,
            "at least one of \"attributes\", \"libraries\", \"span_kinds\", \"resources\", \"log_bodies\", \"log_severity_texts\" or \"log_severity_number\" field must be specified"
        ),
        (
            ["match_type": "strict", "services": ["a"]], .logs,
            "services, span_names, and span_kinds are not valid for log records"
        ),
        (["match_type": "strict", "log_bodies": ["a"]], .traces, "log_bodies should not be specified for trace spans"),
        (
            ["match_type": "strict", "log_severity_texts": ["a"]], .traces,
            "log_severity_texts should not be specified for trace spans"
        ),
        (
            ["match_type": "strict", "log_severity_number": ["min": 1]], .traces,
            "log_severity_number should not be specified for trace spans"
        ),
        (
            ["match_type": "strict", "span_kinds": ["SERVER"]], .traces,
            "span_kinds string must match one of the standard span kinds when match_type=strict: [SPAN_KIND_CLIENT SPAN_KIND_CONSUMER SPAN_KIND_INTERNAL SPAN_KIND_PRODUCER SPAN_KIND_SERVER]"
        ),
        (
            ["match_type": "regexp", "attributes": [["key": "a", "value": 5]]], .traces,
            "match_type=regexp for \"a\" only supports Str, but found Int"
        ),
        (
            ["match_type": "strict", "attributes": [["value": 5]]], .traces,
            "error creating processor. Can't have empty key in the list of attributes"
        ),
    ]

    @Test(arguments: errors.indices)
    func wrongMatchesAreRefused(index: Int) {
        let (match, signal, message) = Self.errors[index]
        let actions: ConfigLiteral = [["key": "a", "action": "delete"]]
        for block in ["include", "exclude"] {
            let config: ConfigLiteral = .map([("actions", actions), (block, match)])
            #expect(ProcessorFactory.attributes.findings(config, signal) == [message])
        }
    }

    @Test func wrongExpressionIsRefused() throws {
        let config: ConfigLiteral = [
            "actions": [["key": "a", "action": "delete"]],
            "include": ["match_type": "regexp", "services": ["("]],
        ]
        let finding = try #require(ProcessorFactory.attributes.findings(config).first)
        #expect(finding.hasPrefix("error parsing regexp: "))
    }

    // MARK: Processing

    @Test func contextComesFromTheClient() throws {
        func key(_ name: String, _ source: String) -> ConfigLiteral {
            ["key": .value(.string(name)), "action": "insert", "from_context": .value(.string(source))]
        }
        let processor = try ProcessorFactory.attributes.make([
            "actions": [
                key("k1", "metadata.X-Tenant"), key("k2", "x-tenant"), key("k3", "client.address"),
                key("k4", "metadata.none"), key("k5", "auth.subject"),
            ]
        ])
        var telemetry = Self.span()
        telemetry.client = ClientInfo(
            address: "10.0.0.1", metadata: [("x-tenant", "acme"), ("other", "x"), ("x-tenant", "two")])
        try processor.process(&telemetry)
        let expected = Self.span([
            ("k1", .string("acme;two")), ("k2", .string("acme;two")), ("k3", .string("10.0.0.1")),
        ])
        #expect(telemetry.bytes == expected.bytes)
        var unknown = Self.span()
        try processor.process(&unknown)
        #expect(unknown.bytes == Self.span().bytes)
    }

    /// Scenario: an attributes and a resource processor stand side by side.
    /// Guarantees: fused they do what they did in turn, and each still counts its items.
    @Test func neighboursFuse() throws {
        let metrics = MetricRegistry()
        let first = try ProcessorFactory.attributes.make(
            ["actions": [["key": "a", "value": 1, "action": "insert"]]],
            settings: .test(ComponentID(type: "attributes"), metrics: metrics))
        let second = try ProcessorFactory.resource.make(
            ["attributes": [["key": "zone", "action": "delete"]]],
            settings: .test(ComponentID(type: "resource"), metrics: metrics))
        var inTurn = Self.span()
        try first.process(&inTurn)
        try second.process(&inTurn)
        var together = Self.span()
        try #require(first.fused(with: second)).process(&together)
        #expect(together.bytes == inTurn.bytes)
        #expect(together.bytes != Self.span().bytes)
        for id in ["attributes", "resource"] {
            #expect(metrics.value("otelcol_processor_incoming_items", id) == 2)
            #expect(metrics.value("otelcol_processor_outgoing_items", id) == 2)
        }
    }

    @Test func brokenBytesAreRefusedForGood() throws {
        let processor = try ProcessorFactory.attributes.make([
            "actions": [["key": "a", "value": 1, "action": "insert"]]
        ])
        var telemetry = Self.span()
        telemetry.bytes.removeLast()
        #expect {
            try processor.process(&telemetry)
        } throws: {
            ($0 as? RefusalError)?.isRetryable == false
        }
    }
}
