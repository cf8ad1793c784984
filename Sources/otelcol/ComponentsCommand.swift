internal import ArgumentParser
internal import Collector
internal import Component
internal import OTLP

/// `otelcol components`: what this program can be configured with, as YAML.
struct ComponentsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "components", abstract: "List the components in this collector.")

    func run() {
        print(Self.description(of: .all), terminator: "")
    }

    static func description(of factories: ComponentFactories) -> String {
        var lines = [
            "buildinfo:",
            "    command: \(BuildInfo.command)",
            "    description: \(BuildInfo.description)",
            "    version: \(BuildInfo.version)",
        ]
        lines += section("receivers", factories.receivers.map { ($0.type, $0.signals, $0.stability) })
        lines += section("processors", factories.processors.map { ($0.type, $0.signals, $0.stability) })
        lines += section("exporters", factories.exporters.map { ($0.type, $0.signals, $0.stability) })
        lines.append("connectors: []")
        lines.append(factories.extensions.isEmpty ? "extensions: []" : "extensions:")
        for factory in factories.extensions.sorted(by: { $0.type < $1.type }) {
            lines += entry(factory.type) + ["          extension: \(factory.stability.rawValue)"]
        }
        lines.append("providers:")
        lines += ["env", "file", "yaml"].map { "    - scheme: \($0)" }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func section(_ name: String, _ components: [(String, Set<Signal>, Stability)]) -> [String] {
        guard !components.isEmpty else { return ["\(name): []"] }
        var lines = ["\(name):"]
        for (type, signals, stability) in components.sorted(by: { $0.0 < $1.0 }) {
            lines += entry(type)
            lines += Signal.allCases.map(\.rawValue).sorted().map { signal in
                let isCarried = signals.contains { $0.rawValue == signal }
                return "          \(signal): \(isCarried ? stability.rawValue : "Undefined")"
            }
        }
        return lines
    }

    private static func entry(_ type: String) -> [String] {
        ["    - name: \(type)", "      module: \(BuildInfo.command) v\(BuildInfo.version)", "      stability:"]
    }
}
