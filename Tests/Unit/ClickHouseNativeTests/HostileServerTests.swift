import Compression
import Synchronization
import Testing

@testable import ClickHouseNative

/// Whatever a server says, this side reads it or throws: it does not trap, hang or allocate what was never sent.
struct HostileServerTests {
    private static let types: [(String, [UInt8])] = [
        ("String", [1, 97, 0]), ("UInt8", [1, 2]), ("LowCardinality(String)", lowCardinality),
        ("Array(UInt16)", [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7, 7, 8, 8]),
        ("Nullable(String)", [0, 1, 1, 97, 0]), ("FixedString(2)", [97, 98, 99, 100]),
        ("Enum8('a' = 1, 'b' = -2)", [1, 254]),
    ]

    private static let lowCardinality: [UInt8] =
        [1, 0, 0, 0, 0, 0, 0, 0] + [0, 6, 0, 0, 0, 0, 0, 0] + [2, 0, 0, 0, 0, 0, 0, 0, 1, 97, 0]
        + [2, 0, 0, 0, 0, 0, 0, 0, 0, 1]

    private static var packets: [[UInt8]] {
        var hello = NativeWriter()
        hello.append(varint: 0)
        hello.append(string: "ClickHouse")
        for number: UInt64 in [26, 9, 54460] { hello.append(varint: number) }
        hello.append(string: "UTC")
        hello.append(string: "host")
        hello.append(varint: 1)
        var data = NativeWriter()
        data.append(
            contentsOf: [1, 0] + NativeBlock.head(columnCount: types.count, rowCount: 2, revision: Revision.client))
        for (index, (type, bytes)) in types.enumerated() {
            data.append(
                contentsOf: NativeBlock.columnHead(name: "c\(index)", typeName: type, revision: Revision.client) + bytes
            )
        }
        var exception = NativeWriter()
        exception.append(varint: 2)
        exception.append(fixed: Int32(60))
        for text in ["DB::Exception", "DB::Exception: no table", ""] { exception.append(string: text) }
        exception.append(0)
        return [hello.bytes, data.bytes, exception.bytes, [3, 1, 2, 3, 4, 5, 6], [4], [5]]
    }

    @Test("whole packets are read, and no beginning of one is taken for a packet")
    func prefixes() throws {
        for packet in Self.packets {
            for count in 0...packet.count {
                var reader = NativeReader(packet[..<count])
                let result = Result { () throws(NativeProtocolError) in
                    try ServerPacket.read(from: &reader, revision: Revision.client, compression: .none)
                }
                switch result {
                case .success: #expect(count == packet.count && reader.isAtEnd)
                case .failure(let error): #expect(error == .incomplete && count < packet.count)
                }
            }
        }
    }

    @Test("spoiled packets end in a packet or an error", arguments: UInt64(1)...20)
    func spoiled(seed: UInt64) {
        var state = seed &* 0x9e37_79b9_7f4a_7c15
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 0..<2000 {
            var packet = Self.packets[random(Self.packets.count)]
            for _ in 0...random(3) { packet[random(packet.count)] = UInt8(truncatingIfNeeded: random(256)) }
            var reader = NativeReader(packet)
            let compression: BlockCompression = random(8) == 0 ? .lz4 : .none
            do {
                _ = try ServerPacket.read(from: &reader, revision: Revision.client, compression: compression)
            } catch {
                // Either of the two errors is an answer.
                #expect(error == .incomplete || !error.description.isEmpty)
            }
        }
    }

    @Test("a FixedString too long for any memory is refused")
    func fixedString() {
        let block =
            NativeBlock.head(columnCount: 1, rowCount: 4, revision: Revision.client)
            + NativeBlock.columnHead(
                name: "c", typeName: "FixedString(\(Int.max))", revision: Revision.client)
        var reader = NativeReader([1, 0] + block)
        #expect(throws: NativeProtocolError.malformed("a FixedString of \(Int.max) bytes")) {
            _ = try ServerPacket.read(from: &reader, revision: Revision.client, compression: .none)
        }
    }
}
