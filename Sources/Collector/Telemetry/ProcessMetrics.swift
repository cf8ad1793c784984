internal import CMalloc
package import Component
internal import Glibc

/// What the process uses, under otelcol's names; read when the metrics are.
package enum ProcessMetrics {
    /// - Parameter startedAt: from when `otelcol_process_uptime` counts.
    package static func register(in registry: MetricRegistry, startedAt: ContinuousClock.Instant = .now) {
        registry.observe(
            "otelcol_process_uptime", help: "Uptime of the process", kind: .counter, labels: [:]
        ) { seconds(startedAt.duration(to: .now)) }
        registry.observe(
            "otelcol_process_cpu_seconds", help: "Total CPU user and system time in seconds", kind: .counter,
            labels: [:]
        ) { cpuSeconds() }
        registry.observe(
            "otelcol_process_memory_rss", help: "Total physical memory (resident set size)", kind: .gauge, labels: [:]
        ) { residentBytes() }
        registry.observe(
            "otelcol_process_runtime_heap_alloc_bytes", help: "Bytes of allocated heap objects", kind: .gauge,
            labels: [:]
        ) { heapBytes().inUse }
        registry.observe(
            "otelcol_process_runtime_total_sys_memory_bytes", help: "Total bytes of memory obtained from the OS",
            kind: .gauge, labels: [:]
        ) { heapBytes().fromSystem }
    }

    private static func seconds(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    private static func cpuSeconds() -> Double? {
        var usage = rusage()
        guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return nil }
        let microseconds = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(microseconds) / 1e6
    }

    /// Second field of `/proc/self/statm`, in pages.
    private static func residentBytes() -> Double? {
        guard let contents = try? FileContents.read("/proc/self/statm", bytesMax: 4096) else { return nil }
        let fields = contents.split(separator: UInt8(ascii: " "))
        guard fields.count > 1, let pages = Int(String(decoding: fields[1], as: UTF8.self)) else { return nil }
        return Double(pages * sysconf(Int32(_SC_PAGESIZE)))
    }

    /// The C library's allocator, which serves Swift's objects too.
    static func heapBytes() -> (inUse: Double, fromSystem: Double) {
        let info = mallinfo2()
        return (Double(info.uordblks + info.hblkhd), Double(info.arena + info.hblkhd))
    }
}
