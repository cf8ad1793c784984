import LogTestSupport
import Testing

@testable import WriteAheadLog

/// A start succeeds whatever happened to the files, delivers every record that is still there, and counts the others.
@Suite struct DiskLogDamageTests {
    /// A log of two segments, closed: five records in each, a batch that is done and one that is open.
    struct Specimen {
        struct Place {
            var file: String
            var offsets: Range<Int>
            var kind: RecordHeader.Kind
            var tag: UInt64?
        }

        let fileSystem = FaultyFileSystem(seed: 7)
        var places: [Place] = []
        let tags: Set<UInt64> = Set(1...10)

        init() async throws {
            var log = try open(fileSystem, epoch: 1)
            do {
                let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
                for tag in UInt64(1)...5 { try await append(log, tag: tag) }
                let records = try consumer.next(maxRecords: 3, maxBytes: .max)
                let done = try await consumer.cut([ItemRange(sequence: records[0].sequence, items: records[0].items)])
                consumer.done(done.id, outcome: CutOutcome(delivered: done.itemCount))
                _ = try await consumer.cut([ItemRange(sequence: records[1].sequence, items: records[1].items)])
            }
            await log.close()
            log = try open(fileSystem, epoch: 2)
            for tag in UInt64(6)...10 { try await append(log, tag: tag) }
            await log.close()
            for path in fileSystem.paths where path.hasSuffix(".wal") { try survey(path) }
        }

        /// Notes where each record of a segment is.
        private mutating func survey(_ path: String) throws {
            guard case .segment(let header) = SegmentHeader.read(fileSystem.contents(path)!) else {
                throw LogError(.unsupportedFormat, "no segment", path: path)
            }
            let file = try fileSystem.open(path, .read)
            var reader = SegmentReader(file: file, header: header, endOffset: try file.byteCount(), readAhead: 4096)
            while case .record(let header, let offset, let payload) = try reader.next(.payloads) {
                places.append(
                    Place(
                        file: path, offsets: offset..<offset + header.recordByteCount, kind: header.kind,
                        tag: header.kind == .data ? LogHarness.tag(payload!) : nil))
            }
        }

        var segments: [String] { fileSystem.paths.filter { $0.hasSuffix(".wal") } }

        /// Offsets of a segment that hold anything.
        func used(_ path: String) -> [Int] {
            let end = places.filter { $0.file == path }.map(\.offsets.upperBound).max()!
            let size = fileSystem.contents(path)!.count
            return Array(0..<64) + Array(2048..<2112) + Array(4096..<end) + Array(max(end, size - 96)..<size)
        }

        /// Opens a copy that `damage` has changed, and takes everything the consumer can have.
        func recover(
            _ damage: (FaultyFileSystem) -> Void
        ) async throws -> (tags: Set<UInt64>, status: LogStatus, lost: Int) {
            let copy = fileSystem.copy(seed: 1)
            damage(copy)
            let log = try open(copy, epoch: 3)
            let consumer = try log.openConsumer("a", options: ConsumerOptions(isDurable: true))
            var tags: Set<UInt64> = []
            for cut in consumer.recoveredCuts {
                guard let records = try? consumer.read(cut.ranges) else { continue }
                tags.formUnion(records.map { LogHarness.tag($0.payload) })
            }
            while true {
                let records = try consumer.next(maxRecords: 100, maxBytes: .max)
                if records.isEmpty { break }
                for record in records {
                    #expect(record.payload == payload(LogHarness.tag(record.payload)))
                    tags.insert(LogHarness.tag(record.payload))
                }
            }
            // It goes on: what is appended now is delivered.
            try await append(log, tag: 99)
            let more = try consumer.next(maxRecords: 1, maxBytes: .max)
            #expect(more.map { LogHarness.tag($0.payload) } == [99])
            let result = (tags, log.status, consumer.backlog.lostItems)
            await log.close()
            return result
        }
    }

    static func open(_ fileSystem: FaultyFileSystem, epoch: UInt64) throws -> DiskLog {
        try DiskLog.open(
            DiskLogConfiguration(directory: "log", segmentBytes: 16 << 10), fileSystem: fileSystem, epoch: epoch)
    }

    static func payload(_ tag: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(integer: tag)
        bytes.append(contentsOf: [UInt8](repeating: UInt8(tag), count: 30))
        return bytes
    }

    static func append(_ log: DiskLog, tag: UInt64) async throws {
        let record = LogRecord(payload: payload(tag), itemCount: 2, receivedAtUnixNanos: tag)
        for result in await LogHarness.append([record], to: log) { _ = try result.get() }
    }

