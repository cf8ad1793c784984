import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// The command line says what it means: status, stream and text of each answer.
    @Suite("Command line")
    struct CommandLineTests {
        private let nothing =
            "receivers: {otlp: {protocols: {grpc: }}}\nexporters: {nop: }\nservice: "
            + "{pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}"

        /// Scenario: `--version`, `-v`, `--help`, and the help of a subcommand.
        /// Guarantees: status 0, on stdout, with the program's name, its options and subcommands.
        @Test func versionAndHelp() async throws {
            for option in ["--version", "-v"] {
                let result = try await runCollector([option])
                #expect(result.status == 0 && result.errors.isEmpty)
                #expect(
                    result.output.contains(/^otelcol(-[a-z]+)? version [0-9]+\.[0-9]+\.[0-9]+\n$/), "\(result.output)")
            }
            let help = try await runCollector(["--help"])
            #expect(help.status == 0 && help.errors.isEmpty)
            for word in ["--config", "--set", "--feature-gates", "validate", "components"] {
                #expect(help.output.contains(word))
            }
            let validate = try await runCollector(["validate", "--help"])
            #expect(validate.status == 0 && validate.output.contains("--config"))
        }

        /// Scenario: `components`.
        /// Guarantees: status 0; every component that configurations can name is listed under its kind.
        @Test func components() async throws {
            let result = try await runCollector(["components"])
            #expect(result.status == 0 && result.errors.isEmpty)
            let kinds = ["receivers:", "processors:", "exporters:", "extensions:"]
            let names = [
                "otlp", "batch", "memory_limiter", "attributes", "resource", "file", "debug", "otlphttp",
                "health_check", "clickhouse", "file_storage",
            ]
            for name in kinds + names.map({ "- name: \($0)\n" }) { #expect(result.output.contains(name), "\(name)") }
        }

        /// Scenario: no `--config`; a file that does not exist; an unknown option; an unknown gate.
        /// Guarantees: status 1 for each, nothing on stdout, the reason on stderr.
        @Test func failures() async throws {
            for (arguments, reason) in [
                ([], "at least one config flag must be provided"),
                (["--config", "/nowhere/otelcol.yaml"], "/nowhere/otelcol.yaml"),
                (["--config=/nowhere/otelcol.yaml"], "/nowhere/otelcol.yaml"),
                (["--config"], "--config"),
                (["--config", "--set"], "--config"),
                (["--config", "yaml:a: 1", "--confg", "x"], "--confg"),
                (["--confg", "x"], "--confg"),
                (["--config", "yaml:a: 1", "--set", "nonsense.x=1"], "nonsense"),
                (["--config", "yaml:a: 1", "--feature-gates", "no.such"], "no such feature gate \"no.such\""),
                (["validate"], "at least one config flag must be provided"),
            ] {
                let result = try await runCollector(arguments)
                #expect(result.status == 1 && result.output.isEmpty, "\(arguments): \(result.status) \(result.output)")
                #expect(result.errors.contains(reason), "\(arguments): \(result.errors)")
            }
        }

        /// Scenario: a file with an unknown key, a wrong type and a pipeline that names what is not there.
        /// Guarantees: `validate` and the run itself end with status 1 and tell each mistake with file, line and column
        /// on stderr; the nearest key is suggested.
        @Test(arguments: [["validate"], [], ["--dry-run"]])
        func mistakesHavePlaces(command: [String]) async throws {
            let config = """
                receivers:
                  otlp:
                    protocols:
                      grpc:
                        endpoit: localhost:0
                processors:
                  batch:
                    timeout: soon
                exporters:
                  nop:
                service:
                  pipelines:
                    traces:
                      receivers: [otlp]
                      exporters: [nop]
                """
            try await withTemporaryDirectory { directory in
                let file = directory.appendingPathComponent("wrong.yaml")
                try config.write(to: file, atomically: true, encoding: .utf8)
                let result = try await runCollector(command + ["--config", file.path])
                #expect(result.status == 1 && result.output.isEmpty)
                #expect(result.errors.contains("wrong.yaml:5:9: "), "\(result.errors)")
                #expect(result.errors.contains("did you mean \"endpoint\"?"))
                #expect(result.errors.contains("wrong.yaml:8:14: processors::batch::timeout"), "\(result.errors)")

                let missing = config.replacing("endpoit", with: "endpoint").replacing("soon", with: "1s")
                    .replacing("exporters: [nop]", with: "exporters: [nop, file]")
                try missing.write(to: file, atomically: true, encoding: .utf8)
                let second = try await runCollector(command + ["--config", file.path])
                #expect(second.status == 1)
                #expect(
                    second.errors.contains("references exporter \"file\" which is not configured"), "\(second.errors)")
                #expect(second.errors.contains("wrong.yaml:15:"), "\(second.errors)")
            }
        }

        /// Scenario: good configurations, from a file, from text, from a variable, and merged of all three.
        /// Guarantees: `validate` ends with status 0 and says nothing.
        @Test func sourcesAreValid() async throws {
            try await withTemporaryDirectory { directory in
                let file = directory.appendingPathComponent("good.yaml")
                try nothing.write(to: file, atomically: true, encoding: .utf8)
                let environment = ["WHOLE": nothing]
                for sources in [
                    ["--config", file.path], ["--config", "file:\(file.path)"], ["--config", "yaml:\(nothing)"],
                    ["--config", "env:WHOLE"],
                    [
                        "--config", file.path, "--config", "yaml:processors::batch::timeout: 2s", "--set",
                        "service.pipelines.traces.processors=[batch]",
                    ],
                ] {
                    let result = try await runCollector(["validate"] + sources, environment: environment)
                    #expect(result.status == 0, "\(sources) \(result.errors)")
                    #expect(result.output.isEmpty && result.errors.isEmpty, "\(sources) \(result.errors)")
                }
            }
        }

        /// Scenario: the file's name comes from a variable with a default, is overridden by `--set`, and an attribute's
        /// value comes from a variable that is not set.
        /// Guarantees: the program writes where `--set` says; the unset variable is warned of, by name, at start and in
        /// `validate`, whose status stays 0.
        @Test func valuesComeFromTheirSources() async throws {
            let config = """
                processors:
                  resource: {attributes: [{key: site, value: "<${env:OTELCOL_TEST_UNSET}>", action: upsert}]}
                exporters: {file: {path: "${env:OTELCOL_TEST_PATH:-default.json}"}}
                service: {pipelines: {traces: {receivers: [otlp], processors: [resource], exporters: [file]}}}
                """
            let arguments = ["--set", "exporters.file.path=set.json"]
            try await withCollector(config, arguments: arguments, environment: ["OTELCOL_TEST_PATH": "variable.json"]) {
                collector in
                let warning = collector.logLine(containing: "OTELCOL_TEST_UNSET")
                #expect(warning?.contains("warn") == true, "\(collector.log)")
                let capture = try nginxCaptures()[0].path
                let result = try await runPython("grpc_replay", [try collector.grpcEndpoint, "traces", capture])
                #expect(result.status == 0, "\(result.output)")
                #expect(await collector.terminate() == 0)
                let text = try String(contentsOf: ExportedFile("set.json", of: collector).url, encoding: .utf8)
                #expect(text.contains(#"{"key":"site","value":{"stringValue":"\u003c\u003e"}}"#))
                let others = ["variable.json", "default.json"].map { ExportedFile($0, of: collector).url.path }
                #expect(!others.contains { FileManager.default.fileExists(atPath: $0) })
                let own = collector.directory.appendingPathComponent("own.yaml").path
                let base = collector.directory.appendingPathComponent("config.yaml").path
                let validated = try await runCollector(["validate", "--config", base, "--config", own])
                #expect(validated.status == 0 && validated.errors.contains("OTELCOL_TEST_UNSET"), "\(validated.errors)")
            }
        }

        /// Scenario: `validate` of a configuration whose log goes to a file, whose exporter writes another, and whose
        /// processor has something to say when it is made.
        /// Guarantees: status 0 and silence, and no file is made.
        @Test func validateTouchesNothing() async throws {
            try await withTemporaryDirectory { directory in
                let sources = [
                    nothing, "processors: {memory_limiter: {check_interval: 1s, limit_mib: 100}}",
                    "exporters: {file: {path: sub/out.json}}", "service::telemetry::logs::output_paths: [own.log]",
                    "service::pipelines::traces::processors: [memory_limiter]",
                    "service::pipelines::traces::exporters: [file, nop]",
                ]
                let result = try await runCollector(
                    ["validate"] + sources.flatMap { ["--config", "yaml:\($0)"] }, in: directory)
                #expect(result.status == 0 && result.output.isEmpty && result.errors.isEmpty, "\(result.errors)")
                #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
            }
        }

        /// Scenario: the port that the receiver wants is taken.
        /// Guarantees: status 1, the component and the address on stderr.
        @Test func portInUse() async throws {
            try await withCollector(toFile) { collector in
                let endpoint = try collector.grpcEndpoint
                let config = baseConfig + "\n"
                let result = try await runCollector([
                    "--config", "yaml:\(config)", "--config", "yaml:\(toFile)", "--set",
                    "receivers.otlp.protocols.grpc.endpoint=\(endpoint)", "--set",
                    "exporters.file.path=\(collector.directory.path)/other.json",
                ])
                #expect(result.status == 1)
                #expect(result.errors.contains("failed to start \"otlp\" receiver"), "\(result.errors)")
                #expect(result.errors.contains(endpoint), "\(result.errors)")
            }
        }
    }
}
