internal import ArgumentParser
internal import Compression
internal import Glibc
internal import OTLP
internal import TelemetryGenerator

extension TelemetryGenerator.Shape: ExpressibleByArgument {}
extension Signal: ExpressibleByArgument {}
extension RequestTemplate.Encoding: ExpressibleByArgument {}

/// How a body or a gRPC message is compressed.
enum CompressionOption: String, ExpressibleByArgument, CaseIterable {
    case none
    case gzip
    case zstd

    var encoding: ContentEncoding {
        switch self {
        case .none: .identity
        case .gzip: .gzip
        case .zstd: .zstd
        }
    }
}

/// What the items are like; all subcommands share it.
struct ItemOptions: ParsableArguments {
    @Option(help: "What the items look like.")
    var shape: TelemetryGenerator.Shape = .service

    @Option(help: "The kind of telemetry.")
    var signal: Signal = .traces

    @Option(help: "The same seed makes the same requests.")
    var seed: UInt64 = 1
}

/// Unix time in nanoseconds.
func unixNanos() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// The five bytes before a gRPC message, and the message.
func grpcFramed(_ message: [UInt8], isCompressed: Bool) -> [UInt8] {
    let count = UInt32(message.count)
    return [isCompressed ? 1 : 0] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } + message
}
