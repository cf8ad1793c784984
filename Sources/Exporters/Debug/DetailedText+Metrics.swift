import Glibc
import OTLP

extension DetailedText {
    mutating func append(_ resourceMetrics: ResourceMetricsView, index: Int) throws(WireError) {
        line("ResourceMetrics #\(index)")
        try resource(resourceMetrics.resource, schemaURL: resourceMetrics.schemaURL)
        var scopes = resourceMetrics.scopeMetrics
        var scopeIndex = 0
        while let bytes = try scopes.next() {
            let scopeMetrics = try ScopeMetricsView(bytes)
            line("ScopeMetrics #\(scopeIndex)")
            line("ScopeMetrics SchemaURL: \(scopeMetrics.schemaURL.string)")
            try scope(scopeMetrics.scope)
            var metrics = scopeMetrics.metrics
            var metricIndex = 0
            while let bytes = try metrics.next() {
                line("Metric #\(metricIndex)")
                try append(MetricView(bytes))
                metricIndex += 1
            }
            scopeIndex += 1
        }
    }

    private mutating func append(_ metric: MetricView) throws(WireError) {
        line("Descriptor:")
        line("     -> Name: \(metric.name.string)")
        line("     -> Description: \(metric.description.string)")
        line("     -> Unit: \(metric.unit.string)")
        switch metric.data {
        case .none: line("     -> DataType: Empty")
        case .gauge(let data):
            line("     -> DataType: Gauge")
            try append(numbers: data.dataPoints)
        case .sum(let data):
            line("     -> DataType: Sum")
            line("     -> IsMonotonic: \(data.isMonotonic)")
            append(temporality: data)
            try append(numbers: data.dataPoints)
        case .histogram(let data):
            line("     -> DataType: Histogram")
            append(temporality: data)
            try append(histograms: data.dataPoints)
        case .exponentialHistogram(let data):
            line("     -> DataType: ExponentialHistogram")
            append(temporality: data)
            try append(exponentialHistograms: data.dataPoints)
        case .summary(let data):
            line("     -> DataType: Summary")
            try append(summaries: data.dataPoints)
        }
    }

    private mutating func append(temporality data: MetricDataView) {
        let name =
            switch data.aggregationTemporality {
            case 0: "Unspecified"
            case 1: "Delta"
            case 2: "Cumulative"
            default: ""
            }
        line("     -> AggregationTemporality: \(name)")
    }

    private mutating func pointHead(
        _ title: String, _ attributes: RepeatedField, start: UInt64, time: UInt64
    ) throws(WireError) {
        line(title)
        try self.attributes("Data point attributes", attributes)
        line("StartTimestamp: \(GoText.time(unixNanos: start))")
        line("Timestamp: \(GoText.time(unixNanos: time))")
    }

    private mutating func append(numbers: RepeatedField) throws(WireError) {
        var points = numbers
        var index = 0
        while let bytes = try points.next() {
            let point = try NumberDataPointView(bytes)
            try pointHead(
                "NumberDataPoints #\(index)", point.attributes, start: point.startTimeUnixNano, time: point.timeUnixNano
            )
            switch point.value {
            case .int(let value): line("Value: \(value)")
            case .double(let value): line("Value: \(GoText.fixed(value))")
            case nil: break
            }
            try append(exemplars: point.exemplars)
            index += 1
        }
    }

    private mutating func append(histograms: RepeatedField) throws(WireError) {
        var points = histograms
        var index = 0
        while let bytes = try points.next() {
            let point = try HistogramDataPointView(bytes)
            try pointHead(
                "HistogramDataPoints #\(index)", point.attributes, start: point.startTimeUnixNano,
                time: point.timeUnixNano)
            append(count: point.count, sum: point.sum, min: point.min, max: point.max)
            var bounds = point.explicitBounds
            var boundIndex = 0
            while let bound = try bounds.nextDouble() {
                line("ExplicitBounds #\(boundIndex): \(GoText.fixed(bound))")
                boundIndex += 1
            }
            var counts = point.bucketCounts
            var bucketIndex = 0
            while let count = try counts.next() {
                line("Buckets #\(bucketIndex), Count: \(count)")
                bucketIndex += 1
            }
            try append(exemplars: point.exemplars)
            index += 1
        }
    }

