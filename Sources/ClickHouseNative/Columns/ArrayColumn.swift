/// A column of Array(T): end offsets, then the elements of all rows as one column.
@safe @frozen
public struct ArrayColumn<Elements: EncodedColumn & ~Copyable>: EncodedColumn, ~Copyable {
    /// The elements; those appended since the last `endRow` belong to the row in progress.
    public var elements: Elements
    @usableFromInline var offsets: GrowableBytes
    public var rowCount: Int

    public init(of elements: consuming Elements) {
        self.elements = elements
        offsets = GrowableBytes()
        rowCount = 0
    }

    public mutating func prepare(for type: ColumnType) -> Bool {
        guard case .array(let element) = type, elements.prepare(for: element) else { return false }
        removeAll()
        return true
    }

    public mutating func removeAll() {
        elements.removeAll()
        offsets.removeAll()
        rowCount = 0
    }

    public var fault: String? { elements.fault }

    @inlinable @inline(__always)
    public mutating func endRow() {
        offsets.append(fixed: UInt64(elements.rowCount))
        rowCount += 1
    }

    /// Ends `count` rows: the one in progress, and behind it rows without elements.
    @inlinable
    public mutating func endRows(_ count: Int) {
        let end = UInt64(elements.rowCount)
        offsets.reserve(8 * count)
        for _ in 0..<count { offsets.append(fixed: end) }
        rowCount += count
    }

    public borrowing func appendPrefix(to output: inout BlockOutput) { elements.appendPrefix(to: &output) }

    public borrowing func appendData(to output: inout BlockOutput) {
        output.append(offsets)
        elements.appendData(to: &output)
    }
}
