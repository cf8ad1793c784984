import TestSupport
import Testing

@testable import ClickHouseNative

/// However a block's bytes come, in whatever pieces, the server reads just these.
@Suite struct BlockOutputTests {
    /// Scenario: pieces from nothing to several frames, two blocks, bytes outside of frames before, between and behind
    /// them; an output that is used again.
    /// Guarantees: the frames expand to what was written, and the rest stands where it was put.
    @Test(
        arguments: [BlockCompression.none, .lz4, .zstd(level: 1)], Seeds.regression.prefix(3) + Seeds.fresh(count: 2))
    func frames(compression: BlockCompression, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var output = BlockOutput(revision: Revision.client, compression: compression)
        for _ in 0..<3 {
            output.removeAll()
            output.append(unframed: [7, 8])
            let first = Self.write(&random, to: &output)
            try output.endBlock()
            let middle = output.byteCount
            output.append(unframed: [9])
            let second = Self.write(&random, to: &output)
            try output.endBlock()
            #expect(output.bytes.count == output.byteCount)
            #expect(output.bytes(0..<2) == [7, 8])
            #expect(try Self.expanded(output.bytes(2..<middle), compression) == first)
            #expect(output.bytes(middle..<middle + 1) == [9])
            #expect(try Self.expanded(output.bytes(middle + 1..<output.byteCount), compression) == second)
        }
    }

    /// Writes random pieces; returns them all.
    private static func write(_ random: inout SeededRandom, to output: inout BlockOutput) -> [UInt8] {
        var written: [UInt8] = []
        for _ in 0..<random.int(in: 0...30) {
            let count = random.int(in: 0...[3, 3_000, 100_000, 1_500_000][random.int(in: 0...3)])
            let piece = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
            switch random.int(in: 0...3) {
            case 0:
                output.append(piece)
                written += piece
            case 1:
                var bytes = GrowableBytes()
                bytes.append(contentsOf: piece)
                output.append(bytes)
                written += piece
            case 2:
                output.append(fixed: UInt64(count))
                written += (0..<8).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
            default:
                output.append(zeros: count)
                written += [UInt8](repeating: 0, count: count)
            }
        }
        return written
    }

    private static func expanded(_ bytes: [UInt8], _ compression: BlockCompression) throws -> [UInt8] {
        guard compression.isFramed else { return bytes }
        var reader = NativeReader(bytes)
        var expanded: [UInt8] = []
        while !reader.isAtEnd { expanded += try CompressedFrame.read(from: &reader) }
        return expanded
    }
}
