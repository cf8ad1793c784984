import ClickHouseNative
import Testing

/// What the client sends equals, byte for byte, what a real server was seen to take.
@Suite struct ClientPacketTests {
    static let identity = ClientIdentity(name: "demo", versionMajor: 1, versionMinor: 2, versionPatch: 0)

    @Test func hello() {
        let bytes = ClientPacket.hello(Self.identity, database: "", user: "otel", password: "pw")
        #expect(hex(bytes) == "000464656d6f0102bca90300046f74656c027077")
    }

    @Test func query() {
        let text = "INSERT INTO t (a) VALUES"
        let bytes = ClientPacket.query(
            text, identity: Self.identity, revision: 54460, settings: [], compression: .lz4)
        let expected =
            "01000100" + "0009302e302e302e303a30" + "0000000000000000" + "01" + "00" + "00" + "0464656d6f"
            + "0102bca903"
            + "00000000000000" + "0000" + "0201" + "18" + hex(Array(text.utf8)) + "00"
        #expect(hex(bytes) == expected)
    }

    @Test func oldServersGetNoSettings() {
        let setting = QuerySetting(name: "async_insert", value: "0")
        let old = ClientPacket.query(
            "SELECT 1", identity: Self.identity, revision: 54412, settings: [setting], compression: .none)
        #expect(!hex(old).contains(hex(Array("async_insert".utf8))))
    }
}

func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }.joined()
}

func bytes(hex: String) -> [UInt8] {
    let digits = hex.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}
