import Component
import Foundation
import OTLP
import SendingQueue
import Testing

@testable import Collector

/// Guarantees: a good configuration becomes typed as written; a bad one is refused with everything that is wrong, each
/// finding with its place.
@Suite struct ConfigurationLoadTests {
    /// Lines 1-19; the cases replace parts of it.
    private static let good = """
        receivers:
          otlp:
            protocols:
              grpc:
        processors:
          batch:
            timeout: 2s
        exporters:
          otlphttp/a:
            endpoint: http://x
            timeout: 7s
            sending_queue:
              storage: file_storage/q
        extensions:
          file_storage/q:
        service:
          extensions: [file_storage/q]
          pipelines:
            traces: {receivers: [otlp], processors: [batch], exporters: [otlphttp/a]}
        """

    @Test("a good configuration is typed as written") func good() throws {
        let config = try load(Self.good)
        #expect(config.receivers.map(\.id) == [ComponentID(type: "otlp")])
        #expect(config.exporters.map(\.id.description) == ["otlphttp/a"])
        #expect(config.exporters[0].sending.timeout == .seconds(7))
        #expect(config.exporters[0].sending.queue.storage == ComponentID(type: "file_storage", name: "q"))
        #expect(config.extensions.map(\.isStorage) == [true])
        #expect(config.service.extensions.map(\.description) == ["file_storage/q"])
        #expect(config.service.pipelines.map(\.id.description) == ["traces"])
        #expect(config.service.pipelines[0].processors.map(\.description) == ["batch"])
        #expect(config.notices.isEmpty)
        guard case .batching(let settings) = config.processors[0].role else {
            Issue.record("the processor is no batch")
            return
        }
        #expect(settings.timeout == .seconds(2))
        #expect(settings.sendBatchSize == 8192)
    }

