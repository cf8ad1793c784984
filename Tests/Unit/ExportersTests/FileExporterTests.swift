import Component
import Compression
import Foundation
import Logging
import OTLP
import Synchronization
import Testing

@testable import Exporters

/// A file holds each batch whole, once, in a form that a reader can take apart, whatever happened while it was written.
@Suite struct FileExporterTests {
    private func exporter(
        _ pairs: KeyValuePairs<String, ConfigValue>, signal: Signal = .logs,
        write: RecordFile.Write? = nil
    ) throws -> FileExporter {
        let config = try configure(FileExporterConfig.self, pairs)
        let writers = write.map { FileWriters(config: config, write: $0) } ?? FileWriters(config: config)
        return FileExporter(writers: writers, signal: signal, logger: Logger(label: "test"))
    }

    private func json(_ request: [UInt8]) throws -> String {
        var output: [UInt8] = []
        try OTLPRequest.appendJSON(of: request, signal: .logs, to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    @Test func oneBatchIsOneLineOfAllItsPayloads() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/new/deep/out.json"
            let exporter = try exporter(["path": .string(path)])
            try await exporter.start()
            let payloads = [request([logRecord("a\nb")]), request([logRecord("c")])]
            #expect(try await exporter.export(batch(payloads, .logs, items: 2)) == .complete)
            _ = try await exporter.export(batch([payloads[1]], .logs, items: 1))
            #expect(contents(path) == "\(try json(payloads[0] + payloads[1]))\n\(try json(payloads[1]))\n")
            await exporter.stop()
        }
    }

