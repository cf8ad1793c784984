import OTLP

/// One line for each span, log record or data point.
struct NormalText {
    private(set) var text = ""

    mutating func append(_ request: ExportServiceRequestView, signal: Signal) throws(WireError) {
        var resources = request.resources
        while let resource = try resources.next() {
            switch signal {
            case .traces: try appendSpans(of: ResourceSpansView(resource))
            case .logs: try appendRecords(of: ResourceLogsView(resource))
            case .metrics: try appendMetrics(of: ResourceMetricsView(resource))
            }
        }
    }

    private mutating func appendSpans(of resource: ResourceSpansView) throws(WireError) {
        var scopes = resource.scopeSpans
        while let scope = try scopes.next() {
            var spans = try ScopeSpansView(scope).spans
            while let bytes = try spans.next() {
                let span = try SpanView(bytes)
                let head = [span.name.string, GoText.id(span.traceID), GoText.id(span.spanID)]
                appendLine(head + (try attributes(span.attributes)))
            }
        }
    }

    private mutating func appendRecords(of resource: ResourceLogsView) throws(WireError) {
        var scopes = resource.scopeLogs
        while let scope = try scopes.next() {
            var records = try ScopeLogsView(scope).logRecords
            while let bytes = try records.next() {
                let record = try LogRecordView(bytes)
                appendLine([try GoText.plain(record.body ?? .empty)] + (try attributes(record.attributes)))
            }
        }
    }

    private mutating func appendMetrics(of resource: ResourceMetricsView) throws(WireError) {
        var scopes = resource.scopeMetrics
        while let scope = try scopes.next() {
            var metrics = try ScopeMetricsView(scope).metrics
            while let bytes = try metrics.next() { try appendPoints(of: MetricView(bytes)) }
        }
    }

    private mutating func appendPoints(of metric: MetricView) throws(WireError) {
        let name = metric.name.string
        switch metric.data {
        case .none: return
        case .gauge(let data), .sum(let data):
            var points = data.dataPoints
            while let bytes = try points.next() {
                let point = try NumberDataPointView(bytes)
                try appendPoint(name, point.attributes, value(of: point))
            }
        case .histogram(let data):
            var points = data.dataPoints
            while let bytes = try points.next() {
                let point = try HistogramDataPointView(bytes)
                try appendPoint(name, point.attributes, value(of: point))
            }
        case .exponentialHistogram(let data):
            var points = data.dataPoints
            while let bytes = try points.next() {
                let point = try ExponentialHistogramDataPointView(bytes)
                let value = distribution(count: point.count, sum: point.sum, min: point.min, max: point.max)
                try appendPoint(name, point.attributes, value)
            }
        case .summary(let data):
            var points = data.dataPoints
            while let bytes = try points.next() {
                let point = try SummaryDataPointView(bytes)
                try appendPoint(name, point.attributes, value(of: point))
            }
        }
    }

    private func value(of point: NumberDataPointView) -> String {
        switch point.value {
        case .int(let value): String(value)
        case .double(let value): GoText.shortest(value)
        case nil: ""
        }
    }

    private func value(of point: HistogramDataPointView) throws(WireError) -> String {
        var value = distribution(count: point.count, sum: point.sum, min: point.min, max: point.max)
        var counts = point.bucketCounts
        var bounds = point.explicitBounds
        while let count = try counts.next() {
            let bound = try bounds.nextDouble().map { "le\(GoText.shortest($0))=" } ?? ""
            value += " \(bound)\(count)"
        }
        return value
    }

    private func value(of point: SummaryDataPointView) throws(WireError) -> String {
        var value = "count=\(point.count) sum=\(GoText.fixed(point.sum))"
        var quantiles = point.quantileValues
        while let bytes = try quantiles.next() {
            let quantile = try ValueAtQuantileView(bytes)
            value += " q\(GoText.shortest(quantile.quantile))=\(GoText.shortest(quantile.value))"
        }
        return value
    }

    private func distribution(count: UInt64, sum: Double?, min: Double?, max: Double?) -> String {
        var value = "count=\(count)"
        if let sum { value += " sum=\(GoText.shortest(sum))" }
        if let min { value += " min=\(GoText.shortest(min))" }
        if let max { value += " max=\(GoText.shortest(max))" }
        return value
    }

    private mutating func appendPoint(_ name: String, _ field: RepeatedField, _ value: String) throws(WireError) {
        appendLine(["\(name){\(try attributes(field).joined(separator: ","))}", value])
    }

    private func attributes(_ field: RepeatedField) throws(WireError) -> [String] {
        var field = field
        var pairs: [String] = []
        while let bytes = try field.next() {
            let (key, value) = try GoText.keyAndValue(bytes)
            pairs.append("\(key)=\(try GoText.plain(value))")
        }
        return pairs
    }

    private mutating func appendLine(_ words: [String]) { text += words.joined(separator: " ") + "\n" }
}
