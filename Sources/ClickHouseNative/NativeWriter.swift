/// Writes the primitives of ClickHouse's native protocol into a growing buffer.
///
/// UVarInt: 7 bits a byte, low first. String: UVarInt byte count, bytes. Integers: little-endian.
package struct NativeWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func append(_ byte: UInt8) { bytes.append(byte) }

    package mutating func append(contentsOf other: [UInt8]) { bytes.append(contentsOf: other) }

    package mutating func append<Value: FixedWidthInteger>(fixed value: Value) {
        unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    package mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    package mutating func append(string: String) {
        append(varint: UInt64(string.utf8.count))
        bytes.append(contentsOf: string.utf8)
    }
}
