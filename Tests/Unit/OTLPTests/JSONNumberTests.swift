import TestSupport
import Testing

@testable import OTLP

/// Numbers are read exactly and written in their shortest form.
@Suite struct JSONNumberTests {
    static func text(of value: Double) -> String {
        var writer = JSONWriter(capacity: 8)
        writer.write(double: value)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// Scenario: doubles on both sides of each border of the format.
    /// Guarantees: ECMAScript's text, which is Go's.
    @Test(arguments: [
        (0, "0"), (-0.0, "-0"), (1, "1"), (-1, "-1"), (0.1, "0.1"), (123_456_789, "123456789"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"), (1.5e21, "1.5e+21"), (1e-6, "0.000001"), (1e-7, "1e-7"), (1.25e-7, "1.25e-7"),
        (9_007_199_254_740_992, "9007199254740992"), (9_007_199_254_740_994, "9007199254740994"),
        (123_456_789_012_345_683_968, "123456789012345680000"), (1e-10, "1e-10"), (.leastNonzeroMagnitude, "5e-324"),
        (.greatestFiniteMagnitude, "1.7976931348623157e+308"), (100.5, "100.5"), (0.015625, "0.015625"),
        (-2.5, "-2.5"), (1e100, "1e+100"), (.nan, "\"NaN\""), (.infinity, "\"Infinity\""),
        (-.infinity, "\"-Infinity\""),
    ])
    func doubles(_ value: Double, _ expected: String) {
        #expect(JSONNumberTests.text(of: value) == expected)
    }

    /// Scenario: random bit patterns.
    /// Guarantees: the text reads back to the very same double, through our reader and the standard library's.
    @Test(arguments: Seeds.regression + Seeds.fresh(count: 4))
    func doublesReadBack(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<500 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            let text = JSONNumberTests.text(of: value)
            #expect(Double(text)?.bitPattern == value.bitPattern)
            Array(text.utf8).withWireBytes { bytes in
                #expect(JSONNumber(bytes)?.double()?.bitPattern == value.bitPattern)
            }
        }
    }

    /// Scenario: integers as JSON may write them.
    /// Guarantees: exact values, all 64 bits of them; fractions and overflow are told apart.
    @Test func integers() {
        func integer<Integer: FixedWidthInteger>(
            _ text: String, as type: Integer.Type
        ) -> Result<Integer, JSONError.Code> {
            Array(text.utf8).withWireBytes { bytes in
                guard let number = JSONNumber(bytes) else { return .failure(.invalidNumber) }
                return Result { () throws(JSONError.Code) in try number.integer(type) }
            }
        }
        #expect(integer("18446744073709551615", as: UInt64.self) == .success(.max))
        #expect(integer("18446744073709551616", as: UInt64.self) == .failure(.numberOutOfRange))
        #expect(integer("-9223372036854775808", as: Int64.self) == .success(.min))
        #expect(integer("-9223372036854775809", as: Int64.self) == .failure(.numberOutOfRange))
        #expect(integer("9007199254740993", as: Int64.self) == .success(9_007_199_254_740_993))
        #expect(integer("1e3", as: Int64.self) == .success(1000))
        #expect(integer("1.50e1", as: Int64.self) == .success(15))
        #expect(integer("12300e-2", as: UInt32.self) == .success(123))
        #expect(integer("-0", as: UInt64.self) == .success(0))
        #expect(integer("0e999999999999", as: UInt64.self) == .success(0))
        #expect(integer("1e19", as: UInt64.self) == .success(10_000_000_000_000_000_000))
        #expect(integer("1e20", as: UInt64.self) == .failure(.numberOutOfRange))
        #expect(integer("1.5", as: Int64.self) == .failure(.notAnInteger))
        #expect(integer("1e-1", as: Int64.self) == .failure(.notAnInteger))
        #expect(integer("-1", as: UInt32.self) == .failure(.numberOutOfRange))
        #expect(integer("4294967296", as: UInt32.self) == .failure(.numberOutOfRange))
        for text in ["", "-", "01", "1.", ".5", "1e", "1e+", "+1", "0x1", "1 ", "--1", "1.2.3"] {
            #expect(integer(text, as: Int64.self) == .failure(.invalidNumber), "\(text)")
        }
    }
}
