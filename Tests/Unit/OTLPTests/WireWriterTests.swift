import OTLP
import TestSupport
import Testing

/// What the writer writes, the cursor reads back, and it is minimal.
@Suite struct WireWriterTests {
    /// Scenario: varints around every power of two.
    /// Guarantees: each reads back, in as few bytes as seven bits to the byte need.
    @Test func varints() throws {
        let powers = (0..<64).map { (1 as UInt64) << $0 }
        let values: [UInt64] = powers + powers.map { $0 - 1 } + powers.map { $0 + 1 } + [.max]
        for value in values {
            var writer = WireWriter()
            writer.writeVarint(value)
            let byteCount = max(1, (64 - value.leadingZeroBitCount + 6) / 7)
            #expect(writer.count == byteCount)
            #expect(WireWriter.varintByteCount(value) == byteCount)
            let read = try writer.withWireBytes { (bytes) throws(WireError) in
                var cursor = WireCursor(bytes)
                return try cursor.readVarint()
            }
            #expect(read == value)
        }
    }

    /// Scenario: messages nested in each other, of sizes around every change of length, with right and wrong guesses,
    /// in a writer that starts with no room to spare.
    /// Guarantees: the bytes are those of the test's own encoder.
    @Test(arguments: [0, 1, 2, 126, 127, 128, 129, 16_383, 16_384, 16_385, 2_097_151, 2_097_152])
    func messages(byteCount: Int) {
        let payload = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0) }
        let inner = ProtobufMessage([ProtobufField(2, .bytes(payload)), ProtobufField(16, .varint(300))])
        let outer = ProtobufMessage([ProtobufField(1, .message(inner)), ProtobufField(3, .bytes(Array("end".utf8)))])
        for guess in [0, 127, 128, byteCount, 1 << 21] {
            var writer = WireWriter(capacity: 0)
            let mark = writer.beginMessage(1, expectedByteCount: guess)
            writer.writeBytes(2, payload)
            writer.writeVarint(16, 300)
            writer.endMessage(mark)
            writer.writeString(3, "end")
            #expect(writer.bytes == outer.bytes)
        }
    }

    /// Scenario: fields of every wire type, written by value and copied from a cursor.
    /// Guarantees: both give the bytes of the test's own encoder.
    @Test(arguments: Seeds.regression)
    func fields(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var writer = WireWriter(capacity: 0)
        var expected: [UInt8] = []
        for _ in 0..<200 {
            let number = random.element(of: [1, 15, 16, 2047, 2048, 536_870_911] as [UInt32])
            let value = random.next() >> UInt64(random.int(in: 0...63))
            switch random.int(in: 0...3) {
            case 0:
                writer.writeVarint(number, value)
                expected += ProtobufField(number, .varint(value)).bytes
            case 1:
                writer.writeDouble(number, Double(bitPattern: value))
                expected += ProtobufField(number, .fixed64(value)).bytes
            case 2:
                writer.writeFixed32(number, UInt32(truncatingIfNeeded: value))
                expected += ProtobufField(number, .fixed32(UInt32(truncatingIfNeeded: value))).bytes
            default:
                let bytes = random.bytes(random.int(in: 0...200))
                writer.writeBytes(number, bytes)
                expected += ProtobufField(number, .bytes(bytes)).bytes
            }
        }
        #expect(writer.bytes == expected)
        var copy = WireWriter()
        try expected.withWireBytes { (bytes) throws(WireError) in
            var cursor = WireCursor(bytes)
            while let field = try cursor.nextField() { copy.writeField(field) }
        }
        #expect(copy.bytes == expected)
    }

    /// Scenario: a writer emptied, and cut back.
    /// Guarantees: what was forgotten leaves no trace in what is written next.
    @Test func forgetting() {
        var writer = WireWriter()
        writer.writeString(1, "first")
        writer.removeAll()
        writer.writeVarint(1, 5)
        let count = writer.count
        writer.writeString(2, "second")
        writer.truncate(to: count)
        #expect(writer.bytes == [0x08, 0x05])
    }
}
