package import OTLP

/// A request that is sent many times, each time with other item numbers and times: those are written over the old ones
/// in place, which costs a small part of making the request anew.
package struct RequestTemplate: Sendable {
    package enum Encoding: String, Sendable, CaseIterable {
        case protobuf
        case json
    }

    /// How many items the request holds.
    package let itemCount: Int
    package let encoding: Encoding
    /// The request as it was patched last.
    package private(set) var bytes: [UInt8]
    private var patches: [Patch] = []

    private struct Patch {
        var offset: Int
        var kind: ItemStamp.Kind
        /// What the item's place adds to the number or the time.
        var summand: UInt64
    }

    /// Takes the next request of `generator`.
    ///
    /// - Throws: never for what the generator makes; where its protobuf could not be read.
    package init(
        from generator: inout TelemetryGenerator, itemCount: Int, encoding: Encoding
    ) throws(WireError) {
        self.itemCount = itemCount
        self.encoding = encoding
        let firstNumber = generator.nextItemNumber
        let firstTime = generator.timeUnixNano
        generator.stamps = []
        bytes = generator.request(itemCount: itemCount)
        let stamps = generator.stamps ?? []
        generator.stamps = nil
        if encoding == .json {
            var text: [UInt8] = []
            try OTLPRequest.appendJSON(of: bytes, signal: generator.signal, to: &text)
            bytes = text
        }
        var search = StampSearch(encoding: encoding, runID: generator.runID)
        patches = stamps.map { stamp in
            Patch(
                offset: search.offset(of: stamp, in: bytes), kind: stamp.kind,
                summand: stamp.value &- (stamp.kind == .time ? firstTime : firstNumber))
        }
    }

    /// Gives the items the numbers from `firstItemNumber` on, and times from `timeUnixNano` on.
    package mutating func patch(firstItemNumber: UInt64, timeUnixNano: UInt64) {
        for patch in patches {
            let value = patch.summand &+ (patch.kind == .time ? timeUnixNano : firstItemNumber)
            switch (patch.kind, encoding) {
            case (.time, .json): writeDecimal(value, at: patch.offset)
            case (.time, .protobuf): writeBytes(value, at: patch.offset)
            case (.traceID, .protobuf): writeBytes(value.byteSwapped, at: patch.offset + 8)
            case (.spanID, .protobuf): writeBytes(value.byteSwapped, at: patch.offset)
            case (.textID, _), (.traceID, .json): writeHexadecimal(value, at: patch.offset + 16)
            case (.spanID, .json): writeHexadecimal(value, at: patch.offset)
            }
        }
    }

    /// The lowest byte first.
    private mutating func writeBytes(_ value: UInt64, at offset: Int) {
        for index in 0..<8 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (index * 8)) }
    }

    private mutating func writeHexadecimal(_ value: UInt64, at offset: Int) {
        for index in 0..<16 { bytes[offset + index] = hexadecimalDigit(value >> (60 - index * 4)) }
    }

    private mutating func writeDecimal(_ value: UInt64, at offset: Int) {
        var rest = value
        for index in (0..<ItemStamp.timeDigitCount).reversed() {
            bytes[offset + index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }
}

/// Something in a request that differs from item to item and from one sending to the next.
struct ItemStamp: Sendable {
    enum Kind {
        case traceID
        case spanID
        /// 32 hexadecimal digits in an attribute.
        case textID
        case time
    }

    let kind: Kind
    /// The item's number, or a time in Unix nanoseconds.
    let value: UInt64
    let itemNumber: UInt64

    /// Digits of a time in Unix nanoseconds, from September 2001 to the year 2286.
    static let timeDigitCount = 19
}

/// Finds the stamps of a request, given in the order of its protobuf fields, in its bytes.
///
/// Protobuf has them in this very order. JSON has the items in this order, but not always the fields of an item.
private struct StampSearch {
    let encoding: RequestTemplate.Encoding
    let runID: UInt64
    private var itemNumber: UInt64 = 0
    /// Where the stamps of the items before end.
    private var itemStart = 0
    private var end = 0
    /// Of the item's stamps so far: what was found, and where it ends.
    private var found: [(pattern: [UInt8], end: Int)] = []

    init(encoding: RequestTemplate.Encoding, runID: UInt64) {
        self.encoding = encoding
        self.runID = runID
    }

    mutating func offset(of stamp: ItemStamp, in bytes: [UInt8]) -> Int {
        if itemNumber != stamp.itemNumber {
            itemNumber = stamp.itemNumber
            itemStart = end
            found = []
        }
        let pattern = pattern(of: stamp)
        let start = encoding == .protobuf ? end : found.last { $0.pattern == pattern }?.end ?? itemStart
        guard let offset = bytes.firstOffset(of: pattern, from: start) else {
            preconditionFailure("a stamp of item \(stamp.itemNumber) is not in the request it was noted for")
        }
        end = max(end, offset + pattern.count)
        found.append((pattern, offset + pattern.count))
        // Past the quotation mark.
        return encoding == .json ? offset + 1 : offset
    }

    private func pattern(of stamp: ItemStamp) -> [UInt8] {
        let quote = UInt8(ascii: "\"")
        switch (stamp.kind, encoding) {
        case (.time, .protobuf): return Self.bytes(stamp.value)
        case (.time, .json): return [quote] + Array("\(stamp.value)".utf8) + [quote]
        case (.traceID, .protobuf): return Self.bytes(runID.byteSwapped) + Self.bytes(stamp.value.byteSwapped)
        case (.spanID, .protobuf): return Self.bytes(stamp.value.byteSwapped)
        case (.textID, .protobuf): return hexadecimalDigits(runID) + hexadecimalDigits(stamp.value)
        case (.traceID, .json), (.textID, .json):
            return [quote] + hexadecimalDigits(runID) + hexadecimalDigits(stamp.value) + [quote]
        case (.spanID, .json): return [quote] + hexadecimalDigits(stamp.value) + [quote]
        }
    }

    /// The lowest byte first.
    private static func bytes(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}

extension [UInt8] {
    fileprivate func firstOffset(of pattern: [UInt8], from start: Int) -> Int? {
        guard count - start >= pattern.count else { return nil }
        return (start...count - pattern.count).first { offset in
            self[offset] == pattern[0] && self[offset..<offset + pattern.count].elementsEqual(pattern)
        }
    }
}
