import ClickHouseNative
import Testing

/// Types of real tables are read and written back unchanged; others are refused by name.
@Suite struct ColumnTypeTests {
    @Test(
        arguments: [
            "DateTime64(9)", "LowCardinality(String)", "Map(LowCardinality(String), String)",
            "Array(Map(LowCardinality(String), String))", "LowCardinality(Nullable(String))", "Nullable(UInt64)",
            "Array(DateTime64(9))", "FixedString(16)", "Enum8('a' = 1, 'b' = -2)", "Tuple(String, UInt8)", "Bool",
            "UUID",
        ])
    func knownTypes(text: String) throws {
        #expect(try ColumnType(text).description == text)
    }

    @Test func variants() throws {
        #expect(try ColumnType("DateTime('UTC')") == .dateTime)
        #expect(try ColumnType("DateTime64(3, 'Europe/Berlin')") == .dateTime64(precision: 3))
        #expect(try ColumnType("SimpleAggregateFunction(min, DateTime)") == .dateTime)
        #expect(try ColumnType("Tuple(a String, b UInt8)") == .tuple([.string, .uint8]))
    }

    @Test(arguments: ["JSON", "Map(String", "Array()", "", "DateTime64", "String)", "Decimal(9, 2)"])
    func unknownTypes(text: String) {
        #expect(throws: ColumnType.Unsupported.self) { try ColumnType(text) }
    }
}
