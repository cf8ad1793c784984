/// A block as the server sends it: named, typed columns of equal length.
///
/// ```
/// 01 is_overflows:u8 02 bucket:i32 00     block info, from revision 51903 on
/// columns:UVarInt rows:UVarInt
/// per column: name:String type:String [has_custom:u8 from 54454 on] and, only if rows > 0: state prefixes, then data
/// ```
package struct NativeBlock: Sendable {
    package struct Column: Sendable {
        package var name: String
        /// The type as the server wrote it.
        package var typeName: String
        package var values: ColumnValues

        package init(name: String, typeName: String, values: ColumnValues = .none) {
            self.name = name
            self.typeName = typeName
            self.values = values
        }
    }

    package var columns: [Column]
    package var rowCount: Int

    package init(columns: [Column], rowCount: Int) {
        self.columns = columns
        self.rowCount = rowCount
    }

    package subscript(column name: String) -> ColumnValues? { columns.first { $0.name == name }?.values }

    /// Reads a block; `isFramed` says that compression was turned on for the query.
    package static func read(
        from reader: inout NativeReader, revision: UInt64, isFramed: Bool
    ) throws(NativeProtocolError) -> NativeBlock {
        guard isFramed else { return try readBare(from: &reader, revision: revision) }
        var expanded = try CompressedFrame.read(from: &reader)
        while true {
            var inner = NativeReader(expanded)
            do {
                let block = try readBare(from: &inner, revision: revision)
                guard inner.isAtEnd else { throw NativeProtocolError.malformed("bytes after a block") }
                return block
            } catch NativeProtocolError.incomplete {
                // The block goes on in the next frame.
                expanded.append(contentsOf: try CompressedFrame.read(from: &reader))
                guard expanded.count <= CompressedFrame.frameBytesMax else { throw .malformed("a block too large") }
            } catch let error as NativeProtocolError {
                throw error
            } catch {
                throw .malformed("\(error)")
            }
        }
    }

    private static func readBare(
        from reader: inout NativeReader, revision: UInt64
    ) throws(NativeProtocolError) -> NativeBlock {
        try readInfo(from: &reader)
        let columnCount = try reader.readCount(atMost: NativeReader.columnCountMax, of: "columns")
        let rowCount = try reader.readCount(atMost: NativeReader.rowCountMax, of: "rows")
        var columns: [Column] = []
        for _ in 0..<columnCount {
            let name = try reader.readString()
            let typeName = try reader.readString()
            if revision >= Revision.customSerialization, try reader.readByte() != 0 {
                throw .malformed("column \(name) comes in a custom serialization that was not asked for")
            }
            let values: ColumnValues
            if rowCount == 0 {
                values = .none
            } else {
                do {
                    values = try ColumnValues.read(
                        from: &reader, type: ColumnType(typeName), rowCount: rowCount)
                } catch let error as NativeProtocolError {
                    throw error
                } catch {
                    throw .malformed("column \(name): \(error)")
                }
            }
            columns.append(Column(name: name, typeName: typeName, values: values))
        }
        return NativeBlock(columns: columns, rowCount: rowCount)
    }

    private static func readInfo(from reader: inout NativeReader) throws(NativeProtocolError) {
        while true {
            switch try reader.readVarint() {
            case 0: return
            case 1: _ = try reader.readByte()
            case 2: let _: Int32 = try reader.readFixed()
            case let field: throw .malformed("unknown block info field \(field)")
            }
        }
    }

    /// The block info, which the format has only within the protocol, column count and row count that open a block to be
    /// sent.
    package static func head(columnCount: Int, rowCount: Int, revision: UInt64) -> [UInt8] {
        var writer = NativeWriter()
        if revision > 0 {
            for byte: UInt8 in [1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0] { writer.append(byte) }
        }
        writer.append(varint: UInt64(columnCount))
        writer.append(varint: UInt64(rowCount))
        return writer.bytes
    }

    /// The name and type that open a column to be sent.
    package static func columnHead(name: String, typeName: String, revision: UInt64) -> [UInt8] {
        var writer = NativeWriter()
        writer.append(string: name)
        writer.append(string: typeName)
        if revision >= Revision.customSerialization { writer.append(0) }
        return writer.bytes
    }

    /// The block without columns or rows that ends an INSERT's data.
    package static let emptyBytes = head(columnCount: 0, rowCount: 0, revision: Revision.client)
}

