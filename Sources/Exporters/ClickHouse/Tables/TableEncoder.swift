package import ClickHouseNative
package import OTLP

/// Turns export requests into blocks of one table, straight from the wire bytes into reused column buffers.
///
/// Use: `prepare` with the header that the server sends for the INSERT, `append` each request, `finishBlock`. An
/// encoder keeps its memory, so a pool of them serves all batches; it locks for the length of each call, and is used
/// by one batch at a time.
package protocol TableEncoder: AnyObject, Sendable {
    /// The columns that an INSERT must name.
    var columnNames: [String] { get }
    /// Columns that an INSERT names where the table has them.
    var optionalColumnNames: [String] { get }
    /// Rows appended since the last `removeAll`, `prepare` or `finishBlock`.
    var rowCount: Int { get }

    /// Chooses the columns' encodings by the types that the server asks for, and forgets all rows.
    ///
    /// - Throws: `.encoding`, naming table, column and type, where a column is missing or its type cannot hold the
    /// values.
    func prepare(header: NativeBlock) throws(ClickHouseError)

    /// Appends the rows of a canonical request of the table's signal; of metrics, those of the table's kind.
    ///
    /// - Parameter onlyDay: appends only the rows of that partition: days since 1970; nil for all.
    /// - Throws: where the bytes are not such a request. Rows are half appended then: `removeAll` must follow.
    func append(_ request: [UInt8], onlyDay: UInt32?) throws(WireError)

    /// Writes the rows as a block, and forgets them.
    ///
    /// - Throws: `.encoding` where a value does not fit its column's type, such as a text longer than a FixedString.
    func finishBlock(to output: inout BlockOutput) throws(ClickHouseError)

    func removeAll()
}

extension TableEncoder {
    package func append(_ request: [UInt8]) throws(WireError) { try append(request, onlyDay: nil) }
}

extension ClickHouseTable {
    /// A new encoder for this table.
    ///
    /// - Parameter name: the table's name, for errors.
    package func makeEncoder(tableName name: String) -> any TableEncoder {
        switch self {
        case .traces: RowsEncoder(TracesRows(), tableName: name)
        case .logs: RowsEncoder(LogsRows(), tableName: name)
        case .gauge: RowsEncoder(MetricRows(GaugePoints()), tableName: name)
        case .sum: RowsEncoder(MetricRows(SumPoints()), tableName: name)
        case .histogram: RowsEncoder(MetricRows(HistogramPoints()), tableName: name)
        case .exponentialHistogram: RowsEncoder(MetricRows(ExponentialHistogramPoints()), tableName: name)
        case .summary: RowsEncoder(MetricRows(SummaryPoints()), tableName: name)
        }
    }
}
