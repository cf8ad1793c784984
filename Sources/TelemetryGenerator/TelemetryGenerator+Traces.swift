import OTLP

extension TelemetryGenerator {
    mutating func writeSpan(to writer: inout WireWriter) {
        let number = takeItemNumber()
        let span = writer.beginMessage(ScopeSpansField.spans, expectedByteCount: shape == .tiny ? 0 : 500)
        writeIDs(number, trace: SpanField.traceID, span: SpanField.spanID, to: &writer)
        switch shape {
        case .nginx: writeNginxSpan(number, to: &writer)
        case .service: writeServiceSpan(number, to: &writer)
        case .tiny: writeTinySpan(number, to: &writer)
        }
        writer.endMessage(span)
    }

    private mutating func writeTinySpan(_ number: UInt64, to writer: inout WireWriter) {
        timeUnixNano += 1000
        writer.writeText(SpanField.name, "tiny")
        writeTime(SpanField.startTimeUnixNano, timeUnixNano, of: number, to: &writer)
        writeTime(SpanField.endTimeUnixNano, timeUnixNano + 500, of: number, to: &writer)
        writer.writeAttribute(SpanField.attributes, "key", text: "value")
    }

    /// Twelve of the attributes of ngx_otel_module in its order, the last a configured one; whole milliseconds, and a
    /// status that is there but empty.
    private mutating func writeNginxSpan(_ number: UInt64, to writer: inout WireWriter) {
        let route = random.element(of: Vocabulary.routes)
        let status = random.element(of: [200, 200, 200, 200, 304, 404, 502])
        timeUnixNano += 1_000_000
        writer.writeText(SpanField.name, route)
        writer.writeVarint(SpanField.kind, 2)
        writeTime(SpanField.startTimeUnixNano, timeUnixNano, of: number, to: &writer)
        let duration = UInt64(random.below(41)) * 1_000_000
        writeTime(SpanField.endTimeUnixNano, timeUnixNano + duration, of: number, to: &writer)
        let field = SpanField.attributes
        writer.writeAttribute(field, "http.method", text: random.oneIn(4) ? "POST" : "GET")
        writer.writeAttribute(field, "http.target", text: random.element(of: vocabulary.targets))
        writer.writeAttribute(field, "http.route", text: route)
        writer.writeAttribute(field, "http.scheme", text: "https")
        writer.writeAttribute(field, "http.flavor", text: "1.1")
        writer.writeAttribute(field, "http.user_agent", text: random.element(of: Vocabulary.userAgents))
        writer.writeAttribute(field, "http.request_content_length", int: random.oneIn(50) ? -1 : 0)
        writer.writeAttribute(field, "http.response_content_length", int: Int64(random.below(200_000)))
        writer.writeAttribute(field, "http.status_code", int: Int64(status))
        writer.writeAttribute(field, "net.host.name", text: "shop.example.com")
        writer.writeAttribute(field, "net.sock.peer.addr", text: random.element(of: vocabulary.addresses))
        let upstreams: [StaticString] = [
            "127.0.0.1:24081", "127.0.0.1:24082", "127.0.0.1:24082, 127.0.0.1:24081", "",
        ]
        writer.writeAttribute(field, "upstream_addr", text: random.element(of: upstreams))
        let message = writer.beginMessage(SpanField.status)
        if status >= 500 { writer.writeVarint(StatusField.code, 2) }
        writer.endMessage(message)
    }

