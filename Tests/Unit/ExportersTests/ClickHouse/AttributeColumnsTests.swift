import ClickHouseNative
import OTLP
import TestSupport
import Testing

@testable import Exporters

/// Attributes that are appended in runs become the rows that they become one by one.
@Suite struct AttributeColumnsTests {
    private static let tag: UInt8 = 0x4a

    /// Scenario: rows of attributes that mostly have the keys of the row before, with keys and values of all kinds and
    /// lengths, others between them, and fields of other numbers.
    /// Guarantees: the column's bytes are the same whether a run or a single attribute is appended at a time.
    @Test(
        arguments: ["Map(LowCardinality(String), String)", "Map(String, LowCardinality(String))"],
        Seeds.regression + Seeds.fresh(count: 8))
    func runs(type: String, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var runs = MapColumn()
        var single = MapColumn()
        for _ in 0..<3 {
            #expect(runs.prepare(for: try ColumnType(type)))
            #expect(single.prepare(for: try ColumnType(type)))
            var scratch: [UInt8] = []
            var shape = Self.keys(&random)
            for _ in 0..<random.int(in: 1...200) {
                if random.oneIn(20) { shape = Self.keys(&random) }
                let message = Self.message(shape, &random)
                try message.withWireBytes { (bytes) throws(WireError) in
                    var cursor = WireCursor(bytes)
                    while true {
                        try runs.append(attributesAt: &cursor, tag: Self.tag, scratch: &scratch)
                        guard try cursor.nextField() != nil else { break }
                    }
                    cursor = WireCursor(bytes)
                    while let field = try cursor.nextField() {
                        if field.number == 9 { try single.append(keyValue: field.bytes, scratch: &scratch) }
                    }
                }
                runs.endRow()
                single.endRow()
            }
            let written = try Self.bytes(of: runs)
            let expected = try Self.bytes(of: single)
            #expect(written == expected)
            #expect(runs.keys.rowCount == single.keys.rowCount)
        }
    }

    private static func keys(_ random: inout SeededRandom) -> [[UInt8]] {
        (0..<random.int(in: 0...16)).map { _ in
            random.bytes(random.oneIn(8) ? random.int(in: 100...140) : random.int(in: 0...40))
        }
    }

    private static func message(_ shape: [[UInt8]], _ random: inout SeededRandom) -> [UInt8] {
        var writer = WireWriter()
        for key in shape where !random.oneIn(30) {
            if random.oneIn(20) { writer.writeVarint(6, 7) }
            let attribute = Self.attribute(random.oneIn(30) ? random.bytes(12) : key, &random)
            writer.writeBytes(9, attribute)
        }
        if random.oneIn(2) { writer.writeBytes(15, random.bytes(random.int(in: 0...40))) }
        return writer.bytes
    }

    private static func attribute(_ key: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var value = WireWriter()
        switch random.int(in: 0...9) {
        case 0...4: value.writeBytes(AnyValueField.stringValue, random.bytes(random.int(in: 0...132)))
        case 5...6: value.writeVarint(AnyValueField.intValue, random.next() >> UInt64(random.int(in: 0...63)))
        case 7:
            value.writeVarint(AnyValueField.intValue, UInt64(random.element(of: [0, 9, 10, 99_999_999, 100_000_000])))
        case 8: value.writeDouble(AnyValueField.doubleValue, Double(random.int(in: -9...9)) / 4)
        default: if random.oneIn(2) { value.writeVarint(AnyValueField.boolValue, 1) }
        }
        var writer = WireWriter()
        writer.writeBytes(KeyValueField.key, key)
        if !random.oneIn(40) { writer.writeBytes(KeyValueField.value, value.bytes) }
        return writer.bytes
    }

    private static func bytes(of column: borrowing MapColumn) throws(ClickHouseError) -> [UInt8] {
        var output = BlockOutput(revision: Revision.client, compression: .none)
        column.appendPrefix(to: &output)
        column.appendData(to: &output)
        try output.endBlock()
        return output.bytes
    }
}
