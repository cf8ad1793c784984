/// A column of Map(K, V) with text for keys and values; on the wire it is Array(Tuple(K, V)): end offsets, keys,
/// values.
@safe @frozen
public struct MapColumn: EncodedColumn, ~Copyable {
    public var keys: TextColumn
    public var values: TextColumn
    @usableFromInline var offsets: GrowableBytes
    public var rowCount: Int

    public init(keys: TextColumn.Encoding = .plain, values: TextColumn.Encoding = .plain) {
        self.keys = TextColumn(keys)
        self.values = TextColumn(values)
        offsets = GrowableBytes()
        rowCount = 0
    }

    public mutating func prepare(for type: ColumnType) -> Bool {
        guard case .map(let key, let value) = type, keys.prepare(for: key), values.prepare(for: value) else {
            return false
        }
        removeAll()
        return true
    }

    public var fault: String? { keys.fault ?? values.fault }

    public mutating func removeAll() {
        keys.removeAll()
        values.removeAll()
        offsets.removeAll()
        rowCount = 0
    }

    /// Ends the row whose pairs were appended to `keys` and `values`.
    @inlinable @inline(__always)
    public mutating func endRow() {
        offsets.append(fixed: UInt64(keys.rowCount))
        rowCount += 1
    }

    /// Appends a row that the next `rows` rows have: `fill` appends the pairs for the first of them, which is copied
    /// for the others.
    @inlinable
    public mutating func append<Failure: Error>(
        rows: Int, fill: (inout MapColumn) throws(Failure) -> Void
    ) throws(Failure) {
        guard rows > 0 else { return }
        let (keyStart, valueStart, pairStart) = (keys.data.count, values.data.count, keys.rowCount)
        try fill(&self)
        endRow()
        let pairCount = keys.rowCount - pairStart
        keys.repeatRows(keyStart..<keys.data.count, rowCount: pairCount, times: rows - 1)
        values.repeatRows(valueStart..<values.data.count, rowCount: pairCount, times: rows - 1)
        offsets.reserve((rows - 1) * 8)
        for row in 1..<rows { offsets.append(fixed: UInt64(pairStart + (row + 1) * pairCount)) }
        rowCount += rows - 1
    }

    public borrowing func appendPrefix(to output: inout BlockOutput) {
        keys.appendPrefix(to: &output)
        values.appendPrefix(to: &output)
    }

    public borrowing func appendData(to output: inout BlockOutput) {
        output.append(offsets)
        keys.appendData(to: &output)
        values.appendData(to: &output)
    }
}
