internal import CFallocate
import Glibc

/// A record, borrowed from whoever had it made until it is written.
///
/// Unchecked: nobody changes the bytes meanwhile.
@safe struct RecordBytes: @unchecked Sendable {
    let buffer: UnsafeRawBufferPointer

    var count: Int { unsafe buffer.count }
}

/// A file to which whole records are appended: each is there completely, or not at all.
///
/// Not thread-safe: `FileWriters` guards it.
final class RecordFile {
    /// write(2); tests put failures in its place.
    typealias Write = @Sendable (Int32, RecordBytes) -> Int

    /// Bytes given to the system at once. For up to so many its cache takes pages that were freed just before, of which
    /// each processor has a list; for more it takes memory that may never have been touched, which in a virtual machine
    /// costs several times as much as the copy.
    static let pieceByteCountMax = 32 << 10
    /// Bytes of a record from which on its space is reserved as a whole. Files are extended for less that way than page
    /// by page as they are written; below it is not worth a call.
    static let reservedByteCountMin = 1 << 20

    struct Settings: Sendable {
        /// Keep what the file holds.
        var keepsContent: Bool
        var rotation: FileExporterConfig.Rotation?
        /// Records are lines; else each begins with its length in four bytes.
        var isLines: Bool
        /// Wait for the disk after each record.
        var fsync: Bool
        var write: Write = { descriptor, bytes in
            unsafe Glibc.write(descriptor, bytes.buffer.baseAddress, bytes.count)
        }
    }

    let path: String
    let settings: Settings
    private var descriptor: Int32
    /// False for pipes, terminals and the like, which have no size and cannot be cut back.
    private var isRegular = false
    /// The remains of a failed write are still there: the next record starts on a line of its own.
    private var hasTornLine = false

    /// Opens `path`, making it and its directories where they are missing.
    init(path: String, settings: Settings) throws(FileError) {
        self.path = path
        self.settings = settings
        makeDirectories(above: path)
        descriptor = try Self.open(path, truncating: !settings.keepsContent && settings.rotation == nil)
        isRegular = (try? status().st_mode & S_IFMT) == S_IFREG
        if isRegular { try repairTail() }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Appends `record`. Returns once the system, with `fsync` the disk, has all of it.
    ///
    /// When this throws, the file is as before, so that the same record can be written again.
    func append(_ record: RecordBytes) throws(FileError) {
        if descriptor < 0 { descriptor = try Self.open(path, truncating: false) }
        if isRegular, let rotation = settings.rotation {
            let size = try Int(status().st_size)
            if size > 0, size + record.count > rotation.maxMegabytes << 20 { try rotate(rotation) }
        }
        // Asked each time, since others may truncate the file (log rotation by copying).
        let start = isRegular ? try status().st_size : 0
        if isRegular, record.count >= RecordFile.reservedByteCountMin { reserve(record.count, at: start) }
        do {
            if hasTornLine { try endTornLine() }
            try write(record)
            if settings.fsync { try sync() }
            hasTornLine = false
        } catch {
            let isCutBack = isRegular && ftruncate(descriptor, start) == 0
            if !isCutBack, settings.isLines { hasTornLine = true }
            throw error
        }
    }

    /// Waits for the disk. Files that cannot be synced (pipes, terminals) are left alone.
    func sync() throws(FileError) {
        guard isRegular, fdatasync(descriptor) != 0 else { return }
        throw FileError("fdatasync", path)
    }

    private func endTornLine() throws(FileError) {
        try unsafe withUnsafeBytes(of: UInt8(ascii: "\n")) { (bytes) throws(FileError) in
            try write(unsafe RecordBytes(buffer: bytes))
        }
    }

    /// Has the file system find `byteCount` bytes of space behind the file's end, which stays where it is.
    ///
    /// Not all file systems can. Where there is no space, writing says so, and cutting back gives up what was found.
    private func reserve(_ byteCount: Int, at end: off_t) {
        _ = fallocate(descriptor, FALLOC_FL_KEEP_SIZE, end, off_t(byteCount))
    }

    private func write(_ bytes: RecordBytes) throws(FileError) {
        var written = 0
        while written < bytes.count {
            let end = min(written + RecordFile.pieceByteCountMax, bytes.count)
            let piece = unsafe RecordBytes(buffer: UnsafeRawBufferPointer(rebasing: bytes.buffer[written..<end]))
            let count = settings.write(descriptor, piece)
            if count > 0 {
                written += count
            } else if count < 0, errno != EINTR {
                throw FileError("write", path)
            } else if count == 0 {
                throw FileError("write", path, code: EIO)
            }
        }
    }

    private static func open(_ path: String, truncating: Bool) throws(FileError) -> Int32 {
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (truncating ? O_TRUNC : 0)
        let descriptor = unsafe Glibc.open(path, flags, 0o644)
        guard descriptor >= 0 else { throw FileError("open", path) }
        return descriptor
    }

    private func status() throws(FileError) -> stat {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw FileError("fstat", path) }
        return status
    }

    private func rotate(_ rotation: FileExporterConfig.Rotation) throws(FileError) {
        // At rotation too, as a delivered record should not depend on how the file was called when the program ended.
        try sync()
        try Backups(of: path, localtime: rotation.localtime).moveAside()
        close(descriptor)
        descriptor = -1
        descriptor = try Self.open(path, truncating: false)
        Backups(of: path, localtime: rotation.localtime).prune(
            maxBackups: rotation.maxBackups, maxDays: rotation.maxDays)
    }

    // MARK: What a crash left

    /// A line that was cut by a crash is ended, so that the next record has a line of its own. A cut length-prefixed
    /// record cannot be skipped by a reader: the file is moved aside as a backup.
    private func repairTail() throws(FileError) {
        let size = try status().st_size
        guard size > 0 else { return }
        let reader = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard reader >= 0 else { throw FileError("open", path) }
        defer { close(reader) }
        if settings.isLines {
            var last: UInt8 = 0
            guard unsafe pread(reader, &last, 1, size - 1) == 1 else { throw FileError("pread", path) }
            hasTornLine = last != UInt8(ascii: "\n")
        } else if !endsAtRecord(reader, size: size) {
            try Backups(of: path, localtime: settings.rotation?.localtime ?? false).moveAside()
            close(descriptor)
            descriptor = -1
            descriptor = try Self.open(path, truncating: false)
        }
    }

    private func endsAtRecord(_ reader: Int32, size: off_t) -> Bool {
        var offset: off_t = 0
        var length: UInt32 = 0
        while offset < size {
            guard unsafe pread(reader, &length, 4, offset) == 4 else { return false }
            offset += 4 + off_t(UInt32(bigEndian: length))
        }
        return offset == size
    }
}

/// Failures show when the file itself is opened.
private func makeDirectories(above path: String) {
    var end = path.startIndex
    while let slash = path[end...].firstIndex(of: "/") {
        if slash > path.startIndex { _ = unsafe mkdir(String(path[..<slash]), 0o755) }
        end = path.index(after: slash)
    }
}
