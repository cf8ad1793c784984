import OTLP

extension DetailedText {
    mutating func append(_ resourceSpans: ResourceSpansView, index: Int) throws(WireError) {
        line("ResourceSpans #\(index)")
        try resource(resourceSpans.resource, schemaURL: resourceSpans.schemaURL)
        var scopes = resourceSpans.scopeSpans
        var scopeIndex = 0
        while let bytes = try scopes.next() {
            let scopeSpans = try ScopeSpansView(bytes)
            line("ScopeSpans #\(scopeIndex)")
            line("ScopeSpans SchemaURL: \(scopeSpans.schemaURL.string)")
            try scope(scopeSpans.scope)
            var spans = scopeSpans.spans
            var spanIndex = 0
            while let bytes = try spans.next() {
                line("Span #\(spanIndex)")
                try append(SpanView(bytes))
                spanIndex += 1
            }
            scopeIndex += 1
        }
    }

    private mutating func append(_ span: SpanView) throws(WireError) {
        let status = try StatusView(span.status)
        field("Trace ID", GoText.id(span.traceID))
        field("Parent ID", GoText.id(span.parentSpanID))
        field("ID", GoText.id(span.spanID))
        field("Name", span.name.string)
        field("Kind", name(span.kind, ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"]))
        if !span.traceState.isEmpty { field("TraceState", span.traceState.string) }
        field("Start time", GoText.time(unixNanos: span.startTimeUnixNano))
        field("End time", GoText.time(unixNanos: span.endTimeUnixNano))
        field("Status code", name(status.code, ["Unset", "Ok", "Error"]))
        field("Status message", status.message.string)
        try attributes("Attributes", span.attributes)
        try append(events: span.events)
        try append(links: span.links)
    }

    private mutating func append(events: RepeatedField) throws(WireError) {
        var events = events
        var index = 0
        while let bytes = try events.next() {
            if index == 0 { line("Events:") }
            let event = try SpanEventView(bytes)
            line("SpanEvent #\(index)")
            line("     -> Name: \(event.name.string)")
            line("     -> Timestamp: \(GoText.time(unixNanos: event.timeUnixNano))")
            line("     -> DroppedAttributesCount: \(event.droppedAttributesCount)")
            // otelcol writes the second colon.
            try attributes("     -> Attributes:", event.attributes, indentation: "     ")
            index += 1
        }
    }

    private mutating func append(links: RepeatedField) throws(WireError) {
        var links = links
        var index = 0
        while let bytes = try links.next() {
            if index == 0 { line("Links:") }
            let link = try SpanLinkView(bytes)
            line("SpanLink #\(index)")
            line("     -> Trace ID: \(GoText.id(link.traceID))")
            line("     -> ID: \(GoText.id(link.spanID))")
            line("     -> TraceState: \(link.traceState.string)")
            line("     -> DroppedAttributesCount: \(link.droppedAttributesCount)")
            try attributes("     -> Attributes:", link.attributes, indentation: "     ")
            index += 1
        }
    }

    private func name(_ number: Int32, _ names: [String]) -> String {
        names.indices.contains(Int(number)) ? names[Int(number)] : ""
    }
}
