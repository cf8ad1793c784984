import Foundation
import RegularExpression
import TestSupport
import Testing

@testable import OTLP

/// Guarantees: `extract`, `hash` and `convert` give what otelcol stores for the same values.
@Suite struct EditActionTests {
    static let upstream = "^(?P<upstream_primary>[^,\\s]+)(?:,\\s*(?P<upstream_secondary>[^,\\s]+))?"

    static func capture(_ name: String) throws -> [UInt8] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return [UInt8](try Data(contentsOf: tests.appending(path: "../Fixtures/nginx/\(name).pb")))
    }

    static func items(_ request: [UInt8], field: UInt32) -> [[EditModel.Attribute]] {
        func messages(_ bytes: [UInt8], _ number: UInt32) -> [[UInt8]] {
            EditModel.decode(bytes).filter { $0.number == number }.map(\.bytes)
        }
        let scopes = messages(request, 1).flatMap { messages($0, 2) }
        return scopes.flatMap { messages($0, 2) }.map { EditModel.attributes($0, field: field) }
    }

    /// A traces request of one span with these attributes.
    static func span(_ attributes: [(String, AttributeConstant)]) -> [UInt8] {
        let fields = attributes.map {
            EditModel.attribute(9, .init(key: Array($0.0.utf8), value: $0.1.encoded))
        }
        let scope = EditModel.encode([EditModel.message(2, EditModel.encode(fields))])
        return EditModel.encode([EditModel.message(1, EditModel.encode([EditModel.message(2, scope)]))])
    }

    /// What `actions` make of a span's attributes: texts of the values by key.
    static func run(
        _ actions: [AttributeAction], on attributes: [(String, AttributeConstant)]
    ) throws -> [(key: String, value: AttributeContentText)] {
        let edited = try AttributeEdits([.init(.items, actions: actions)]).apply(
            to: span(attributes), signal: .traces)
        return items(edited, field: 9)[0].map {
            (String(decoding: $0.key, as: UTF8.self), AttributeContentText($0.value))
        }
    }

    /// Scenario: more texts than are remembered, in random order, looked at by two expressions.
    /// Guarantees: each span gets what it gets alone.
    @Test(arguments: Seeds.regression + Seeds.fresh(count: 4))
    func rememberedExtractsAreTheTexts(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let edits = AttributeEdits([
            .init(
                .items,
                actions: [
                    .extract(key: "a", pattern: try RegularExpression("^(?P<b>k*)(?P<c>[0-9]*5)?")),
                    .extract(key: "a", pattern: try RegularExpression("(?P<d>[0-6])$")),
                ])
        ])
        let texts = (0..<150).map { String(repeating: "k", count: $0 % 4) + ($0 % 9 == 0 ? "" : "\($0 % 50)") }
        let spans = (0..<600).map { _ in Self.span([("a", .string(random.element(of: texts)))]) }
        let alone = try spans.flatMap { try edits.apply(to: $0, signal: .traces) }
        #expect(try edits.apply(to: spans.flatMap { $0 }, signal: .traces) == alone)
    }

    /// Scenario: the users' extract over what nginx sent.
    /// Guarantees: retried requests get both upstreams, others an empty second one, static ones nothing at all.
    @Test(arguments: ["003", "008", "014", "016", "018"])
    func extractsUpstreams(name: String) throws {
        let request = try Self.capture(name)
        let extract = AttributeAction.extract(key: "upstream_addr", pattern: try RegularExpression(Self.upstream))
        let edited = try AttributeEdits([.init(.items, actions: [extract])]).apply(to: request, signal: .traces)
        let before = Self.items(request, field: 9)
        let after = Self.items(edited, field: 9)
        #expect(before.count == after.count && !before.isEmpty)
        for (before, after) in zip(before, after) {
            #expect(zip(before, after).allSatisfy { $0.key == $1.key && $0.value == $1.value })
            let address = before.first { $0.key == Array("upstream_addr".utf8) }
            let text = address.map { AttributeContentText($0.value).text } ?? ""
            let parts = text.split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init)
            let added = after.dropFirst(before.count).map {
                [String(decoding: $0.key, as: UTF8.self), AttributeContentText($0.value).text]
            }
            let hasSecond = text.contains(",")
            let expected =
                parts.isEmpty
                ? [] : [["upstream_primary", parts[0]], ["upstream_secondary", hasSecond ? parts[1] : ""]]
            #expect(added == expected, "\(text)")
        }
    }

    @Test func bothUpstreamsOfARetriedRequest() throws {
        let extract = AttributeAction.extract(key: "upstream_addr", pattern: try RegularExpression(Self.upstream))
        let result = try Self.run([extract], on: [("upstream_addr", .string("127.0.0.1:24082, 127.0.0.1:24081"))])
        #expect(result.map(\.key) == ["upstream_addr", "upstream_primary", "upstream_secondary"])
        #expect(result.map(\.value.text).dropFirst() == ["127.0.0.1:24082", "127.0.0.1:24081"])
    }

    @Test func extractLeavesOtherKindsAndMismatchesAlone() throws {
        let extract = AttributeAction.extract(key: "a", pattern: try RegularExpression("(?P<b>x+)"))
        for value: AttributeConstant in [.int(7), .empty, .bool(true), .list([.string("x")]), .string("none")] {
            #expect(try Self.run([extract], on: [("a", value)]).map(\.key) == ["a"])
        }
        // A group named as the source replaces it.
        let itself = AttributeAction.extract(key: "a", pattern: try RegularExpression("(?P<a>x+)"))
        #expect(try Self.run([itself], on: [("a", .string("_xx_"))]).map(\.value.text) == ["xx"])
    }

    /// Scenario: values that are not valid UTF-8, as nginx really sends them.
    /// Guarantees: untouched they keep their bytes; extracting and hashing work on the bytes as they are.
    @Test func invalidUTF8() throws {
        let raw: [UInt8] = [0x2f, 0xff, 0xfe, 0x80, 0x41]
        let value = EditModel.encode([EditModel.message(1, raw)])
        let attribute = EditModel.attribute(9, .init(key: Array("t".utf8), value: value))
        let scope = EditModel.encode([EditModel.message(2, EditModel.encode([attribute]))])
        let request = EditModel.encode([EditModel.message(1, EditModel.encode([EditModel.message(2, scope)]))])
        let edits = AttributeEdits([
            .init(
                .items,
                actions: [
                    .extract(key: "t", pattern: try RegularExpression("^(?P<rest>(?s).\\C*)$")),
                    .upsert(key: "copy", from: .attribute("t")), .hash(key: "t", pattern: nil),
                ])
        ])
        let result = Self.items(try edits.apply(to: request, signal: .traces), field: 9)[0]
        #expect(result.map { String(decoding: $0.key, as: UTF8.self) } == ["t", "rest", "copy"])
        #expect(result[1].value == value)
        #expect(result[2].value == value)
        // printf '\x2f\xff\xfe\x80\x41' | sha256sum
        let hash = raw.withWireBytes { String(decoding: SHA256.hexDigest(of: $0), as: UTF8.self) }
        #expect(AttributeContentText(result[0].value).text == hash)
        #expect(hash == "c1202f32fb66c95428d4b5c2f3d7c1dd11990485dad774ef79d454115a86fcb9")
    }

    @Test(arguments: [
        (AttributeConstant.string("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (.string(""), ""),
        (.bool(true), "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"),
        (.bool(false), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (.int(1), "7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8"),
        (.double(1), "6c3c396ed6b5c36dcae172271f462051b1266b851e92df3deea8ac65478fd712"),
        (.empty, ""), (.list([.int(1)]), ""), (.map([]), ""),
    ])
    func hashes(value: AttributeConstant, expected: String) throws {
        let result = try Self.run([.hash(key: "a", pattern: nil)], on: [("a", value)])
        #expect(result.map(\.value) == [AttributeContentText(kind: 1, text: expected)])
    }

    @Test func deleteAndHashMeanEveryOccurrence() throws {
        let attributes: [(String, AttributeConstant)] = [("a", .string("x")), ("b", .int(1)), ("a", .int(2))]
        #expect(try Self.run([.delete(key: "a", pattern: nil)], on: attributes).map(\.key) == ["b"])
        let hashed = try Self.run([.hash(key: "a", pattern: nil)], on: attributes)
        #expect(hashed.map(\.value.text.count) == [64, 1, 64])
        let updated = try Self.run([.upsert(key: "a", from: .constant(.string("new")))], on: attributes)
        #expect(updated.map(\.value.text) == ["new", "1", "2"])
    }

    @Test(arguments: [
        (AttributeConstant.string("12"), Int64(12)), (.string("+7"), 7), (.string("-7"), -7), (.bool(true), 1),
        (.bool(false), 0), (.double(3.99), 3), (.double(-3.99), -3), (.double(1e30), .min),
    ])
    func convertsToInt(value: AttributeConstant, expected: Int64) throws {
        let result = try Self.run([.convert(key: "a", to: .int)], on: [("a", value)])
        #expect(result.map(\.value) == [AttributeContentText(kind: 3, text: "\(expected)")])
    }

    @Test(arguments: [
        (AttributeConstant.string("1.5"), 1.5), (.string("1e3"), 1000), (.string("-2"), -2), (.int(4), 4),
        (.bool(true), 1), (.string("0x1p4"), 16), (.string("-Inf"), -.infinity),
    ])
    func convertsToDouble(value: AttributeConstant, expected: Double) throws {
        let result = try Self.run([.convert(key: "a", to: .double)], on: [("a", value)])
        #expect(result.map(\.value) == [AttributeContentText(AttributeConstant.double(expected).encoded)])
    }

    @Test(arguments: [ConvertedType.int, .double], ["", "1x", " 1", "1e999", "0x1F", "none", "nan(1)", "+nan"])
    func unreadableNumbersStay(type: ConvertedType, text: String) throws {
        let result = try Self.run([.convert(key: "a", to: type)], on: [("a", .string(text))])
        #expect(result.map(\.value) == [AttributeContentText(kind: 1, text: text)])
    }

    @Test(arguments: [
        (AttributeConstant.int(-5), "-5"), (.bool(true), "true"), (.empty, ""), (.double(1), "1"),
        (.double(0.1), "0.1"), (.double(-0.5), "-0.5"), (.double(1e20), "100000000000000000000"),
        (.double(1e21), "1e+21"), (.double(1.5e300), "1.5e+300"), (.double(0.000001), "0.000001"),
        (.double(0.0000001), "1e-7"), (.double(1.25e-10), "1.25e-10"), (.double(123456.75), "123456.75"),
        (.double(.infinity), "json: unsupported value: +Inf"), (.double(.nan), "json: unsupported value: NaN"),
        (.list([.int(1), .string("a\"<b>\n"), .empty, .bool(false)]), "[1,\"a\\\"\\u003cb\\u003e\\n\",null,false]"),
        (.map([.init(key: "z", value: .double(2)), .init(key: "b", value: .list([]))]), "{\"b\":[],\"z\":2}"),
        (.list([.double(.nan)]), ""),
    ])
    func convertsToString(value: AttributeConstant, expected: String) throws {
        let result = try Self.run([.convert(key: "a", to: .string)], on: [("a", value)])
        #expect(result.map(\.value) == [AttributeContentText(kind: 1, text: expected)])
    }

    /// Scenario: values nested deeper than the engine looks.
    /// Guarantees: an error, not a stack overflow.
    @Test func deepValuesAreRefused() throws {
        var value = AttributeConstant.int(1)
        for _ in 0..<200 { value = .list([value]) }
        #expect(throws: WireError.nestedTooDeeply) {
            try Self.run([.convert(key: "a", to: .string)], on: [("a", value)])
        }
    }
}

/// A value's kind (its field number in AnyValue) and text, for comparing.
struct AttributeContentText: Equatable {
    let kind: UInt32
    let text: String

    init(kind: UInt32, text: String) {
        self.kind = kind
        self.text = text
    }

    init(_ value: [UInt8]) {
        kind = EditModel.kind(value)?.number ?? 0
        text = OracleValue(value).text
    }
}
