import ClickHouseNative

/// A value as a row holds it, whatever type carries it.
indirect enum CellValue: Hashable {
    case text([UInt8])
    /// A number, or a time in ticks of its type.
    case integer(Int128)
    /// By bits, so that NaN equals itself.
    case double(UInt64)
    case array([CellValue])
    /// Pairs in order.
    case map([[CellValue]])
    case null
    /// Expected only: nanoseconds since 1970, to be cut to the column's type.
    case time(UInt64)
}

extension CellValue: CustomStringConvertible {
    var description: String {
        switch self {
        case .text(let bytes): "\"" + String(decoding: bytes, as: UTF8.self) + "\""
        case .integer(let value): "\(value)"
        case .double(let bits): "\(Double(bitPattern: bits))"
        case .array(let values): "\(values)"
        case .map(let pairs): "{" + pairs.map { "\($0[0]): \($0[1])" }.joined(separator: ", ") + "}"
        case .null: "NULL"
        case .time(let nanos): "\(nanos) ns"
        }
    }

    /// The value as a column of `type` stores it.
    func stored(as type: ColumnType) -> CellValue {
        switch (self, type) {
        case (_, .nullable(let inner)), (_, .lowCardinality(let inner)): stored(as: inner)
        case (.time(let nanos), .dateTime64(let precision)):
            .integer(Int128(Int64(bitPattern: nanos) / (precision..<9).reduce(1) { value, _ in value * 10 }))
        case (.time(let nanos), .dateTime): .integer(min(Int128(nanos / 1_000_000_000), 0xffff_ffff))
        case (.time(let nanos), .int64): .integer(Int128(Int64(bitPattern: nanos)))
        case (.integer(let value), .int64): .integer(Int128(Int64(truncatingIfNeeded: value)))
        case (.array(let values), .array(let inner)): .array(values.map { $0.stored(as: inner) })
        case (.double(let bits), .float32): .double(Double(Float(Double(bitPattern: bits))).bitPattern)
        case (.text(let bytes), .fixedString(let count)):
            .text(bytes + Array(repeating: 0, count: count - bytes.count))
        default: self
        }
    }
}

/// Rows in ClickHouse's formats RowBinaryWithNamesAndTypes and RowBinary.
struct RowBinary {
    private(set) var names: [String] = []
    private(set) var types: [ColumnType] = []
    private(set) var rows: [[CellValue]] = []

    init(_ bytes: [UInt8]) throws {
        var reader = NativeReader(bytes)
        let columnCount = Int(try reader.readVarint())
        for _ in 0..<columnCount { names.append(try reader.readString()) }
        for _ in 0..<columnCount { types.append(try ColumnType(try reader.readString())) }
        try readRows(from: &reader)
    }

    /// - Parameter typeNames: of the columns, which the bytes do not tell.
    init(_ bytes: [UInt8], typeNames: [String]) throws {
        var reader = NativeReader(bytes)
        types = try typeNames.map { try ColumnType($0) }
        try readRows(from: &reader)
    }

    private mutating func readRows(from reader: inout NativeReader) throws {
        while !reader.isAtEnd {
            var row: [CellValue] = []
            for type in types { row.append(try Self.value(of: type, from: &reader)) }
            rows.append(row)
        }
    }

    private static func value(of type: ColumnType, from reader: inout NativeReader) throws -> CellValue {
        switch type {
        case .string: .text(Array(try reader.readBytes(Int(try reader.readVarint()))))
        case .fixedString(let count): .text(Array(try reader.readBytes(count)))
        case .uint8, .bool: .integer(Int128(try reader.readFixed(UInt8.self)))
        case .uint16, .date: .integer(Int128(try reader.readFixed(UInt16.self)))
        case .uint32, .dateTime: .integer(Int128(try reader.readFixed(UInt32.self)))
        case .uint64: .integer(Int128(try reader.readFixed(UInt64.self)))
        case .int8: .integer(Int128(try reader.readFixed(Int8.self)))
        case .int16: .integer(Int128(try reader.readFixed(Int16.self)))
        case .int32: .integer(Int128(try reader.readFixed(Int32.self)))
        case .int64, .dateTime64: .integer(Int128(try reader.readFixed(Int64.self)))
        case .float32: .double(Double(Float(bitPattern: try reader.readFixed())).bitPattern)
        case .float64: .double(try reader.readFixed())
        case .enum8(let cases): word(of: Int16(try reader.readFixed(Int8.self)), in: cases)
        case .enum16(let cases): word(of: try reader.readFixed(), in: cases)
        case .lowCardinality(let inner): try value(of: inner, from: &reader)
        case .nullable(let inner): try reader.readByte() == 1 ? .null : try value(of: inner, from: &reader)
        case .array(let inner):
            .array(try (0..<Int(try reader.readVarint())).map { _ in try value(of: inner, from: &reader) })
        case .map(let key, let value):
            .map(
                try (0..<Int(try reader.readVarint())).map { _ in
                    [try Self.value(of: key, from: &reader), try Self.value(of: value, from: &reader)]
                })
        case .uuid, .tuple: throw NativeProtocolError.malformed("no such values here")
        }
    }

    private static func word(of value: Int16, in cases: [ColumnType.EnumCase]) -> CellValue {
        .text(Array(cases.first { $0.value == value }?.name.utf8 ?? "".utf8))
    }
}
