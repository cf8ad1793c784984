import ClickHouseNative
import OTLP

/// Data points of one kind of metric as rows: the columns that all kinds have, then the kind's own.
struct MetricRows<Points: PointColumns & ~Copyable>: TelemetryRows, ~Copyable {
    private var resourceAttributes = MapColumn()
    private var resourceSchemaURL = TextColumn()
    private var scopeName = TextColumn()
    private var scopeVersion = TextColumn()
    private var scopeAttributes = MapColumn()
    private var scopeDroppedAttributesCount = NumberColumn()
    private var scopeSchemaURL = TextColumn()
    private var serviceName = TextColumn()
    private var metricName = TextColumn()
    private var metricDescription = TextColumn()
    private var metricUnit = TextColumn()
    private var point = PointHead()
    private var points: Points

    init(_ points: consuming Points) {
        self.points = points
    }

    var rowCount: Int { metricName.rowCount }

    mutating func visit<Visitor: ColumnVisitor & ~Copyable>(_ visitor: inout Visitor) throws(ClickHouseError) {
        try visitor.visit("ResourceAttributes", &resourceAttributes)
        try visitor.visit("ResourceSchemaUrl", &resourceSchemaURL)
        try visitor.visit("ScopeName", &scopeName)
        try visitor.visit("ScopeVersion", &scopeVersion)
        try visitor.visit("ScopeAttributes", &scopeAttributes)
        try visitor.visit("ScopeDroppedAttrCount", &scopeDroppedAttributesCount)
        try visitor.visit("ScopeSchemaUrl", &scopeSchemaURL)
        try visitor.visit("ServiceName", &serviceName)
        try visitor.visit("MetricName", &metricName)
        try visitor.visit("MetricDescription", &metricDescription)
        try visitor.visit("MetricUnit", &metricUnit)
        try point.visit(&visitor)
        try points.visit(&visitor)
    }

    mutating func append(item: WireBytes, onlyDay: UInt32?) throws(WireError) {
        guard let dataBytes = try Self.data(of: item) else { return }
        let metric = try MetricView(item)
        let data = try MetricDataView(dataBytes)
        var dataPoints = data.dataPoints
        var rows = 0
        while let next = try dataPoints.next() {
            if let onlyDay, try PartitionDay.of(point: next) != onlyDay { continue }
            try points.append(next, of: data, head: &point)
            rows += 1
        }
        metricName.append(metric.name, rows: rows)
        metricDescription.append(metric.description, rows: rows)
        metricUnit.append(metric.unit, rows: rows)
    }

    mutating func append(_ scope: ScopeContext, rows: Int) throws(WireError) {
        scopeName.append(scope.scope.name, rows: rows)
        scopeVersion.append(scope.scope.version, rows: rows)
        try scopeAttributes.append(scope.scope.attributes, rows: rows, scratch: &point.scratch)
        scopeDroppedAttributesCount.append(integer: UInt64(scope.scope.droppedAttributesCount), rows: rows)
        scopeSchemaURL.append(scope.schemaURL, rows: rows)
    }

    mutating func append(_ resource: ResourceContext, rows: Int) throws(WireError) {
        try resourceAttributes.append(resource.attributes, rows: rows, scratch: &point.scratch)
        resourceSchemaURL.append(resource.schemaURL, rows: rows)
        serviceName.append(resource.serviceName, rows: rows)
    }

    /// The metric's data, if it is of this table's kind.
    private static func data(of metric: WireBytes) throws(WireError) -> WireBytes? {
        var fields = RepeatedField(metric, Points.metricField)
        return try fields.next()
    }
}

/// The columns and rows of one kind of data points, beside what all kinds have.
protocol PointColumns: ~Copyable {
    /// The field of Metric that holds such points.
    static var metricField: UInt32 { get }

    mutating func visit<Visitor: ColumnVisitor & ~Copyable>(_ visitor: inout Visitor) throws(ClickHouseError)

    /// Appends a data point, its times and attributes to `head`.
    mutating func append(_ point: WireBytes, of data: MetricDataView, head: inout PointHead) throws(WireError)
}

/// The columns of data points that all kinds have.
struct PointHead: ~Copyable {
    private var attributes = MapColumn()
    private var startTime = NumberColumn()
    private var time = NumberColumn()
    var scratch: [UInt8] = []

    mutating func visit<Visitor: ColumnVisitor & ~Copyable>(_ visitor: inout Visitor) throws(ClickHouseError) {
        try visitor.visit("Attributes", &attributes)
        try visitor.visit("StartTimeUnix", &startTime)
        try visitor.visit("TimeUnix", &time)
    }

    mutating func append(
        startTimeUnixNano: UInt64, timeUnixNano: UInt64, attributes: RepeatedField
    ) throws(WireError) {
        startTime.append(unixNanos: startTimeUnixNano)
        time.append(unixNanos: timeUnixNano)
        try self.attributes.appendRow(attributes, scratch: &scratch)
    }
}

/// The Nested column of exemplars.
struct ExemplarColumns: ~Copyable {
    private var filteredAttributes = ArrayColumn(of: MapColumn())
    private var time = ArrayColumn(of: NumberColumn())
    private var value = ArrayColumn(of: NumberColumn())
    private var spanID = ArrayColumn(of: TextColumn())
    private var traceID = ArrayColumn(of: TextColumn())

    mutating func visit<Visitor: ColumnVisitor & ~Copyable>(_ visitor: inout Visitor) throws(ClickHouseError) {
        try visitor.visit("Exemplars.FilteredAttributes", &filteredAttributes)
        try visitor.visit("Exemplars.TimeUnix", &time)
        try visitor.visit("Exemplars.Value", &value)
        try visitor.visit("Exemplars.SpanId", &spanID)
        try visitor.visit("Exemplars.TraceId", &traceID)
    }

    /// Appends a row of a point's exemplars.
    mutating func appendRow(_ exemplars: RepeatedField, scratch: inout [UInt8]) throws(WireError) {
        var exemplars = exemplars
        while let next = try exemplars.next() {
            let exemplar = try ExemplarView(next)
            try filteredAttributes.elements.appendRow(exemplar.filteredAttributes, scratch: &scratch)
            time.elements.append(unixNanos: exemplar.timeUnixNano)
            value.elements.append(exemplar.value)
            spanID.elements.append(exemplarID: exemplar.spanID, byteCount: 8)
            traceID.elements.append(exemplarID: exemplar.traceID, byteCount: 16)
        }
        filteredAttributes.endRow()
        time.endRow()
        value.endRow()
        spanID.endRow()
        traceID.endRow()
    }
}

extension NumberColumn {
    /// Appends a point's value; 0 where it has none.
    mutating func append(_ value: NumberValue?) {
        switch value {
        case .int(let value): append(double: Double(value))
        case .double(let value): append(double: value)
        case nil: append(double: 0)
        }
    }

    mutating func append(signed value: Int32) { append(integer: UInt64(bitPattern: Int64(value))) }
}

extension ArrayColumn<NumberColumn> {
    /// Appends a row of integers.
    mutating func appendRow(integers: RepeatedNumbers) throws(WireError) {
        var integers = integers
        while let value = try integers.next() { elements.append(integer: value) }
        endRow()
    }

    /// Appends a row of doubles.
    mutating func appendRow(doubles: RepeatedNumbers) throws(WireError) {
        var doubles = doubles
        while let value = try doubles.nextDouble() { elements.append(double: value) }
        endRow()
    }
}
