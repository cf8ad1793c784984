import Testing

@testable import ClickHouseNative

/// Frames equal known ones, expand to what went in, and a changed byte anywhere is noticed.
@Suite struct CompressedFrameTests {
    private static func frames(of block: [UInt8], _ compression: BlockCompression) throws -> [UInt8] {
        var bytes = GrowableBytes()
        var output = GrowableBytes()
        bytes.append(contentsOf: block)
        try CompressedFrame.append(bytes, compression: compression, to: &output)
        return output.array
    }

    @Test func endOfDataInLZ4() throws {
        let output = try Self.frames(of: NativeBlock.emptyBytes, .lz4)
        #expect(hex(output) == "a783ac6cd55c7a7cb5ac46bddb86e21482140000000a000000a0010002ffffffff000000")
    }

    @Test func uncompressedFrameIsRead() throws {
        var reader = NativeReader(
            bytes(hex: "bb9489a1c169e900ecaff168956a647402130000000a000000010002ffffffff000000"))
        #expect(try CompressedFrame.read(from: &reader) == NativeBlock.emptyBytes)
    }

    @Test(arguments: [BlockCompression.lz4, .zstd(level: 1)])
    func roundTripAndEveryChangedByteIsNoticed(compression: BlockCompression) throws {
        let block = (0..<3000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 5) }
        let output = try Self.frames(of: block, compression)
        var reader = NativeReader(output)
        #expect(try CompressedFrame.read(from: &reader) == block)
        #expect(reader.isAtEnd)
        for index in output.indices {
            var changed = output
            changed[index] ^= 0x41
            var reader = NativeReader(changed)
            #expect(throws: NativeProtocolError.self) { try CompressedFrame.read(from: &reader) }
        }
        for count in output.indices {
            var reader = NativeReader(output[..<count])
            #expect(throws: NativeProtocolError.incomplete) { try CompressedFrame.read(from: &reader) }
        }
    }

    @Test func largeBlocksSpanFrames() throws {
        let block = (0..<(CompressedFrame.blockBytesMax * 2 + 5)).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let output = try Self.frames(of: block, .lz4)
        var reader = NativeReader(output)
        var expanded: [UInt8] = []
        while !reader.isAtEnd { expanded += try CompressedFrame.read(from: &reader) }
        #expect(expanded == block)
    }
}
