import OTLP

extension TelemetryGenerator {
    mutating func writeLogRecord(to writer: inout WireWriter) {
        let number = takeItemNumber()
        let record = writer.beginMessage(ScopeLogsField.logRecords, expectedByteCount: shape == .tiny ? 0 : 400)
        timeUnixNano += shape == .nginx ? 1_000_000 : 137_731
        let time = timeUnixNano
        writeTime(LogRecordField.timeUnixNano, time, of: number, to: &writer)
        let (severity, text) = random.element(of: Self.severities)
        writer.writeVarint(LogRecordField.severityNumber, severity)
        writer.writeText(LogRecordField.severityText, text)
        let body = writer.beginMessage(LogRecordField.body, expectedByteCount: shape == .tiny ? 0 : 150)
        if shape == .tiny {
            writer.writeText(AnyValueField.stringValue, "tiny")
        } else {
            writer.writeBytes(AnyValueField.stringValue, random.element(of: vocabulary.bodies))
        }
        writer.endMessage(body)
        writeLogAttributes(to: &writer)
        writer.writeFixed32(LogRecordField.flags, 1)
        writeIDs(number, trace: LogRecordField.traceID, span: LogRecordField.spanID, to: &writer)
        writeTime(LogRecordField.observedTimeUnixNano, time, of: number, to: &writer)
        writer.endMessage(record)
    }

    private static let severities: [(UInt64, StaticString)] = [
        (9, "INFO"), (9, "INFO"), (9, "INFO"), (5, "DEBUG"), (13, "WARN"), (17, "ERROR"),
    ]

    private mutating func writeLogAttributes(to writer: inout WireWriter) {
        let field = LogRecordField.attributes
        switch shape {
        case .nginx:
            writer.writeAttribute(field, "log.file.name", text: "access.log")
            writer.writeAttribute(field, "http.target", text: random.element(of: vocabulary.targets))
            writer.writeAttribute(field, "http.status_code", int: random.element(of: [200, 304, 404, 502]))
            writer.writeAttribute(field, "net.sock.peer.addr", text: random.element(of: vocabulary.addresses))
        case .service:
            writer.writeAttribute(field, "code.namespace", text: "com.example.shop.orders")
            let first = random.below(Self.serviceAttributeCount)
            for position in 0..<5 {
                writeServiceAttribute((first + position * 4) % Self.serviceAttributeCount, field, to: &writer)
            }
        case .tiny: writer.writeAttribute(field, "key", text: "value")
        }
    }
}
