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

    /// A row that is in the column and may be repeated.
    @safe @frozen
    public struct EncodedRow {
        @usableFromInline var keys: Range<Int>
        @usableFromInline var values: Range<Int>
        @usableFromInline var pairCount: Int

        @usableFromInline
        init(keys: Range<Int>, values: Range<Int>, pairCount: Int) {
            self.keys = keys
            self.values = values
            self.pairCount = pairCount
        }
    }

    /// Appends a row that many rows in a row have: `fill` appends the pairs for the first of them, which is copied for
    /// the others.
    ///
    /// - Parameter encoded: nil for the first; where the encoded row lies afterwards.
    @inlinable @inline(__always)
    public mutating func appendRow<Failure: Error>(
        encoded: inout EncodedRow?, fill: (inout MapColumn) throws(Failure) -> Void
    ) throws(Failure) {
        if let known = encoded {
            keys.repeatRows(known.keys, count: known.pairCount)
            values.repeatRows(known.values, count: known.pairCount)
            endRow()
        } else {
            encoded = try appendFirstRow(fill)
        }
    }

    @inlinable
    mutating func appendFirstRow<Failure: Error>(
        _ fill: (inout MapColumn) throws(Failure) -> Void
    ) throws(Failure) -> EncodedRow {
        let (keyStart, valueStart, pairStart) = (keys.data.count, values.data.count, keys.rowCount)
        try fill(&self)
        endRow()
        return EncodedRow(
            keys: keyStart..<keys.data.count, values: valueStart..<values.data.count,
            pairCount: keys.rowCount - pairStart)
    }

    public borrowing func appendPrefix(to output: inout GrowableBytes) {
        keys.appendPrefix(to: &output)
        values.appendPrefix(to: &output)
    }

    public borrowing func appendData(to output: inout GrowableBytes) {
        output.append(offsets)
        keys.appendData(to: &output)
        values.appendData(to: &output)
    }
}
