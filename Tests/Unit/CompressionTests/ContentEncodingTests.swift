import Compression
import Testing

private let encodings: [ContentEncoding] = [.gzip, .deflate, .zlib, .zstd, .lz4]

/// What is compressed comes back whole; what is damaged is refused; nothing costs more memory than its limit.
@Suite struct ContentEncodingTests {
    private func isTooLarge(_ limit: Int, _ body: () throws -> [UInt8]) -> Bool {
        do {
            _ = try body()
            return false
        } catch {
            return error as? CompressionError == .tooLarge(limit: limit)
        }
    }

    private func isCorrupt(_ body: () throws -> [UInt8]) -> Bool {
        do {
            _ = try body()
            return false
        } catch {
            if case CompressionError.corrupt? = error as? CompressionError { return true }
            return false
        }
    }

    @Test(arguments: encodings, Seeds.all)
    func roundTrip(encoding: ContentEncoding, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for count in [0, 1, 2, 100, 4095, 65_536, 1_000_003] {
            for body in [random.text(count: count), [UInt8](repeating: 7, count: count)] {
                let packed = try compress(body, encoding: encoding)
                #expect(try decompress(packed, encoding: encoding, limit: count) == body)
            }
        }
    }

    @Test(arguments: encodings)
    func everyLevelRoundTrips(encoding: ContentEncoding) throws {
        var random = SeededRandom(seed: 5)
        let body = random.text(count: 20_000)
        let levels = encoding == .zstd ? Array(-5...22) : Array(0...12)
        for level in levels {
            let packed = try compress(body, encoding: encoding, level: level)
            #expect(try decompress(packed, encoding: encoding, limit: 20_000) == body)
        }
        for level in [-1_000_000_000, 23, 1000] {
            #expect(throws: CompressionError.invalidLevel(level)) {
                try compress(body, encoding: encoding, level: level)
            }
        }
    }

    @Test(arguments: encodings, Seeds.all)
    func everyTruncationIsCorrupt(encoding: ContentEncoding, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let packed = try compress(random.text(count: 3000), encoding: encoding)
        for count in packed.indices {
            #expect(isCorrupt { try decompress(Array(packed.prefix(count)), encoding: encoding, limit: 1 << 20) })
        }
    }

    @Test(arguments: [ContentEncoding.gzip, .deflate, .zlib], Seeds.all)
    func everyFlippedBitIsRefused(encoding: ContentEncoding, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let body = random.text(count: 500)
        let packed = try compress(body, encoding: encoding)
        for index in packed.indices {
            var damaged = packed
            damaged[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            // Some header bits of gzip mean nothing (time, system); all others are under the checksum.
            if let result = try? decompress(damaged, encoding: encoding, limit: 1 << 20) { #expect(result == body) }
        }
    }

    @Test(arguments: encodings, Seeds.all)
    func noiseNeverTraps(encoding: ContentEncoding, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<300 {
            var noise = random.bytes(count: Int.random(in: 0...200, using: &random))
            let header = try compress([], encoding: encoding).prefix(Int.random(in: 0...12, using: &random))
            noise.insert(contentsOf: header, at: 0)
            do {
                #expect(try decompress(noise, encoding: encoding, limit: 1000).count <= 1000)
            } catch {
                #expect(error != .invalidLevel(0))
            }
        }
    }

    @Test(arguments: encodings)
    func aBombStopsAtTheLimit(encoding: ContentEncoding) throws {
        let bomb = try compress([UInt8](repeating: 0, count: 50 << 20), encoding: encoding, level: 9)
        #expect(isTooLarge(1 << 20) { try decompress(bomb, encoding: encoding, limit: 1 << 20) })
        #expect(isTooLarge((50 << 20) - 1) { try decompress(bomb, encoding: encoding, limit: (50 << 20) - 1) })
        #expect(try decompress(bomb, encoding: encoding, limit: 50 << 20).count == 50 << 20)
    }

    /// A body that ends early leaves nothing behind that the next one would be judged by.
    @Test(arguments: encodings)
    func aBrokenBodyDoesNotSpoilTheNext(encoding: ContentEncoding) throws {
        guard encoding != .identity else { return }
        let packed = try compress(Array(repeating: 7, count: 100_000), encoding: encoding)
        let empty = try compress([], encoding: encoding)
        for count in 0..<packed.count {
            #expect(throws: CompressionError.self) {
                try decompress(Array(packed[..<count]), encoding: encoding, limit: 1 << 20)
            }
            #expect(try decompress(empty, encoding: encoding, limit: 1 << 20).isEmpty)
        }
    }

    @Test(arguments: encodings)
    func aLimitOfZeroTakesOnlyEmptyBodies(encoding: ContentEncoding) throws {
        #expect(try decompress(compress([], encoding: encoding), encoding: encoding, limit: 0).isEmpty)
        #expect(isTooLarge(0) { try decompress(compress([1], encoding: encoding), encoding: encoding, limit: 0) })
    }

    @Test(arguments: [ContentEncoding.gzip, .zstd, .lz4])
    func membersInARowAreOneBody(encoding: ContentEncoding) throws {
        var random = SeededRandom(seed: 9)
        let parts = [100, 0, 70_000, 3].map { random.text(count: $0) }
        let packed = try parts.flatMap { try compress($0, encoding: encoding) }
        let whole = Array(parts.joined())
        #expect(try decompress(packed, encoding: encoding, limit: whole.count) == whole)
        #expect(isTooLarge(whole.count - 1) { try decompress(packed, encoding: encoding, limit: whole.count - 1) })
    }

    @Test(arguments: encodings)
    func bytesAfterTheEndAreRefused(encoding: ContentEncoding) throws {
        let packed = try compress(Array("body".utf8), encoding: encoding) + [1, 2, 3]
        #expect(isCorrupt { try decompress(packed, encoding: encoding, limit: 1000) })
    }

    /// A gzip member whose size field lies, low or high, still yields its real content or an error.
    @Test func theSizeFieldOfGzipIsNotTrusted() throws {
        let body = [UInt8](repeating: 3, count: 5000)
        let packed = try compress(body, encoding: .gzip)
        for claimed: [UInt8] in [[0, 0, 0, 0], [255, 255, 255, 255], [1, 0, 0, 0]] {
            #expect(isCorrupt { try decompress(packed.dropLast(4) + claimed, encoding: .gzip, limit: 10_000) })
        }
    }

    @Test func identityIsLimitedToo() throws {
        #expect(try decompress([1, 2], encoding: .identity, limit: 2) == [1, 2])
        #expect(isTooLarge(1) { try decompress([1, 2], encoding: .identity, limit: 1) })
    }

    /// Handles go from thread to thread and never serve two callers at once.
    @Test func manyTasksAtOnce() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<16 {
                group.addTask {
                    var random = SeededRandom(seed: UInt64(task))
                    for round in 0..<20 {
                        let body = random.text(count: 2000)
                        let encoding = encodings[(task + round) % encodings.count]
                        let packed = try compress(body, encoding: encoding)
                        #expect(try decompress(packed, encoding: encoding, limit: 2000) == body)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
