internal import ArgumentParser
internal import Collector

/// `otelcol validate`: 0 when the configuration is good; says on stderr what deserves to be known of it.
struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check a configuration without running the collector.")

    @OptionGroup var options: ConfigOptions

    func run() throws { try Self.check(try options.load()) }

    /// Also makes what only fails when it is made.
    static func check(_ config: CollectorConfig) throws {
        try CollectorService.check(config)
        report(config.notices)
    }

    /// Notices go to stderr; the status stays 0.
    private static func report(_ notices: [ConfigNotice]) {
        for notice in notices {
            OtelcolCommand.printError("\(notice.level == .warning ? "warning" : "info"): \(notice)")
        }
    }
}
