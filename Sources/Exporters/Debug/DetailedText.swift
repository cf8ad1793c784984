import OTLP

/// All fields of all items, line by line.
struct DetailedText {
    var text = ""

    mutating func append(_ request: ExportServiceRequestView, signal: Signal) throws(WireError) {
        var resources = request.resources
        var index = 0
        while let resource = try resources.next() {
            switch signal {
            case .traces: try append(ResourceSpansView(resource), index: index)
            case .logs: try append(ResourceLogsView(resource), index: index)
            case .metrics: try append(ResourceMetricsView(resource), index: index)
            }
            index += 1
        }
    }

    mutating func line(_ text: String) { self.text += text + "\n" }

    /// A label of 15 characters in a column of its own.
    mutating func field(_ label: String, _ value: String) {
        line("    \(label)\(String(repeating: " ", count: max(0, 15 - label.count))): \(value)")
    }

    /// - Parameter indentation: of the attributes.
    mutating func attributes(
        _ title: String, _ field: RepeatedField, indentation: String = ""
    ) throws(WireError) {
        var field = field
        var isFirst = true
        while let bytes = try field.next() {
            if isFirst { line("\(title):") }
            isFirst = false
            let (key, value) = try GoText.keyAndValue(bytes)
            line("\(indentation)     -> \(key): \(try GoText.typed(value))")
        }
    }

    mutating func resource(_ bytes: WireBytes, schemaURL: WireBytes) throws(WireError) {
        line("Resource SchemaURL: \(schemaURL.string)")
        try attributes("Resource attributes", ResourceView(bytes).attributes)
    }

    mutating func scope(_ bytes: WireBytes) throws(WireError) {
        let scope = try InstrumentationScopeView(bytes)
        line("InstrumentationScope \(scope.name.string) \(scope.version.string)")
        try attributes("InstrumentationScope attributes", scope.attributes)
    }
}

// MARK: Logs

extension DetailedText {
    private mutating func append(_ resourceLogs: ResourceLogsView, index: Int) throws(WireError) {
        line("ResourceLog #\(index)")
        try resource(resourceLogs.resource, schemaURL: resourceLogs.schemaURL)
        var scopes = resourceLogs.scopeLogs
        var scopeIndex = 0
        while let bytes = try scopes.next() {
            let scopeLogs = try ScopeLogsView(bytes)
            line("ScopeLogs #\(scopeIndex)")
            line("ScopeLogs SchemaURL: \(scopeLogs.schemaURL.string)")
            try scope(scopeLogs.scope)
            var records = scopeLogs.logRecords
            var recordIndex = 0
            while let bytes = try records.next() {
                line("LogRecord #\(recordIndex)")
                try append(LogRecordView(bytes))
                recordIndex += 1
            }
            scopeIndex += 1
        }
    }

    private mutating func append(_ record: LogRecordView) throws(WireError) {
        line("ObservedTimestamp: \(GoText.time(unixNanos: record.observedTimeUnixNano))")
        line("Timestamp: \(GoText.time(unixNanos: record.timeUnixNano))")
        line("SeverityText: \(record.severityText.string)")
        line("SeverityNumber: \(severityName(record.severityNumber))(\(record.severityNumber))")
        if !record.eventName.isEmpty { line("EventName: \(record.eventName.string)") }
        line("Body: \(try GoText.typed(record.body ?? .empty))")
        try attributes("Attributes", record.attributes)
        line("Trace ID: \(GoText.id(record.traceID))")
        line("Span ID: \(GoText.id(record.spanID))")
        line("Flags: \(record.flags)")
    }
}

private func severityName(_ number: Int32) -> String {
    if number == 0 { return "Unspecified" }
    guard (1...24).contains(number) else { return "" }
    let names = ["Trace", "Debug", "Info", "Warn", "Error", "Fatal"]
    let step = (number - 1) % 4
    return names[Int(number - 1) / 4] + (step == 0 ? "" : String(step + 1))
}
