import Glibc

extension ProcessMemory {
    /// Unmaps the pages of program and libraries; those still needed come back from the page cache when they are touched.
    ///
    /// Loading and configuring touch most of the code once, and the kernel maps 16 pages for each one touched. Without
    /// this they count as used memory for as long as the process runs.
    package static func releaseImage() {
        // About 700 bytes for each mapping, of which there are a few hundred.
        guard let smaps = text(of: "/proc/self/smaps", byteCount: 1 << 20) else { return }
        for range in cleanFileMappings(in: smaps) {
            // What cannot be given up, because it is locked, stays, which is as well.
            unsafe madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
        }
    }

    /// The address ranges that files are mapped to, read-only and without a page of their own: what the loader has
    /// relocated in them would exist nowhere else.
    static func cleanFileMappings(in smaps: String) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var mapping: Range<Int>?
        for line in smaps.utf8.split(separator: UInt8(ascii: "\n")) {
            let words = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            guard words.count > 1 else { continue }
            if words.count == 6, words[1].count == 4 {
                // from-to permissions offset device inode path
                let isFile = words[5].drop { $0 == UInt8(ascii: " ") }.first == UInt8(ascii: "/")
                mapping = isFile && !words[1].contains(UInt8(ascii: "w")) ? addresses(words[0]) : nil
            } else if let clean = mapping, Substring(words[0]) == "Anonymous:" {
                if Substring(words[1]) == "0" { ranges.append(clean) }
                mapping = nil
            }
        }
        return ranges
    }

    private static func addresses(_ word: Substring.UTF8View) -> Range<Int>? {
        let ends = word.split(separator: UInt8(ascii: "-")).compactMap { Int(Substring($0), radix: 16) }
        return ends.count == 2 && ends[0] < ends[1] ? ends[0]..<ends[1] : nil
    }
}
