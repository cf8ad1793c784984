/// Finds, counts and copies the items of a canonical request without looking into them.
///
/// Items sit at the bottom of a tree of envelopes: request → ResourceSpans → ScopeSpans → Span, and for metrics request
/// → ResourceMetrics → ScopeMetrics → Metric → Gauge (or another) → NumberDataPoint (or another).
struct ItemSlicer {
    /// How many levels of envelopes are around an item, the request being the first.
    private let envelopeLevels: Int

    init(signal: Signal) {
        envelopeLevels = signal == .metrics ? 5 : 3
    }

    /// Whether the field of an envelope holds the next level's envelopes, or items at the last level.
    private func isChild(_ field: UInt32, level: Int) -> Bool {
        switch level {
        case 0: field == ExportServiceRequestField.resources
        case 1: field == ResourceEnvelopeField.scopes
        case 2: field == ScopeEnvelopeField.items
        case 3:
            switch field {
            case MetricField.gauge, MetricField.sum, MetricField.histogram, MetricField.exponentialHistogram,
                MetricField.summary:
                true
            default: false
            }
        default: field == MetricDataField.dataPoints
        }
    }

    func itemCount(of request: WireBytes) throws(WireError) -> Int {
        try itemCount(of: request, level: 0)
    }

    private func itemCount(of envelope: WireBytes, level: Int) throws(WireError) -> Int {
        var count = 0
        var cursor = WireCursor(envelope)
        while let field = try cursor.nextField() {
            guard isChild(field.number, level: level) else { continue }
            count += level + 1 == envelopeLevels ? 1 : try itemCount(of: field.bytes, level: level + 1)
        }
        return count
    }

    /// Appends the items of the range, with all around them.
    func append(_ range: Range<Int>, of request: WireBytes, to writer: inout WireWriter) throws(WireError) {
        var selection = ItemSelection(range: range)
        try copy(request, level: 0, &selection, to: &writer)
    }

    /// Copies the envelope's own fields and those of its children that hold an item of the range.
    private func copy(
        _ envelope: WireBytes, level: Int, _ selection: inout ItemSelection, to writer: inout WireWriter
    ) throws(WireError) {
        var cursor = WireCursor(envelope)
        // Neighbours that stay are copied as one run.
        var runStart = 0
        while let field = try cursor.nextField() {
            guard isChild(field.number, level: level) else { continue }
            let isItem = level + 1 == envelopeLevels
            if isItem && selection.takeNext() { continue }
            writer.append(envelope.slice(runStart..<field.range.lowerBound))
            if !isItem { try copyChild(field, level: level, &selection, to: &writer) }
            runStart = field.range.upperBound
        }
        writer.append(envelope.slice(runStart..<envelope.count))
    }

    private func copyChild(
        _ field: WireField, level: Int, _ selection: inout ItemSelection, to writer: inout WireWriter
    ) throws(WireError) {
        guard !selection.isComplete else { return }
        let start = writer.count
        let takenBefore = selection.takenCount
        let mark = writer.beginMessage(field.number, expectedByteCount: field.bytes.count)
        try copy(field.bytes, level: level + 1, &selection, to: &writer)
        if selection.takenCount > takenBefore {
            writer.endMessage(mark)
        } else {
            writer.truncate(to: start)
        }
    }
}

/// Which items a copy takes, as it comes by them.
private struct ItemSelection {
    private let range: Range<Int>
    /// The number of the next item.
    private var position = 0
    private(set) var takenCount = 0

    init(range: Range<Int>) {
        self.range = range
    }

    /// Whether all of the range has come by.
    var isComplete: Bool { position >= range.upperBound }

    /// Whether the next item is taken.
    mutating func takeNext() -> Bool {
        let isTaken = range.contains(position)
        position += 1
        if isTaken { takenCount += 1 }
        return isTaken
    }
}
