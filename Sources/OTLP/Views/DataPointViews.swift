/// One point of a gauge or a sum. Borrowed, as `WireBytes`.
@safe @frozen
public struct NumberDataPointView {
    /// The whole message.
    public let bytes: WireBytes
    public var startTimeUnixNano: UInt64 = 0
    public var timeUnixNano: UInt64 = 0
    /// nil where the point has no value.
    public var value: NumberValue?
    /// DataPointFlags: bit 0 says that there is no recorded value.
    public var flags: UInt32 = 0

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        self.bytes = bytes
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case NumberDataPointField.startTimeUnixNano: startTimeUnixNano = try field.fixed64()
            case NumberDataPointField.timeUnixNano: timeUnixNano = try field.fixed64()
            case NumberDataPointField.asDouble: value = .double(try field.double())
            case NumberDataPointField.asInt: value = .int(Int64(bitPattern: try field.fixed64()))
            case NumberDataPointField.flags: flags = UInt32(truncatingIfNeeded: try field.varint())
            default: continue
            }
        }
    }

    /// Payloads for `KeyValueView`.
    @inlinable public var attributes: RepeatedField { RepeatedField(bytes, NumberDataPointField.attributes) }

    /// Payloads for `ExemplarView`.
    @inlinable public var exemplars: RepeatedField { RepeatedField(bytes, NumberDataPointField.exemplars) }
}

/// One point of a histogram. Borrowed, as `WireBytes`.
@safe @frozen
public struct HistogramDataPointView {
    /// The whole message.
    public let bytes: WireBytes
    public var startTimeUnixNano: UInt64 = 0
    public var timeUnixNano: UInt64 = 0
    public var count: UInt64 = 0
    public var sum: Double?
    public var min: Double?
    public var max: Double?
    /// DataPointFlags: bit 0 says that there is no recorded value.
    public var flags: UInt32 = 0

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        self.bytes = bytes
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case HistogramDataPointField.startTimeUnixNano: startTimeUnixNano = try field.fixed64()
            case HistogramDataPointField.timeUnixNano: timeUnixNano = try field.fixed64()
            case HistogramDataPointField.count: count = try field.fixed64()
            case HistogramDataPointField.sum: sum = try field.double()
            case HistogramDataPointField.min: min = try field.double()
            case HistogramDataPointField.max: max = try field.double()
            case HistogramDataPointField.flags: flags = UInt32(truncatingIfNeeded: try field.varint())
            default: continue
            }
        }
    }

    /// Payloads for `KeyValueView`.
    @inlinable public var attributes: RepeatedField { RepeatedField(bytes, HistogramDataPointField.attributes) }

    /// Payloads for `ExemplarView`.
    @inlinable public var exemplars: RepeatedField { RepeatedField(bytes, HistogramDataPointField.exemplars) }

    @inlinable public var bucketCounts: RepeatedNumbers {
        RepeatedNumbers(bytes, HistogramDataPointField.bucketCounts, .fixed64)
    }

    /// Doubles.
    @inlinable public var explicitBounds: RepeatedNumbers {
        RepeatedNumbers(bytes, HistogramDataPointField.explicitBounds, .fixed64)
    }
}

/// One point of an exponential histogram. Borrowed, as `WireBytes`.
@safe @frozen
public struct ExponentialHistogramDataPointView {
    /// The whole message.
    public let bytes: WireBytes
    public var startTimeUnixNano: UInt64 = 0
    public var timeUnixNano: UInt64 = 0
    public var count: UInt64 = 0
    public var sum: Double?
    public var scale: Int32 = 0
    public var zeroCount: UInt64 = 0
    /// The Buckets message.
    public var positive: WireBytes = .empty
    /// The Buckets message.
    public var negative: WireBytes = .empty
    public var min: Double?
    public var max: Double?
    public var zeroThreshold: Double = 0
    /// DataPointFlags: bit 0 says that there is no recorded value.
    public var flags: UInt32 = 0

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        self.bytes = bytes
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case ExponentialHistogramDataPointField.startTimeUnixNano: startTimeUnixNano = try field.fixed64()
            case ExponentialHistogramDataPointField.timeUnixNano: timeUnixNano = try field.fixed64()
            case ExponentialHistogramDataPointField.count: count = try field.fixed64()
            case ExponentialHistogramDataPointField.sum: sum = try field.double()
            case ExponentialHistogramDataPointField.scale: scale = try field.zigzag32()
            case ExponentialHistogramDataPointField.zeroCount: zeroCount = try field.fixed64()
            case ExponentialHistogramDataPointField.positive: positive = try field.payload()
            case ExponentialHistogramDataPointField.negative: negative = try field.payload()
            case ExponentialHistogramDataPointField.min: min = try field.double()
            case ExponentialHistogramDataPointField.max: max = try field.double()
            case ExponentialHistogramDataPointField.zeroThreshold: zeroThreshold = try field.double()
            case ExponentialHistogramDataPointField.flags: flags = UInt32(truncatingIfNeeded: try field.varint())
            default: continue
            }
        }
    }

    /// Payloads for `KeyValueView`.
    @inlinable public var attributes: RepeatedField {
        RepeatedField(bytes, ExponentialHistogramDataPointField.attributes)
    }

    /// Payloads for `ExemplarView`.
    @inlinable public var exemplars: RepeatedField {
        RepeatedField(bytes, ExponentialHistogramDataPointField.exemplars)
    }
}

