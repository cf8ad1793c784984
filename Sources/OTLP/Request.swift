/// An export request that passed the door: canonical bytes, and how many items they hold.
package struct ValidatedRequest: Sendable {
    /// The request, canonical: see `OTLPRequest`.
    package let bytes: [UInt8]
    /// Spans, log records or data points.
    package let itemCount: Int

    package init(bytes: [UInt8], itemCount: Int) {
        self.bytes = bytes
        self.itemCount = itemCount
    }
}

/// Operations on whole export requests, as protobuf bytes.
///
/// A request (ExportTraceServiceRequest, ExportLogsServiceRequest, ExportMetricsServiceRequest) stays the bytes it came
/// as. `validate` checks it once; behind it every request is *canonical*:
/// - all known messages parse, with their schema's wire types, and no group or field number 0 anywhere;
/// - trace ids have 0 or 16 bytes, span ids 0 or 8; an id of zeros stays as it is;
/// - a singular field occurs at most once in its message, a oneof has at most one member;
/// - the resource comes before its scopes, the scope before its items, the key of a KeyValue before its value;
/// - AnyValues nest at most 64 deep; tags are minimal varints; no envelope has the deprecated field 1000.
///
/// Not promised: UTF-8, minimal length varints, the order of other fields, the absence of unknown fields or empty
/// messages.
package enum OTLPRequest {
    /// Checks a request, and rewrites it if its layout is not canonical. The canonical request comes back uncopied.
    ///
    /// - Throws: where the bytes are not a request of `signal`; nothing of it may be used then.
    /// - Complexity: one pass over the bytes, without allocation unless the request is rewritten.
    package static func validate(
        _ bytes: consuming [UInt8], signal: Signal
    ) throws(WireError) -> ValidatedRequest {
        let type = signal.requestType
        let result = try bytes.withWireBytes { (wire) throws(WireError) in try WireValidator.check(wire, as: type) }
        if result.isCanonical { return ValidatedRequest(bytes: bytes, itemCount: result.itemCount) }
        let rewritten = try bytes.withWireBytes { (wire) throws(WireError) in
            try WireCanonicalizer.rewrite(wire, as: type)
        }
        let itemCount = try rewritten.withWireBytes { (wire) throws(WireError) in
            try WireValidator.check(wire, as: type).itemCount
        }
        return ValidatedRequest(bytes: rewritten, itemCount: itemCount)
    }

    /// Counts the items of a canonical request, skipping over each.
    package static func itemCount(of request: [UInt8], signal: Signal) throws(WireError) -> Int {
        try request.withWireBytes { (wire) throws(WireError) in
            try ItemSlicer(signal: signal).itemCount(of: wire)
        }
    }

    /// One request with the content of all, in order; of one signal.
    package static func merge(_ requests: [[UInt8]]) -> [UInt8] {
        if requests.count == 1 { return requests[0] }
        var merged: [UInt8] = []
        merged.reserveCapacity(requests.reduce(0) { $0 + $1.count })
        for request in requests { merged += request }
        return merged
    }

    /// The request that holds just the items of `range`, counted from 0 in wire order.
    ///
    /// Their resources, scopes and metrics come along with all their own fields, known or not. Envelopes without any of
    /// the items are left out, except that the range of all items returns the request itself. What of `range` lies
    /// beyond the last item selects nothing.
    package static func items(
        _ range: Range<Int>, of request: [UInt8], signal: Signal
    ) throws(WireError) -> [UInt8] {
        try request.withWireBytes { (wire) throws(WireError) in
            let slicer = ItemSlicer(signal: signal)
            let itemCount = try slicer.itemCount(of: wire)
            if range.lowerBound == 0 && range.upperBound >= itemCount { return request }
            var writer = WireWriter(capacity: wire.count)
            try slicer.append(range, of: wire, to: &writer)
            return writer.bytes
        }
    }

    /// Appends the items of `range` to a request under construction, as `items` selects them: several calls merge.
    /// For cutting batches from borrowed bytes without an array for each piece.
    package static func appendItems(
        _ range: Range<Int>, of request: WireBytes, signal: Signal, to writer: inout WireWriter
    ) throws(WireError) {
        let slicer = ItemSlicer(signal: signal)
        if range.lowerBound == 0, try slicer.itemCount(of: request) <= range.upperBound {
            return writer.append(request)
        }
        try slicer.append(range, of: request, to: &writer)
    }

    /// Cuts a request into requests of `maxItems` items, and a last one with the rest. One with no more than `maxItems`
    /// comes back as it is.
    package static func split(
        _ request: [UInt8], signal: Signal, maxItems: Int
    ) throws(WireError) -> [[UInt8]] {
        precondition(maxItems > 0, "a request cannot be split into parts without items")
        let itemCount = try itemCount(of: request, signal: signal)
        var parts: [[UInt8]] = []
        try split(request, itemCount: itemCount, ItemSlicer(signal: signal), maxItems: maxItems, into: &parts)
        return parts
    }

    /// Halves the request at a multiple of `maxItems` until each part fits, so that n items cost n log n.
    private static func split(
        _ request: [UInt8], itemCount: Int, _ slicer: ItemSlicer, maxItems: Int, into parts: inout [[UInt8]]
    ) throws(WireError) {
        guard itemCount > maxItems else { return parts.append(request) }
        let partCount = (itemCount + maxItems - 1) / maxItems
        let middle = (partCount / 2) * maxItems
        for range in [0..<middle, middle..<itemCount] {
            let part = try request.withWireBytes { (wire) throws(WireError) in
                var writer = WireWriter(capacity: wire.count)
                try slicer.append(range, of: wire, to: &writer)
                return writer.bytes
            }
            try split(part, itemCount: range.count, slicer, maxItems: maxItems, into: &parts)
        }
    }
}
