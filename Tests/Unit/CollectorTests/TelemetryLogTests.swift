import Component
import Foundation
import Logging
import OTLP
import Synchronization
import Testing

@testable import Collector

/// Guarantees: log lines look like otelcol's, hold no credentials, are thinned as configured, and cost no one time.
@Suite struct TelemetryLogTests {
    private static let noon: Int64 = 1_734_350_400_000_000_000

    /// A sink that writes to `log` in a directory of its own, with a clock that the test sets.
    private final class Setup {
        let directory = try! TemporaryDirectory()
        let clock = TestClock()
        let logging: TelemetryLogging

        init(_ yaml: String) throws {
            let node = try #require(try parsed(yaml))
            let config = try LogsTelemetryConfig.decode(node, path: "service::telemetry::logs")
            let output = try #require(LogOutput(path: "file://\(directory.path)/log"))
            let clock = clock
            logging = TelemetryLogging(
                sink: LogSink(config, outputs: [output], now: { clock.unixNanos }), level: config.level)
        }

        func lines() throws -> [String] {
            try directory.read("log").split(separator: "\n").map(String.init)
        }
    }

    /// Where the tests run decides the zone; the tests' lines show UTC only when it is that.
    private static let time = LogTime.iso8601(noon)

    @Test("times have milliseconds and the zone") func times() {
        let time = Self.noon + 45_678_000_000
        #expect(LogTime.iso8601(time, utcOffsetSeconds: 0) == "2024-12-16T12:00:45.678Z")
        #expect(LogTime.iso8601(time, utcOffsetSeconds: 20_700) == "2024-12-16T17:45:45.678+0545")
        #expect(LogTime.iso8601(time, utcOffsetSeconds: -46_800) == "2024-12-15T23:00:45.678-1300")
    }

