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
        let (digits, point) = decimal(value.magnitude)
        if value.magnitude >= 1e-4, value.magnitude < 1e21 {
            if point <= 0 { return "\(sign)0.\(String(repeating: "0", count: -point))\(digits)" }
            if digits.count <= point { return "\(sign)\(digits)\(String(repeating: "0", count: point - digits.count))" }
            return "\(sign)\(digits.prefix(point)).\(digits.dropFirst(point))"
        }
        let fraction = digits.count > 1 ? ".\(digits.dropFirst())" : ""
        let exponent = (point - 1).magnitude
        return "\(sign)\(digits.prefix(1))\(fraction)e\(point < 1 ? "-" : "+")\(exponent < 10 ? "0" : "")\(exponent)"
    }

    /// The significant digits of a positive number, and how many of them stand before the point.
    private static func decimal(_ value: Double) -> (digits: Substring, point: Int) {
        let parts = value.description.split(separator: "e", maxSplits: 1)
        let mantissa = parts[0].split(separator: ".", maxSplits: 1)
        let fraction = mantissa.count > 1 ? mantissa[1] : ""
        var digits = Substring(mantissa[0] + fraction)
        var point = mantissa[0].count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
        while digits.first == "0" {
            digits.removeFirst()
            point -= 1
        }
        while digits.last == "0" { digits.removeLast() }
        return (digits, point)
    }

    /// `2024-12-16 10:00:00.5 +0000 UTC`.
    static func time(unixNanos: UInt64) -> String {
        let nanos = Int64(bitPattern: unixNanos)
        var fraction = nanos % 1_000_000_000
        var seconds = Int(nanos / 1_000_000_000)
        if fraction < 0 {
            fraction += 1_000_000_000
            seconds -= 1
        }
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        let date = unsafe [parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday].map(twoDigits).joined(separator: "-")
        let time = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec].map(twoDigits).joined(separator: ":")
        var decimals = Substring(String(1_000_000_000 + fraction).dropFirst())
        while decimals.last == "0" { decimals.removeLast() }
        return "\(date) \(time)\(decimals.isEmpty ? "" : ".\(decimals)") +0000 UTC"
    }

    private static func twoDigits(_ number: Int32) -> String { number < 10 ? "0\(number)" : String(number) }

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
    static func plain(_ value: WireBytes) -> String {
        var text: [UInt8] = []
        OTLPRequest.appendText(of: value, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// The same with its type: `Str(text)`, `Int(1)`.
    static func typed(_ value: WireBytes) throws(WireError) -> String {
        let type =
            switch try AnyValueView(value) {
            case .empty, .stringIndex: "Empty"
            case .string: "Str"
            case .bool: "Bool"
            case .int: "Int"
            case .double: "Double"
            case .array: "Slice"
            case .keyValueList: "Map"
            case .bytes: "Bytes"
            }
        return "\(type)(\(plain(value)))"
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
