/// The shortest decimal digits that identify a double: 0.d₁d₂d₃… times ten to the power of `pointPosition`.
package struct ShortestDigits {
    private var digits: [17 of UInt8] = .init(repeating: 0)
    package private(set) var count = 0
    package private(set) var pointPosition = 0

    /// - Parameter value: finite and positive.
    package init(_ value: Double) {
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

    /// Whether the standard library's text of `value` is what ECMAScript and Go's encoder write, so that its digits need
    /// not be looked at: positional, and with digits other than zero behind the point.
    static func isDescription(of value: Double) -> Bool {
        let magnitude = value.magnitude
        return magnitude >= 1e-4 && magnitude < 9_007_199_254_740_992
            && magnitude != magnitude.rounded(.towardZero)
    }

    /// A digit in ASCII.
    package subscript(index: Int) -> UInt8 { digits[index] }

    package var text: String { String(decoding: (0..<count).map { digits[$0] }, as: UTF8.self) }
}