/// The values of a received column: what answers to this client's own questions need.
package enum ColumnValues: Sendable {
    case none
    case strings([String])
    case unsigned([UInt64])
    case signed([Int64])
    /// Read past, because nobody asks for such values.
    case skipped

    package var strings: [String] { if case .strings(let values) = self { values } else { [] } }
    package var unsigned: [UInt64] { if case .unsigned(let values) = self { values } else { [] } }

    static func read(
        from reader: inout NativeReader, type: ColumnType, rowCount: Int
    ) throws(NativeProtocolError) -> ColumnValues {
        try skipPrefixes(of: type, from: &reader)
        return try readData(from: &reader, type: type, rowCount: rowCount)
    }

    private static func skipPrefixes(of type: ColumnType, from reader: inout NativeReader) throws(NativeProtocolError) {
        switch type {
        case .lowCardinality:
            let version: UInt64 = try reader.readFixed()
            guard version == 1 else { throw .malformed("LowCardinality keys version \(version)") }
        case .nullable(let inner), .array(let inner): try skipPrefixes(of: inner, from: &reader)
        case .tuple(let inner): for type in inner { try skipPrefixes(of: type, from: &reader) }
        case .map(let key, let value):
            try skipPrefixes(of: key, from: &reader)
            try skipPrefixes(of: value, from: &reader)
        default: break
        }
    }

    private static func readData(
        from reader: inout NativeReader, type: ColumnType, rowCount: Int
    ) throws(NativeProtocolError) -> ColumnValues {
        switch type {
        case .string:
            var values: [String] = []
            for _ in 0..<rowCount { values.append(try reader.readString()) }
            return .strings(values)
        case .uint8, .bool: return .unsigned(try fixed(UInt8.self, rowCount, from: &reader).map(UInt64.init))
        case .uint16, .date: return .unsigned(try fixed(UInt16.self, rowCount, from: &reader).map(UInt64.init))
        case .uint32, .dateTime: return .unsigned(try fixed(UInt32.self, rowCount, from: &reader).map(UInt64.init))
        case .uint64: return .unsigned(try fixed(UInt64.self, rowCount, from: &reader))
        case .int8, .enum8: return .signed(try fixed(Int8.self, rowCount, from: &reader).map(Int64.init))
        case .int16, .enum16: return .signed(try fixed(Int16.self, rowCount, from: &reader).map(Int64.init))
        case .int32: return .signed(try fixed(Int32.self, rowCount, from: &reader).map(Int64.init))
        case .int64, .dateTime64: return .signed(try fixed(Int64.self, rowCount, from: &reader))
        case .float32: return try skip(rowCount * 4, from: &reader)
        case .float64: return try skip(rowCount * 8, from: &reader)
        case .uuid: return try skip(rowCount * 16, from: &reader)
        case .fixedString(let count):
            let (byteCount, isTooMuch) = rowCount.multipliedReportingOverflow(by: max(0, count))
            guard !isTooMuch else { throw .malformed("a FixedString of \(count) bytes") }
            return try skip(byteCount, from: &reader)
        case .nullable(let inner):
            _ = try reader.readBytes(rowCount)
            return try readData(from: &reader, type: inner, rowCount: rowCount)
        case .lowCardinality(let inner): return try readLowCardinality(from: &reader, type: inner, rowCount: rowCount)
        case .array(let inner):
            _ = try readData(from: &reader, type: inner, rowCount: try lastOffset(rowCount, from: &reader))
            return .skipped
        case .tuple(let inner):
            for type in inner { _ = try readData(from: &reader, type: type, rowCount: rowCount) }
            return .skipped
        case .map(let key, let value):
            let count = try lastOffset(rowCount, from: &reader)
            _ = try readData(from: &reader, type: key, rowCount: count)
            _ = try readData(from: &reader, type: value, rowCount: count)
            return .skipped
        }
    }

    private static func fixed<Value: FixedWidthInteger>(
        _ type: Value.Type, _ rowCount: Int, from reader: inout NativeReader
    ) throws(NativeProtocolError) -> [Value] {
        guard reader.remaining >= rowCount * (Value.bitWidth / 8) else { throw .incomplete }
        var values: [Value] = []
        values.reserveCapacity(rowCount)
        for _ in 0..<rowCount { values.append(try reader.readFixed()) }
        return values
    }

    private static func skip(_ count: Int, from reader: inout NativeReader) throws(NativeProtocolError) -> ColumnValues
    {
        _ = try reader.readBytes(count)
        return .skipped
    }

    private static func lastOffset(_ rowCount: Int, from reader: inout NativeReader) throws(NativeProtocolError) -> Int
    {
        let offsets = try fixed(UInt64.self, rowCount, from: &reader)
        guard let last = offsets.last else { return 0 }
        guard last <= UInt64(NativeReader.rowCountMax) else { throw .malformed("array of \(last) elements") }
        return Int(last)
    }

    private static func readLowCardinality(
        from reader: inout NativeReader, type: ColumnType, rowCount: Int
    ) throws(NativeProtocolError) -> ColumnValues {
        if rowCount == 0 { return .strings([]) }
        let flags: UInt64 = try reader.readFixed()
        let dictionaryCount: UInt64 = try reader.readFixed()
        guard dictionaryCount <= UInt64(NativeReader.rowCountMax) else { throw .malformed("LowCardinality dictionary") }
        var inner = type
        // A nullable dictionary has no null map: its entry 0 stands for NULL.
        if case .nullable(let wrapped) = type { inner = wrapped }
        let dictionary = try readData(from: &reader, type: inner, rowCount: Int(dictionaryCount))
        let count: UInt64 = try reader.readFixed()
        guard count == UInt64(rowCount) else { throw .malformed("LowCardinality row count") }
        let indexes: [Int]
        switch flags & 0xff {
        case 0: indexes = try fixed(UInt8.self, rowCount, from: &reader).map(Int.init)
        case 1: indexes = try fixed(UInt16.self, rowCount, from: &reader).map(Int.init)
        case 2: indexes = try fixed(UInt32.self, rowCount, from: &reader).map(Int.init)
        case 3: indexes = try fixed(UInt64.self, rowCount, from: &reader).map { Int(clamping: $0) }
        default: throw .malformed("LowCardinality index width")
        }
        guard case .strings(let entries) = dictionary else { return .skipped }
        var values: [String] = []
        for index in indexes {
            guard index < entries.count else { throw .malformed("LowCardinality index") }
            values.append(entries[index])
        }
        return .strings(values)
    }
}
