// Append throughput and acknowledgement latency of the log on disk, the time to open it, and the speed of a drain. Beside
// each measurement with fsync: what a write and fdatasync of the same size cost in the same directory without the log.
// Usage: WriteAheadLogBenchmark DIRECTORY [SECONDS [BACKLOG_GIB]]     (scripts/bench wal)

import Glibc
import WriteAheadLog

func nanos(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

func now() -> UInt64 { nanos(CLOCK_MONOTONIC) }

func processorSeconds() -> Double { Double(nanos(CLOCK_PROCESS_CPUTIME_ID)) / 1e9 }

/// The device's own time, in nanoseconds, for writing `size` bytes over written blocks and an fdatasync.
func measureSync(_ directory: String, size: Int, seconds: Double) throws -> (p50: UInt64, p99: UInt64) {
    let fileSystem = PosixFileSystem()
    try fileSystem.makeDirectory(directory, permissions: 0o750)
    let file = try fileSystem.open("\(directory)/raw", .create)
    let space = 8 << 20
    try file.writeAll([UInt8](repeating: 0, count: space), at: 0)
    try file.synchronize()
    let bytes = [UInt8](repeating: 1, count: size)
    var times: [UInt64] = []
    let deadline = now() + UInt64(seconds * 1e9)
    var offset = 0
    while now() < deadline {
        let before = now()
        try file.writeAll(bytes, at: offset)
        try file.synchronize()
        times.append(now() - before)
        offset = (offset + size) % (space - size)
    }
    try fileSystem.remove("\(directory)/raw")
    times.sort()
    return (times[(times.count - 1) / 2], times[Int(Double(times.count - 1) * 0.99)])
}

/// Appends records of `size` bytes, `concurrency` at a time, each by a consumer that keeps up.
func measure(_ directory: String, size: Int, concurrency: Int, seconds: Double, fsync: Bool) async throws {
    let log = try DiskLog.open(DiskLogConfiguration(directory: directory, fsync: fsync))
    let consumer = try log.openConsumer("bench", options: ConsumerOptions(isDurable: true))
    let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let deadline = now() + UInt64(seconds * 1e9)
    let start = now()
    let processor = processorSeconds()
    let drain = Task {
        while !Task.isCancelled {
            let records = try consumer.next(maxRecords: 256, maxBytes: 8 << 20)
            if records.isEmpty {
                await consumer.waitForRecords()
                continue
            }
            let cut = try await consumer.cut(records.map { ItemRange(sequence: $0.sequence, items: $0.items) })
            consumer.done(cut.id, outcome: CutOutcome(delivered: cut.itemCount))
        }
    }
    let latencies = await withTaskGroup(of: [UInt64].self) { group in
        for _ in 0..<concurrency {
            group.addTask {
                var latencies: [UInt64] = []
                while now() < deadline {
                    let before = now()
                    let record = LogRecord(payload: payload, itemCount: 100, receivedAtUnixNanos: before)
                    await withCheckedContinuation { continuation in
                        log.append(record) { result in
                            if case .failure(let error) = result { print("refused: \(error)") }
                            continuation.resume()
                        }
                    }
                    latencies.append(now() - before)
                }
                return latencies
            }
        }
        return await group.reduce(into: []) { $0 += $1 }.sorted()
    }
    let elapsed = Double(now() - start) / 1e9
    let used = processorSeconds() - processor
    drain.cancel()
    _ = try? await drain.value
    await log.close()
    func time(_ share: Double) -> UInt64 { latencies[Int(Double(latencies.count - 1) * share)] }
    func at(_ share: Double) -> String { "\(time(share) / 1000) us" }
    let rate = Double(latencies.count) / elapsed
    print(
        "\(size) B x \(concurrency) fsync \(fsync): \(Int(rate)) records/s, \(Int(rate * Double(size) / 1e6)) MB/s,",
        "p50 \(at(0.5)), p99 \(at(0.99)), \(Int(used / Double(latencies.count) * 1e6)) us CPU/record,",
        "\(Int(used / (Double(latencies.count * size) / 1e6) * 1e6)) us CPU/MB")
    guard fsync else { return }
    let raw = try measureSync(directory, size: size, seconds: min(seconds, 2))
    func times(_ left: UInt64, _ right: UInt64) -> Double { (Double(left) / Double(right) * 10).rounded() / 10 }
    print(
        "    fdatasync alone: p50 \(raw.p50 / 1000) us, p99 \(raw.p99 / 1000) us; the log's p50 is \(times(time(0.5), raw.p50)) and",
        "its p99 \(times(time(0.99), raw.p50)) times its p50, the p99 \(times(time(0.99), raw.p99)) times its p99")
}

/// The time to open a log whose process was killed: its last segment is not sealed, and almost empty.
func measureOpening(_ directory: String) async throws {
    let log = try DiskLog.open(DiskLogConfiguration(directory: "\(directory)/killed"))
    let consumer = try log.openConsumer("bench", options: ConsumerOptions(isDurable: true))
    for _ in 0..<10 { try await append(LogRecord(payload: [1, 2, 3], itemCount: 1, receivedAtUnixNanos: 1), to: log) }
    guard unsafe system("cp -r '\(directory)/killed' '\(directory)/copy'") == 0 else { return print("cp failed") }
    let (start, processor) = (now(), processorSeconds())
    let copy = try DiskLog.open(DiskLogConfiguration(directory: "\(directory)/copy"))
    print(
        "open after a kill, the segment almost empty: \((now() - start) / 1000) us,",
        "\(Int((processorSeconds() - processor) * 1e6)) us CPU, \(copy.status.records) records")
    withExtendedLifetime(consumer) {}
    await copy.close()
    await log.close()
}

func append(_ record: LogRecord, to log: DiskLog) async throws {
    try await withCheckedContinuation { continuation in
        log.append(record) { continuation.resume(returning: $0.map { _ in }) }
    }.get()
}

/// Fills a log with `gibibytes` that nobody takes, opens it again, and drains it: read, cut, done.
func measureBacklog(_ directory: String, size: Int, gibibytes: Double) async throws {
    let configuration = DiskLogConfiguration(directory: directory, fsync: false)
    var log = try DiskLog.open(configuration)
    var consumer: (any LogConsumer)? = try log.openConsumer("bench", options: ConsumerOptions(isDurable: true))
    let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let count = Int(gibibytes * Double(1 << 30)) / size
    try await withThrowingTaskGroup(of: Void.self) { [log] group in
        for writer in 0..<16 {
            group.addTask {
                for _ in stride(from: writer, to: count, by: 16) {
                    try await append(LogRecord(payload: payload, itemCount: 100, receivedAtUnixNanos: 1), to: log)
                }
            }
        }
        try await group.waitForAll()
    }
    consumer = nil
    await log.close()
    // Cold where that is allowed: as after a restart of the machine.
    let isCold = unsafe system("sync; echo 3 2>/dev/null >/proc/sys/vm/drop_caches") == 0

    let start = now()
    log = try DiskLog.open(configuration)
    consumer = try log.openConsumer("bench", options: ConsumerOptions(isDurable: true))
    let opened = now()
    let processor = processorSeconds()
    var bytes = 0
    while let reader = consumer {
        let records = try reader.next(maxRecords: 64, maxBytes: 8 << 20)
        if records.isEmpty { break }
        bytes += records.reduce(0) { $0 + $1.payload.count }
        let cut = try await reader.cut(records.map { ItemRange(sequence: $0.sequence, items: $0.items) })
        reader.done(cut.id, outcome: CutOutcome(delivered: cut.itemCount))
    }
    let seconds = Double(now() - opened) / 1e9
    let used = processorSeconds() - processor
    let megabytes = Double(bytes) / 1e6
    print(
        "backlog \(bytes >> 20) MiB of \(size) B\(isCold ? ", cold" : ""): opened in \((opened - start) / 1000) us,",
        "drained at \(Int(megabytes / seconds)) MB/s, \(Int(used / megabytes * 1e6)) us CPU/MB,",
        "left on disk \(log.status.fileBytes >> 20) MiB")
    consumer = nil
    await log.close()
}

let arguments = CommandLine.arguments
let directory = arguments.count > 1 ? arguments[1] : "/tmp/wal-benchmark"
let seconds = arguments.count > 2 ? Double(arguments[2]) ?? 3 : 3
let gibibytes = arguments.count > 3 ? Double(arguments[3]) ?? 5 : 5
try await measureOpening(directory)
var run = 0
for fsync in [true, false] {
    for size in [4096, 102_400] {
        for concurrency in [1, 16, 64] {
            run += 1
            try await measure(
                "\(directory)/\(run)", size: size, concurrency: concurrency, seconds: seconds, fsync: fsync)
        }
    }
}
try await measureBacklog("\(directory)/backlog", size: 102_400, gibibytes: gibibytes)
