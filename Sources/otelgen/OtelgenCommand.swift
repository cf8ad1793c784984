internal import ArgumentParser

/// `otelgen`: makes telemetry for tests and measurements.
struct OtelgenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "otelgen", abstract: "Make OpenTelemetry requests, and load collectors with them.",
        subcommands: [PayloadCommand.self])

    /// Parses the command line and runs.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            exit(withError: error)
        }
    }
}
