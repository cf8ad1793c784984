/// A number as JSON writes it, taken apart: `-12.5e3`.
///
/// Ownership: borrows the text it was made of.
struct JSONNumber {
    /// Longer numbers are refused: no value that OTLP can hold needs more digits.
    static let byteCountMax = 1100

    private let text: WireBytes
    private let isNegative: Bool
    private let integerDigits: WireBytes
    private let fractionDigits: WireBytes
    /// Of ten; saturated far outside what any type can hold.
    private let exponent: Int

    /// nil unless all of `text` is one number in JSON's grammar.
    init?(_ text: WireBytes) {
        guard text.count <= JSONNumber.byteCountMax else { return nil }
        var scanner = Scanner(text: text)
        isNegative = scanner.take("-")
        integerDigits = scanner.takeDigits()
        guard integerDigits.count == 1 || (integerDigits.count > 1 && integerDigits[0] != UInt8(ascii: "0")) else {
            return nil
        }
        let hasFraction = scanner.take(".")
        fractionDigits = hasFraction ? scanner.takeDigits() : text.slice(0..<0)
        guard !hasFraction || !fractionDigits.isEmpty else { return nil }
        var exponent = 0
        if scanner.take("e") || scanner.take("E") {
            let isExponentNegative = scanner.take("-")
            if !isExponentNegative { _ = scanner.take("+") }
            let exponentDigits = scanner.takeDigits()
            guard !exponentDigits.isEmpty else { return nil }
            for index in 0..<exponentDigits.count {
                exponent = min(exponent * 10 + Int(exponentDigits[index] - UInt8(ascii: "0")), 100_000)
            }
            if isExponentNegative { exponent = -exponent }
        }
        guard scanner.position == text.count else { return nil }
        self.exponent = exponent
        self.text = text
    }

    private struct Scanner {
        let text: WireBytes
        var position = 0

        mutating func takeDigits() -> WireBytes {
            let first = position
            while position < text.count, JSONNumber.isDigit(text[position]) { position += 1 }
            return text.slice(first..<position)
        }

        mutating func take(_ byte: Unicode.Scalar) -> Bool {
            guard position < text.count, text[position] == UInt8(ascii: byte) else { return false }
            position += 1
            return true
        }
    }

    /// Whether `byte` may occur in a number.
    static func isPart(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "e")
            || byte == UInt8(ascii: "E") || byte == UInt8(ascii: "+")
    }

    /// The number that eight digits make, first byte lowest; nil if one of the bytes is no digit.
    @inline(__always)
    static func eightDigits(_ word: UInt64) -> UInt64? {
        let highs: UInt64 = 0xf0f0_f0f0_f0f0_f0f0
        // Adding 6 carries into the upper half of all that lies between "9" and the next sixteen.
        guard word & highs | ((word &+ 0x0606_0606_0606_0606) & highs) >> 4 == 0x3333_3333_3333_3333 else { return nil }
        // Neighbours are joined: digits to pairs, pairs to fours, fours to eight.
        let pairs = ((word & 0x0f0f_0f0f_0f0f_0f0f) &* (10 << 8 + 1)) >> 8 & 0x00ff_00ff_00ff_00ff
        let fours = (pairs &* (100 << 16 + 1)) >> 16 & 0x0000_ffff_0000_ffff
        return (fours &* (10_000 << 32 + 1)) >> 32
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    /// The exact value as `Integer`; forms such as `1e3` and `2.0` are integers too.
    ///
    /// - Throws: `.notAnInteger`, `.numberOutOfRange`.
    func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) throws(JSONError.Code) -> Integer {
        var significand = Significand()
        for index in 0..<integerDigits.count { try significand.append(integerDigits[index]) }
        for index in 0..<fractionDigits.count { try significand.append(fractionDigits[index]) }
        guard significand.value != 0 else { return 0 }
        let shift = exponent - fractionDigits.count + significand.trailingZeros
        guard shift >= 0 else { throw .notAnInteger }
        guard let magnitude = JSONNumber.multiply(significand.value, byPowerOfTen: shift) else {
            throw .numberOutOfRange
        }
        let value: Integer? =
            if !isNegative {
                Integer(exactly: magnitude)
            } else if magnitude <= UInt64(1) << 63 {
                Integer(exactly: Int64(truncatingIfNeeded: 0 &- magnitude))
            } else {
                nil
            }
        guard let value else { throw .numberOutOfRange }
        return value
    }

    /// Digits as an integer, the zeros at the end apart: those only move the decimal point.
    private struct Significand {
        var value: UInt64 = 0
        var trailingZeros = 0

        mutating func append(_ character: UInt8) throws(JSONError.Code) {
            let digit = UInt64(character - UInt8(ascii: "0"))
            guard digit != 0 else {
                trailingZeros += value == 0 ? 0 : 1
                return
            }
            guard let shifted = JSONNumber.multiply(value, byPowerOfTen: trailingZeros + 1) else {
                throw .numberOutOfRange
            }
            let (sum, overflow) = shifted.addingReportingOverflow(digit)
            guard !overflow else { throw .numberOutOfRange }
            value = sum
            trailingZeros = 0
        }
    }

    private static func multiply(_ value: UInt64, byPowerOfTen power: Int) -> UInt64? {
        guard value != 0 else { return 0 }
        guard power <= 19 else { return nil }
        var result = value
        for _ in 0..<power {
            let (product, overflow) = result.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            result = product
        }
        return result
    }

    /// The nearest double, or nil when the number is too large for one.
    func double() -> Double? {
        guard let value = shortDouble() ?? Double(text.string), value.isFinite else { return nil }
        return value
    }

    /// The value where it can be had exactly by one operation on exact doubles: at most 15 digits, a small exponent.
    private func shortDouble() -> Double? {
        guard integerDigits.count + fractionDigits.count <= 15 else { return nil }
        let shift = exponent - fractionDigits.count
        guard shift >= -22, shift <= 22 else { return nil }
        var significand: Int64 = 0
        for index in 0..<integerDigits.count {
            significand = significand * 10 + Int64(integerDigits[index] - UInt8(ascii: "0"))
        }
        for index in 0..<fractionDigits.count {
            significand = significand * 10 + Int64(fractionDigits[index] - UInt8(ascii: "0"))
        }
        let magnitude =
            shift < 0
            ? Double(significand) / JSONNumber.powersOfTen[-shift] : Double(significand) * JSONNumber.powersOfTen[shift]
        return isNegative ? -magnitude : magnitude
    }

    /// 10^0 to 10^22, all exact as doubles.
    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]
}
