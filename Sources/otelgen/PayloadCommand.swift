internal import ArgumentParser
internal import Compression
internal import Glibc
internal import OTLP
internal import TelemetryGenerator

/// `otelgen payload`: writes one export request to a file, for other load generators.
struct PayloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payload", abstract: "Write one export request to a file.")

    enum Framing: String, ExpressibleByArgument, CaseIterable {
        case none
        case grpc
    }

    @OptionGroup var itemOptions: ItemOptions

    @Option(help: "Spans, log records or data points in the request.")
    var items = 512

    @Option(help: "protobuf or json.")
    var encoding: RequestTemplate.Encoding = .protobuf

    @Option(help: "grpc: with the five bytes before a message.")
    var framing: Framing = .none

    @Option(help: "Compression of the body, or of the gRPC message.")
    var compression: CompressionOption = .none

    @Option(help: ArgumentHelp("The time of the first item; default: now.", valueName: "unix-nanos"))
    var time: UInt64?

    @Option(help: "The file to write; - is the standard output.")
    var output: String

    func validate() throws {
        if items < 0 { throw ValidationError("--items must not be negative") }
        if framing == .grpc, encoding == .json { throw ValidationError("gRPC carries protobuf only") }
    }

    func run() throws {
        var generator = TelemetryGenerator(
            itemOptions.shape, signal: itemOptions.signal, seed: itemOptions.seed, timeUnixNano: time ?? unixNanos())
        var bytes = generator.request(itemCount: items)
        if encoding == .json {
            var text: [UInt8] = []
            try OTLPRequest.appendJSON(of: bytes, signal: itemOptions.signal, to: &text)
            bytes = text
        }
        bytes = try compress(bytes, encoding: compression.encoding)
        if framing == .grpc { bytes = grpcFramed(bytes, isCompressed: compression != .none) }
        try write(bytes)
    }

    private func write(_ bytes: [UInt8]) throws {
        guard output != "-" else {
            return try FileDescriptorWriter(STDOUT_FILENO, name: "standard output").write(bytes)
        }
        let writer = try FileDescriptorWriter(creating: output)
        try writer.write(bytes)
        try writer.close()
    }
}
