internal import ArgumentParser
internal import Collector
internal import Component
internal import Glibc

/// `otelcol`: runs the collector, unless a subcommand says otherwise.
struct OtelcolCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "otelcol", abstract: BuildInfo.description,
        subcommands: [ValidateCommand.self, ComponentsCommand.self, WalCommand.self])

    @OptionGroup var options: ConfigOptions

    @Flag(name: [.customShort("v"), .long], help: "Print the version.")
    var version = false

    @Flag(name: .customLong("dry-run"), help: "Check the configuration and exit, as `otelcol validate` does.")
    var dryRun = false

    func run() async throws {
        if version {
            print("\(BuildInfo.command) version \(BuildInfo.version)")
            return
        }
        let config = try options.load()
        if dryRun {
            try ValidateCommand.check(config)
            return
        }
        try await runCollector(config)
    }

    /// Parses the command line and runs; every failure ends the process with status 1, as otelcol's do.
    static func main() async {
        do {
            if let options = ConfigOptions.plain(Array(CommandLine.arguments.dropFirst())) {
                return try await runCollector(options.load())
            }
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error where exitCode(for: error) == .success {
            // A request for help, which is no failure.
            exit(withError: error)
        } catch let error as ExitCode {
            Glibc.exit(error.rawValue)
        } catch {
            printError("Error: \(message(for: error))")
            Glibc.exit(EXIT_FAILURE)
        }
    }

    /// Writes one line to stderr.
    static func printError(_ text: String) {
        let line = Array("\(text)\n".utf8)
        unsafe line.withUnsafeBytes { buffer in
            // Nobody is left to tell that stderr is closed.
            _ = unsafe write(STDERR_FILENO, buffer.baseAddress, buffer.count)
        }
    }
}
