import LogTestSupport
import Synchronization
import Testing

@testable import WriteAheadLog

/// A group of records is on the disk as its records one by one are, in however many pieces it was written.
@Suite struct RecordGroupTests {
    private static let sizes = [0, 1, 7, 8, 100, (16 << 10) - 1, 16 << 10, (16 << 10) + 5, 100_000]

    private static func header(_ byteCount: Int, _ sequence: UInt64) -> RecordHeader {
        RecordHeader(
            kind: .data, payloadByteCount: byteCount, sequence: sequence, item: sequence, receivedAt: 5, partition: 0,
            itemCount: 1, payloadChecksum: 9, committed: 4096)
    }

    @Test(
        "small and large payloads in any order become the same bytes", arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func bytes(seed: UInt64) {
        var random = LogRandom(seed: seed)
        var group = RecordGroup()
        for _ in 0..<3 {
            group.removeAll()
            var expected: [UInt8] = []
            for sequence in 0..<UInt64.random(in: 1...20, using: &random) {
                let size = Self.sizes.randomElement(using: &random) ?? 0
                let payload = (0..<size).map { _ in UInt8.random(in: 1...255, using: &random) }
                let header = Self.header(size, sequence)
                group.append(header, payload, seed: 77)
                header.encode(into: &expected, seed: 77)
                expected += payload
                expected.padToEight()
            }
            #expect(Array(group.pieces.joined()) == expected)
            #expect(group.byteCount == expected.count)
            #expect(group.pieces.allSatisfy { !$0.isEmpty })
        }
    }

    /// Scenario: more pieces than one system call takes, of one byte and more.
    /// Guarantees: all of them are in the file, in order, and nothing else.
    @Test("any number of pieces is written to a real file")
    func realFile() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/file"
        let file = try PosixFileSystem().open(path, .create)
        let bytes = (0..<30_000).map { UInt8(truncatingIfNeeded: $0 / 3) }
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        while start < bytes.count {
            let end = min(start + 1 + start % 13, bytes.count)
            pieces.append(bytes[start..<end])
            start = end
        }
        #expect(pieces.count > 2048)
        try file.writeAll(pieces, at: 10)
        #expect(try file.byteCount() == 10 + bytes.count)
        #expect(try file.read(10..<10 + bytes.count) == bytes)
    }

    /// Scenario: a file that takes a few bytes at a time.
    /// Guarantees: the rest of a piece is written behind it.
    @Test("a short write is gone on with")
    func shortWrites() throws {
        let file = ShortFile()
        try file.writeAll([[1, 2, 3], [4], [5, 6, 7, 8, 9], [10]], at: 0)
        #expect(file.content.withLock { $0 } == Array(1...10))
    }
}

/// Takes three bytes at most of each write.
private final class ShortFile: OpenFile {
    let content = Mutex<[UInt8]>([])

    func write(_ bytes: [UInt8], _ range: Range<Int>, at offset: Int) throws(FileSystemError) -> Int {
        content.withLock { content in
            #expect(offset == content.count)
            content += bytes[range].prefix(3)
        }
        return min(range.count, 3)
    }

    func read(into buffer: inout [UInt8], _ range: Range<Int>, at offset: Int) throws(FileSystemError) -> Int { 0 }
    func synchronize() throws(FileSystemError) {}
    func truncate(to byteCount: Int) throws(FileSystemError) {}
    func allocate(_ byteCount: Int) throws(FileSystemError) {}
    func byteCount() throws(FileSystemError) -> Int { content.withLock { $0.count } }
    func isLinked() throws(FileSystemError) -> Bool { true }
    func lock() throws(FileSystemError) -> Bool { true }
}
