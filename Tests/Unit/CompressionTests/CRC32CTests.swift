import CChecksum
import Compression
import Testing

/// The checksum is the published CRC-32C for every length and alignment, whole or in pieces.
@Suite struct CRC32CTests {
    private func checksum(_ bytes: some Sequence<UInt8>, seed: UInt32 = 0) -> UInt32 {
        unsafe Array(bytes).withUnsafeBytes { unsafe crc32c($0, seed: seed) }
    }

    /// The definition, bit by bit.
    private func reference(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var state = ~UInt32(0)
        for byte in bytes {
            state ^= UInt32(byte)
            for _ in 0..<8 { state = state >> 1 ^ (state & 1 == 1 ? 0x82F6_3B78 : 0) }
        }
        return ~state
    }

    @Test func publishedValues() {
        #expect(checksum("123456789".utf8) == 0xE306_9283)
        #expect(checksum([]) == 0)
        // RFC 3720, B.4.
        #expect(checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(checksum([UInt8](repeating: 0xff, count: 32)) == 0x62A8_AB43)
        #expect(checksum(0..<32) == 0x46DD_794E)
    }

    @Test(arguments: Seeds.all)
    func everyLengthAndSplitAgreesWithTheDefinition(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let bytes = random.bytes(count: 10_000)
        for count in Array(0...40) + [1023, 1024, 3071, 3072, 3073, 6144, 10_000] {
            #expect(checksum(bytes.prefix(count)) == reference(bytes.prefix(count)))
        }
        for _ in 0..<50 {
            let split = Int.random(in: 0...bytes.count, using: &random)
            let tail = bytes[split...]
            #expect(checksum(tail, seed: checksum(bytes[..<split])) == checksum(bytes))
            // An unaligned start: the slice is read where it lies.
            let inPlace = unsafe bytes.withUnsafeBytes { unsafe crc32c(UnsafeRawBufferPointer(rebasing: $0[split...])) }
            #expect(inPlace == reference(tail))
            // What processors without the instruction run.
            let table = unsafe tail.withUnsafeBytes { unsafe CChecksum_crc32c_table($0.baseAddress, $0.count, 0) }
            #expect(table == inPlace)
        }
    }
}
