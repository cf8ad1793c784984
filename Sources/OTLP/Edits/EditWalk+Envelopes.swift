/// Where an item, or a resource, keeps what an edit looks at. 0: nowhere.
struct EditLayout {
    let attributes: UInt32
    var text: UInt32 = 0
    var number: UInt32 = 0
    var body: UInt32 = 0

    static let resource = EditLayout(attributes: ResourceField.attributes)
    static let span = EditLayout(attributes: SpanField.attributes, text: SpanField.name, number: SpanField.kind)
    static let logRecord = EditLayout(
        attributes: LogRecordField.attributes, text: LogRecordField.severityText,
        number: LogRecordField.severityNumber, body: LogRecordField.body)

    /// The points of the metric data in field `number` of a Metric; nil if the field holds no data.
    static func dataPoint(of number: UInt32) -> EditLayout? {
        switch number {
        case MetricField.gauge, MetricField.sum: EditLayout(attributes: NumberDataPointField.attributes)
        case MetricField.histogram: EditLayout(attributes: HistogramDataPointField.attributes)
        case MetricField.exponentialHistogram: EditLayout(attributes: ExponentialHistogramDataPointField.attributes)
        case MetricField.summary: EditLayout(attributes: SummaryDataPointField.attributes)
        default: nil
        }
    }
}

extension EditWalk {
    mutating func editRequest() throws(WireError) {
        guard !program.stages.isEmpty else { return }
        var cursor = WireCursor(source)
        while let field = try cursor.nextField() {
            guard field.number == ExportServiceRequestField.resources, field.type == .lengthDelimited else { continue }
            let mark = open(field, base: 0)
            try editResourceEnvelope(field.bytes, base: mark.header.upperBound)
            close(mark)
        }
    }

    private mutating func editResourceEnvelope(_ envelope: WireBytes, base: Int) throws(WireError) {
        var isResourceKnown = !program.readsResource
        var cursor = WireCursor(envelope)
        while let field = try cursor.nextField() {
            guard field.type == .lengthDelimited else { continue }
            if field.number == ResourceEnvelopeField.resource, !isResourceKnown {
                isResourceKnown = true
                let mark = open(field, base: base)
                try load(field.bytes, base: mark.header.upperBound, .resource, keys: program.resourceKeys)
                try runResourceStages()
                try recordTable(ResourceField.attributes)
                close(mark)
            } else if field.number == ResourceEnvelopeField.scopes {
                if !isResourceKnown {
                    isResourceKnown = true
                    try addResource(at: base + field.range.lowerBound)
                }
                guard program.editsItems, hasOpenStage(resourceGates) else { continue }
                let mark = open(field, base: base)
                try editScopeEnvelope(field.bytes, base: mark.header.upperBound)
                close(mark)
            }
        }
        if !isResourceKnown { try addResource(at: base + envelope.count) }
    }

    /// Treats an absent resource as one without attributes.
    private mutating func addResource(at position: Int) throws(WireError) {
        table.reset(insertionPoint: position)
        try runResourceStages()
        recordTable(ResourceField.attributes, asNew: ResourceEnvelopeField.resource)
    }

    private mutating func editScopeEnvelope(_ envelope: WireBytes, base: Int) throws(WireError) {
        if program.readsScope {
            try closeScopeGates(scopeEnvelope: envelope)
        } else {
            takeResourceGates()
        }
        guard hasOpenStage(scopeGates) else { return }
        if signal != .metrics { takeScopeGates() }
        var cursor = WireCursor(envelope)
        while let field = try cursor.nextField() {
            guard field.number == ScopeEnvelopeField.items, field.type == .lengthDelimited else { continue }
            switch signal {
            case .traces: try editItem(field, base: base, .span)
            case .logs: try editItem(field, base: base, .logRecord)
            case .metrics:
                let mark = open(field, base: base)
                try editMetric(field.bytes, base: mark.header.upperBound)
                close(mark)
            }
        }
    }

