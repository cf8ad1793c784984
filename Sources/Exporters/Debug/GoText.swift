import Component
import Glibc
import OTLP

/// Values as Go prints them, which is how otelcol shows them.
enum GoText {
    /// `%f`.
    static func fixed(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        // The largest double has 309 digits before the point.
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400) { buffer in
            _ = unsafe withVaList([value]) { unsafe vsnprintf(buffer.baseAddress, buffer.count, "%f", $0) }
            return unsafe buffer.baseAddress.map { unsafe String(cString: $0) } ?? ""
        }
    }

    /// `%v`: the shortest text that reads back the same, with an exponent below 1e-4 and from 1e21.
    static func shortest(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        let sign = value.sign == .minus ? "-" : ""
        if value == 0 { return "\(sign)0" }
        let shortest = ShortestDigits(value.magnitude)
        let digits = shortest.text
        let point = shortest.pointPosition
        if value.magnitude >= 1e-4, value.magnitude < 1e21 {
            if point <= 0 { return "\(sign)0.\(String(repeating: "0", count: -point))\(digits)" }
            if digits.count <= point { return "\(sign)\(digits)\(String(repeating: "0", count: point - digits.count))" }
            return "\(sign)\(digits.prefix(point)).\(digits.dropFirst(point))"
        }
        let fraction = digits.count > 1 ? ".\(digits.dropFirst())" : ""
        let exponent = padded(Int((point - 1).magnitude), 2)
        return "\(sign)\(digits.prefix(1))\(fraction)e\(point < 1 ? "-" : "+")\(exponent)"
    }

    /// `2024-12-16 10:00:00.5 +0000 UTC`.
    static func time(unixNanos: UInt64) -> String {
        // Times after 2262 are negative to otelcol, and so before 1970.
        let nanos = Int64(bitPattern: unixNanos)
        let (seconds, fraction) = nanos.quotientAndRemainder(dividingBy: 1_000_000_000)
        let time = CivilTime(
            unixSeconds: Int(fraction < 0 ? seconds - 1 : seconds),
            nanosecond: Int(fraction < 0 ? fraction + 1_000_000_000 : fraction))
        var decimals = Substring(padded(time.nanosecond, 9))
        while decimals.last == "0" { decimals.removeLast() }
        return "\(time.date) \(time.timeOfDay)\(decimals.isEmpty ? "" : ".\(decimals)") +0000 UTC"
    }

    /// A trace or span id in lower-case hex; empty when it is all zeros.
    static func id(_ bytes: WireBytes) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        var isZero = true
        for index in 0..<bytes.count {
            if bytes[index] != 0 { isZero = false }
            text.append(digits[Int(bytes[index] >> 4)])
            text.append(digits[Int(bytes[index] & 15)])
        }
        return isZero ? "" : String(decoding: text, as: UTF8.self)
    }

    // MARK: Values

    /// The text of an AnyValue message: strings as they are, numbers in their shortest form, lists and maps as JSON.
    static func plain(_ value: WireBytes) throws(WireError) -> String {
        try plain(AnyValueView(value))
    }

    private static func plain(_ value: AnyValueView) throws(WireError) -> String {
        var text: [UInt8] = []
        try OTLPRequest.appendText(of: value, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// The same with its type: `Str(text)`, `Int(1)`.
    static func typed(_ value: WireBytes) throws(WireError) -> String {
        let value = try AnyValueView(value)
        let type =
            switch value {
            case .empty, .stringIndex: "Empty"
            case .string: "Str"
            case .bool: "Bool"
            case .int: "Int"
            case .double: "Double"
            case .array: "Slice"
            case .keyValueList: "Map"
            case .bytes: "Bytes"
            }
        return "\(type)(\(try plain(value)))"
    }

    /// The key of a KeyValue message, and its AnyValue message.
    static func keyAndValue(_ attribute: WireBytes) throws(WireError) -> (key: String, value: WireBytes) {
        var key = ""
        var value = WireBytes.empty
        var cursor = WireCursor(attribute)
        while let field = try cursor.nextField() {
            switch field.number {
            case KeyValueField.key: key = try field.payload().string
            case KeyValueField.value: value = try field.payload()
            default: continue
            }
        }
        return (key, value)
    }
}
