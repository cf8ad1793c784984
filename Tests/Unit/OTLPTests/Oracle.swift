import COTLPMessages
import Glibc
import OTLP

/// protobuf-c's reading of export requests.
enum Oracle {
    /// The request decoded and encoded anew; nil where it does not parse.
    static func normalForm(_ request: [UInt8], _ signal: Signal) -> [UInt8]? {
        var count = 0
        let result = unsafe request.withUnsafeBufferPointer { buffer in
            unsafe otlp_normal_form(number(signal), buffer.baseAddress, buffer.count, &count)
        }
        guard let result = unsafe result else { return nil }
        defer { unsafe free(result) }
        return unsafe Array(UnsafeBufferPointer(start: result, count: count))
    }

    /// Each item with all that is around it, in order; nil where the request does not parse.
    static func items(_ request: [UInt8], _ signal: Signal) -> [[UInt8]]? {
        var items: [[UInt8]] = []
        let count = unsafe request.withUnsafeBufferPointer { buffer in
            unsafe withUnsafeMutablePointer(to: &items) { items in
                unsafe otlp_visit_items(
                    number(signal), buffer.baseAddress, buffer.count,
                    { context, data, count in
                        unsafe context!.assumingMemoryBound(to: [[UInt8]].self).pointee
                            .append(Array(UnsafeBufferPointer(start: data, count: count)))
                    }, items)
            }
        }
        return count < 0 ? nil : items
    }

    static func number(_ signal: Signal) -> Int32 {
        switch signal {
        case .traces: Int32(OTLP_TRACES)
        case .metrics: Int32(OTLP_METRICS)
        case .logs: Int32(OTLP_LOGS)
        }
    }
}
