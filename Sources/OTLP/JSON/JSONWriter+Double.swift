extension JSONWriter {
    /// Writes a finite double in the shortest form that reads back the same, as ECMAScript and Go's encoder do.
    ///
    /// Positional between 1e-6 and 1e21, else with an exponent: `0.1`, `123456789`, `1e+21`, `1e-7`, `-0`.
    mutating func write(finite value: Double) {
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

/// The shortest decimal digits that identify a double: 0.d₁d₂d₃… times ten to the power of `pointPosition`.
private struct ShortestDigits {
    private var digits: [17 of UInt8] = .init(repeating: 0)
    private(set) var count = 0
    private(set) var pointPosition = 0

    /// - Parameter value: finite and positive.
    init(_ value: Double) {
        // The standard library's text has these digits, with a point or an exponent of its own.
        var exponent = 0
        var isExponentNegative = false
        var isInExponent = false
        var digitsBeforePoint: Int?
        var zeros = 0
        for character in value.description.utf8 {
            switch character {
            case UInt8(ascii: "."): digitsBeforePoint = count + zeros
            case UInt8(ascii: "e"): isInExponent = true
            case UInt8(ascii: "-"): isExponentNegative = true
            case UInt8(ascii: "0") where !isInExponent:
                if count > 0 {
                    zeros += 1
                } else if digitsBeforePoint != nil {
                    pointPosition -= 1
                }
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if isInExponent {
                    exponent = exponent * 10 + Int(character - UInt8(ascii: "0"))
                } else {
                    append(character, after: zeros)
                    zeros = 0
                }
            default: break
            }
        }
        pointPosition += digitsBeforePoint ?? count + zeros
        pointPosition += isExponentNegative ? -exponent : exponent
    }

    private mutating func append(_ digit: UInt8, after zeros: Int) {
        for _ in 0..<zeros { push(UInt8(ascii: "0")) }
        push(digit)
    }

    private mutating func push(_ digit: UInt8) {
        guard count < 17 else { return }
        digits[count] = digit
        count += 1
    }

    subscript(index: Int) -> UInt8 { digits[index] }
}
