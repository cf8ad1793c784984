import ClickHouseNative
import Component
import OTLP
import Synchronization

/// The rows of one insert: a batch's rows of one table, or those of them that belong to one day.
final class TableBlock: Sendable {
    private struct State {
        var rowCount = 0
        var isEncoded = false
        var wireError: WireError?
    }

    let table: ClickHouseTable
    private let batch: Batch
    private let day: UInt32?
    private let encoder: any TableEncoder
    private let state = Mutex(State())

    /// - Parameter encoder: this block's alone until it is stored.
    init(table: ClickHouseTable, batch: Batch, day: UInt32?, encoder: any TableEncoder) {
        self.table = table
        self.batch = batch
        self.day = day
        self.encoder = encoder
    }

    /// The same for every attempt at the same rows, and for no other rows.
    var deduplicationToken: String { "\(batch.id)-\(table.rawValue)" + (day.map { "-\($0)" } ?? "") }

    /// Rows of the block that was written last.
    var rowCount: Int { state.withLock(\.rowCount) }

    /// Whether the batch has no rows for this insert, for which `write` throws.
    var isEmpty: Bool { state.withLock { $0.isEncoded && $0.rowCount == 0 } }

    /// The INSERT, for the columns that this version writes and the table has.
    ///
    /// - Parameter columns: the table's; a missing one is named all the same, for the server to complain of it.
    func statement(into qualifiedName: String, columns: [NativeBlock.Column]) -> InsertStatement {
        let byName = Dictionary(columns.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let required = encoder.columnNames.map { byName[$0] ?? NativeBlock.Column(name: $0, typeName: "") }
        return InsertStatement(
            table: qualifiedName, columns: required + encoder.optionalColumnNames.compactMap { byName[$0] })
    }

    /// Writes the block for the types in `header`.
    ///
    /// - Throws: `.encoding` where the header's types or columns cannot be written, a value does not fit, or there are
    ///   no rows; `failure` tells which.
    func write(header: NativeBlock, to output: inout BlockOutput) throws(ClickHouseError) {
        try encoder.prepare(header: header)
        do {
            for payload in batch.payloads { try encoder.append(payload, onlyDay: day) }
        } catch {
            state.withLock { $0.wireError = error }
            throw .encoding("the request cannot be read: \(error)")
        }
        let rowCount = encoder.rowCount
        state.withLock { state in
            state.rowCount = rowCount
            state.isEncoded = true
        }
        guard rowCount > 0 else { throw .encoding("no rows") }
        try encoder.finishBlock(to: &output)
    }

    /// What an error of this insert means.
    func failure(_ error: ClickHouseError, tableName: String) -> InsertFailure {
        let sawRows = state.withLock { $0.isEncoded || $0.wireError != nil }
        return InsertFailure(error, subject: "table \(tableName)", sawData: sawRows)
    }
}

/// The encoders that are not in use: they keep their memory for the next batch.
final class EncoderPool: Sendable {
    private let idle = Mutex<[ClickHouseTable: [any TableEncoder]]>([:])

    func take(_ table: ClickHouseTable, tableName: String) -> any TableEncoder {
        idle.withLock { $0[table]?.popLast() } ?? table.makeEncoder(tableName: tableName)
    }

    func giveBack(_ encoder: any TableEncoder, of table: ClickHouseTable) {
        encoder.removeAll()
        idle.withLock { $0[table, default: []].append(encoder) }
    }
}