/// One side of an exponential histogram. Borrowed, as `WireBytes`.
@safe @frozen
public struct BucketsView {
    /// The whole message.
    public let bytes: WireBytes
    /// The index of the first bucket.
    public var offset: Int32 = 0

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        self.bytes = bytes
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case BucketsField.offset: offset = try field.zigzag32()
            default: continue
            }
        }
    }

    @inlinable public var bucketCounts: RepeatedNumbers { RepeatedNumbers(bytes, BucketsField.bucketCounts, .varint) }
}

/// One point of a summary. Borrowed, as `WireBytes`.
@safe @frozen
public struct SummaryDataPointView {
    /// The whole message.
    public let bytes: WireBytes
    public var startTimeUnixNano: UInt64 = 0
    public var timeUnixNano: UInt64 = 0
    public var count: UInt64 = 0
    public var sum: Double = 0
    /// DataPointFlags: bit 0 says that there is no recorded value.
    public var flags: UInt32 = 0

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        self.bytes = bytes
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case SummaryDataPointField.startTimeUnixNano: startTimeUnixNano = try field.fixed64()
            case SummaryDataPointField.timeUnixNano: timeUnixNano = try field.fixed64()
            case SummaryDataPointField.count: count = try field.fixed64()
            case SummaryDataPointField.sum: sum = try field.double()
            case SummaryDataPointField.flags: flags = UInt32(truncatingIfNeeded: try field.varint())
            default: continue
            }
        }
    }

    /// Payloads for `KeyValueView`.
    @inlinable public var attributes: RepeatedField { RepeatedField(bytes, SummaryDataPointField.attributes) }

    /// Payloads for `ValueAtQuantileView`.
    @inlinable public var quantileValues: RepeatedField { RepeatedField(bytes, SummaryDataPointField.quantileValues) }
}

/// One quantile of a summary. Borrowed, as `WireBytes`.
@safe @frozen
public struct ValueAtQuantileView {
    /// 0 to 1.
    public var quantile: Double = 0
    public var value: Double = 0

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case ValueAtQuantileField.quantile: quantile = try field.double()
            case ValueAtQuantileField.value: value = try field.double()
            default: continue
            }
        }
    }
}

/// A sample measurement behind a point. Borrowed, as `WireBytes`.
@safe @frozen
public struct ExemplarView {
    /// The whole message.
    public let bytes: WireBytes
    public var timeUnixNano: UInt64 = 0
    /// nil where the exemplar has no value.
    public var value: NumberValue?
    /// 8 bytes, or none.
    public var spanID: WireBytes = .empty
    /// 16 bytes, or none.
    public var traceID: WireBytes = .empty

    @inlinable
    public init(_ bytes: WireBytes) throws(WireError) {
        self.bytes = bytes
        var cursor = WireCursor(bytes)
        while let field = try cursor.nextField() {
            switch field.number {
            case ExemplarField.timeUnixNano: timeUnixNano = try field.fixed64()
            case ExemplarField.asDouble: value = .double(try field.double())
            case ExemplarField.asInt: value = .int(Int64(bitPattern: try field.fixed64()))
            case ExemplarField.spanID: spanID = try field.payload()
            case ExemplarField.traceID: traceID = try field.payload()
            default: continue
            }
        }
    }

    /// Payloads for `KeyValueView`.
    @inlinable public var filteredAttributes: RepeatedField { RepeatedField(bytes, ExemplarField.filteredAttributes) }
}