    @Test(
        "one mistake, one finding with its place",
        arguments: [
            (
                "timeout: 2s", "timout: 2s",
                #"F:7:5: processors::batch: '' has invalid keys: timout (did you mean "timeout"?)"#
            ),
            ("grpc:", "gprc:", #"F:4:7: receivers::otlp::protocols: '' has invalid keys: gprc (did you mean "grpc"?)"#),
            (
                "endpoint: http://x", "endpoint: true",
                "F:10:15: exporters::otlphttp/a::endpoint: expected type 'string', got unconvertible type 'bool', value: 'true'"
            ),
            (
                "endpoint: http://x", "headers: {a: 5}",
                "F:10:18: exporters::otlphttp/a::headers::a: expected type 'string', got unconvertible type 'int'"
            ),
            (
                "timeout: 2s", "timeout: '10'",
                "F:7:14: processors::batch::timeout: time: missing unit in duration \"10\""
            ),
            ("batch:\n", "batch: x\n#", nil),
            (
                "otlphttp/a", "otlphtp/a",
                #"F:9:3: error decoding 'exporters': unknown type: "otlphtp" for id: "otlphtp/a" (valid values: [debug otlphttp tracesonly]; did you mean "otlphttp"?)"#
            ),
            ("receivers:\n", "recievers:\n", nil),
            (
                "service:\n", "service:\n  foo: 1\n",
                #"F:17:3: service: '' has invalid keys: foo; known keys: extensions, pipelines, telemetry"#
            ),
            (
                "extensions:\n  f", "procesors: {}\nextensions:\n  f",
                #"F:14:1: '' has invalid keys: procesors (did you mean "processors"?)"#
            ),
            (
                "  batch:\n    timeout: 2s", "  batch/:\n    timeout: 2s\n  batch:",
                #"F:6:3: error decoding 'processors': in "batch/" id: the part after / should not be empty"#
            ),
            (
                "  batch:\n    timeout: 2s", "  /x:\n  batch:",
                #"F:6:3: error decoding 'processors': in "/x" id: the part before / should not be empty"#
            ),
            (
                "  batch:\n    timeout: 2s", "  ba-tch:\n  batch:",
                #"F:6:3: error decoding 'processors': in "ba-tch" id: invalid character(s) in type "ba-tch""#
            ),
            (
                "  batch:\n    timeout: 2s", "  batch/a b:\n  batch:",
                #"F:6:3: error decoding 'processors': in "a b" id: invalid character(s) in name "a b""#
            ),
            (
                "  batch:\n    timeout: 2s", "  'batch ':\n  batch:",
                #"F:7:3: error decoding 'processors': duplicate name "batch" after trimming spaces batch"#
            ),
            (
                "exporters: [otlphttp/a]", "exporters: [otlphttp/b]",
                #"F:19:66: service::pipelines::traces: references exporter "otlphttp/b" which is not configured (did you mean "otlphttp/a"?)"#
            ),
            (
                "receivers: [otlp]", "receivers: [jaeger]",
                #"F:19:26: service::pipelines::traces: references receiver "jaeger" which is not configured"#
            ),
            (
                "extensions: [file_storage/q]", "extensions: [file_storage/q, zpages]",
                #"F:17:32: service::extensions: references extension "zpages" which is not configured"#
            ),
            (
                "receivers: [otlp]", "receivers: []",
                #"F:19:5: service::pipelines config validation failed: pipeline "traces": must have at least one receiver"#
            ),
            (
                ", exporters: [otlphttp/a]", "",
                #"F:19:5: service::pipelines config validation failed: pipeline "traces": must have at least one exporter"#
            ),
            (
                "processors: [batch]", "processors: [batch, batch]",
                #"F:19:53: service::pipelines config validation failed: pipeline "traces": references processor "batch" multiple times"#
            ),
            (
                "traces: {", "trace: {",
                #"F:19:5: service::pipelines config validation failed: pipeline "trace": unknown signal "trace" (did you mean "traces"?)"#
            ),
            (
                "traces: {", "profiles: {",
                #"F:19:5: service::pipelines config validation failed: pipeline "profiles": profiling signal support is at alpha level, gated under the "service.profilesSupport" feature gate"#
            ),
            (
                "    traces: {receivers: [otlp], processors: [batch], exporters: [otlphttp/a]}", "",
                "F:18:13: service::pipelines config validation failed: service must have at least one pipeline"
            ),
            (
                "storage: file_storage/q", "storage: file_storage",
                #"F:13:16: exporters::otlphttp/a::sending_queue::storage: references extension "file_storage" which is not configured (did you mean "file_storage/q"?)"#
            ),
            (
                "extensions: [file_storage/q]", "extensions: []",
                #"F:13:16: exporters::otlphttp/a::sending_queue::storage: storage extension "file_storage/q" is not listed in service::extensions"#
            ),
            (
                "storage: file_storage/q", "num_consumers: 0",
                "F:13:7: exporters::otlphttp/a::sending_queue: number of queue consumers must be positive"
            ),
            (
                "  file_storage/q:", "  file_storage/q:\n    directory: ''",
                "F:16:5: extensions::file_storage/q: directory must not be empty"
            ),
            (
                "extensions:\n  f", "connectors: {forward: }\nextensions:\n  f",
                #"F:14:14: error decoding 'connectors': unknown type: "forward" for id: "forward" (valid values: [])"#
            ),
            (
                "otlphttp/a:\n", "logging:\n  otlphttp/a:\n",
                "F:9:3: error decoding 'exporters': the logging exporter has been deprecated, use the debug exporter instead"
            ),
            (
                "  pipelines:", "  telemetry: {logs: {level: loud}}\n  pipelines:",
                #"F:18:29: service::telemetry::logs::level: unrecognized level: "loud" (valid values: debug, info, warn, error, dpanic, panic, fatal)"#
            ),
            (
                "  pipelines:", "  telemetry: {metrics: {adress: x}}\n  pipelines:",
                #"F:18:25: service::telemetry::metrics: '' has invalid keys: adress (did you mean "address"?)"#
            ),
        ] as [(String, String, String?)])
    func mistakes(original: String, replacement: String, expected: String?) throws {
        let text = Self.good.replacingOccurrences(of: original, with: replacement)
        try #require(text != Self.good)
        let error = #expect(throws: ConfigError.self) { try load(text) }
        let findings = (error?.findings ?? []).map { $0.description.replacingOccurrences(of: "yaml:…", with: "F") }
        if let expected {
            #expect(findings == [expected])
        } else {
            #expect(!findings.isEmpty)
        }
    }

    @Test("everything that is wrong is said at once, with the step that failed") func several() throws {
        let text = """
            receivers: {otlp: {protocols: {}}}
            processors: {batch: {timeout: x, q: 1}}
            exporters: {debug: {a: 1, b: 2}}
            service: {pipelines: {traces: {receivers: [otlp], exporters: [debug, nop]}}}
            """
        let message = failure { try load(text) }
        #expect(
            message == """
                failed to get config: cannot unmarshal the configuration:
                yaml:…:1:19: receivers::otlp: must specify at least one protocol when using the OTLP receiver
                yaml:…:2:31: processors::batch::timeout: time: invalid duration "x"
                yaml:…:3:21: exporters::debug: '' has invalid keys: a; known keys: batcher, retry_on_failure, sending_queue, timeout
                yaml:…:3:27: exporters::debug: '' has invalid keys: b; known keys: batcher, retry_on_failure, sending_queue, timeout
                yaml:…:4:70: service::pipelines::traces: references exporter "nop" which is not configured
                """)
        let invalid = failure { try load(Self.good.replacingOccurrences(of: "      grpc:", with: "")) }
        #expect(
            invalid == "invalid configuration: yaml:…:3:5: receivers::otlp: "
                + "must specify at least one protocol when using the OTLP receiver")
        #expect(
            failure { try load("a: [") }?
                .hasPrefix("failed to get config: cannot resolve the configuration: yaml:…:") == true)
    }

    @Test("nothing at all is refused as otelcol does") func empty() {
        #expect(failure { try load("{}") } == "invalid configuration: empty configuration file")
        #expect(failure { try load("") } == "invalid configuration: empty configuration file")
        let message = failure { try load("service: {extensions: []}") }
        #expect(message?.contains("no receiver configuration specified in config") == true)
        #expect(message?.contains("no exporter configuration specified in config") == true)
        #expect(message?.contains("service must have at least one pipeline") == true)
    }

    @Test("a signal that a component cannot carry is refused") func signals() {
        let text = """
            receivers: {otlp: {protocols: {grpc: }}}
            exporters: {tracesonly: }
            service: {pipelines: {logs: {receivers: [otlp], exporters: [tracesonly]}}}
            """
        #expect(
            failure { try load(text) }
                == "invalid configuration: yaml:…:3:61: service::pipelines::logs: failed to create \"tracesonly\" "
                + "exporter for data type \"logs\": telemetry type is not supported")
    }

    @Test("storage must be a storage extension") func storageKind() {
        let text = Self.good.replacingOccurrences(of: "file_storage/q", with: "health_check")
        #expect(failure { try load(text) }?.hasSuffix("extension \"health_check\" is not a storage extension") == true)
    }

    @Test("what is configured and not used is told of, and no error") func unused() throws {
        let text = Self.good.replacingOccurrences(of: "  batch:\n", with: "  attributes:\n  batch:\n")
            .replacingOccurrences(of: "  file_storage/q:", with: "  file_storage/q:\n  health_check:")
        #expect(
            try load(text).notices.map(\.description) == [
                "Component is configured but not used kind=processor name=attributes position=yaml:…:6:3",
                "Component is configured but not used kind=extension name=health_check position=yaml:…:17:3",
            ])
    }

    @Test("a value from a variable is blamed on the variable") func variable() {
        let text = Self.good.replacingOccurrences(of: "timeout: 2s", with: "timeout: ${env:WAIT}")
        let message = failure {
            try CollectorConfig.load(sources: [.uri("yaml:\(text)")], factories: FakeComponents.factories) { _ in "abc"
            }
        }
        #expect(message?.contains("7:14 (${env:WAIT}): processors::batch::timeout: time: invalid duration") == true)
    }

    private func load(_ text: String) throws -> CollectorConfig {
        try CollectorConfig.load(sources: [.uri("yaml:\(text)")], factories: FakeComponents.factories) { _ in nil }
    }
}
