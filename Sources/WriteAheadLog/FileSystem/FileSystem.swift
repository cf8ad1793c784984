/// The file operations that a log on disk needs, as a seam: the operating system in the program, faults in tests.
///
/// Paths are absolute or relative to the working directory, without a trailing slash.
package protocol FileSystem: Sendable {
    /// Opens a file. Fails with ENOENT when it is not there and `access` does not create it.
    func open(_ path: String, _ access: FileAccess) throws(FileSystemError) -> any OpenFile
    /// Renames within one file system; replaces what is at `newPath`. Durable after `synchronizeDirectory`.
    func rename(_ path: String, to newPath: String) throws(FileSystemError)
    func remove(_ path: String) throws(FileSystemError)
    /// The names in a directory, in no order, without `.` and `..`.
    func list(_ directory: String) throws(FileSystemError) -> [String]
    /// Makes a directory and the missing ones above it. No error when it is there already.
    func makeDirectory(_ path: String, permissions: UInt32) throws(FileSystemError)
    /// Makes creations, renames and removals in a directory durable.
    func synchronizeDirectory(_ path: String) throws(FileSystemError)
    /// Bytes that this user may still write on the file system that holds `path`.
    func availableBytes(_ path: String) throws(FileSystemError) -> Int
}

/// How a file is opened.
package enum FileAccess: Sendable, Hashable {
    case read
    case readWrite
    /// Reading and writing; the file is made when it is not there.
    case create
}

/// An open file; closed when the last reference goes. Offsets and counts are bytes.
package protocol OpenFile: AnyObject, Sendable {
    /// Fills `buffer[range]` from `offset` on. Returns how many bytes came, fewer than asked only at the end of the
    /// file.
    func read(into buffer: inout [UInt8], _ range: Range<Int>, at offset: Int) throws(FileSystemError) -> Int
    /// The bytes of `range`, fewer where the file ends before.
    func read(_ range: Range<Int>) throws(FileSystemError) -> [UInt8]
    /// Writes `bytes[range]` at `offset`. Returns how many bytes went, perhaps fewer than asked, at least one.
    func write(_ bytes: [UInt8], _ range: Range<Int>, at offset: Int) throws(FileSystemError) -> Int
    /// Writes `pieces` behind each other from `offset` on, in one operation. Returns how many bytes went, perhaps fewer
    /// than there are, at least one. At most 1024 pieces, none of them empty.
    func write(_ pieces: [ArraySlice<UInt8>], at offset: Int) throws(FileSystemError) -> Int
    /// Returns when what was written is on the device (fdatasync). After an error nothing is known of it.
    func synchronize() throws(FileSystemError)
    /// Sets the file's size.
    func truncate(to byteCount: Int) throws(FileSystemError)
    /// Reserves the space of the first `byteCount` bytes, so that writing them needs none, and makes the file that
    /// long.
    func allocate(_ byteCount: Int) throws(FileSystemError)
    func byteCount() throws(FileSystemError) -> Int
    /// Whether a directory still names this file.
    func isLinked() throws(FileSystemError) -> Bool
    /// Takes the file's exclusive lock; false when somebody else has it. Given back with the file.
    func lock() throws(FileSystemError) -> Bool
}

extension OpenFile {
    /// For files that know no better: one write of a copy.
    package func write(_ pieces: [ArraySlice<UInt8>], at offset: Int) throws(FileSystemError) -> Int {
        let bytes = Array(pieces.joined())
        return try write(bytes, 0..<bytes.count, at: offset)
    }

    /// Writes all of `pieces`, in as many operations as it takes.
    package func writeAll(_ pieces: [ArraySlice<UInt8>], at offset: Int) throws(FileSystemError) {
        var rest = pieces[...]
        var offset = offset
        while !rest.isEmpty {
            var count = try write(Array(rest.prefix(1024)), at: offset)
            offset += count
            while let first = rest.first, count >= first.count {
                count -= first.count
                rest.removeFirst()
            }
            if count > 0 { rest[rest.startIndex].removeFirst(count) }
        }
    }

    /// Writes all of `bytes[range]` at `offset`, in as many pieces as it takes.
    package func writeAll(_ bytes: [UInt8], _ range: Range<Int>, at offset: Int) throws(FileSystemError) {
        var written = 0
        while written < range.count {
            written += try write(bytes, range.lowerBound + written..<range.upperBound, at: offset + written)
        }
    }

    package func writeAll(_ bytes: [UInt8], at offset: Int) throws(FileSystemError) {
        try writeAll(bytes, 0..<bytes.count, at: offset)
    }

    package func read(_ range: Range<Int>) throws(FileSystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        let count = try read(into: &bytes, 0..<range.count, at: range.lowerBound)
        if count < bytes.count { bytes.removeLast(bytes.count - count) }
        return bytes
    }
}

/// A refusal of the operating system.
package struct FileSystemError: Error, Sendable, Hashable {
    /// The system's error number.
    package var number: Int32
    /// What was tried: `open`, `write`, `fdatasync`.
    package var operation: String
    package var path: String

    package init(number: Int32, operation: String, path: String) {
        self.number = number
        self.operation = operation
        self.path = path
    }
}
