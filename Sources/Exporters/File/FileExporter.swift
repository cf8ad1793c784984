package import Component
import Compression
import Glibc
import Logging
import OTLP

/// Writes each batch to a file as one record: a line of OTLP/JSON, or protobuf after its length.
struct FileExporter: Exporter {
    private let writers: FileWriters
    private let signal: Signal
    private let logger: Logger
    private var config: FileExporterConfig { writers.config }

    init(writers: FileWriters, signal: Signal, logger: Logger) {
        self.writers = writers
        self.signal = signal
        self.logger = logger
    }

    func start() async throws { try writers.start() }

    /// Blocks its thread while the file is written.
    func export(_ batch: Batch) async throws(ExportError) -> Delivery {
        guard config.groupBy.enabled else {
            try append(batch.payloads, to: config.path)
            return .complete
        }
        return try exportGroups(batch)
    }

    func stop() async {
        do {
            try writers.stop()
        } catch {
            logger.error("The file could not be flushed to the disk", metadata: ["error": "\(error)"])
        }
    }

    /// Writes the one request that `payloads` make together.
    private func append(_ payloads: [[UInt8]], to path: String, groupsDone: Int = 0) throws(ExportError) {
        if config.isLines { return try appendLine(payloads, to: path, groupsDone: groupsDone) }
        let record: [UInt8]
        do {
            record = try self.record(of: OTLPRequest.merge(payloads))
        } catch {
            throw .payload(reason: "the request could not be encoded: \(error)")
        }
        try unsafe record.withUnsafeBufferPointer { (bytes) throws(ExportError) in
            try unsafe write(RecordBytes(buffer: UnsafeRawBufferPointer(bytes)), to: path, groupsDone: groupsDone)
        }
    }

    private func appendLine(_ payloads: [[UInt8]], to path: String, groupsDone: Int) throws(ExportError) {
        try writers.lineBuffers.withEncoder { (encoder) throws(ExportError) in
            do throws(WireError) {
                try encoder.append(payloads, signal: signal)
            } catch {
                throw ExportError.payload(reason: "the request could not be encoded: \(error)")
            }
            encoder.append(UInt8(ascii: "\n"))
            try unsafe encoder.withUnsafeBytes { (bytes) throws(ExportError) in
                try unsafe write(RecordBytes(buffer: bytes), to: path, groupsDone: groupsDone)
            }
        }
    }

    private func write(_ record: RecordBytes, to path: String, groupsDone: Int) throws(ExportError) {
        do {
            try writers.append(record, to: path)
        } catch {
            throw .retry(after: nil, progress: groupsDone == 0 ? [] : progress(groupsDone), reason: error.description)
        }
    }

    /// A record that is not a line.
    private func record(of request: [UInt8]) throws -> [UInt8] {
        var content: [UInt8]
        switch config.format {
        case .json:
            content = []
            try OTLPRequest.appendJSON(of: request, signal: signal, to: &content)
        case .proto: content = request
        }
        if config.compresses { content = try compress(content, encoding: .zstd, level: 3) }
        let length = unsafe withUnsafeBytes(of: UInt32(content.count).bigEndian) { unsafe Array($0) }
        return length + content
    }

    // MARK: Groups

    private func exportGroups(_ batch: Batch) throws(ExportError) -> Delivery {
        let groups: ResourceGroups
        do {
            groups = try ResourceGroups(
                of: OTLPRequest.merge(batch.payloads), signal: signal, attribute: config.groupBy.resourceAttribute)
        } catch {
            throw .payload(reason: "the request could not be grouped: \(error)")
        }
        for (index, group) in groups.groups.enumerated().dropFirst(groupsDone(batch.progress)) {
            let path = String(config.path.map { $0 == "*" ? safePathSegment(group.value) : String($0) }.joined())
            try append([group.request], to: path, groupsDone: index)
        }
        guard groups.itemCountWithoutValue > 0 else { return .complete }
        return Delivery(
            rejectedItems: groups.itemCountWithoutValue,
            reason: "the resource has no attribute \(config.groupBy.resourceAttribute)")
    }

    /// Groups come in the same order at every attempt, so that their number says which are written.
    private func progress(_ groupsDone: Int) -> [UInt8] {
        unsafe withUnsafeBytes(of: UInt32(groupsDone).bigEndian) { unsafe Array($0) }
    }

    private func groupsDone(_ progress: [UInt8]) -> Int { progress.reduce(0) { $0 << 8 | Int($1) } }
}

/// `value` without the parts that would lead out of the directory: empty ones, `.` and `..`.
func safePathSegment(_ value: String) -> String {
    value.split(separator: "/").filter { $0 != "." && $0 != ".." && !$0.contains("\0") }.joined(separator: "/")
}

extension ExporterFactory {
    /// The exporter `file`. All signals of an exporter write to one file, whose factory this must be once in a program.
    package static var file: ExporterFactory {
        let registry = FileWritersRegistry()
        return ExporterFactory(type: "file", hasQueue: false, defaultTimeout: nil, config: FileExporterConfig.self) {
            config, settings, signal in
            FileExporter(writers: try registry.writers(for: config), signal: signal, logger: settings.logger)
        }
    }
}
