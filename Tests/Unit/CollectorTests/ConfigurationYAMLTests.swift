import Component
import Testing

@testable import Collector

/// Guarantees: YAML means what it means to otelcol, and a broken text says where.
@Suite struct ConfigurationYAMLTests {
    @Test(
        "plain scalars take yaml.v3's types",
        arguments: [
            ("true", "true"), ("True", "true"), ("TRUE", "true"), ("false", "false"), ("tRue", "\"tRue\""),
            ("yes", "\"yes\""), ("on", "\"on\""), ("No", "\"No\""), ("y", "\"y\""),
            ("null", "null"), ("~", "null"), ("Null", "null"), ("nil", "\"nil\""), ("", "null"),
            ("0", "0"), ("8888", "8888"), ("-17", "-17"), ("+5", "5"), ("0x1F", "31"), ("0o17", "15"),
            ("0777", "511"), ("0123", "83"), ("08", "8.0"), ("0b101", "5"), ("-0b11", "-3"), ("1_000", "1000"),
            ("9223372036854775807", "9223372036854775807"), ("9223372036854775808", "9.223372036854776e+18"),
            ("1.5", "1.5"), ("1e3", "1000.0"), (".5", "0.5"), ("1.", "1.0"), ("-1.5e-3", "-0.0015"),
            (".inf", "inf"), ("-.inf", "-inf"), (".NaN", "nan"), ("1e", "\"1e\""), ("0x", "\"0x\""),
            ("--5", "\"--5\""), ("+-5", "\"+-5\""), ("0x-5", "\"0x-5\""), ("-", "\"-\""), (".", "\".\""),
            ("1e999", "\"1e999\""), ("0xfg", "\"0xfg\""), ("inf", "\"inf\""), ("nan", "\"nan\""),
            ("2001-01-01", "\"2001-01-01\""), ("2001-01-01T00:00:00Z", "\"2001-01-01T00:00:00Z\""),
            ("10s", "\"10s\""), ("1.2.3.4", "\"1.2.3.4\""), ("localhost:4317", "\"localhost:4317\""),
        ])
    func plainScalars(text: String, expected: String) {
        #expect(rendered(ConfigNode(YAMLScalar.resolvePlain(text), at: Self.start)) == expected)
    }

    @Test(
        "quotes, blocks, tags, anchors, merges and flow",
        arguments: [
            ("a: '1'", "{a: \"1\"}"), ("a: \"true\\n\"", "{a: \"true\n\"}"), ("a: ''", "{a: \"\"}"),
            ("a: |\n  x\n  y\n", "{a: \"x\ny\n\"}"), ("a: >-\n  x\n  y\n", "{a: \"x y\"}"),
            ("a: |-\n  12\n", "{a: \"12\"}"),
            ("a: !!str 12", "{a: \"12\"}"), ("a: !!int '12'", "{a: 12}"), ("a: !!float 1", "{a: 1.0}"),
            ("a: ! 12", "{a: \"12\"}"), ("a: !custom 12", "{a: \"12\"}"),
            ("a: [1, b, {c: d}]", "{a: [1, \"b\", {c: \"d\"}]}"), ("a: &x [1]\nb: *x", "{a: [1], b: [1]}"),
            ("a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}", "{a: {k: 1, l: 2}, b: {k: 3, l: 2}}"),
            ("b: {<<: [{k: 1}, {k: 2, l: 3}]}", "{b: {k: 1, l: 3}}"),
            ("a: {'<<': 1}", "{a: {<<: 1}}"), ("8080: x", "{8080: \"x\"}"), ("a:\nb:", "{a: null, b: null}"),
            ("# nothing", "(none)"), ("---\n---\n", "null"), ("a: 1\n---\nb: 2", "{a: 1}"),
            ("a: 1\n---\n\t@broken", "{a: 1}"),
        ])
    func documents(text: String, expected: String) throws {
        #expect(try rendered(parsed(text)) == expected)
    }

