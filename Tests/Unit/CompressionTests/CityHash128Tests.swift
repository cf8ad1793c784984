import Compression
import Testing

/// The hash equals published values for every length class: below 4, 8, 16, 128 bytes, and each kind of tail beyond.
@Suite struct CityHash128Tests {
    static let vectors: [(count: Int, wire: String)] = [
        (0, "2b9ac064fc9df03d291ee592c340b53c"), (1, "555db5cc909437391f57cd6430b1f22a"),
        (3, "8669a11d6bfa08312d6150c2f01b3032"), (8, "2f4353599a7cadb68c88219910020e9f"),
        (15, "472f8fabd899825a77320da978a4a08e"), (16, "792b9c7fab9ce7217a3f3135c21556a3"),
        (17, "4c6eeafa13bbd50cfebbf6789171bf32"), (31, "fc7fc25e32704f6ee015b5f0e9a7239a"),
        (33, "61db6d5b1dbf4b09af7afa8ed52b5710"), (64, "ef2a43c18ed512d41432d8bb0c635457"),
        (127, "429982623c2a1c1feade014b6020585d"), (128, "314d69d6100bd011f4df3fb8e5b98f10"),
        (143, "e2be2e5f14891620d04dfbc391bd56df"), (144, "7d76859b7b1639d6c6073157f40ba107"),
        (191, "aebb1ae33351e10ff1fa745f6637c8a0"), (255, "cae4bb08cfd87a21ff322f8d03b45b1a"),
        (257, "f6e7425ed6040f4cf666d6cb7ba50bc3"), (1000, "7323377b8c534b982087686bc5cbe6f6"),
    ]

    @Test("equals the reference for every length class", arguments: vectors)
    func vector(count: Int, wire: String) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: 7 * $0 + 3) }
        #expect(Self.wireForm(of: bytes) == wire)
    }

    @Test func text() {
        #expect(Self.wireForm(of: Array("abc".utf8)) == "fe48775795f10f907e0db2556317a913")
    }

    /// Low half first, each half little-endian, as it stands before a compressed frame.
    static func wireForm(of bytes: [UInt8]) -> String {
        let hash = unsafe bytes.withUnsafeBytes { unsafe cityHash128($0) }
        var text = ""
        for half in [hash.low, hash.high] {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                let digits = String(UInt8(truncatingIfNeeded: half >> shift), radix: 16)
                text += digits.count == 1 ? "0" + digits : digits
            }
        }
        return text
    }
}
