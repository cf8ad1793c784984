package import OTLP

/// Makes export requests like those of real clients, of any size, for load, benchmarks and tests.
///
/// They are written straight to canonical protobuf and depend on the arguments alone: the same ones give the same bytes
/// everywhere. Every item carries its number: its trace id is the run's id followed by the number, both eight bytes,
/// big-endian, and its span id is the number. Data points, which have no such fields, carry the 32 hexadecimal digits of
/// the same 16 bytes in the attribute `otelgen.id`, if asked to (`identifiesDataPoints`).
package struct TelemetryGenerator: Sendable {
    /// What the items look like.
    package enum Shape: String, Sendable, CaseIterable {
        /// What a web server's tracing module sends: one resource with a name alone, and items with the same 12
        /// attributes in the same order; spans of some 480 bytes.
        case nginx
        /// What instrumented services send: up to eight resources with eight attributes each, and items with mixed
        /// attributes in changing order. Spans have 15 of them, one event on average and 0.2 links, some 830 bytes in
        /// all. Metrics are of every kind.
        case service
        /// As little as an item can be: a name, its times and one attribute.
        case tiny
    }

    package let shape: Shape
    package let signal: Signal
    /// The first half of every trace id; never 0.
    package let runID: UInt64
    /// The number of the item that comes next; the first is 1.
    package private(set) var nextItemNumber: UInt64 = 1
    /// Whether each data point has an attribute `otelgen.id`. It makes every point a time series of its own.
    package var identifiesDataPoints = false
    /// Times of items: the time of the one that comes next.
    var timeUnixNano: UInt64
    var random: FastRandom
    let vocabulary: Vocabulary
    /// What changes from one sending of a request to the next, in the order it is written; nil: not noted.
    var stamps: [ItemStamp]?

    /// - Parameters:
    ///   - timeUnixNano: the time of the first item; later ones follow, less than a millisecond apart on average.
    ///   - runID: nil: one drawn from the seed. A 0 becomes 1.
    package init(
        _ shape: Shape, signal: Signal = .traces, seed: UInt64, timeUnixNano: UInt64 = 1_790_000_000_000_000_000,
        runID: UInt64? = nil
    ) {
        self.shape = shape
        self.signal = signal
        self.timeUnixNano = timeUnixNano
        random = FastRandom(seed: seed)
        let drawn = random.next()
        self.runID = max(runID ?? drawn, 1)
        vocabulary = Vocabulary(random: &random)
    }

    /// The next request, of `itemCount` spans, log records or data points.
    package mutating func request(itemCount: Int) -> [UInt8] {
        precondition(itemCount >= 0, "a request cannot have a negative number of items")
        var writer = WireWriter(capacity: 256 + itemCount * 1024)
        let resourceCount = shape == .service ? Self.serviceResourceCount : 1
        for index in 0..<resourceCount {
            let count = itemCount * (index + 1) / resourceCount - itemCount * index / resourceCount
            if count > 0 { writeResource(index, itemCount: count, to: &writer) }
        }
        return writer.bytes
    }

    private static let serviceResourceCount = 8

    private mutating func writeResource(_ index: Int, itemCount: Int, to writer: inout WireWriter) {
        let byteCount = itemCount * 512
        let envelope = writer.beginMessage(1, expectedByteCount: byteCount)
        let resource = writer.beginMessage(ResourceSpansField.resource)
        if shape == .service {
            writeServiceAttributes(index, to: &writer)
        } else {
            writer.writeAttribute(ResourceField.attributes, "service.name", text: shape == .nginx ? "nginx" : "tiny")
        }
        writer.endMessage(resource)
        let scopeItems = writer.beginMessage(ResourceSpansField.scopeSpans, expectedByteCount: byteCount)
        writeScope(to: &writer)
        switch signal {
        case .traces: for _ in 0..<itemCount { writeSpan(to: &writer) }
        case .logs: for _ in 0..<itemCount { writeLogRecord(to: &writer) }
        case .metrics: writeMetrics(pointCount: itemCount, to: &writer)
        }
        writer.endMessage(scopeItems)
        writer.endMessage(envelope)
    }

    private func writeServiceAttributes(_ index: Int, to writer: inout WireWriter) {
        let number = UInt8(ascii: "0") + UInt8(index)
        let field = ResourceField.attributes
        writer.writeAttribute(field, "service.name", text: Array("service-".utf8) + [number])
        writer.writeAttribute(field, "service.namespace", text: "shop")
        writer.writeAttribute(field, "service.version", text: Array("2.1.".utf8) + [number])
        writer.writeAttribute(field, "service.instance.id", text: vocabulary.instances[index])
        writer.writeAttribute(field, "host.name", text: Array("node-".utf8) + [number])
        writer.writeAttribute(field, "k8s.namespace.name", text: "production")
        writer.writeAttribute(field, "process.pid", int: 1000 + Int64(index))
        writer.writeAttribute(field, "telemetry.sdk.language", text: "java")
    }

    private func writeScope(to writer: inout WireWriter) {
        let names: (name: StaticString, version: StaticString) =
            switch shape {
            case .nginx: ("nginx", "1.27.4")
            case .service: ("io.opentelemetry.http", "2.9.0")
            case .tiny: ("tiny", "1")
            }
        let scope = writer.beginMessage(ScopeSpansField.scope)
        writer.writeText(InstrumentationScopeField.name, names.name)
        writer.writeText(InstrumentationScopeField.version, names.version)
        writer.endMessage(scope)
    }
}

// What all items have.
extension TelemetryGenerator {
    mutating func takeItemNumber() -> UInt64 {
        defer { nextItemNumber += 1 }
        return nextItemNumber
    }

    mutating func writeIDs(_ number: UInt64, trace: UInt32, span: UInt32, to writer: inout WireWriter) {
        note(.traceID, number, number)
        writer.writeTag(trace, .lengthDelimited)
        writer.writeVarint(16)
        writer.writeFixed64(runID.byteSwapped)
        writer.writeFixed64(number.byteSwapped)
        note(.spanID, number, number)
        writer.writeTag(span, .lengthDelimited)
        writer.writeVarint(8)
        writer.writeFixed64(number.byteSwapped)
    }

    mutating func writeTime(_ field: UInt32, _ time: UInt64, of number: UInt64, to writer: inout WireWriter) {
        note(.time, time, number)
        writer.writeFixed64(field, time)
    }

    mutating func writeDataPointID(_ field: UInt32, _ number: UInt64, to writer: inout WireWriter) {
        guard identifiesDataPoints else { return }
        note(.textID, number, number)
        let digits = hexadecimalDigits(runID) + hexadecimalDigits(number)
        writer.writeAttribute(field, "otelgen.id", text: digits)
    }

    private mutating func note(_ kind: ItemStamp.Kind, _ value: UInt64, _ number: UInt64) {
        stamps?.append(ItemStamp(kind: kind, value: value, itemNumber: number))
    }
}