    @Test(
        "broken texts name their line and column",
        arguments: [
            (
                "a:\n\tb: 1",
                "config.yaml:2:1: yaml: line 2: found character that cannot start any token (a tab; indent with spaces)"
            ),
            ("a: 1\nb: 2\na: 3", "config.yaml:3:1: yaml: line 3: mapping key \"a\" already defined at line 1"),
            ("a: [1, 2", "config.yaml:2:1: yaml: line 2: did not find expected ',' or ']'"),
            ("a: 'x", "config.yaml:1:6: yaml: line 1: found unexpected end of stream"),
            ("a: *x", "config.yaml:1:4: yaml: line 1: unknown anchor 'x' referenced"),
            ("a: &x [*x]", "config.yaml:1:8: yaml: line 1: anchor 'x' value contains itself"),
            ("a: {<<: 1}", "config.yaml:1:5: yaml: line 1: map merge requires map or sequence of maps as the value"),
            ("a: !!int x", "config.yaml:1:4: yaml: line 1: cannot decode !!str `x` as a !!int"),
            ("? [a]\n: b", "config.yaml:1:3: yaml: line 1: a list or a map cannot be a key"),
            ("a: b: c", "config.yaml:1:5: yaml: line 1: mapping values are not allowed in this context"),
        ])
    func broken(text: String, expected: String) {
        #expect(failure { try parsed(text) } == expected)
    }

    @Test("values know where they were written") func positions() throws {
        let root = try parsed("a:\n  - x\n  - bé: [1, 2]\n")
        guard case .map(let entries) = root?.value, case .list(let nodes) = entries[0].node.value,
            case .map(let inner) = nodes[1].value, case .list(let numbers) = inner[0].node.value
        else {
            Issue.record("unexpected shape: \(rendered(root))")
            return
        }
        #expect(entries[0].keyPosition.description == "config.yaml:1:1")
        #expect(nodes[0].position.description == "config.yaml:2:5")
        #expect(inner[0].keyPosition.description == "config.yaml:3:5")
        #expect(numbers[1].position.description == "config.yaml:3:13")
    }

    @Test("a second document is told of") func severalDocuments() throws {
        #expect(try YAMLParser.parse(Array("a: 1\n---\nb: 2".utf8), source: "x").hasMoreDocuments)
        #expect(try !YAMLParser.parse(Array("---\na: 1\n...\n".utf8), source: "x").hasMoreDocuments)
    }

    @Test("depth and aliases are bounded") func bounds() throws {
        let depth = YAMLParser.Limits.depthMax
        let fits = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(failure { try parsed(fits) } == nil)
        #expect(failure { try parsed("[" + fits + "]") }?.contains("exceeded max depth") == true)

        let bomb = (1...9).reduce("a0: &a0 [x, x, x, x, x, x, x, x, x]\n") { text, level in
            let references = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            return text + "a\(level): &a\(level) [\(references)]\n"
        }
        #expect(failure { try parsed(bomb) }?.contains("excessive aliasing") == true)

        let tower = (1...200).reduce("a0: &a0 [x]\n") { text, level in
            text + "a\(level): &a\(level) [*a\(level - 1)]\n"
        }
        #expect(failure { try parsed(tower) }?.contains("exceeded max depth") == true)
    }

    @Test("bytes that are no UTF-8 are refused") func invalidEncoding() {
        let text = failure { try YAMLParser.parse([0x61, 0x3A, 0x20, 0xFF, 0xFE, 0x80], source: "config.yaml") }
        #expect(text?.hasPrefix("config.yaml:1:1: yaml: ") == true)
    }

    /// Scenario: users' files with bytes replaced, inserted, removed and repeated at random.
    @Test("no mutation of a configuration traps", arguments: Randomness.seeds)
    func mutations(seed: UInt64) throws {
        var random = Randomness(seed: seed)
        let alphabet = Array("{}[]&*!|>'\"%@`:,-?#<~\n\t $0123456789abc\u{0}\u{FF}".utf8)
        let originals = try UserConfigs.names.map { Array(try UserConfigs.text($0).utf8) }
        var accepted = 0
        for _ in 0..<300 {
            var text = originals.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let index = Int.random(in: 0..<text.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: text[index] = alphabet.randomElement(using: &random) ?? 0
                case 1: text.insert(alphabet.randomElement(using: &random) ?? 0, at: index)
                case 2: text.remove(at: index)
                default: text.insert(contentsOf: text[index..<min(text.count, index + 40)], at: index)
                }
            }
            let uri = "yaml:" + String(decoding: text, as: UTF8.self)
            // Refusing is as good as accepting; the property is that it ends in one of the two.
            if failure({ try resolved([.uri(uri)]) }) == nil { accepted += 1 }
        }
        #expect(accepted > 0 && accepted < 300)
    }

    private static let start = ConfigPosition(source: "config.yaml", line: 1, column: 1)
}
