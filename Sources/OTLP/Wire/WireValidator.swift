/// The validating walk over a whole request: the one loop that sees bytes nobody has checked.
///
/// Follows `WireSchema`'s table through every known message and checks wire types, lengths, varints and ids; unknown
/// fields are skipped, strings are not looked into. No allocation; every read follows a check against the end of the
/// message it is in. What the walk cannot judge by one field alone (order, repetition) it notes in `isCanonical`.
@safe
struct WireValidator {
    /// How many AnyValues may be nested in each other.
    static let anyValueDepthMax = 64

    private let steps: UnsafePointer<WireStep>
    private(set) var itemCount = 0
    private(set) var isCanonical = true

    private init(_ steps: UnsafePointer<WireStep>) {
        unsafe self.steps = steps
    }

    /// Walks `bytes` as a message of `type`.
    static func check(_ bytes: WireBytes, as type: MessageType) throws(WireError) -> WireValidator {
        try unsafe WireSchema.otlp.steps.withUnsafeBufferPointer { (steps) throws(WireError) in
            var validator = unsafe WireValidator(steps.baseAddress!)
            try unsafe validator.walk(
                type, bytes.buffer.baseAddress!, bytes.buffer.baseAddress! + bytes.count, depth: 0)
            return validator
        }
    }

    /// - Parameter depth: the AnyValues around this message.
    private mutating func walk(
        _ type: MessageType, _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, depth: Int
    ) throws(WireError) {
        let row = unsafe steps + Int(type.rawValue) * WireSchema.rowLength
        var next = unsafe start
        var seen: UInt32 = 0
        while unsafe next < end {
            let tag = unsafe next.pointee
            unsafe next += 1
            var step: WireStep
            if tag < 0x80 {
                step = unsafe row[Int(tag)]
            } else if unsafe next < end && next.pointee == 1 {
                // A tag of two bytes, the second 1: its value is 128 to 255, which is the first byte.
                unsafe next += 1
                step = unsafe row[Int(tag)]
            } else {
                unsafe step = try longTag(type, &next, end)
            }
            if seen & step.conflicts != 0 { isCanonical = false }
            seen |= step.bit
            switch step.action {
            case .varint: try unsafe skipVarint(&next, end)
            case .fixed64: try unsafe skip(8, &next, end)
            case .fixed32: try unsafe skip(4, &next, end)
            case .bytes:
                let length = try unsafe readLength(&next, end)
                unsafe next += length
            case .traceID:
                let length = try unsafe readLength(&next, end)
                guard length == 16 || length == 0 else { throw .invalidTraceIDLength(length) }
                unsafe next += length
            case .spanID:
                let length = try unsafe readLength(&next, end)
                guard length == 8 || length == 0 else { throw .invalidSpanIDLength(length) }
                unsafe next += length
            case .keyValue:
                // Attributes come in runs: those after the first need no look at the table.
                while true {
                    let length = try unsafe readLength(&next, end)
                    if unsafe depth >= WireValidator.anyValueDepthMax || !isPlainKeyValue(next, length) {
                        try unsafe walk(.keyValue, next, next + length, depth: depth)
                    }
                    unsafe next += length
                    guard tag < 0x80, unsafe next < end && next.pointee == tag else { break }
                    unsafe next += 1
                }
            case .message:
                let length = try unsafe readLength(&next, end)
                itemCount += Int(step.itemCount)
                let childDepth = step.child == .anyValue ? depth + 1 : depth
                guard childDepth <= WireValidator.anyValueDepthMax else { throw .nestedTooDeeply }
                try unsafe walk(step.child, next, next + length, depth: childDepth)
                unsafe next += length
            default: try unsafe checkRareField(step, tag: tag, &next, end)
            }
        }
    }

    /// The fields that are rare, or an error, apart from the loop so that it stays small.
    ///
    /// - Parameter tag: the tag, where it is below 256.
    @inline(never)
    private mutating func checkRareField(
        _ step: WireStep, tag: UInt8, _ next: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
    ) throws(WireError) {
        switch step.action {
        case .invalidFieldNumber: throw .invalidFieldNumber
        case .unsupportedWireType: throw .unsupportedWireType(tag & 7)
        case .unexpectedWireType: throw .unexpectedWireType(field: UInt32(tag >> 3), found: tag & 7)
        default: break
        }
        let length = try unsafe readLength(&next, end)
        let payloadEnd = unsafe next + length
        switch step.action {
        case .packedFixed64s: guard length % 8 == 0 else { throw .truncated }
        case .packedVarints:
            var number = unsafe next
            while unsafe number < payloadEnd { try unsafe skipVarint(&number, payloadEnd) }
        case .deprecatedScopes:
            isCanonical = false
            try unsafe walk(step.child, next, payloadEnd, depth: 0)
        default: preconditionFailure("the walk's loop handles all other actions itself")
        }
        unsafe next = payloadEnd
    }

