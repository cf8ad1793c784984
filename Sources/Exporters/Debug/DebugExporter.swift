package import Component
import Glibc
import Logging
import OTLP
import Synchronization

/// Shows what passes: how many items each batch has, and, if asked, what is in them.
final class DebugExporter: Exporter {
    /// Where the text goes: one message, and its fields in order.
    typealias Output = @Sendable (_ message: String, _ fields: [(name: String, value: Int)]) -> Void

    private let verbosity: DebugExporterConfig.Verbosity
    private let signal: Signal
    private let output: Output
    private let sampler: Mutex<DebugSampler>

    init(config: DebugExporterConfig, signal: Signal, output: @escaping Output) {
        verbosity = config.verbosity
        self.signal = signal
        self.output = output
        sampler = Mutex(DebugSampler(initial: config.samplingInitial, thereafter: config.samplingThereafter))
    }

    func start() async throws {}
    func stop() async {}

    func export(_ batch: Batch) async throws(ExportError) -> Delivery {
        guard sampler.withLock({ $0.shows(at: .now) }) else { return .complete }
        let request = OTLPRequest.merge(batch.payloads)
        do {
            let fields = try request.withWireBytes { (wire) throws(WireError) in
                try counts(in: ExportServiceRequestView(wire), itemCount: batch.itemCount)
            }
            output(title, fields)
            guard let text = try text(of: request) else { return .complete }
            output(text, [])
        } catch {
            throw .payload(reason: "the request could not be shown: \(error)")
        }
        return .complete
    }

    private var title: String {
        switch signal {
        case .traces: "Traces"
        case .metrics: "Metrics"
        case .logs: "Logs"
        }
    }

    private func counts(
        in request: ExportServiceRequestView, itemCount: Int
    ) throws(WireError) -> [(name: String, value: Int)] {
        let resourceCount = try request.resources.remainingCount()
        switch signal {
        case .traces: return [("resource spans", resourceCount), ("spans", itemCount)]
        case .logs: return [("resource logs", resourceCount), ("log records", itemCount)]
        case .metrics:
            var metricCount = 0
            var resources = request.resources
            while let resource = try resources.next() {
                var scopes = try ResourceMetricsView(resource).scopeMetrics
                while let scope = try scopes.next() {
                    metricCount += try ScopeMetricsView(scope).metrics.remainingCount()
                }
            }
            return [("resource metrics", resourceCount), ("metrics", metricCount), ("data points", itemCount)]
        }
    }

    private func text(of request: [UInt8]) throws(WireError) -> String? {
        try request.withWireBytes { (wire) throws(WireError) in
            let request = ExportServiceRequestView(wire)
            switch verbosity {
            case .basic: return nil
            case .normal:
                var text = NormalText()
                try text.append(request, signal: signal)
                return text.text
            case .detailed:
                var text = DetailedText()
                try text.append(request, signal: signal)
                return text.text
            }
        }
    }
}

/// Says which batches are shown: in each second the first ones, and then one in so many.
struct DebugSampler {
    let initial: Int
    let thereafter: Int
    private var windowEnd: ContinuousClock.Instant?
    private var count = 0

    init(initial: Int, thereafter: Int) {
        self.initial = initial
        self.thereafter = thereafter
    }

    mutating func shows(at now: ContinuousClock.Instant) -> Bool {
        if let windowEnd, now < windowEnd {
            count += 1
        } else {
            windowEnd = now + .seconds(1)
            count = 1
        }
        return count <= initial || (thereafter > 0 && (count - initial) % thereafter == 0)
    }
}

// MARK: Outputs

/// Messages of several exporters do not interleave.
private let standardOutput = Mutex(())

private func writeLine(_ message: String, _ fields: [(name: String, value: Int)]) {
    let list = fields.map { "\"\($0.name)\": \($0.value)" }.joined(separator: ", ")
    let line = Array((fields.isEmpty ? message : "\(message)\t{\(list)}").utf8) + [UInt8(ascii: "\n")]
    standardOutput.withLock { _ in
        var written = 0
        while written < line.count {
            let count = unsafe line[written...].withUnsafeBytes {
                unsafe write(STDOUT_FILENO, $0.baseAddress, $0.count)
            }
            // A closed standard output takes nothing, and there is nowhere to say so.
            guard count > 0 || errno == EINTR else { return }
            written += max(0, count)
        }
    }
}

extension ExporterFactory {
    /// The exporter `debug`.
    package static var debug: ExporterFactory {
        ExporterFactory(type: "debug", hasQueue: false, defaultTimeout: nil, config: DebugExporterConfig.self) {
            config, settings, signal in
            guard config.usesInternalLogger else {
                return DebugExporter(config: config, signal: signal, output: writeLine)
            }
            let logger = settings.logger
            return DebugExporter(config: config, signal: signal) { message, fields in
                let metadata = fields.map { ($0.name, Logger.MetadataValue.stringConvertible($0.value)) }
                logger.info("\(message)", metadata: Logger.Metadata(uniqueKeysWithValues: metadata))
            }
        }
    }
}
