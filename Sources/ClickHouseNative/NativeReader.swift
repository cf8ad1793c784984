/// Why received bytes could not be read.
package enum NativeProtocolError: Error, Sendable, Hashable {
    /// The packet is not complete yet: try again with more bytes.
    case incomplete
    /// The bytes are not the protocol; the connection is of no more use.
    case malformed(String)
}

extension NativeProtocolError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .incomplete: "packet incomplete"
        case .malformed(let reason): "malformed packet from ClickHouse: \(reason)"
        }
    }
}

/// Reads the primitives of ClickHouse's native protocol from received bytes, every read bounds-checked.
package struct NativeReader {
    private let bytes: ArraySlice<UInt8>
    /// Index of the next byte in the slice given to `init`.
    package private(set) var position: Int

    /// A server that claims more for one string, or more columns or rows, is not believed.
    package static let stringBytesMax = 64 << 20
    package static let columnCountMax = 10_000
    package static let rowCountMax = 100_000_000

    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    package init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    package var remaining: Int { bytes.endIndex - position }
    package var isAtEnd: Bool { remaining == 0 }

    package mutating func readByte() throws(NativeProtocolError) -> UInt8 {
        guard position < bytes.endIndex else { throw .incomplete }
        defer { position += 1 }
        return bytes[position]
    }

    package mutating func readFixed<Value: FixedWidthInteger>(
        _ type: Value.Type = Value.self
    ) throws(NativeProtocolError) -> Value {
        let width = Value.bitWidth / 8
        guard remaining >= width else { throw .incomplete }
        var value: Value = 0
        for index in 0..<width {
            value |= Value(truncatingIfNeeded: bytes[position + index]) << Value(truncatingIfNeeded: 8 * index)
        }
        position += width
        return value
    }

    package mutating func readVarint() throws(NativeProtocolError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try readByte()
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
            if shift > 63 { throw .malformed("a number of more than ten bytes") }
        }
    }

    /// A count that must not exceed `limit`.
    package mutating func readCount(atMost limit: Int, of what: StaticString) throws(NativeProtocolError) -> Int {
        let count = try readVarint()
        guard count <= UInt64(limit) else { throw .malformed("\(count) \(what), more than \(limit)") }
        return Int(count)
    }

    package mutating func readBytes(_ count: Int) throws(NativeProtocolError) -> ArraySlice<UInt8> {
        guard count >= 0 else { throw .malformed("negative length") }
        guard remaining >= count else { throw .incomplete }
        defer { position += count }
        return bytes[position..<(position + count)]
    }

    package mutating func readString() throws(NativeProtocolError) -> String {
        let count = try readCount(atMost: Self.stringBytesMax, of: "bytes in a string")
        return String(decoding: try readBytes(count), as: UTF8.self)
    }

    package mutating func skipString() throws(NativeProtocolError) {
        let count = try readCount(atMost: Self.stringBytesMax, of: "bytes in a string")
        _ = try readBytes(count)
    }
}