    /// Reads a tag that is longer than it need be, or of a field above 31; `next` is behind its first byte.
    @inline(never)
    private mutating func longTag(
        _ type: MessageType, _ next: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
    ) throws(WireError) -> WireStep {
        let tagStart = unsafe next - 1
        var cursor = unsafe WireCursor(WireBytes(start: tagStart, count: end - tagStart))
        let tag = try cursor.readVarint()
        guard tag >> 3 != 0, tag >> 3 < 1 << 29 else { throw .invalidFieldNumber }
        if cursor.offset != WireWriter.varintByteCount(tag) { isCanonical = false }
        unsafe next = tagStart + cursor.offset
        if tag < WireSchema.rowLength {
            return unsafe steps[Int(type.rawValue) * WireSchema.rowLength + Int(tag)]
        }
        let field = UInt32(tag >> 3)
        let wireType = UInt8(tag & 7)
        let step = WireSchema.step(highField: field, wireType: wireType, of: type)
        if step.action == .unexpectedWireType { throw .unexpectedWireType(field: field, found: wireType) }
        return step
    }

    @inline(__always)
    private func skip(_ count: Int, _ next: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) throws(WireError) {
        guard unsafe end - next >= count else { throw .truncated }
        unsafe next += count
    }

    @inline(__always)
    private func skipVarint(_ next: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) throws(WireError) {
        var count = 0
        while unsafe next < end {
            let byte = unsafe next.pointee
            unsafe next += 1
            if byte < 0x80 { return }
            count += 1
            if count == 10 { throw .malformedVarint }
        }
        throw .truncated
    }

    @inline(__always)
    private func readLength(_ next: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) throws(WireError) -> Int {
        guard unsafe next < end else { throw .truncated }
        let first = unsafe next.pointee
        if first < 0x80 {
            unsafe next += 1
            guard unsafe Int(first) <= end - next else { throw .truncated }
            return Int(first)
        }
        return try unsafe readLongLength(&next, end)
    }

    @inline(never)
    private func readLongLength(
        _ next: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
    ) throws(WireError) -> Int {
        if unsafe end - next >= 2, unsafe next[1] < 0x80 {
            let length = unsafe Int(next[0] & 0x7f) | Int(next[1]) << 7
            unsafe next += 2
            guard unsafe length <= end - next else { throw .truncated }
            return length
        }
        var cursor = unsafe WireCursor(WireBytes(start: next, count: end - next))
        let bytes = try cursor.readBytes()
        unsafe next += cursor.offset - bytes.count
        return bytes.count
    }

    /// Whether the `count` bytes, all there to read, are a KeyValue as nearly all are: a short key, then a short
    /// string, int, bool, double or empty value, and nothing else. One chain of comparisons instead of two walks.
    @inline(__always)
    private func isPlainKeyValue(_ start: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard count >= 4, count < 0x80, unsafe start[0] == 0x0a else { return false }
        let valueTag = unsafe 2 + Int(start[1])
        guard valueTag + 2 <= count, unsafe start[valueTag] == 0x12 else { return false }
        let valueCount = unsafe Int(start[valueTag + 1])
        guard valueTag + 2 + valueCount == count else { return false }
        guard valueCount >= 2 else { return valueCount == 0 }
        let kind = unsafe start[valueTag + 2]
        let payload = unsafe start[valueTag + 3]
        if kind == 0x0a { return Int(payload) == valueCount - 2 }
        if kind == 0x18 || kind == 0x10 { return unsafe isVarint(start + valueTag + 3, valueCount - 1) }
        return kind == 0x21 && valueCount == 9
    }

    /// Whether the `count` bytes are one varint.
    @inline(__always)
    private func isVarint(_ start: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard count <= 10, unsafe start[count - 1] < 0x80 else { return false }
        for index in 0..<count - 1 where unsafe start[index] < 0x80 { return false }
        return true
    }
}
