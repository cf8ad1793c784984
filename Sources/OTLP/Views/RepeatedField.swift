extension WireBytes {
    /// No bytes.
    @inlinable public static var empty: WireBytes {
        // Any non-null address will do: none of it is ever read.
        unsafe WireBytes(start: UnsafePointer(bitPattern: 8)!, count: 0)
    }
}

extension WireField {
    /// The payload of a string, bytes or message field.
    @inlinable
    public func payload() throws(WireError) -> WireBytes {
        guard type == .lengthDelimited else { throw mismatch }
        return bytes
    }

    /// The value of a varint field.
    @inlinable
    public func varint() throws(WireError) -> UInt64 {
        guard type == .varint else { throw mismatch }
        return value
    }

    /// The value of a fixed64 field.
    @inlinable
    public func fixed64() throws(WireError) -> UInt64 {
        guard type == .fixed64 else { throw mismatch }
        return value
    }

    @inlinable
    public func double() throws(WireError) -> Double {
        Double(bitPattern: try fixed64())
    }

    /// The value of a fixed32 field.
    @inlinable
    public func fixed32() throws(WireError) -> UInt32 {
        guard type == .fixed32 else { throw mismatch }
        return UInt32(truncatingIfNeeded: value)
    }

    /// The value of a sint32 field, which is zigzag-encoded.
    @inlinable
    public func zigzag32() throws(WireError) -> Int32 {
        let raw = UInt32(truncatingIfNeeded: try varint())
        return Int32(bitPattern: raw >> 1) ^ -Int32(bitPattern: raw & 1)
    }

    @usableFromInline var mismatch: WireError { .unexpectedWireType(field: number, found: type.rawValue) }
}

/// The occurrences of one string, bytes or message field, read from the message as they are asked for.
@safe @frozen
public struct RepeatedField {
    @usableFromInline var cursor: WireCursor
    @usableFromInline let number: UInt32

    /// - Parameter message: the message that holds the fields; borrowed.
    @inlinable
    public init(_ message: WireBytes, _ number: UInt32) {
        cursor = WireCursor(message)
        self.number = number
    }

    /// The payload of the next occurrence, or nil after the last.
    @inlinable
    public mutating func next() throws(WireError) -> WireBytes? {
        while true {
            // Occurrences mostly follow each other: one comparison finds the next.
            if number < 16, let payload = try cursor.nextPayload(ifTag: UInt8(truncatingIfNeeded: number << 3 | 2)) {
                return payload
            }
            guard let field = try cursor.nextField() else { return nil }
            if field.number == number { return try field.payload() }
        }
    }

    /// How many occurrences are left.
    @inlinable
    public func remainingCount() throws(WireError) -> Int {
        var rest = self
        var count = 0
        while try rest.next() != nil { count += 1 }
        return count
    }
}

/// The values of one repeated number field, packed or not.
@safe @frozen
public struct RepeatedNumbers {
    @usableFromInline var cursor: WireCursor
    @usableFromInline var packed: WireCursor
    @usableFromInline let number: UInt32
    @usableFromInline let type: WireType

    /// - Parameters:
    ///   - message: the message that holds the fields; borrowed.
    ///   - type: `.varint` or `.fixed64`, by the schema.
    @inlinable
    public init(_ message: WireBytes, _ number: UInt32, _ type: WireType) {
        cursor = WireCursor(message)
        packed = WireCursor(.empty)
        self.number = number
        self.type = type
    }

    /// The next value (a double as its bit pattern), or nil after the last.
    @inlinable
    public mutating func next() throws(WireError) -> UInt64? {
        while true {
            if !packed.isAtEnd { return type == .varint ? try packed.readVarint() : try packed.readFixed64() }
            guard let field = try cursor.nextField() else { return nil }
            guard field.number == number else { continue }
            if field.type == type { return field.value }
            packed = WireCursor(try field.payload())
        }
    }

    /// The next value of a field of doubles, or nil after the last.
    @inlinable
    public mutating func nextDouble() throws(WireError) -> Double? {
        try next().map(Double.init(bitPattern:))
    }
}
