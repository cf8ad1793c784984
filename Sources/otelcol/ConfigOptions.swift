internal import ArgumentParser
internal import Collector
internal import Component

/// The options that say what the configuration is; `otelcol` and `otelcol validate` share them.
struct ConfigOptions: ParsableArguments {
    @Option(
        name: .customLong("config"), parsing: .singleValue,
        help: ArgumentHelp(
            "A configuration: the path of a file, file:PATH, env:NAME or yaml:TEXT. Later ones win over earlier ones.",
            valueName: "uri"))
    var configURIs: [String] = []

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "A single value on top of every --config: processors.batch.timeout=2s", valueName: "key=value"))
    var assignments: [String] = []

    @Option(
        name: .customLong("feature-gates"), parsing: .singleValue,
        help: ArgumentHelp("Comma-separated feature gates; -name turns one off.", valueName: "gates"))
    var featureGates: [String] = []

    /// Reads a command line that is nothing but these options, each followed by its value: as services are started. Nil for
    /// any other, which the parser reads. That one takes a tenth of the time from exec to healthy, for it works out by
    /// reflection what all commands take.
    static func plain(_ arguments: [String]) -> ConfigOptions? {
        guard !arguments.isEmpty, arguments.count.isMultiple(of: 2) else { return nil }
        var values: [String: [String]] = ["--config": [], "--set": [], "--feature-gates": []]
        for index in stride(from: 0, to: arguments.count, by: 2) {
            let (name, value) = (arguments[index], arguments[index + 1])
            if values[name] == nil || value.hasPrefix("-") { return nil }
            values[name]?.append(value)
        }
        var options = ConfigOptions()
        options.configURIs = values["--config"] ?? []
        options.assignments = values["--set"] ?? []
        options.featureGates = values["--feature-gates"] ?? []
        return options
    }

    var sources: [ConfigSource] { configURIs.map { .uri($0) } + assignments.map { .set($0) } }

    func load() throws -> CollectorConfig {
        try FeatureGates.check(featureGates)
        return try CollectorConfig.load(sources: sources, factories: .all)
    }
}

/// There is no gate whose setting changes anything; otelcol's own are known by name so that command lines go on
/// working.
enum FeatureGates {
    struct UnknownGateError: Error, CustomStringConvertible {
        let description: String
    }

    /// Gates of otelcol whose fixed behaviour this program has, with the value it stands for.
    private static let fixed: [String: Bool] = [
        "confmap.enableMergeAppendOption": false,
        "confmap.strictlyTypedInput": true,
        "confmap.unifyEnvVarExpansion": true,
        "service.profilesSupport": false,
        "telemetry.disableHighCardinalityMetrics": false,
        "telemetry.useOtelWithSDKConfigurationForInternalTelemetry": true,
    ]

    static func check(_ lists: [String]) throws(UnknownGateError) {
        for gate in lists.flatMap({ $0.split(separator: ",") }) {
            let isOn = gate.first != "-"
            let name = String(gate.first == "-" || gate.first == "+" ? gate.dropFirst() : gate)
            guard let value = fixed[name] else {
                throw UnknownGateError(description: "no such feature gate \"\(name)\"")
            }
            guard value == isOn else {
                throw UnknownGateError(
                    description: "feature gate \"\(name)\" is fixed, cannot be \(isOn ? "enabled" : "disabled")")
            }
        }
    }
}
