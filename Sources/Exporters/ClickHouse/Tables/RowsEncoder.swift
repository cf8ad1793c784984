import ClickHouseNative
import OTLP
import Synchronization

/// The encoder around a table's rows: what is the same for all tables.
final class RowsEncoder<Rows: TableRows & ~Copyable>: TableEncoder {
    private struct State: ~Copyable {
        var rows: Rows
        /// What the columns are prepared for.
        var header = TableHeader()
    }

    let columnNames: [String]
    let optionalColumnNames: [String]
    private let tableName: String
    private let state: Mutex<State>

    init(_ rows: consuming sending Rows, tableName: String) {
        var names = ColumnNames()
        do {
            try rows.visit(&names)
        } catch {
            preconditionFailure("naming columns cannot fail: \(error)")
        }
        (columnNames, optionalColumnNames) = (names.required, names.optional)
        self.tableName = tableName
        state = Mutex(State(rows: rows))
    }

    var rowCount: Int { state.withLock { $0.rows.rowCount } }

    func prepare(header block: NativeBlock) throws(ClickHouseError) {
        let header = TableHeader(block)
        try state.withLock { (state) throws(ClickHouseError) in
            // An empty header is that of no table: preparation names what is missing.
            if header == state.header, !header.typeNames.isEmpty { return Self.clear(&state.rows) }
            state.header = TableHeader()
            var preparation = ColumnPreparation(tableName: tableName, header: header)
            try state.rows.visit(&preparation)
            state.header = header
        }
    }

    func append(_ request: [UInt8], onlyDay: UInt32?) throws(WireError) {
        try state.withLock { (state) throws(WireError) in
            try request.withWireBytes { (wire) throws(WireError) in
                try state.rows.append(wire, onlyDay: onlyDay)
            }
        }
    }

    func finishBlock(to output: inout BlockOutput) throws(ClickHouseError) {
        try state.withLock { (state) throws(ClickHouseError) in
            defer { Self.clear(&state.rows) }
            let columnCount = columnNames.count + optionalColumnNames.count { state.header.typeNames[$0] != nil }
            output.append(
                NativeBlock.head(
                    columnCount: columnCount, rowCount: state.rows.rowCount, revision: output.revision))
            var writer = BlockWriter(
                tableName: tableName, header: state.header, rowCount: state.rows.rowCount,
                output: BlockOutput(revision: output.revision, compression: .none))
            swap(&writer.output, &output)
            defer { swap(&writer.output, &output) }
            try state.rows.visit(&writer)
        }
    }

    func removeAll() { state.withLock { Self.clear(&$0.rows) } }

    private static func clear(_ rows: inout Rows) {
        var clearing = ColumnClearing()
        do {
            try rows.visit(&clearing)
        } catch {
            preconditionFailure("clearing columns cannot fail: \(error)")
        }
    }
}

/// Writes each column that the server asks for.
struct BlockWriter: ColumnVisitor, ~Copyable {
    let tableName: String
    let header: TableHeader
    let rowCount: Int
    var output: BlockOutput

    mutating func visit<Column: EncodedColumn & ~Copyable>(
        _ name: String, isOptional: Bool, _ column: inout Column
    ) throws(ClickHouseError) {
        guard let typeName = header.typeNames[name] else { return }
        precondition(column.rowCount == rowCount, "column \(name) has \(column.rowCount) rows of \(rowCount)")
        if let fault = column.fault {
            throw .encoding("table \(tableName): column \(name) of type \(typeName) cannot hold \(fault)")
        }
        output.append(NativeBlock.columnHead(name: name, typeName: typeName, revision: output.revision))
        guard rowCount > 0 else { return }
        column.appendPrefix(to: &output)
        column.appendData(to: &output)
    }
}