    private mutating func append(exponentialHistograms: RepeatedField) throws(WireError) {
        var points = exponentialHistograms
        var index = 0
        while let bytes = try points.next() {
            let point = try ExponentialHistogramDataPointView(bytes)
            try pointHead(
                "ExponentialHistogramDataPoints #\(index)", point.attributes, start: point.startTimeUnixNano,
                time: point.timeUnixNano)
            append(count: point.count, sum: point.sum, min: point.min, max: point.max)
            // The buckets' bounds are powers of 2^(2^-scale), here as e^(index * factor).
            let factor = scalbn(0.693147180559945309417232121458, Int32(clamping: -Int(point.scale)))
            for bucket in try buckets(point.negative).reversed() {
                let (lower, upper) = (exp(Double(bucket.index) * factor), exp(Double(bucket.index + 1) * factor))
                line("Bucket [\(GoText.fixed(-upper)), \(GoText.fixed(-lower))), Count: \(bucket.count)")
            }
            if point.zeroCount != 0 { line("Bucket [0, 0], Count: \(point.zeroCount)") }
            for bucket in try buckets(point.positive) {
                let (lower, upper) = (exp(Double(bucket.index) * factor), exp(Double(bucket.index + 1) * factor))
                line("Bucket (\(GoText.fixed(lower)), \(GoText.fixed(upper))], Count: \(bucket.count)")
            }
            try append(exemplars: point.exemplars)
            index += 1
        }
    }

    private func buckets(_ bytes: WireBytes) throws(WireError) -> [(index: Int, count: UInt64)] {
        let view = try BucketsView(bytes)
        var counts = view.bucketCounts
        var buckets: [(index: Int, count: UInt64)] = []
        while let count = try counts.next() { buckets.append((Int(view.offset) + buckets.count, count)) }
        return buckets
    }

    private mutating func append(summaries: RepeatedField) throws(WireError) {
        var points = summaries
        var index = 0
        while let bytes = try points.next() {
            let point = try SummaryDataPointView(bytes)
            try pointHead(
                "SummaryDataPoints #\(index)", point.attributes, start: point.startTimeUnixNano,
                time: point.timeUnixNano)
            append(count: point.count, sum: point.sum, min: nil, max: nil)
            var quantiles = point.quantileValues
            var quantileIndex = 0
            while let bytes = try quantiles.next() {
                let quantile = try ValueAtQuantileView(bytes)
                let (position, value) = (GoText.fixed(quantile.quantile), GoText.fixed(quantile.value))
                line("QuantileValue #\(quantileIndex): Quantile \(position), Value \(value)")
                quantileIndex += 1
            }
            index += 1
        }
    }

    private mutating func append(count: UInt64, sum: Double?, min: Double?, max: Double?) {
        line("Count: \(count)")
        if let sum { line("Sum: \(GoText.fixed(sum))") }
        if let min { line("Min: \(GoText.fixed(min))") }
        if let max { line("Max: \(GoText.fixed(max))") }
    }

    private mutating func append(exemplars: RepeatedField) throws(WireError) {
        var exemplars = exemplars
        var index = 0
        while let bytes = try exemplars.next() {
            if index == 0 { line("Exemplars:") }
            let exemplar = try ExemplarView(bytes)
            line("Exemplar #\(index)")
            line("     -> Trace ID: \(GoText.id(exemplar.traceID))")
            line("     -> Span ID: \(GoText.id(exemplar.spanID))")
            line("     -> Timestamp: \(GoText.time(unixNanos: exemplar.timeUnixNano))")
            switch exemplar.value {
            case .int(let value): line("     -> Value: \(value)")
            case .double(let value): line("     -> Value: \(GoText.fixed(value))")
            case nil: break
            }
            try attributes("     -> FilteredAttributes", exemplar.filteredAttributes, indentation: "     ")
            index += 1
        }
    }
}
