// CPU time and allocations of the pieces of the hot path, on requests of 512 spans. Usage: MicroBenchmark [NAME-PART [SECONDS-EACH]]
// Build: OTELCOL_BENCHMARKS=1 swift build -c release --product MicroBenchmark
// (The log on disk has a benchmark of its own, WriteAheadLogBenchmark.)

import Glibc
import HotPaths

/// CPU time of the whole process: other programs on the machine disturb it little.
func processorNanos() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

func padded(_ text: String, _ count: Int) -> String {
    String(repeating: " ", count: max(0, count - text.utf8.count)) + text
}

/// With one decimal.
func decimal(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
}

func measure(_ path: HotPath, seconds: Double) async throws {
    let allocations = "\(try await path.allocationCount())"
    var times: [UInt64] = []
    var total: UInt64 = 0
    while Double(total) < seconds * 1e9 || times.count < 5 {
        let before = processorNanos()
        try await path.run()
        times.append(processorNanos() - before)
        total += times[times.count - 1]
    }
    times.sort()
    let median = Double(times[times.count / 2])
    let perItem = Double(path.itemCount)
    let columns = [
        padded(decimal(Double(times[0]) / perItem), 10), padded(decimal(median / perItem), 10),
        padded(decimal(Double(path.byteCount) * 1000 / median), 10), padded(allocations, 10),
    ]
    print(path.name + String(repeating: " ", count: max(1, 32 - path.name.utf8.count)) + columns.joined())
}

let arguments = CommandLine.arguments.dropFirst()
let part = arguments.first ?? ""
let seconds = arguments.dropFirst().first.flatMap { Double($0) } ?? 0.5
print("                                  ns/item    ns/item      MB/s  allocations")
print("                                      min     median    median  per request")
let paths = try HotPath.all()
for path in paths where part.isEmpty || path.name.contains(part) { try await measure(path, seconds: seconds) }
