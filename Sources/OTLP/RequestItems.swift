/// Finds, counts and copies the items of a canonical request without looking into them.
///
/// Items sit at the bottom of a tree of envelopes: request → ResourceSpans → ScopeSpans → Span, and for metrics request →
/// ResourceMetrics → ScopeMetrics → Metric → Gauge (or another) → NumberDataPoint (or another).
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

    func items(_ range: Range<Int>, of request: WireBytes) throws(WireError) -> [UInt8] {
        var copy = ItemCopy(range: range, capacity: request.count)
        try self.copy(request, level: 0, to: &copy)
        return copy.writer.bytes
    }

    /// Copies the envelope's own fields and those of its children that hold an item of the range.
    private func copy(_ envelope: WireBytes, level: Int, to copy: inout ItemCopy) throws(WireError) {
        var cursor = WireCursor(envelope)
        // Neighbours that stay are copied as one run.
        var runStart = 0
        while let field = try cursor.nextField() {
            guard isChild(field.number, level: level) else { continue }
            if level + 1 == envelopeLevels {
                let isSelected = copy.range.contains(copy.position)
                copy.position += 1
                if isSelected { continue }
                copy.writer.append(envelope.slice(runStart..<field.range.lowerBound))
            } else {
                copy.writer.append(envelope.slice(runStart..<field.range.lowerBound))
                try copyChild(field, level: level, to: &copy)
            }
            runStart = field.range.upperBound
        }
        copy.writer.append(envelope.slice(runStart..<envelope.count))
    }

    private func copyChild(_ field: WireField, level: Int, to copy: inout ItemCopy) throws(WireError) {
        guard copy.position < copy.range.upperBound else { return }
        let start = copy.writer.count
        let before = copy.selectedBefore
        let mark = copy.writer.beginMessage(field.number, expectedByteCount: field.bytes.count)
        try self.copy(field.bytes, level: level + 1, to: &copy)
        if copy.selectedBefore > before {
            copy.writer.endMessage(mark)
        } else {
            copy.writer.truncate(to: start)
        }
    }
}

/// A copy in progress.
private struct ItemCopy: ~Copyable {
    let range: Range<Int>
    var writer: WireWriter
    /// The number of the next item.
    var position = 0

    init(range: Range<Int>, capacity: Int) {
        self.range = range
        writer = WireWriter(capacity: capacity)
    }

    /// How many items of the range lie before `position`.
    var selectedBefore: Int { max(0, min(position, range.upperBound) - range.lowerBound) }
}