    /// Scenario: one byte of a file is changed, each in turn.
    /// Guarantees: the log opens; all records but the one that holds the byte are delivered; a lost one is counted.
    @Test("a flipped byte costs at most the record it is in", arguments: 0..<8)
    func flippedByte(part: Int) async throws {
        let specimen = try await Specimen()
        for path in specimen.segments {
            for offset in specimen.used(path) where offset % 8 == part {
                let hit = specimen.places.first { $0.file == path && $0.offsets.contains(offset) }
                let result = try await specimen.recover { copy in
                    var bytes = copy.contents(path)!
                    bytes[offset] ^= 0x21
                    copy.setContents(path, bytes)
                }
                // Record 1 is done; it may come again when that was lost, but need not.
                let missing = specimen.tags.subtracting(result.tags).subtracting([1])
                #expect(missing.isSubset(of: hit?.tag.map { [$0] } ?? []), "byte \(offset) of \(path)")
                if !missing.isEmpty {
                    #expect(result.status.corruptRecords == missing.count, "byte \(offset) of \(path)")
                    #expect(result.status.corruptItems == 2 * missing.count)
                }
            }
        }
    }

    /// Scenario: a file is cut short, at each byte in turn.
    /// Guarantees: the log opens; all records before the cut, and all of other files, are delivered.
    @Test("a cut file costs only what was cut off", arguments: 0..<4)
    func cutFile(part: Int) async throws {
        let specimen = try await Specimen()
        for path in specimen.segments {
            for size in [0] + specimen.used(path) where size % 4 == part {
                let result = try await specimen.recover { copy in
                    copy.setContents(path, Array(copy.contents(path)!.prefix(size)))
                }
                let cutOff = specimen.places.filter { $0.file == path && $0.offsets.upperBound > size }.compactMap(
                    \.tag)
                let missing = specimen.tags.subtracting(result.tags).subtracting([1])
                // Without its first header a segment that was still open cannot be read at all.
                let allowed = size < 64 ? specimen.places.filter { $0.file == path }.compactMap(\.tag) : cutOff
                #expect(missing.isSubset(of: allowed), "\(path) cut to \(size)")
                if path == specimen.segments.first, !missing.isEmpty {
                    #expect(result.status.corruptRecords >= missing.count, "\(path) cut to \(size)")
                }
            }
        }
    }

    /// Scenario: each file is deleted in turn.
    /// Guarantees: the log opens; the records of the other files are delivered.
    @Test("a deleted file costs only what it held")
    func deletedFile() async throws {
        let specimen = try await Specimen()
        for path in specimen.fileSystem.paths {
            let result = try await specimen.recover { $0.setContents(path, nil) }
            let held = specimen.places.filter { $0.file == path }.compactMap(\.tag)
            let missing = specimen.tags.subtracting(result.tags).subtracting([1])
            #expect(missing.isSubset(of: held), "without \(path)")
        }
    }

    /// Scenario: the only checkpoint that knows the consumer is rotten, or the record that made it known.
    /// Guarantees: the consumer starts at the oldest record, not at the tail.
    @Test("a consumer whose state is lost starts at the oldest record")
    func lostState() async throws {
        let specimen = try await Specimen()
        let first = specimen.segments[0]
        for kind in [RecordHeader.Kind.checkpoint, .consumer] {
            let place = try #require(specimen.places.first { $0.file == first && $0.kind == kind })
            let result = try await specimen.recover { copy in
                for path in specimen.segments.dropFirst() { copy.setContents(path, nil) }
                var bytes = copy.contents(first)!
                bytes[place.offsets.lowerBound + 60] ^= 1
                copy.setContents(first, bytes)
            }
            #expect(result.tags.isSuperset(of: [2, 3, 4, 5]))
        }
    }

    /// Scenario: files of random bytes lie in the directory, under names of ours.
    /// Guarantees: the log opens with all its records, and keeps the strangers in `quarantine/`.
    @Test("files of nonsense are set aside", arguments: logSeeds(10))
    func nonsense(seed: UInt64) async throws {
        let specimen = try await Specimen()
        var random = LogRandom(seed: seed)
        let result = try await specimen.recover { copy in
            for number in [0, 3, 77, UInt64(1) << 40] {
                let bytes = (0..<random.int(0..<9000)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                copy.setContents("log/\(Segment.fileName(number + 50))", bytes)
            }
        }
        #expect(result.tags.isSuperset(of: specimen.tags.subtracting([1])))
    }

    /// Scenario: a segment says it is of format version 2, with a good checksum.
    /// Guarantees: opening fails and names the version and the file; nothing is changed.
    @Test("another format version is refused by name")
    func otherVersion() async throws {
        let specimen = try await Specimen()
        let path = specimen.segments[0]
        let error = await #expect(throws: LogError.self) {
            _ = try await specimen.recover { copy in
                var bytes = copy.contents(path)!
                bytes[8] = 2
                let checksum = bytes.checksum(0..<60)
                for index in 0..<4 { bytes[60 + index] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(index))) }
                copy.setContents(path, bytes)
            }
        }
        #expect(error?.code == .unsupportedFormat)
        #expect(error?.message.contains("version 2") == true)
        #expect(error?.path == path)
    }
}
