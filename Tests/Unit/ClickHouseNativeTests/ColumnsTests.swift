import Testing

@testable import ClickHouseNative

/// Columns have exactly the bytes that the server reads.
struct ColumnsTests {
    private static func u64(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }

    private static func text(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }

    /// What the column sends: prefix, then data.
    private static func bytes<Column: EncodedColumn & ~Copyable>(of column: borrowing Column) -> [UInt8] {
        var output = BlockOutput(revision: Revision.client, compression: .none)
        column.appendPrefix(to: &output)
        column.appendData(to: &output)
        #expect(throws: Never.self) { try output.endBlock() }
        return output.bytes
    }

    private static func append(_ texts: [String], to column: inout TextColumn) {
        for text in texts { append(Array(text.utf8), to: &column) }
    }

    private static func append(_ bytes: [UInt8], to column: inout TextColumn) {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            var none: UInt8 = 0
            if let address = buffer.baseAddress {
                unsafe column.append(address, count: buffer.count)
            } else {
                unsafe column.append(&none, count: 0)
            }
        }
    }

    private static func prepared(_ type: String) throws -> TextColumn {
        var column = TextColumn()
        #expect(column.prepare(for: try ColumnType(type)))
        return column
    }

    /// Scenario: the rows a, b, a and an empty one in each type that holds text.
    /// Guarantees: the wire form of the type.
    @Test(
        "text columns",
        arguments: [
            "String", "Nullable(String)", "LowCardinality(String)", "LowCardinality(Nullable(String))",
            "FixedString(3)",
        ])
    func textColumns(type: String) throws {
        var column = try Self.prepared(type)
        Self.append(["a", "b", "a", ""], to: &column)
        let dictionary = Self.text("a") + Self.text("b") + Self.text("")
        let expected: [String: [UInt8]] = [
            "String": [1, 0x61, 1, 0x62, 1, 0x61, 0],
            "Nullable(String)": [0, 0, 0, 0, 1, 0x61, 1, 0x62, 1, 0x61, 0],
            "LowCardinality(String)": Self.u64(1) + Self.u64(0x600) + Self.u64(3) + dictionary + Self.u64(4) + [
                0, 1, 0, 2,
            ],
            "LowCardinality(Nullable(String))": Self.u64(1) + Self.u64(0x600) + Self.u64(4) + [0] + dictionary
                + Self.u64(4) + [1, 2, 1, 3],
            "FixedString(3)": [0x61, 0, 0, 0x62, 0, 0, 0x61, 0, 0, 0, 0, 0],
        ]
        #expect(Self.bytes(of: column) == expected[type])
        #expect(column.fault == nil)
        // A column that is used again knows nothing of its first life.
        let first = Self.bytes(of: column)
        column.removeAll()
        Self.append(["a", "b", "a", ""], to: &column)
        #expect(Self.bytes(of: column) == first)
    }

    /// Scenario: dictionaries around the sizes at which indexes grow.
    /// Guarantees: the narrowest width that holds all indexes.
    @Test("index widths", arguments: [(256, 0, 1), (257, 1, 2), (65_536, 1, 2), (65_537, 2, 4)])
    func indexWidths(distinctCount: Int, code: UInt64, width: Int) throws {
        var column = try Self.prepared("LowCardinality(String)")
        var entryBytes = 0
        for number in 0..<distinctCount {
            let text = Array("\(number)".utf8)
            entryBytes += 1 + text.count
            Self.append(text, to: &column)
        }
        let bytes = Self.bytes(of: column)
        #expect(Array(bytes[8..<16]) == Self.u64(0x600 | code))
        #expect(Array(bytes[16..<24]) == Self.u64(UInt64(distinctCount)))
        #expect(bytes.count == 24 + entryBytes + 8 + distinctCount * width)
        let last = (0..<width).map { UInt8(truncatingIfNeeded: (distinctCount - 1) >> ($0 * 8)) }
        #expect(Array(bytes.suffix(width)) == last)
    }

    @Test("a text longer than its FixedString is a fault")
    func fixedStringFault() throws {
        var column = try Self.prepared("FixedString(2)")
        Self.append(["abc"], to: &column)
        #expect(column.fault == "a text of 3 bytes")
        column.removeAll()
        #expect(column.fault == nil)
    }

    @Test("a map is offsets, keys, values")
    func map() throws {
        var column = MapColumn()
        #expect(column.prepare(for: try ColumnType("Map(LowCardinality(String), String)")))
        Self.append(["a", "b"], to: &column.keys)
        Self.append(["1", "2"], to: &column.values)
        column.endRow()
        column.endRow()
        Self.append(["a"], to: &column.keys)
        Self.append(["3"], to: &column.values)
        column.endRow()
        let offsets = Self.u64(2) + Self.u64(2) + Self.u64(3)
        let keys = Self.u64(0x600) + Self.u64(2) + Self.text("a") + Self.text("b") + Self.u64(3) + [0, 1, 0]
        let values = Self.text("1") + Self.text("2") + Self.text("3")
        #expect(Self.bytes(of: column) == Self.u64(1) + offsets + keys + values)
    }

    /// Scenario: rows that many share, behind others, in columns with and without dictionaries.
    /// Guarantees: the bytes of the row appended each time; no rows are no bytes.
    @Test(
        "a shared row is the row again and again",
        arguments: ["Map(LowCardinality(String), String)", "Map(String, LowCardinality(String))"], [0, 1, 2, 3, 100])
    func sharedRow(type: String, rows: Int) throws {
        func fill(_ column: inout MapColumn) {
            Self.append(["key", "k"], to: &column.keys)
            Self.append(["value", ""], to: &column.values)
        }
        var shared = MapColumn()
        var plain = MapColumn()
        #expect(shared.prepare(for: try ColumnType(type)))
        #expect(plain.prepare(for: try ColumnType(type)))
        for _ in 0..<2 {
            shared.append(rows: rows) { fill(&$0) }
            shared.append(rows: 1) { _ in }
            for _ in 0..<rows {
                fill(&plain)
                plain.endRow()
            }
            plain.endRow()
        }
        #expect(shared.rowCount == 2 * rows + 2)
        #expect(Self.bytes(of: shared) == Self.bytes(of: plain))
    }

    @Test(
        "a shared text is the text again and again",
        arguments: ["String", "LowCardinality(String)", "FixedString(9)", "Nullable(String)"], [0, 1, 2, 77])
    func sharedText(type: String, rows: Int) throws {
        var shared = try Self.prepared(type)
        var plain = try Self.prepared(type)
        for text in ["ab", "", "abcdefghi"] {
            unsafe Array(text.utf8).withUnsafeBufferPointer { buffer in
                if let address = buffer.baseAddress {
                    unsafe shared.append(address, count: buffer.count, rows: rows)
                } else {
                    var none: UInt8 = 0
                    unsafe shared.append(&none, count: 0, rows: rows)
                }
            }
            Self.append(Array(repeating: text, count: rows), to: &plain)
        }
        #expect(shared.rowCount == 3 * rows)
        #expect(Self.bytes(of: shared) == Self.bytes(of: plain))
    }

    @Test(
        "a text written in place is the text",
        arguments: ["String", "LowCardinality(String)", "FixedString(9)", "Nullable(String)"])
    func textInPlace(type: String) throws {
        var inPlace = try Self.prepared(type)
        var plain = try Self.prepared(type)
        for byteCount in [0, 1, 9] {
            unsafe inPlace.append(countMax: 40) { text in
                for index in 0..<byteCount { unsafe text[index] = 0x61 }
                return byteCount
            }
            Self.append([String(repeating: "a", count: byteCount)], to: &plain)
        }
        #expect(Self.bytes(of: inPlace) == Self.bytes(of: plain))
    }

    @Test("an array of dictionary texts has its prefix first")
    func array() throws {
        var column = ArrayColumn(of: TextColumn())
        #expect(column.prepare(for: try ColumnType("Array(LowCardinality(String))")))
        Self.append(["x", "x"], to: &column.elements)
        column.endRow()
        column.endRow()
        let elements = Self.u64(0x600) + Self.u64(1) + Self.text("x") + Self.u64(2) + [0, 0]
        #expect(Self.bytes(of: column) == Self.u64(1) + Self.u64(2) + Self.u64(2) + elements)
    }

    @Test("words become an Enum's values or texts")
    func words() throws {
        var column = WordColumn(["Unset", "Ok"])
        #expect(column.prepare(for: try ColumnType("Enum8('Ok' = -3, 'Unset' = 5)")))
        column.append(0)
        column.append(1)
        #expect(Self.bytes(of: column) == [5, 0xfd])
        column.append(9)
        #expect(column.fault != nil)
        #expect(column.prepare(for: try ColumnType("LowCardinality(String)")))
        for position in [1, 1, 9] { column.append(position) }
        #expect(column.fault == nil)
        #expect(
            Self.bytes(of: column) == Self.u64(1) + Self.u64(0x600) + Self.u64(2) + Self.text("Ok") + [0] + Self.u64(3)
                + [0, 0, 1])
        #expect(!column.prepare(for: try ColumnType("Enum8('Ok' = 1)")))
    }

    /// Scenario: a time of 1.5 s and some nanoseconds, one before 1970 and one after 2106, in all types that hold
    /// times.
    @Test(
        "times",
        arguments: [
            ("DateTime64(9)", 1_500_000_001, 8, 1_500_000_001), ("DateTime64(3)", 1_500_000_001, 8, 1500),
            ("DateTime64(0)", -3_000_000_000, 8, -3), ("DateTime", 1_500_000_001, 4, 1),
            ("DateTime", Int64.max, 4, 0xffff_ffff), ("Date", 86_400_000_000_000 * 3 + 5, 2, 3),
            ("Nullable(DateTime)", 1_500_000_001, 4, 1),
        ] as [(String, Int64, Int, Int64)])
    func times(type: String, nanos: Int64, width: Int, ticks: Int64) throws {
        var column = NumberColumn()
        #expect(column.prepare(for: try ColumnType(type)))
        column.append(unixNanos: UInt64(bitPattern: nanos))
        let nulls: [UInt8] = type.hasPrefix("Nullable") ? [0] : []
        #expect(
            Self.bytes(of: column) == nulls + (0..<width).map { UInt8(truncatingIfNeeded: ticks >> (Int64($0) * 8)) })
    }

    /// Scenario: many random byte strings of all lengths, most of them several times.
    /// Guarantees: equal strings share a number, others never do; numbers count up from 0.
    @Test("the dictionary tells strings apart", arguments: 1...4 as ClosedRange<UInt64>)
    func dictionary(seed: UInt64) {
        var state = seed
        func random(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        var dictionary = StringDictionary()
        var model: [[UInt8]: UInt32] = [:]
        for _ in 0..<20_000 {
            let byteCount = random(40)
            // Few values a byte, and all alike but one: strings that differ little.
            var bytes = Array(repeating: UInt8(0x61), count: Int(byteCount))
            for _ in 0..<random(3) where !bytes.isEmpty { bytes[Int(random(byteCount))] = UInt8(random(4)) }
            let expected = model[bytes] ?? UInt32(model.count)
            model[bytes] = expected
            let found = unsafe (bytes + [0]).withUnsafeBufferPointer { buffer in
                unsafe dictionary.index(of: buffer.baseAddress!, count: bytes.count)
            }
            #expect(found == expected)
        }
        #expect(dictionary.count == model.count)
    }
}
