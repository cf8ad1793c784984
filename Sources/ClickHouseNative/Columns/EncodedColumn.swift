/// A column under construction: rows are appended to it, one by one, and then it is written out in wire form.
///
/// Reused over blocks: `prepare` and `removeAll` keep the memory.
public protocol EncodedColumn: ~Copyable {
    /// Chooses how values of `type` are encoded and forgets all rows.
    ///
    /// - Returns: false when the type cannot hold such values; the column is of no use until prepared for another.
    mutating func prepare(for type: ColumnType) -> Bool
    mutating func removeAll()
    var rowCount: Int { get }
    /// What of the rows the type cannot hold, for an error's text; nil when all is well.
    var fault: String? { get }
    /// What stands once before the column's data.
    borrowing func appendPrefix(to output: inout BlockOutput)
    borrowing func appendData(to output: inout BlockOutput)
}

extension EncodedColumn where Self: ~Copyable {
    public var fault: String? { nil }

    public borrowing func appendPrefix(to output: inout BlockOutput) {}
}
