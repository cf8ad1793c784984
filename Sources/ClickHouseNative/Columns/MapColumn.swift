/// A column of Map(K, V) with text for keys and values; on the wire it is Array(Tuple(K, V)): end offsets, keys, values.
@safe @frozen
package struct MapColumn: ~Copyable {
    package var keys: TextColumn
    package var values: TextColumn
    @usableFromInline var offsets: GrowableBytes
    @usableFromInline package private(set) var rowCount: Int

    package init(keys: TextColumn.Encoding, values: TextColumn.Encoding) {
        self.keys = TextColumn(keys)
        self.values = TextColumn(values)
        offsets = GrowableBytes()
        rowCount = 0
    }

    /// The encodings for `type`; nil when it is no map of texts.
    package static func encodings(of type: ColumnType) -> (keys: TextColumn.Encoding, values: TextColumn.Encoding)? {
        guard case .map(let key, let value) = type, let keys = TextColumn.encoding(of: key),
            let values = TextColumn.encoding(of: value)
        else { return nil }
        return (keys, values)
    }

    package mutating func removeAll() {
        keys.removeAll()
        values.removeAll()
        offsets.removeAll()
        rowCount = 0
    }

    /// Ends the row whose pairs were appended to `keys` and `values`.
    @inlinable @inline(__always)
    package mutating func endRow() {
        offsets.append(fixed: UInt64(keys.rowCount))
        addRow()
    }

    @usableFromInline @inline(__always)
    mutating func addRow() { rowCount += 1 }

    package borrowing func appendPrefix(to output: inout GrowableBytes) {
        keys.appendPrefix(to: &output)
        values.appendPrefix(to: &output)
    }

    package borrowing func appendData(to output: inout GrowableBytes) {
        output.append(offsets)
        keys.appendData(to: &output)
        values.appendData(to: &output)
    }
}