    @Test("console lines") func console() throws {
        let setup = try Setup("{sampling: {enabled: false}}")
        let receiver = setup.logging.makeLogger(component: ComponentID(type: "otlp"), kind: .receiver, signal: .traces)
        receiver.info("Starting GRPC server", metadata: ["endpoint": "localhost:4317", "n": "\(5)"], line: 112)
        receiver.debug("not shown")
        setup.logging.makeLogger().warning("plain", line: 7)
        receiver.error(
            "Exporting failed.",
            metadata: [
                "dropped_items": .stringConvertible(12), "ok": .stringConvertible(false), "text": "a\"b\n\u{1}",
                "list": ["x", .stringConvertible(1.5)], "map": ["b": "2", "a": "1"],
            ], line: 9)
        let caller = #fileID
        let leading = #"{"kind": "receiver", "name": "otlp", "data_type": "traces", "#
        #expect(
            try setup.lines() == [
                "\(Self.time)\tinfo\t\(caller):112\tStarting GRPC server\t\(leading)\"endpoint\": \"localhost:4317\", \"n\": \"5\"}",
                "\(Self.time)\twarn\t\(caller):7\tplain",
                "\(Self.time)\terror\t\(caller):9\tExporting failed.\t\(leading)"
                    + #""dropped_items": 12, "list": ["x", 1.5], "map": {"a": "1", "b": "2"}, "ok": false, "text": "a\"b\n\u0001"}"#,
            ])
    }

    @Test("JSON lines") func json() throws {
        let setup = try Setup(
            "{level: debug, encoding: json, disable_caller: true, initial_fields: {zone: a, n: 3}, sampling: {enabled: false}}"
        )
        let logger = setup.logging.makeLogger(
            component: ComponentID(type: "batch", name: "x"), kind: .processor, signal: .logs,
            pipeline: PipelineID(signal: .logs, name: "audit"))
        logger.debug("hello\tworld", metadata: ["z": "1", "a": "2"])
        #expect(
            try setup.lines() == [
                #"{"level":"debug","ts":"\#(Self.time)","msg":"hello\tworld","zone":"a","n":3,"kind":"processor","#
                    + #""name":"batch/x","data_type":"logs","pipeline":"logs/audit","a":"2","z":"1"}"#
            ])
        let line = try #require(try setup.lines().first)
        #expect(try JSONSerialization.jsonObject(with: Data(line.utf8)) is [String: Any])
    }

    @Test("credentials are not written") func credentials() throws {
        let setup = try Setup("{disable_caller: true}")
        setup.logging.makeLogger().info(
            "sending to https://user:pass@host/x and mailto a@b",
            metadata: [
                "url": "http://token@uptrace?grpc=4317", "Authorization": "Basic abc", "headers": ["api-key": "k"],
                "secret": .stringConvertible(OpaqueString("s")), "opaque": .stringConvertible(OpaqueString("s")),
            ])
        #expect(
            try setup.lines() == [
                "\(Self.time)\tinfo\tsending to https://[REDACTED]@host/x and mailto a@b\t"
                    + #"{"Authorization": "[REDACTED]", "headers": {"api-key": "[REDACTED]"}, "#
                    + #""opaque": "[REDACTED]", "secret": "[REDACTED]", "url": "http://[REDACTED]@uptrace?grpc=4317"}"#
            ])
    }

    @Test("equal messages are thinned within each tick") func sampling() throws {
        let setup = try Setup("{sampling: {tick: 10s, initial: 3, thereafter: 4}}")
        let logger = setup.logging.makeLogger()
        for number in 1...12 { logger.info("same", metadata: ["number": .stringConvertible(number)]) }
        logger.info("other")
        logger.warning("same")
        setup.clock.unixNanos += 10_000_000_000
        logger.info("same", metadata: ["number": .stringConvertible(13)])
        let shown = try setup.lines().map { $0.split(separator: "\t").dropFirst(3).joined(separator: " ") }
        #expect(
            shown == [
                #"same {"number": 1}"#, #"same {"number": 2}"#, #"same {"number": 3}"#, #"same {"number": 7}"#,
                #"same {"number": 11}"#, "other", "same", #"same {"number": 13}"#,
            ])
    }

    @Test("with thereafter 0 the rest is dropped") func samplingWithoutRest() throws {
        let setup = try Setup("{sampling: {initial: 2, thereafter: 0}}")
        for _ in 0..<500 { setup.logging.makeLogger().info("same") }
        #expect(try setup.lines().count == 2)
    }

    /// Scenario: many threads log at once. Guarantees: each line is whole.
    @Test("lines are not mixed") func concurrency() async throws {
        let setup = try Setup("{sampling: {enabled: false}, disable_caller: true}")
        let logger = setup.logging.makeLogger()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<100 { logger.info("\(String(repeating: "\(task)", count: 300))-\(number)") }
                }
            }
        }
        let expected = Set(
            (0..<8).flatMap { task in (0..<100).map { String(repeating: "\(task)", count: 300) + "-\($0)" } })
        #expect(Set(try setup.lines().map { String($0.split(separator: "\t")[2]) }) == expected)
    }

    /// Scenario: a pipe that nobody reads fills up, and is read later.
    /// Guarantees: writing returns, lost lines are counted, and the count is written once there is room.
    @Test("a stalled reader costs lines, not time") func stalledReader() throws {
        let pipe = Pipe()
        let output = LogOutput(descriptor: pipe.fileHandleForWriting.fileDescriptor, isOwned: false)
        let line = Array((String(repeating: "x", count: 4000) + "\n").utf8)
        for _ in 0..<200 { output.write(line) }
        let dropped = output.droppedLines
        #expect(dropped > 100)
        _ = readOnce(pipe)
        output.write(Array("after\n".utf8))
        #expect(output.droppedLines == 0)
        #expect(
            readOnce(pipe)
                == "\(dropped) log lines were dropped: the output was not read\nafter\n")
    }

    /// What the pipe holds, at most its usual capacity.
    private func readOnce(_ pipe: Pipe) -> String {
        var buffer = [UInt8](repeating: 0, count: 1 << 17)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe read(pipe.fileHandleForReading.fileDescriptor, bytes.baseAddress, bytes.count)
        }
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }

    @Test("an output that cannot be opened is an error") func brokenOutput() throws {
        let config = try LogsTelemetryConfig.decode(
            try #require(try parsed("{output_paths: [/nope/log]}")), path: "service::telemetry::logs")
        #expect(
            failure { try TelemetryLogging(config) }
                == "service::telemetry::logs::output_paths: open /nope/log: no such file or directory")
    }
}

/// A wall clock that stands still until a test moves it.
private final class TestClock: Sendable {
    private let state = Mutex<Int64>(1_734_350_400_000_000_000)

    var unixNanos: Int64 {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
