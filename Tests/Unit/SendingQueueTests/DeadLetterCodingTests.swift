import Component
import OTLP
import Testing
import WriteAheadLog

@testable import SendingQueue

/// Dead letters are read as they were written, byte for byte as docs/formats/dead-letters.md draws them.
@Suite struct DeadLetterCodingTests {
    static func letter(
        _ ids: Range<Int> = 0..<3, exporter: String = "a", cause: GiveUpCause = .permanentError
    )
        -> DeadLetter
    {
        DeadLetter(
            exporter: ComponentID(type: "scripted", name: exporter), signal: .logs, pipeline: "logs/2",
            batchID: BatchID(high: 7, low: UInt64(ids.lowerBound)), itemCount: ids.count, cause: cause,
            reason: "no such table", attempts: 5, givenUpAtUnixNanos: 1_700_000_000_000_000_001, payload: request(ids))
    }

    @Test("every field survives", arguments: Signal.allCases, GiveUpCause.allCases)
    func roundTrip(signal: Signal, cause: GiveUpCause) throws {
        var letter = Self.letter(cause: cause)
        letter.signal = signal
        letter.exporter = ComponentID(type: "otlphttp", name: "a/b")
        let read = try DeadLetterCoding.decode(DeadLetterCoding.encode(letter))
        #expect(read.exporter == letter.exporter)
        #expect(read.signal == signal)
        #expect(read.pipeline == "logs/2")
        #expect(read.batchID == letter.batchID)
        #expect(read.itemCount == 3)
        #expect(read.cause == cause)
        #expect(read.reason == "no such table")
        #expect(read.attempts == 5)
        #expect(read.givenUpAtUnixNanos == letter.givenUpAtUnixNanos)
        #expect(read.payload == letter.payload)
    }

    @Test("the layout is the one that is documented")
    func layout() {
        var letter = Self.letter(0..<1)
        letter.exporter = ComponentID(type: "x")
        letter.pipeline = "logs"
        letter.reason = "no"
        letter.givenUpAtUnixNanos = 2
        var expected = Array("odl\n".utf8) + [1, 3, 0, 0]
        expected += [7, 0, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 0] + [2, 0, 0, 0, 0, 0, 0, 0]
        expected += [1, 0, 0, 0] + [5, 0, 0, 0] + [30, 0, 0, 0]
        for word in ["x", "logs", "permanent_error", "no"] { expected += [UInt8(word.utf8.count), 0] + word.utf8 }
        #expect(DeadLetterCoding.encode(letter) == expected + request(0..<1))
    }

    @Test("a long reason is cut, and the overhead is bounded")
    func longReason() throws {
        var letter = Self.letter()
        letter.reason = String(repeating: "x", count: 100_000)
        let bytes = DeadLetterCoding.encode(letter)
        #expect(bytes.count <= DeadLetterCoding.overheadBytesMax + letter.payload.count)
        #expect(try DeadLetterCoding.decode(bytes).payload == letter.payload)
    }

    @Test("what is cut off or of another version is refused, and nothing traps")
    func damage() throws {
        let bytes = DeadLetterCoding.encode(Self.letter())
        let wordsEnd = bytes.count - Self.letter().payload.count
        for count in 0..<wordsEnd {
            let error = #expect(throws: LogError.self) { try DeadLetterCoding.decode(Array(bytes[..<count])) }
            #expect(error?.code == .corrupt)
        }
        for index in 0..<wordsEnd {
            for bit in 0..<8 {
                var flipped = bytes
                flipped[index] ^= 1 << UInt8(bit)
                _ = try? DeadLetterCoding.decode(flipped)
            }
        }
        var newer = bytes
        newer[4] = 2
        let error = #expect(throws: LogError.self) { try DeadLetterCoding.decode(newer) }
        #expect(error?.code == .unsupportedFormat)
    }
}
