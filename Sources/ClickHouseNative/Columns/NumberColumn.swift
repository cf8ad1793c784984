/// A column of numbers or times, converted to the width that the table has.
@safe @frozen
public struct NumberColumn: EncodedColumn, ~Copyable {
    @frozen
    public enum Encoding: Sendable, Hashable {
        /// Integers of 1, 2, 4 or 8 bytes, two's complement, cut to their width.
        case integer(bytes: Int)
        case float32
        case float64
        /// Unix nanoseconds into ticks of 10^-precision seconds.
        case dateTime64(divisor: UInt64)
        /// Unix nanoseconds into seconds, held between 1970 and 2106.
        case dateTime
        /// Unix nanoseconds into days.
        case date
    }

    public private(set) var encoding: Encoding
    public private(set) var isNullable: Bool
    @usableFromInline var data: GrowableBytes
    public var rowCount: Int

    public init(_ encoding: Encoding = .integer(bytes: 8), isNullable: Bool = false) {
        self.encoding = encoding
        self.isNullable = isNullable
        data = GrowableBytes()
        rowCount = 0
    }

    public mutating func prepare(for type: ColumnType) -> Bool {
        guard let wanted = Self.encoding(of: type) else { return false }
        (encoding, isNullable) = wanted
        removeAll()
        return true
    }

    /// The encoding for `type`; nil when the type does not hold numbers.
    public static func encoding(of type: ColumnType) -> (Encoding, isNullable: Bool)? {
        if case .nullable(let inner) = type { return encoding(of: inner).map { ($0.0, true) } }
        let encoding: Encoding? =
            switch type {
            case .uint8, .int8, .bool: .integer(bytes: 1)
            case .uint16, .int16: .integer(bytes: 2)
            case .uint32, .int32: .integer(bytes: 4)
            case .uint64, .int64: .integer(bytes: 8)
            case .float32: .float32
            case .float64: .float64
            case .dateTime: .dateTime
            case .date: .date
            case .dateTime64(let precision) where (0...9).contains(precision):
                .dateTime64(divisor: powerOfTen(9 - precision))
            default: nil
            }
        return encoding.map { ($0, false) }
    }

    private static func powerOfTen(_ exponent: Int) -> UInt64 { (0..<exponent).reduce(1) { value, _ in value * 10 } }

    public mutating func removeAll() {
        data.removeAll()
        rowCount = 0
    }

    /// Appends an integer, or the bits of a two's-complement one.
    @inlinable @inline(__always)
    public mutating func append(integer value: UInt64) {
        switch encoding {
        case .integer(bytes: 8): data.append(fixed: value)
        case .integer(bytes: 4): data.append(fixed: UInt32(truncatingIfNeeded: value))
        case .integer(bytes: 2): data.append(fixed: UInt16(truncatingIfNeeded: value))
        case .integer: data.append(UInt8(truncatingIfNeeded: value))
        case .float64: data.append(fixed: Double(Int64(bitPattern: value)).bitPattern)
        case .float32: data.append(fixed: Float(Int64(bitPattern: value)).bitPattern)
        case .dateTime64, .dateTime, .date: appendTime(value)
        }
        rowCount += 1
    }

    /// Appends an integer that the next `rows` rows have.
    public mutating func append(integer value: UInt64, rows: Int) {
        for _ in 0..<rows { append(integer: value) }
    }

    @inlinable @inline(__always)
    public mutating func append(double value: Double) {
        switch encoding {
        case .float64: data.append(fixed: value.bitPattern)
        case .float32: data.append(fixed: Float(value).bitPattern)
        default:
            let bounded = value.isNaN ? 0 : min(max(value, -9.2e18), 9.2e18)
            append(integer: UInt64(bitPattern: Int64(bounded)))
            return
        }
        rowCount += 1
    }

    /// Appends a time, given as nanoseconds since 1970.
    @inlinable @inline(__always)
    public mutating func append(unixNanos value: UInt64) {
        appendTime(value)
        rowCount += 1
    }

    @inlinable
    mutating func appendTime(_ nanos: UInt64) {
        switch encoding {
        case .dateTime64(divisor: 1): data.append(fixed: nanos)
        case .dateTime64(let divisor): data.append(fixed: Int64(bitPattern: nanos) / Int64(divisor))
        case .dateTime: data.append(fixed: UInt32(clamping: nanos / 1_000_000_000))
        case .date: data.append(fixed: UInt16(clamping: nanos / 86_400_000_000_000))
        case .integer(bytes: 8): data.append(fixed: nanos)
        case .integer(let bytes):
            // A narrower integer can only mean seconds.
            let seconds = nanos / 1_000_000_000
            for index in 0..<bytes { data.append(UInt8(truncatingIfNeeded: seconds >> UInt64(8 * index))) }
        case .float64: data.append(fixed: (Double(nanos) / 1e9).bitPattern)
        case .float32: data.append(fixed: Float(Double(nanos) / 1e9).bitPattern)
        }
    }

    public borrowing func appendData(to output: inout BlockOutput) {
        if isNullable { output.append(zeros: rowCount) }
        output.append(data)
    }
}
