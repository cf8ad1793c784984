import Component
import Testing

@testable import Collector

/// Guarantees: the program's own resource and its labels are what `service.telemetry` says.
@Suite struct TelemetryResourceTests {
    private func telemetry(_ yaml: String) throws -> TelemetryConfig {
        try TelemetryConfig.decode(try #require(try parsed(yaml)), path: "service::telemetry")
    }

    @Test("attributes are added, changed and taken away") func attributes() throws {
        let config = try telemetry("{resource: {service.name: x, service.version: null, zone: a}}")
        let attributes = config.resourceAttributes(instanceID: "1").map { "\($0.0)=\($0.1)" }
        #expect(attributes == ["service.instance.id=1", "service.name=x", "zone=a"])
    }

    @Test("readers, addresses and levels") func readers() throws {
        func endpoints(_ yaml: String) throws -> [String] {
            try telemetry("{metrics: \(yaml)}").metrics.readers.map { "\($0.host):\($0.port)" }
        }
        #expect(try endpoints("{}") == ["localhost:8888"])
        #expect(try endpoints("{address: '0.0.0.0:9'}") == ["0.0.0.0:9"])
        #expect(try endpoints("{address: '[::1]:9'}") == ["::1:9"])
        #expect(try endpoints("{level: none}") == [])
        let pull = "{pull: {exporter: {prometheus: {host: h, port: 7}}}}"
        #expect(try endpoints("{readers: [\(pull), {periodic: {}}]}") == ["h:7"])
        #expect(try endpoints("{readers: [\(pull)], address: ':9'}") == ["h:7", ":9"])
        #expect(
            try telemetry("{metrics: {readers: [\(pull), {periodic: {}}]}, logs: {processors: [{}]}}").ineffectiveKeys
                == ["service::telemetry::logs::processors", "service::telemetry::metrics::readers[1]::periodic"])
        #expect(failure { try endpoints("{address: nowhere}") }?.contains("failing to parse metrics address") == true)
        #expect(failure { try endpoints("{readers: [{}]}") }?.contains("must specify pull or periodic") == true)
    }

    @Test(
        "constant labels are chosen by pattern",
        arguments: [
            ("{included: ['*']}", "service.name zone"), ("{included: ['service.*']}", "service.name"),
            ("{included: ['*'], excluded: ['s*n*e']}", "zone"), ("{included: []}", ""), ("{included: [zone]}", "zone"),
        ])
    func constantLabels(yaml: String, expected: String) throws {
        let reader = try PrometheusReaderConfig.decode(
            try #require(try parsed("{with_resource_constant_labels: \(yaml)}")), path: "")
        let labels = reader.constantLabels(of: [("service.name", "x"), ("zone", "a")])
        #expect(labels.map(\.0).joined(separator: " ") == expected)
    }
}
