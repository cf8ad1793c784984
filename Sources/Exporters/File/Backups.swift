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
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        var unixMilliseconds = time.tv_sec * 1000 + time.tv_nsec / 1_000_000
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
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        let oldest = timestamp(unixMilliseconds: (time.tv_sec - maxDays * 86_400) * 1000)
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
        var seconds = unixMilliseconds / 1000
        var parts = unsafe tm()
        if localtime {
            unsafe localtime_r(&seconds, &parts)
        } else {
            unsafe gmtime_r(&seconds, &parts)
        }
        let date = unsafe [parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday].map { twoDigits($0) }.joined(
            separator: "-")
        let time = unsafe [parts.tm_hour, parts.tm_min, parts.tm_sec].map { twoDigits($0) }.joined(separator: "-")
        let milliseconds = String(1000 + unixMilliseconds % 1000).dropFirst()
        return "\(date)T\(time).\(milliseconds)"
    }
}

private func twoDigits(_ number: Int32) -> String { number < 10 ? "0\(number)" : String(number) }
