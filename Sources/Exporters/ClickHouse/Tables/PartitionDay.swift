import OTLP

/// The partitions that rows go to: the tables are partitioned by the day of their timestamp.
enum PartitionDay {
    /// Days since 1970 in UTC, held to what a Date holds; before 1970 is day 0. A server in another time zone cuts its
    /// days at another hour, so that a day here may touch two of its partitions.
    static func of(unixNanos: UInt64) -> UInt32 {
        let days = Int64(bitPattern: unixNanos) / 86_400_000_000_000
        return UInt32(clamping: min(days, 0xffff))
    }

    static func of(span: WireBytes) throws(WireError) -> UInt32 {
        of(unixNanos: try fixed64(SpanField.startTimeUnixNano, of: span))
    }

    static func of(logRecord: WireBytes) throws(WireError) -> UInt32 {
        let time = try fixed64(LogRecordField.timeUnixNano, of: logRecord)
        return of(unixNanos: time != 0 ? time : try fixed64(LogRecordField.observedTimeUnixNano, of: logRecord))
    }

    /// Of a data point of any kind: `time_unix_nano` has the same number in all.
    static func of(point: WireBytes) throws(WireError) -> UInt32 {
        of(unixNanos: try fixed64(NumberDataPointField.timeUnixNano, of: point))
    }

    private static func fixed64(_ number: UInt32, of message: WireBytes) throws(WireError) -> UInt64 {
        var cursor = WireCursor(message)
        while let field = try cursor.nextField() {
            if field.number == number { return try field.fixed64() }
        }
        return 0
    }
}

extension ClickHouseTable {
    /// The days whose partitions the requests' rows go to, in all tables of the signal.
    static func days(in requests: [[UInt8]], signal: Signal) throws(WireError) -> Set<UInt32> {
        var days: Set<UInt32> = []
        // Neighbours mostly share their day.
        var lastDay: UInt32?
        for request in requests {
            try request.withWireBytes { (wire) throws(WireError) in
                try forEachRow(of: wire, signal: signal) { (day) throws(WireError) in
                    if day != lastDay { days.insert(day) }
                    lastDay = day
                }
            }
        }
        return days
    }

    /// The tables that get rows of the requests, in the order of `allCases`.
    static func present(in requests: [[UInt8]], signal: Signal) throws(WireError) -> [ClickHouseTable] {
        switch signal {
        case .traces: return [.traces]
        case .logs: return [.logs]
        case .metrics:
            var found: Set<ClickHouseTable> = []
            for request in requests {
                try request.withWireBytes { (wire) throws(WireError) in
                    try forEachMetric(of: wire) { (table, data) throws(WireError) in
                        if !found.contains(table), try data.dataPoints.remainingCount() > 0 { found.insert(table) }
                    }
                }
            }
            return allCases.filter(found.contains)
        }
    }

    private static func forEachRow(
        of request: WireBytes, signal: Signal, _ body: (UInt32) throws(WireError) -> Void
    ) throws(WireError) {
        switch signal {
        case .traces:
            try forEachItem(of: request) { (span) throws(WireError) in try body(PartitionDay.of(span: span)) }
        case .logs:
            try forEachItem(of: request) { (record) throws(WireError) in
                try body(PartitionDay.of(logRecord: record))
            }
        case .metrics:
            try forEachMetric(of: request) { (_, data) throws(WireError) in
                var points = data.dataPoints
                while let point = try points.next() { try body(PartitionDay.of(point: point)) }
            }
        }
    }

    private static func forEachItem(
        of request: WireBytes, _ body: (WireBytes) throws(WireError) -> Void
    ) throws(WireError) {
        var resources = RepeatedField(request, ExportServiceRequestField.resources)
        while let resource = try resources.next() {
            var scopes = RepeatedField(resource, ResourceEnvelopeField.scopes)
            while let scope = try scopes.next() {
                var items = RepeatedField(scope, ScopeEnvelopeField.items)
                while let item = try items.next() { try body(item) }
            }
        }
    }

    private static func forEachMetric(
        of request: WireBytes, _ body: (ClickHouseTable, MetricDataView) throws(WireError) -> Void
    ) throws(WireError) {
        try forEachItem(of: request) { (metric) throws(WireError) in
            switch try MetricView(metric).data {
            case .none: return
            case .gauge(let data): try body(.gauge, data)
            case .sum(let data): try body(.sum, data)
            case .histogram(let data): try body(.histogram, data)
            case .exponentialHistogram(let data): try body(.exponentialHistogram, data)
            case .summary(let data): try body(.summary, data)
            }
        }
    }
}
