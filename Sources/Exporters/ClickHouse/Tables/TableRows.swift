import ClickHouseNative
import OTLP

/// The columns of one table, and how requests become rows in them.
protocol TableRows: ~Copyable {
    /// Rows appended so far.
    var rowCount: Int { get }

    /// Shows each column to the visitor, in INSERT order.
    mutating func visit<Visitor: ColumnVisitor & ~Copyable>(_ visitor: inout Visitor) throws(ClickHouseError)

    /// Appends the request's rows; `onlyDay` as for `TableEncoder.append`.
    mutating func append(_ request: WireBytes, onlyDay: UInt32?) throws(WireError)
}

/// Rows of telemetry: what belongs to a scope or a resource is the same in many of them.
protocol TelemetryRows: TableRows, ~Copyable {
    /// Appends the rows of a span, a log record or a metric, but for the columns that its scope or resource decides.
    mutating func append(item: WireBytes, onlyDay: UInt32?) throws(WireError)

    /// Appends what the last `rows` rows have of their scope.
    mutating func append(_ scope: ScopeContext, rows: Int) throws(WireError)

    /// Appends what the last `rows` rows have of their resource.
    mutating func append(_ resource: ResourceContext, rows: Int) throws(WireError)
}

extension TelemetryRows where Self: ~Copyable {
    /// One pass over the request: what many rows share follows when they are counted.
    mutating func append(_ request: WireBytes, onlyDay: UInt32?) throws(WireError) {
        var resources = RepeatedField(request, ExportServiceRequestField.resources)
        while let envelope = try resources.next() {
            let before = rowCount
            var scopes = RepeatedField(envelope, ResourceEnvelopeField.scopes)
            while let scope = try scopes.next() { try append(scopeEnvelope: scope, onlyDay: onlyDay) }
            if rowCount > before { try append(ResourceContext(envelope: envelope), rows: rowCount - before) }
        }
    }

    /// Appends the rows of a ScopeSpans, ScopeLogs or ScopeMetrics message.
    private mutating func append(scopeEnvelope: WireBytes, onlyDay: UInt32?) throws(WireError) {
        let before = rowCount
        var scope = try ScopeContext()
        var cursor = WireCursor(scopeEnvelope)
        while let field = try cursor.nextField() {
            if field.number == ScopeEnvelopeField.items {
                try append(item: try field.payload(), onlyDay: onlyDay)
            } else {
                try scope.read(field)
            }
        }
        if rowCount > before { try append(scope, rows: rowCount - before) }
    }
}

/// What is done to all columns of a table, one after the other.
protocol ColumnVisitor: ~Copyable {
    mutating func visit<Column: EncodedColumn & ~Copyable>(
        _ name: String, isOptional: Bool, _ column: inout Column
    ) throws(ClickHouseError)
}

extension ColumnVisitor where Self: ~Copyable {
    mutating func visit<Column: EncodedColumn & ~Copyable>(
        _ name: String, _ column: inout Column
    ) throws(ClickHouseError) {
        try visit(name, isOptional: false, &column)
    }
}

/// Collects the columns' names.
struct ColumnNames: ColumnVisitor {
    private(set) var required: [String] = []
    private(set) var optional: [String] = []

    mutating func visit<Column: EncodedColumn & ~Copyable>(_ name: String, isOptional: Bool, _ column: inout Column) {
        if isOptional { optional.append(name) } else { required.append(name) }
    }
}

/// Lets each column choose its encoding by the type in the header.
struct ColumnPreparation: ColumnVisitor {
    let tableName: String
    let header: TableHeader

    mutating func visit<Column: EncodedColumn & ~Copyable>(
        _ name: String, isOptional: Bool, _ column: inout Column
    ) throws(ClickHouseError) {
        guard let typeName = header.typeNames[name] else {
            if isOptional { return }
            throw .encoding("table \(tableName): column \(name) is missing")
        }
        let type: ColumnType
        do {
            type = try ColumnType(typeName)
        } catch {
            throw .encoding("table \(tableName): column \(name) of type \(typeName) cannot be written: \(error)")
        }
        guard column.prepare(for: type) else {
            throw .encoding("table \(tableName): column \(name) of type \(typeName) cannot hold its values")
        }
    }
}

/// Forgets all rows.
struct ColumnClearing: ColumnVisitor {
    mutating func visit<Column: EncodedColumn & ~Copyable>(_ name: String, isOptional: Bool, _ column: inout Column) {
        column.removeAll()
    }
}

/// The columns that the server asks for.
struct TableHeader: Equatable {
    private(set) var typeNames: [String: String] = [:]

    init() {}

    init(_ block: NativeBlock) {
        for column in block.columns { typeNames[column.name] = column.typeName }
    }
}
