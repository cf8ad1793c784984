internal import ArgumentParser
internal import Collector

/// `otelcol wal`: looks at and repairs what `file_storage` keeps.
struct WalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wal", abstract: "Look at logs on disk and dead letters, of a running or a stopped collector.",
        subcommands: [
            WalListCommand.self, WalShowCommand.self, WalReplayCommand.self, WalAdoptCommand.self,
            WalPurgeCommand.self,
        ])
}

/// What all of its subcommands take.
struct WalOptions: ParsableArguments {
    @Argument(help: "The directory of a file_storage.")
    var directory: String

    @Flag(help: "Print JSON.")
    var json = false

    func perform(_ request: StorageRequest) async throws {
        var request = request
        request.isJSON = json
        print(try await StorageClient.perform(request, on: directory), terminator: "")
    }
}

struct WalListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List the logs, who reads them, and the dead letters.")

    @OptionGroup var options: WalOptions

    func run() async throws { try await options.perform(StorageRequest(.list)) }
}

struct WalShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one log, or the dead letters.")

    @OptionGroup var options: WalOptions

    @Argument(help: "A log, by its name in `otelcol wal ls`.")
    var log: String?

    @Flag(help: "Show the dead letters.")
    var deadLetters = false

    @Flag(help: "With the telemetry of each dead letter, as OTLP/JSON.")
    var payload = false

    @OptionGroup var filter: DeadLetterOptions

    func validate() throws {
        if deadLetters == (log != nil) { throw ValidationError("name a log, or give --dead-letters") }
        if !deadLetters, payload || filter.isSet {
            throw ValidationError("--payload, --exporter and --batch are for --dead-letters")
        }
    }

    func run() async throws {
        var request = StorageRequest(deadLetters ? .showDeadLetters : .showLog)
        request.log = log ?? ""
        request.withPayload = payload
        filter.fill(&request)
        try await options.perform(request)
    }
}

/// Which dead letters are meant.
struct DeadLetterOptions: ParsableArguments {
    @Option(help: "Only those of this exporter.")
    var exporter: String?

    @Option(help: "Only this batch.")
    var batch: String?

    var isSet: Bool { exporter != nil || batch != nil }

    func fill(_ request: inout StorageRequest) {
        request.exporter = exporter
        request.batch = batch
    }
}

struct WalReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Send dead letters to their exporters again, now or at the next start.")

    @OptionGroup var options: WalOptions

    @OptionGroup var filter: DeadLetterOptions

    @Flag(help: "All dead letters.")
    var all = false

    func validate() throws {
        if all == filter.isSet { throw ValidationError("give --exporter, --batch, or --all") }
    }

    func run() async throws {
        var request = StorageRequest(.replay)
        filter.fill(&request)
        try await options.perform(request)
    }
}

struct WalAdoptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adopt", abstract: "Let an exporter go on where another one stopped, after it was renamed.")

    @OptionGroup var options: WalOptions

    @Argument(help: "The log, by its name in `otelcol wal ls`.")
    var log: String

    @Argument(help: "The exporter's old id.")
    var old: String

    @Argument(help: "Its new id.")
    var new: String

    func run() async throws {
        var request = StorageRequest(.adopt)
        (request.log, request.consumer, request.heir) = (log, old, new)
        try await options.perform(request)
    }
}

struct WalPurgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge",
        abstract: "Drop dead letters, or what waits for an exporter that is no longer configured.")

    @OptionGroup var options: WalOptions

    @Flag(help: "Drop dead letters.")
    var deadLetters = false

    @OptionGroup var filter: DeadLetterOptions

    @Option(help: "The log of the consumer, by its name in `otelcol wal ls`.")
    var log: String?

    @Option(help: "Drop this consumer of --log, and all that waits for it.")
    var consumer: String?

    @Flag(help: "Really do it: what is dropped is lost.")
    var yes = false

    func validate() throws {
        if deadLetters == (log != nil && consumer != nil) || (log == nil) != (consumer == nil) {
            throw ValidationError("give --dead-letters, or --log and --consumer")
        }
        if !deadLetters, filter.isSet { throw ValidationError("--exporter and --batch are for --dead-letters") }
        if !yes { throw ValidationError("what is purged is lost; give --yes to do it") }
    }

    func run() async throws {
        var request = StorageRequest(deadLetters ? .purgeDeadLetters : .purgeConsumer)
        (request.log, request.consumer) = (log ?? "", consumer ?? "")
        filter.fill(&request)
        try await options.perform(request)
    }
}
