internal import ArgumentParser
internal import Glibc
internal import HTTPClient
internal import OTLP
internal import TelemetryGenerator

extension LoadSettings.Transport: ExpressibleByArgument {}

/// `otelgen load`: sends telemetry to a collector and accounts for every item.
struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Send telemetry to a collector, and say what became of every item.",
        discussion: "Exits with 1 when not every item that was sent was acknowledged.")

    @OptionGroup var itemOptions: ItemOptions
    @OptionGroup var target: LoadTargetOptions

    @Option(help: "Items per second; 0: as many as are acknowledged.")
    var rate = 0.0

    @Option(help: "Seconds; default: until --total or an interrupt.")
    var duration: Double?

    @Option(help: "Items; default: until --duration or an interrupt.")
    var total: UInt64?

    @Option(help: "Connections, each with one request at a time.")
    var clients = 1

    @Option(help: "Items per request.")
    var batch = 512

    @Flag(help: "Send again what was refused but may be sent again, or found no connection.")
    var retry = false

    @Flag(help: "Send again, too, what got no answer; that can make duplicates.")
    var retryUnanswered = false

    @Option(help: "Seconds from a request's first attempt to its last.")
    var retryFor = 300.0

    @Option(help: ArgumentHelp("The first half of every trace id; default: from the time.", valueName: "16-hex-digits"))
    var run: String?

    @Option(help: "Write what became of which items to this file.")
    var ids: String?

    @Flag(help: "Print the summary as JSON.")
    var json = false

    @Flag(help: "No line for each second.")
    var quiet = false

    func validate() throws {
        guard rate >= 0, rate.isFinite else { throw ValidationError("--rate must not be negative") }
        guard duration.map({ $0 > 0 && $0 < 1e9 }) ?? true else { throw ValidationError("--duration must be positive") }
        guard clients > 0, clients <= 10_000 else { throw ValidationError("--clients must be from 1 to 10000") }
        guard batch > 0, batch <= 1_000_000 else { throw ValidationError("--batch must be from 1 to 1000000") }
        guard retryFor >= 0, retryFor < 1e9 else { throw ValidationError("--retry-for must not be negative") }
        guard run.map({ $0.utf8.count == 16 && (UInt64($0, radix: 16) ?? 0) != 0 }) ?? true else {
            throw ValidationError("--run must be 16 hexadecimal digits, not all 0")
        }
    }

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        StopRequest.install()
        // Made first: a run whose result cannot be written would be in vain.
        let idsFile = try ids.map { try FileDescriptorWriter(creating: $0) }
        let isQuiet = quiet
        let report = try await LoadRun(try settings()).run { report in
            if !isQuiet { printLine(report.progressLine, to: STDERR_FILENO) }
        }
        try idsFile?.write(Array(report.ids.utf8))
        try idsFile?.close()
        try FileDescriptorWriter(STDOUT_FILENO, name: "standard output")
            .write(Array((json ? report.json : report.text).utf8))
        if !report.counts.isComplete { throw ExitCode.failure }
    }

    private func settings() throws -> LoadSettings {
        var settings = LoadSettings()
        try target.fill(&settings)
        settings.shape = itemOptions.shape
        settings.signal = itemOptions.signal
        settings.seed = itemOptions.seed
        settings.runID = run.flatMap { UInt64($0, radix: 16) } ?? unixNanos()
        settings.rate = rate
        settings.duration = duration.map { .seconds($0) }
        settings.total = total
        settings.clientCount = clients
        settings.batch = batch
        if retry || retryUnanswered {
            settings.retry = LoadRetryPolicy(includesUnanswered: retryUnanswered, elapsedMax: .seconds(retryFor))
        }
        return settings
    }
}

/// Where telemetry goes, and how.
struct LoadTargetOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The receiver; default: http://127.0.0.1:4317 for grpc, else http://127.0.0.1:4318.", valueName: "url"))
    var endpoint: String?

    @Option(name: .customLong("protocol"), help: "grpc, http/protobuf or http/json.")
    var transport: LoadSettings.Transport = .grpc

    @Option(help: "Compression of requests.")
    var compression: CompressionOption = .none

    @Option(
        name: .customLong("header"), parsing: .singleValue,
        help: ArgumentHelp("A header of every request.", valueName: "name: value"))
    var headers: [String] = []

    @Option(help: "Seconds that an answer may take.")
    var timeout = 10.0

    @Option(help: "The certificate authorities to trust, in PEM.")
    var caFile: String?

    @Flag(help: "Trust any certificate.")
    var tlsSkipVerify = false

    func validate() throws {
        guard timeout > 0, timeout < 1e9 else { throw ValidationError("--timeout must be positive") }
        for header in headers where Self.split(header) == nil {
            throw ValidationError("--header must be \"name: value\", not \"\(header)\"")
        }
    }

    func fill(_ settings: inout LoadSettings) throws {
        settings.transport = transport
        var url = endpoint ?? (transport == .grpc ? "http://127.0.0.1:4317" : "http://127.0.0.1:4318")
        if !url.contains("://") { url = "http://" + url }
        while url.hasSuffix("/") { url.removeLast() }
        settings.endpoint = url
        settings.compression = compression.encoding
        settings.headers = headers.compactMap { Self.split($0) }
        settings.timeout = .seconds(timeout)
        settings.tls.certificateAuthorities = caFile.map { .file($0) }
        settings.tls.skipsVerification = tlsSkipVerify
    }

    /// `name: value` or `name=value`.
    private static func split(_ header: String) -> (name: String, value: String)? {
        guard let separator = header.firstIndex(where: { $0 == ":" || $0 == "=" }), separator > header.startIndex else {
            return nil
        }
        return (String(header[..<separator]), String(header[header.index(after: separator)...].drop { $0 == " " }))
    }
}

/// Writes a line; there is nobody to tell when it cannot be.
private func printLine(_ text: String, to descriptor: Int32) {
    let line = Array("\(text)\n".utf8)
    _ = unsafe line.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
}
