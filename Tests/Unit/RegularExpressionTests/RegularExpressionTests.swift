import RegularExpression
import Testing

/// Guarantees: RE2's dialect over bytes, groups as ranges, and errors instead of traps for bad patterns.
@Suite struct RegularExpressionTests {
    private func groups(_ pattern: String, _ text: [UInt8]) throws -> [Range<Int>?]? {
        let expression = try RegularExpression(pattern)
        var groups: [Range<Int>?] = [0..<99]
        let isMatch = unsafe text.withUnsafeBufferPointer {
            unsafe expression.firstMatch(in: $0, groups: &groups)
        }
        return isMatch ? groups : nil
    }

    @Test func groupsAreRangesOfBytes() throws {
        #expect(try groups("(b+)(?P<x>c)?", Array("abbd".utf8)) == [1..<3, 1..<3, nil])
        #expect(try groups("(?P<x>c)?$", Array("".utf8)) == [0..<0, nil])
        #expect(try groups("z", Array("ab".utf8)) == nil)
    }

    @Test func namesOfGroups() throws {
        let expression = try RegularExpression("(?P<first>a)(b)(?P<second>c)")
        #expect(expression.groupNames == ["first", nil, "second"])
        #expect(expression.pattern == "(?P<first>a)(b)(?P<second>c)")
        #expect(try RegularExpression("abc").groupNames.isEmpty)
    }

    @Test func searchIsUnanchored() throws {
        let expression = try RegularExpression("b.d")
        #expect(expression.matches("abcde"))
        #expect(!expression.matches("abde"))
        #expect(try RegularExpression("^$").matches(""))
    }

    @Test func invalidUTF8IsSearched() throws {
        #expect(try groups("a(.*)z", [0xff, 0x61, 0x62, 0x7a, 0xfe]) == [1..<4, 2..<3])
    }

    @Test(arguments: ["(", "[a", "a**", "(?P<x>a)(?P<x>b)", "(?=a)", "\\8"])
    func badPatternsAreErrors(pattern: String) {
        #expect(throws: RegularExpression.SyntaxError.self) { try RegularExpression(pattern) }
    }

    @Test func tooManyGroupsAreAnError() throws {
        let most = String(repeating: "(a)", count: RegularExpression.groupCountMax)
        #expect(try RegularExpression(most).groupNames.count == RegularExpression.groupCountMax)
        #expect(throws: RegularExpression.SyntaxError.self) { try RegularExpression(most + "(a)") }
    }

    /// Scenario: a pattern that takes exponential time where expressions backtrack.
    /// Guarantees: it ends.
    @Test func hostilePatternsEnd() throws {
        let text = String(repeating: "a", count: 10_000) + "!"
        #expect(try !RegularExpression("^(a+)+$").matches(text))
    }
}
