import Glibc

extension JSONWriter {
    /// Writes a finite double in the shortest form that reads back the same, as ECMAScript and Go's encoder do.
    ///
    /// Positional between 1e-6 and 1e21, else with an exponent: `0.1`, `123456789`, `1e+21`, `1e-7`, `-0`.
    mutating func write(finite value: Double) {
        if ShortestDigits.isDescription(of: value) { return write(ascii: value.description) }
        let magnitude = value.magnitude
        if value.sign == .minus { write("-") }
        // Integers up to 2^53 are exact, and their shortest form is all their digits.
        if magnitude < 9_007_199_254_740_992, magnitude == magnitude.rounded(.towardZero) {
            write(decimal: UInt64(magnitude))
            return
        }
        let digits = ShortestDigits(magnitude)
        if magnitude < 1e-6 || magnitude >= 1e21 {
            writeScientific(digits)
        } else {
            writePositional(digits)
        }
    }

    private mutating func write(ascii text: String) {
        var text = text
        text.withUTF8 { utf8 in
            guard let address = utf8.baseAddress else { return }
            reserve(utf8.count)
            unsafe memcpy(start + count, address, utf8.count)
            count += utf8.count
        }
    }

    /// Writes a double as the JSON form of protobuf has it: a number, or a string for what JSON has no number for.
    mutating func write(double value: Double) {
        if value.isFinite {
            write(finite: value)
        } else if value.isNaN {
            write("\"NaN\"")
        } else {
            write(value < 0 ? "\"-Infinity\"" : "\"Infinity\"")
        }
    }

    private mutating func writePositional(_ digits: ShortestDigits) {
        if digits.pointPosition <= 0 {
            write("0.")
            for _ in digits.pointPosition..<0 { write("0") }
        }
        for index in 0..<max(digits.count, digits.pointPosition) {
            if index == digits.pointPosition, index > 0 { write(".") }
            write(byte: index < digits.count ? digits[index] : UInt8(ascii: "0"))
        }
    }

    private mutating func writeScientific(_ digits: ShortestDigits) {
        for index in 0..<digits.count {
            if index == 1 { write(".") }
            write(byte: digits[index])
        }
        let exponent = digits.pointPosition - 1
        write(exponent < 0 ? "e-" : "e+")
        write(decimal: UInt64(exponent.magnitude))
    }
}
