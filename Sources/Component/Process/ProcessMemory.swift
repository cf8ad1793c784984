import CMalloc
import Glibc

/// What this process uses of memory, and may use.
package enum ProcessMemory {
    /// Bytes the allocator has handed out and not got back: the counterpart of Go's heap in use.
    package static func bytesInUse() -> UInt64 {
        let info = mallinfo2()
        return UInt64(info.uordblks + info.hblkhd)
    }

    /// Gives what is freed back to the system.
    package static func trim() { _ = malloc_trim(0) }

    /// Bounds the heaps that threads allocate from to one for each core; before the first thread starts.
    ///
    /// The default of eight a core lets each thread keep what it freed to itself: with bodies of hundreds of kilobytes
    /// passing through, a fifth of the process's memory.
    package static func shareHeaps() { _ = mallopt(M_ARENA_MAX, Int32(max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1))) }

    package struct UnknownTotal: Error, CustomStringConvertible {
        package let description =
            "failed to get total memory: neither a cgroup limit nor MemTotal in /proc/meminfo can be read"
    }

    /// Bytes this process may use: the smallest limit of its control groups (v2, then v1), else the machine's memory.
    ///
    /// - Parameter read: the text of a file, nil if it cannot be read.
    package static func total(read: (String) -> String? = ProcessMemory.text(of:)) throws(UnknownTotal) -> UInt64 {
        let machine = read("/proc/meminfo").flatMap(memTotal)
        let limits = limitFiles(groups: read("/proc/self/cgroup") ?? "").compactMap { read($0).flatMap(limit) }
        guard let total = (limits + (machine.map { [$0] } ?? [])).min() else { throw UnknownTotal() }
        return total
    }

    /// The files that may limit the process, from those of its own groups up to the roots.
    private static func limitFiles(groups: String) -> [String] {
        var files: [String] = []
        for line in groups.split(separator: "\n") {
            // hierarchy:controllers:path
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isV2 = parts[0] == "0" && parts[1].isEmpty
            guard isV2 || parts[1].split(separator: ",").contains("memory") else { continue }
            let root = isV2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
            let name = isV2 ? "memory.max" : "memory.limit_in_bytes"
            var path = parts[2].split(separator: "/")
            while true {
                files.append(([root] + path.map(String.init) + [name]).joined(separator: "/"))
                if path.popLast() == nil { break }
            }
        }
        return files
    }

    /// `max`, and v1's huge number, mean that there is no limit.
    private static func limit(_ text: String) -> UInt64? {
        guard let digits = text.split(separator: "\n").first, let bytes = UInt64(digits) else { return nil }
        return bytes > 0 && bytes < 1 << 62 ? bytes : nil
    }

    private static func memTotal(_ text: String) -> UInt64? {
        for line in text.split(separator: "\n") where line.hasPrefix("MemTotal:") {
            let words = line.split(separator: " ")
            if words.count >= 2, let kibibytes = UInt64(words[1]) { return kibibytes << 10 }
        }
        return nil
    }

    /// The first `byteCount` bytes of a file, or nil if it cannot be read.
    package static func text(of path: String) -> String? { text(of: path, byteCount: 64 << 10) }

    static func text(of path: String, byteCount: Int) -> String? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = Array(repeating: 0, count: byteCount)
        var count = 0
        while count < bytes.count {
            let capacity = bytes.count - count
            let received = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe read(file, buffer.baseAddress! + count, capacity)
            }
            if received < 0 { return nil }
            if received == 0 { break }
            count += received
        }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
