import Component
import Glibc

/// The rotated files beside a file: `base-2006-01-02T15-04-05.000.ext` for `base.ext`.
struct Backups {
    private let path: String
    private let directory: String
    /// `base-` and `.ext`.
    private let prefix: String
    private let suffix: String
    private let localtime: Bool

    init(of path: String, localtime: Bool) {
        self.path = path
        self.localtime = localtime
        let nameStart = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        directory = String(path[..<nameStart])
        let name = path[nameStart...]
        let dot = name.lastIndex(of: ".") ?? name.endIndex
        prefix = "\(name[..<dot])-"
        suffix = String(name[dot...])
    }

    /// Renames the file to a backup named by this moment. An existing backup is never replaced.
    func moveAside() throws(FileError) {
        var unixMilliseconds = Int(WallClock.unixNanos / 1_000_000)
        var backup = name(at: unixMilliseconds)
        while unsafe access(backup, F_OK) == 0 {
            unixMilliseconds += 1
            backup = name(at: unixMilliseconds)
        }
        guard unsafe rename(path, backup) == 0 else { throw FileError("rename", path) }
    }

    /// Removes backups above `maxBackups` (0: any number) and those older than `maxDays` days (0: any age).
    ///
    /// A backup that cannot be removed stays for the next time.
    func prune(maxBackups: Int, maxDays: Int) {
        // Their names sort by time.
        let newestFirst = list().sorted(by: >)
        let unixSeconds = Int(WallClock.unixNanos / 1_000_000_000)
        let oldest = timestamp(unixMilliseconds: (unixSeconds - maxDays * 86_400) * 1000)
        for (index, timestamp) in newestFirst.enumerated() {
            let isSurplus = maxBackups > 0 && index >= maxBackups
            let isOld = maxDays > 0 && timestamp < oldest
            if isSurplus || isOld { unsafe unlink(directory + prefix + timestamp + suffix) }
        }
    }

    /// The timestamps of the backups there are.
    private func list() -> [String] {
        guard let handle = unsafe opendir(directory.isEmpty ? "." : directory) else { return [] }
        defer { unsafe closedir(handle) }
        var timestamps: [String] = []
        while let entry = unsafe readdir(handle) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasPrefix(prefix), name.hasSuffix(suffix), name.count > prefix.count + suffix.count else {
                continue
            }
            let timestamp = name.dropFirst(prefix.count).dropLast(suffix.count)
            if isTimestamp(timestamp) { timestamps.append(String(timestamp)) }
        }
        return timestamps
    }

    private func isTimestamp(_ text: Substring) -> Bool {
        let pattern = "0000-00-00T00-00-00.000"
        return text.count == pattern.count
            && zip(text, pattern).allSatisfy { $1 == "0" ? $0.isASCII && $0.isNumber : $0 == $1 }
    }

    private func name(at unixMilliseconds: Int) -> String {
        directory + prefix + timestamp(unixMilliseconds: unixMilliseconds) + suffix
    }

    private func timestamp(unixMilliseconds: Int) -> String {
        let milliseconds = unixMilliseconds % 1000
        let time = CivilTime(
            unixSeconds: unixMilliseconds / 1000, nanosecond: milliseconds * 1_000_000, inLocalZone: localtime)
        let clock = [time.hour, time.minute, time.second].map { padded($0, 2) }.joined(separator: "-")
        return "\(time.date)T\(clock).\(padded(milliseconds, 3))"
    }
}