    @Test(arguments: [("proto", ""), ("proto", "zstd"), ("json", "zstd")])
    func recordsWithTheirLength(format: String, compression: String) async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/out"
            let exporter = try exporter([
                "path": .string(path), "format": .string(format), "compression": .string(compression),
            ])
            try await exporter.start()
            let requests = (0..<3).map { request([logRecord("record \($0)")]) }
            for request in requests { _ = try await exporter.export(batch([request], .logs, items: 1)) }
            await exporter.stop()
            var rest = Array(try #require(FileManager.default.contents(atPath: path)))
            for request in requests {
                let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
                var record = Array(rest.dropFirst(4).prefix(length))
                rest.removeFirst(4 + length)
                if compression == "zstd" { record = try decompress(record, encoding: .zstd, limit: 1 << 20) }
                #expect(record == (format == "proto" ? request : Array(try json(request).utf8)))
            }
            #expect(rest.isEmpty)
        }
    }

    @Test func withoutAppendTheFileStartsEmptyAndWithItGoesOn() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/out"
            let line = try json(request([logRecord("x")]))
            for (append, expected) in [(false, 1), (true, 2), (true, 3), (false, 1)] {
                let exporter = try exporter(["path": .string(path), "append": .bool(append)])
                try await exporter.start()
                _ = try await exporter.export(batch([request([logRecord("x")])], .logs, items: 1))
                await exporter.stop()
                #expect(contents(path) == String(repeating: line + "\n", count: expected))
            }
        }
    }

    @Test func aTornLineOfACrashIsEnded() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/out"
            try "{\"whole\":1}\n{\"resourceLo".write(toFile: path, atomically: false, encoding: .utf8)
            let exporter = try exporter(["path": .string(path), "append": true])
            try await exporter.start()
            for _ in 0..<2 { _ = try await exporter.export(batch([request([logRecord("x")])], .logs, items: 1)) }
            let line = try json(request([logRecord("x")]))
            #expect(contents(path) == "{\"whole\":1}\n{\"resourceLo\n\(line)\n\(line)\n")
            await exporter.stop()
        }
    }

    @Test func aTornRecordWithLengthIsMovedAside() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/out.pb"
            let torn: [UInt8] = [0, 0, 0, 2, 9, 9, 0, 0, 0, 200, 1, 2, 3]
            try Data(torn).write(to: URL(fileURLWithPath: path))
            let exporter = try exporter(["path": .string(path), "append": true, "format": "proto"])
            try await exporter.start()
            await exporter.stop()
            #expect(contents(path) == "")
            let others = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0 != "out.pb" }
            #expect(others.count == 1)
            #expect(FileManager.default.contents(atPath: "\(directory)/\(others[0])") == Data(torn))
            // A whole file stays where it is.
            try Data(torn.prefix(6)).write(to: URL(fileURLWithPath: path))
            try await exporter.start()
            await exporter.stop()
            #expect(FileManager.default.contents(atPath: path) == Data(torn.prefix(6)))
        }
    }

    /// The disk takes a part of the record and is then full: the part goes away, and the retry is a line of its own.
    @Test(arguments: [ENOSPC, EIO, EDQUOT], [0, 1, 20])
    func aFailedWriteLeavesTheFileAsItWas(code: Int32, partial: Int) async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/out"
            let failures = Mutex(0)
            let exporter = try exporter(["path": .string(path)]) { descriptor, bytes in
                let failure = failures.withLock { count in
                    defer { if count > 0 { count -= 1 } }
                    return count
                }
                let count = failure == 2 ? partial : bytes.count
                guard failure != 1, count > 0 else {
                    errno = code
                    return -1
                }
                return unsafe write(descriptor, bytes.buffer.baseAddress, count)
            }
            try await exporter.start()
            let payload = request([logRecord("x")])
            let line = try json(payload) + "\n"
            _ = try await exporter.export(batch([payload], .logs, items: 1))
            failures.withLock { $0 = partial == 0 ? 1 : 2 }
            let reason = unsafe "write \(path): \(String(cString: strerror(code)))"
            #expect(
                await failure(of: exporter, batch([payload], .logs, items: 1)) == Failure(kind: .retry, reason: reason))
            #expect(contents(path) == line)
            _ = try await exporter.export(batch([payload], .logs, items: 1))
            #expect(contents(path) == line + line)
            await exporter.stop()
        }
    }

    /// A line of many pieces, whose space is reserved, and of which the disk takes some, perhaps a part of one, and is
    /// then full. What was reserved for the rest is given up.
    @Test(arguments: [1, 2, 5], [0, 1, 700])
    func aLineThatFailsAtALaterPieceLeavesTheFileAsItWas(pieces: Int, partial: Int) async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/out"
            // Pieces that the disk takes, and what it takes of the one after them.
            let room = Mutex<(pieces: Int, partial: Int)?>(nil)
            let exporter = try exporter(["path": .string(path)]) { descriptor, bytes in
                let count: Int = room.withLock { room in
                    guard let left = room else { return bytes.count }
                    if left.pieces > 0 {
                        room = (left.pieces - 1, left.partial)
                        return bytes.count
                    }
                    room = (0, 0)
                    return left.partial
                }
                guard count > 0 else {
                    errno = ENOSPC
                    return -1
                }
                return unsafe write(descriptor, bytes.buffer.baseAddress, count)
            }
            try await exporter.start()
            let payload = request((0..<2000).map { logRecord("\($0) " + String(repeating: "x", count: 500)) })
            let line = try json(payload) + "\n"
            #expect(line.utf8.count > RecordFile.reservedByteCountMin)
            _ = try await exporter.export(batch([payload], .logs, items: 2000))
            room.withLock { $0 = (pieces, partial) }
            #expect(await failure(of: exporter, batch([payload], .logs, items: 2000)).kind == .retry)
            #expect(contents(path) == line)
            #expect(try spaceBytes(path) < line.utf8.count + (64 << 10))
            room.withLock { $0 = nil }
            _ = try await exporter.export(batch([payload], .logs, items: 2000))
            #expect(contents(path) == line + line)
            await exporter.stop()
        }
    }

    private func spaceBytes(_ path: String) throws -> Int {
        var status = stat()
        try #require(unsafe lstat(path, &status) == 0)
        return Int(status.st_blocks) * 512
    }

    /// The system may take any part of what it is given.
    @Test func aLineIsWholeHoweverItIsTaken() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/out"
            let sizes = Mutex<[Int]>([])
            let exporter = try exporter(["path": .string(path)]) { descriptor, bytes in
                let count = sizes.withLock { sizes in
                    sizes.append(bytes.count)
                    return min(bytes.count, [1, 1000, 31_000, 40_000][sizes.count % 4])
                }
                return unsafe write(descriptor, bytes.buffer.baseAddress, count)
            }
            try await exporter.start()
            let payloads = (0..<3).map { index in
                request((0..<200).map { logRecord("\(index) \($0) " + String(repeating: "x", count: 400)) })
            }
            _ = try await exporter.export(batch(payloads, .logs, items: 600))
            #expect(contents(path) == "\(try json(payloads[0] + payloads[1] + payloads[2]))\n")
            #expect(sizes.withLock { $0.max() } == RecordFile.pieceByteCountMax)
            await exporter.stop()
        }
    }

    /// The memory in which one line was made is used for the next: nothing of a longer or a refused one shows.
    @Test func linesDoNotShowWhatWasInTheirMemory() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/out"
            let exporter = try exporter(["path": .string(path)])
            try await exporter.start()
            let long = request([logRecord(String(repeating: "l", count: 300_000))])
            let short = request([logRecord("s")])
            // A log record whose trace id has three bytes, behind one that is right.
            let wrong = request([logRecord("w"), field(9, "abc")])
            for payload in [long, short] { _ = try await exporter.export(batch([payload], .logs, items: 1)) }
            #expect(await failure(of: exporter, batch([short, wrong], .logs, items: 3)).kind == .payload)
            _ = try await exporter.export(batch([short], .logs, items: 1))
            _ = try await exporter.export(batch([], .logs, items: 0))
            #expect(contents(path) == "\(try json(long))\n\(try json(short))\n\(try json(short))\n{}\n")
            await exporter.stop()
        }
    }

    @Test func aFullDeviceIsRetried() async throws {
        let exporter = try exporter(["path": "/dev/full"])
        try await exporter.start()
        await #expect(throws: ExportError.self) {
            try await exporter.export(batch([request([logRecord("x")])], .logs, items: 1))
        }
        await exporter.stop()
    }

    @Test func aPathThatCannotBeOpenedFailsTheStart() async throws {
        let exporter = try exporter(["path": "/proc/nowhere/out"])
        await #expect(throws: FileError.self) { try await exporter.start() }
    }

    /// Three signals, one file: lines never interleave, and none is lost.
    @Test func concurrentExportsOfAllSignalsWriteWholeLines() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/out"
            let factory = ExporterFactory.file
            let exporters = try Signal.allCases.map {
                ($0, try makeExporter(factory, ["path": .string(path)], signal: $0))
            }
            for (_, exporter) in exporters { try await exporter.start() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (signal, exporter) in exporters {
                    for index in 0..<40 {
                        group.addTask {
                            let item =
                                signal == .logs ? logRecord("\(index)") : field(signal == .traces ? 5 : 1, "n\(index)")
                            _ = try await exporter.export(batch([request([item])], signal, items: 1))
                        }
                    }
                }
                try await group.waitForAll()
            }
            for (_, exporter) in exporters { await exporter.stop() }
            let lines = contents(path).split(separator: "\n")
            #expect(lines.count == 120)
            #expect(Set(lines).count == 120)
            for line in lines { _ = try JSONSerialization.jsonObject(with: Data(line.utf8)) }
        }
    }

    @Test func onePathHasOneOwner() throws {
        let factory = ExporterFactory.file
        let first = try makeExporter(factory, ["path": "/tmp/shared"], signal: .logs)
        #expect(throws: (any Error).self) {
            try makeExporter(factory, ["path": "/tmp/shared", "format": "proto"], signal: .logs)
        }
        withExtendedLifetime(first) {}
    }

    // MARK: Rotation

    @Test(arguments: [0, 2])
    func rotationBySizeKeepsWholeRecordsAndPrunes(maxBackups: Int) async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/out.json"
            try "old\n".write(toFile: path, atomically: false, encoding: .utf8)
            for name in ["out-2001-01-01T00-00-00.000.json", "out-notes.json", "other-2001-01-01T00-00-00.000.json"] {
                try "x".write(toFile: "\(directory)/\(name)", atomically: false, encoding: .utf8)
            }
            let rotation = block(["max_megabytes": 1, "max_backups": .int(Int64(maxBackups))])
            let exporter = try exporter(["path": .string(path), "rotation": rotation])
            try await exporter.start()
            // Two of these fit in a megabyte.
            let payload = request([logRecord(String(repeating: "x", count: 400_000))])
            let line = try json(payload) + "\n"
            for _ in 0..<10 { _ = try await exporter.export(batch([payload], .logs, items: 1)) }
            await exporter.stop()
            let names = try FileManager.default.contentsOfDirectory(atPath: directory)
            let backups = names.filter { $0.wholeMatch(of: /out-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.json/) != nil }
            #expect(backups.count == (maxBackups == 0 ? 5 : 2))
            #expect(contents(path) == line + line)
            for backup in backups where !backup.contains("2001") {
                #expect([line + line, "old\n" + line + line].contains(contents("\(directory)/\(backup)")))
            }
            #expect(names.contains("out-notes.json"))
            #expect(names.contains("other-2001-01-01T00-00-00.000.json"))
        }
    }

    @Test func oldBackupsGoByAge() async throws {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/out"
            let old = "\(directory)/out-2001-01-01T00-00-00.000"
            try "x".write(toFile: old, atomically: false, encoding: .utf8)
            let rotation = block(["max_megabytes": 1, "max_days": 7])
            let exporter = try exporter(["path": .string(path), "rotation": rotation])
            try await exporter.start()
            let payload = request([logRecord(String(repeating: "x", count: 900_000))])
            for _ in 0..<2 { _ = try await exporter.export(batch([payload], .logs, items: 1)) }
            await exporter.stop()
            #expect(contents(old) == "(no file)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory).count == 2)
        }
    }

    // MARK: Groups

    @Test func eachGroupHasItsFile() async throws {
        try await withTemporaryDirectory { directory in
            let exporter = try exporter([
                "path": .string("\(directory)/*/out.json"),
                "group_by": block(["enabled": true, "resource_attribute": "service.name", "max_open_files": 1]),
            ])
            try await exporter.start()
            let services = ["a", "b", "a", "../../x/../y"]
            let payloads = services.map { request([logRecord("of \($0)")], service: $0) }
            let nameless = request([logRecord("1"), logRecord("2")], service: nil)
            let delivery = try await exporter.export(batch(payloads + [nameless], .logs, items: 6))
            #expect(delivery == Delivery(rejectedItems: 2, reason: "the resource has no attribute service.name"))
            _ = try await exporter.export(batch([payloads[1]], .logs, items: 1))
            await exporter.stop()
            #expect(contents("\(directory)/a/out.json") == "\(try json(payloads[0] + payloads[2]))\n")
            #expect(contents("\(directory)/b/out.json") == String(repeating: "\(try json(payloads[1]))\n", count: 2))
            #expect(contents("\(directory)/x/y/out.json") == "\(try json(payloads[3]))\n")
        }
    }

    @Test func aRetryWritesOnlyTheGroupsThatFailed() async throws {
        try await withTemporaryDirectory { directory in
            let fails = Mutex(false)
            let exporter = try exporter([
                "path": .string("\(directory)/*"),
                "group_by": block(["enabled": true, "resource_attribute": "service.name"]),
            ]) { descriptor, bytes in
                let isB = unsafe bytes.buffer.contains(UInt8(ascii: "B"))
                guard !isB || !fails.withLock({ $0 }) else {
                    errno = ENOSPC
                    return -1
                }
                return unsafe write(descriptor, bytes.buffer.baseAddress, bytes.count)
            }
            try await exporter.start()
            let payloads = ["A", "B", "C"].map { request([logRecord("1")], service: $0) }
            fails.withLock { $0 = true }
            let failure = await failure(of: exporter, batch(payloads, .logs, items: 3))
            #expect(failure.kind == .retry)
            fails.withLock { $0 = false }
            #expect(
                try await exporter.export(batch(payloads, .logs, items: 3, progress: failure.progress)) == .complete)
            await exporter.stop()
            for (name, payload) in zip(["A", "B", "C"], payloads) {
                #expect(contents("\(directory)/\(name)") == "\(try json(payload))\n")
            }
        }
    }

    // MARK: Configuration

    @Test func defaults() throws {
        let config = try configure(FileExporterConfig.self, ["path": "x", "rotation": .map([])])
        #expect(config.format == .json)
        #expect(!config.append && !config.compresses && !config.fsync && !config.groupBy.enabled)
        #expect(config.rotation?.maxMegabytes == 100 && config.rotation?.maxBackups == 100)
        #expect(config.rotation?.maxDays == 0 && config.rotation?.localtime == false)
    }

    @Test func mistakesAreToldInOtelcolsWords() {
        let cases: [(KeyValuePairs<String, ConfigValue>, String)] = [
            ([:], "path must be non-empty"),
            (
                ["path": "x", "append": true, "compression": "zstd"],
                "append and compression enabled at the same time is not supported"
            ),
            (
                ["path": "x", "append": true, "rotation": .map([])],
                "append and rotation enabled at the same time is not supported"
            ),
            (["path": "x", "format": "xml"], "format type is not supported"),
            (["path": "x", "compression": "gzip"], "compression is not supported"),
            (["path": "x", "flush_interval": "-1s"], "flush_interval must be larger than zero"),
            (
                ["path": "x", "group_by": block(["enabled": true])],
                "path must contain exatcly one * when group_by is enabled"
            ),
            (
                ["path": "*x", "group_by": block(["enabled": true])],
                "path must not start with * when group_by is enabled"
            ),
            (
                ["path": "x*", "group_by": block(["enabled": true, "resource_attribute": ""])],
                "resource_attribute must not be empty when group_by is enabled"
            ),
            (["path": "x", "flush_interval": 0], "(accepted)"),
        ]
        for (pairs, message) in cases { #expect(configMessage(FileExporterConfig.self, pairs) == message) }
        #expect(configMessage(FileExporterConfig.self, ["path": "x", "encoding": "otlp"]).contains("not supported"))
        #expect(configMessage(FileExporterConfig.self, ["path": "x", "compresion": "zstd"]).contains("invalid keys"))
    }
}