    private mutating func writeServiceSpan(_ number: UInt64, to writer: inout WireWriter) {
        timeUnixNano += 137_731
        if !random.oneIn(5) {
            writer.writeTag(SpanField.parentSpanID, .lengthDelimited)
            writer.writeVarint(8)
            writer.writeFixed64(random.next() | 1)
        }
        writer.writeText(SpanField.name, random.element(of: ["GET /items/{id}", "SELECT items", "orders send"]))
        writer.writeVarint(SpanField.kind, UInt64(1 + random.below(5)))
        let start = timeUnixNano
        let duration = UInt64(1000 + random.below(80_000_000))
        writeTime(SpanField.startTimeUnixNano, start, of: number, to: &writer)
        writeTime(SpanField.endTimeUnixNano, start + duration, of: number, to: &writer)
        var order = [15 of Int] { $0 }
        for position in 0..<Self.serviceAttributeCount {
            order.swapAt(position, position + random.below(Self.serviceAttributeCount - position))
            writeServiceAttribute(order[position], SpanField.attributes, to: &writer)
        }
        for _ in 0..<random.element(of: [0, 1, 1, 2]) { writeEvent(start, of: number, to: &writer) }
        if random.oneIn(5) {
            let link = writer.beginMessage(SpanField.links)
            writer.writeBytes(SpanLinkField.traceID, (0..<16).map { _ in UInt8(truncatingIfNeeded: random.next()) })
            writer.writeBytes(SpanLinkField.spanID, (0..<8).map { _ in UInt8(truncatingIfNeeded: random.next()) })
            writer.endMessage(link)
        }
        let status = writer.beginMessage(SpanField.status)
        if random.oneIn(20) {
            writer.writeText(StatusField.message, "deadline exceeded")
            writer.writeVarint(StatusField.code, 2)
        }
        writer.endMessage(status)
        writer.writeFixed32(SpanField.flags, 0x101)
    }

    private mutating func writeEvent(_ time: UInt64, of number: UInt64, to writer: inout WireWriter) {
        let event = writer.beginMessage(SpanField.events, expectedByteCount: 200)
        writeTime(SpanEventField.timeUnixNano, time, of: number, to: &writer)
        writer.writeText(SpanEventField.name, "exception")
        writer.writeAttribute(SpanEventField.attributes, "exception.type", text: "java.io.IOException")
        writer.writeAttribute(
            SpanEventField.attributes, "exception.message",
            text: "connection reset by peer while the response of items.internal was read")
        writer.writeAttribute(SpanEventField.attributes, "exception.escaped", bool: false)
        writer.endMessage(event)
    }

    static let serviceAttributeCount = 15

    /// One of the attributes of a request that a service handled.
    mutating func writeServiceAttribute(_ index: Int, _ field: UInt32, to writer: inout WireWriter) {
        switch index {
        case 0: writer.writeAttribute(field, "http.request.method", text: random.element(of: ["GET", "POST", "PUT"]))
        case 1:
            writer.writeAttribute(field, "http.response.status_code", int: random.element(of: [200, 201, 404, 500]))
        case 2: writer.writeAttribute(field, "url.path", text: random.element(of: vocabulary.targets))
        case 3: writer.writeAttribute(field, "url.scheme", text: "https")
        case 4: writer.writeAttribute(field, "server.address", text: "items.internal")
        case 5: writer.writeAttribute(field, "server.port", int: 8443)
        case 6: writer.writeAttribute(field, "network.protocol.version", text: "2")
        case 7: writer.writeAttribute(field, "user_agent.original", text: random.element(of: Vocabulary.userAgents))
        case 8: writer.writeAttribute(field, "db.system", text: "postgresql")
        case 9:
            writer.writeAttribute(
                field, "db.statement",
                text: "SELECT * FROM items WHERE id = $1 AND tenant = $2 ORDER BY created_at LIMIT 50")
        case 10: writer.writeAttribute(field, "thread.id", int: Int64(1 + random.below(200)))
        case 11: writer.writeAttribute(field, "cache.hit", bool: random.oneIn(2))
        case 12: writer.writeAttribute(field, "user.id", text: random.element(of: vocabulary.users))
        case 13: writer.writeAttribute(field, "cache.hit_ratio", double: Double(random.below(1001)) / 1000)
        default: writer.writeAttribute(field, "client.address", text: random.element(of: vocabulary.addresses))
        }
    }
}
