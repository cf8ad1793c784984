// Append throughput and acknowledgement latency of the log on disk, and the time to read a backlog back.
// Usage: WriteAheadLogBenchmark DIRECTORY [SECONDS]

import Glibc
import WriteAheadLog

func nanos(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

func now() -> UInt64 { nanos(CLOCK_MONOTONIC) }

func processorSeconds() -> Double { Double(nanos(CLOCK_PROCESS_CPUTIME_ID)) / 1e9 }

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
    func at(_ share: Double) -> String { "\(latencies[Int(Double(latencies.count - 1) * share)] / 1000) us" }
    let rate = Double(latencies.count) / elapsed
    print(
        "\(size) B x \(concurrency) fsync \(fsync): \(Int(rate)) records/s, \(Int(rate * Double(size) / 1e6)) MB/s,",
        "p50 \(at(0.5)), p99 \(at(0.99)), \(Int(used / Double(latencies.count) * 1e6)) us CPU/record")
}

/// Appends `count` records, opens the log again, and reads all of them.
func measureBacklog(_ directory: String, size: Int, count: Int) async throws {
    let configuration = DiskLogConfiguration(directory: directory, fsync: false)
    var log = try DiskLog.open(configuration)
    _ = try log.openConsumer("bench", options: ConsumerOptions(isDurable: true))
    let payload = [UInt8](repeating: 7, count: size)
    for _ in 0..<count {
        await withCheckedContinuation { continuation in
            log.append(LogRecord(payload: payload, itemCount: 1, receivedAtUnixNanos: 1)) { _ in continuation.resume() }
        }
    }
    await log.close()
    let start = now()
    log = try DiskLog.open(configuration)
    let opened = now()
    let consumer = try log.openConsumer("bench", options: ConsumerOptions(isDurable: true))
    var bytes = 0
    while true {
        let records = try consumer.next(maxRecords: 1000, maxBytes: 8 << 20)
        if records.isEmpty { break }
        bytes += records.reduce(0) { $0 + $1.payload.count }
    }
    let seconds = Double(now() - opened) / 1e9
    print(
        "backlog \(bytes >> 20) MiB of \(size) B: opened in \((opened - start) / 1000) us,",
        "read at \(Int(Double(bytes) / 1e6 / seconds)) MB/s")
    await log.close()
}

let directory = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : "/tmp/wal-benchmark"
let seconds = CommandLine.arguments.count > 2 ? Double(CommandLine.arguments[2]) ?? 3 : 3
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
try await measureBacklog("\(directory)/backlog-4k", size: 4096, count: 50_000)
try await measureBacklog("\(directory)/backlog-100k", size: 102_400, count: 5000)
