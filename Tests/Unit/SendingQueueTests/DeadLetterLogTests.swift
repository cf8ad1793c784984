import Component
import Foundation
import Logging
import OTLP
import Synchronization
import Testing
import WriteAheadLog

@testable import SendingQueue

/// A directory for one log on disk, gone with the last reference.
final class LogDirectory: Sendable {
    let path: String

    init() {
        path = FileManager.default.temporaryDirectory.appending(path: "otelcol-letters-\(UUID().uuidString)").path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func open(bytesMax: Int? = nil) throws -> DiskLog {
        try DiskLog.open(
            DiskLogConfiguration(directory: path, segmentBytes: 64 << 10, bytesMax: bytesMax, spareSegments: 0))
    }
}

func silentLogger() -> Logger {
    var logger = Logger(label: "test")
    logger.handler = SwiftLogNoOpLogHandler()
    return logger
}

func deadLetters(_ log: any Log, metrics: DeadLetterMetrics? = nil) throws -> DeadLetterLog {
    try DeadLetterLog(log: log, slice: slicePerByte, metrics: metrics, logger: silentLogger())
}

/// What was accepted is kept over restarts until it is delivered or purged; what was asked for stays asked for.
@Suite struct DeadLetterLogTests {
    private let directory = LogDirectory()

    private func letter(_ start: Int, exporter: String = "a", cause: GiveUpCause = .permanentError) -> DeadLetter {
        DeadLetterCodingTests.letter(start..<start + 3, exporter: exporter, cause: cause)
    }

    /// Opens the log anew, as a start does.
    private func withLetters<Result>(
        bytesMax: Int? = nil, _ body: (DeadLetterLog) async throws -> Result
    ) async throws -> Result {
        let log = try directory.open(bytesMax: bytesMax)
        let result = try await body(try deadLetters(log))
        await log.close()
        return result
    }

    @Test("letters are there after a restart, oldest first, with their requests")
    func keeps() async throws {
        try await withLetters { letters in
            for start in 0..<200 { try await letters.accept(letter(start * 3)) }
        }
        try await withLetters { letters in
            let kept = letters.letters()
            #expect(kept.map { Int($0.letter.batchID.low) } == (0..<200).map { $0 * 3 })
            #expect(kept.allSatisfy { $0.letter.reason == "no such table" && $0.payloadBytes == 12 && !$0.isRequested })
            for entry in kept {
                let start = Int(entry.letter.batchID.low)
                let payload = try letters.payload(of: entry.sequence)
                #expect(payload == request(start..<start + 3))
            }
        }
    }

    @Test("a batch that is given up twice, as after a crash, is kept once")
    func keepsOnce() async throws {
        try await withLetters { letters in
            try await letters.accept(letter(0))
            try await letters.accept(letter(0))
            try await letters.accept(letter(0, exporter: "b"))
            #expect(letters.letters().count == 2)
        }
        try await withLetters { letters in
            try await letters.accept(letter(0))
            #expect(letters.letters().count == 2)
        }
    }

    @Test("what is to be replayed survives a restart; filters mean what they say")
    func replayIsDurable() async throws {
        try await withLetters { letters in
            for start in 0..<4 { try await letters.accept(letter(start, exporter: start < 2 ? "a" : "b")) }
            let a = ComponentID(type: "scripted", name: "a")
            let both = try await letters.replay(DeadLetterFilter(exporter: a))
            #expect(both.count == 2)
            let one = DeadLetterFilter(batchID: BatchID(high: 7, low: 3))
            // Asking twice changes nothing.
            for _ in 0..<2 {
                let meant = try await letters.replay(one)
                #expect(meant.map(\.letter.batchID.low) == [3])
            }
        }
        try await withLetters { letters in
            let requested = letters.letters().filter(\.isRequested).map { Int($0.letter.batchID.low) }
            #expect(requested == [0, 1, 3])
            #expect(letters.letters().count == 4)
        }
    }

    @Test("what is purged is gone for good, asked for or not, and the rest stays")
    func purge() async throws {
        try await withLetters { letters in
            for start in 0..<4 { try await letters.accept(letter(start)) }
            _ = try await letters.replay(DeadLetterFilter(batchID: BatchID(high: 7, low: 1)))
            for low in [UInt64(1), 2] {
                let purged = try await letters.purge(DeadLetterFilter(batchID: BatchID(high: 7, low: low)))
                #expect(purged.count == 1)
            }
        }
        try await withLetters { letters in
            #expect(letters.letters().map(\.letter.batchID.low) == [0, 3])
        }
    }

    @Test("a full log refuses, and takes letters again after a purge")
    func full() async throws {
        try await withLetters(bytesMax: 512 << 10) { letters in
            var big = letter(0)
            big.itemCount = 1
            big.payload = [UInt8](repeating: 1, count: 20_000)
            var count = 0
            var refusal: LogError?
            while refusal == nil, count < 1000 {
                big.batchID.low = UInt64(count)
                do throws(LogError) {
                    try await letters.accept(big)
                    count += 1
                } catch {
                    refusal = error
                }
            }
            #expect(refusal?.code == .full)
            #expect(count > 3)
            #expect(letters.letters().count == count)
            _ = try await letters.purge(DeadLetterFilter())
            try await letters.accept(big)
            #expect(letters.letters().count == 1)
        }
    }

    @Test("a letter larger than a record is kept in parts, and no item is lost")
    func large() async throws {
        let log = try directory.open()
        let letters = try deadLetters(log)
        let itemCount = log.recordBytesMax / 2
        var large = letter(0)
        large.itemCount = itemCount
        large.payload = request(0..<itemCount)
        try await letters.accept(large)
        let kept = letters.letters()
        #expect(kept.count > 1)
        #expect(Set(kept.map(\.letter.batchID)).count == kept.count)
        #expect(try kept.flatMap { itemIDs(try letters.payload(of: $0.sequence)) } == Array(0..<itemCount))
        await log.close()
    }

    @Test("gauges show what is kept, by exporter and reason")
    func gauges() async throws {
        let registry = MetricRegistry()
        let log = try directory.open()
        let letters = try deadLetters(
            log, metrics: DeadLetterMetrics(storage: ComponentID(type: "file_storage"), registry: registry))
        try await letters.accept(letter(0))
        try await letters.accept(letter(5))
        try await letters.accept(letter(9, cause: .retryExhausted))
        func items(_ reason: String) -> Double? {
            let family = registry.snapshot().first { $0.name == "otelcol_swift_dead_letter_items" }
            let sample = family?.samples.first { $0.labels.pairs.contains { $0.value == reason } }
            guard case .number(let value)? = sample?.value else { return nil }
            return value
        }
        #expect(items("permanent_error") == 6)
        #expect(items("retry_exhausted") == 3)
        _ = try await letters.purge(DeadLetterFilter())
        #expect(items("permanent_error") == 0)
        await log.close()
    }
}