    private mutating func editMetric(_ metric: WireBytes, base: Int) throws(WireError) {
        if program.readsMetricName {
            try closeMetricGates(metric: metric)
        } else {
            takeScopeGates()
        }
        guard hasOpenStage(itemGates) else { return }
        var cursor = WireCursor(metric)
        while let field = try cursor.nextField() {
            guard field.type == .lengthDelimited, let layout = EditLayout.dataPoint(of: field.number) else { continue }
            let mark = open(field, base: base)
            var points = WireCursor(field.bytes)
            while let point = try points.nextField() {
                guard point.number == MetricDataField.dataPoints, point.type == .lengthDelimited else { continue }
                try editItem(point, base: mark.header.upperBound, layout)
            }
            close(mark)
        }
    }

    private mutating func editItem(_ field: WireField, base: Int, _ layout: EditLayout) throws(WireError) {
        let payloadStart = base + field.range.upperBound - field.bytes.count
        try load(field.bytes, base: payloadStart, layout, keys: program.itemKeys)
        try runItemStages()
        guard table.isChanged else { return }
        let mark = open(field, base: base)
        try recordTable(layout.attributes)
        close(mark)
    }

    // MARK: Loading

    /// Fills the table with the attributes of `message` that the program names, and the item's fields that filters
    /// read.
    private mutating func load(
        _ message: WireBytes, base: Int, _ layout: EditLayout, keys: EditProgram.KeyTable
    ) throws(WireError) {
        table.reset(insertionPoint: base + message.count)
        if program.readsItemFields { item = ItemFields() }
        let tag = UInt8(truncatingIfNeeded: layout.attributes << 3 | 2)
        var cursor = WireCursor(message)
        var attributesEnd: Int?
        while true {
            while cursor.isNext(tag: tag) {
                keys.passOver(&cursor, tag: tag)
                let start = cursor.offset
                attributesEnd = start
                guard let attribute = try cursor.nextPayload(ifTag: tag) else { break }
                try loadAttribute(attribute, range: (base + start)..<(base + cursor.offset), keys: keys)
                attributesEnd = cursor.offset
            }
            guard let field = try cursor.nextField() else { break }
            if field.number == layout.attributes, field.type == .lengthDelimited {
                // Its tag is longer than it need be.
                let range = (base + field.range.lowerBound)..<(base + field.range.upperBound)
                try loadAttribute(field.bytes, range: range, keys: keys)
                attributesEnd = field.range.upperBound
            } else if program.readsItemFields {
                loadItemField(field, layout)
            }
        }
        if let attributesEnd { table.setInsertionPoint(base + attributesEnd) }
    }

    private mutating func loadItemField(_ field: WireField, _ layout: EditLayout) {
        switch field.number {
        case layout.text where field.type == .lengthDelimited: item.text = field.bytes
        case layout.number where field.type == .varint: item.number = field.value
        case layout.body where field.type == .lengthDelimited: item.body = field.bytes
        default: break
        }
    }

    /// - Parameters:
    ///   - bytes: a KeyValue.
    ///   - range: where the whole field stands in the request.
    private mutating func loadAttribute(
        _ bytes: WireBytes, range: Range<Int>, keys: EditProgram.KeyTable
    ) throws(WireError) {
        // Nearly every KeyValue is a key followed by a value: then the key decides before the value is looked at.
        var cursor = WireCursor(bytes)
        if let key = try cursor.nextPayload(ifTag: UInt8(KeyValueField.key << 3 | 2)) {
            let number = keys.number(of: key, constants: constants)
            guard number != EditProgram.KeyTable.none || keys.isOpen else { return }
            if let value = try cursor.nextPayload(ifTag: UInt8(KeyValueField.value << 3 | 2)), cursor.isAtEnd {
                table.load(KeyAndValue(key: key, value: value), number: number, range: range)
                return
            }
        }
        let pair = try KeyAndValue(bytes)
        let number = keys.number(of: pair.key, constants: constants)
        guard number != EditProgram.KeyTable.none || keys.isOpen else { return }
        table.load(pair, number: number, range: range)
    }
}
