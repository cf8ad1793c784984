import Glibc

/// The operating system's files. Calls block; interrupted ones are repeated.
package struct PosixFileSystem: FileSystem {
    package init() {}

    package func open(_ path: String, _ access: FileAccess) throws(FileSystemError) -> any OpenFile {
        let flags =
            switch access {
            case .read: O_RDONLY
            case .readWrite: O_RDWR
            case .create: O_RDWR | O_CREAT
            }
        let descriptor = try check("open", path) { unsafe Glibc.open(path, flags | O_CLOEXEC, 0o600) }
        return PosixFile(descriptor: descriptor, path: path)
    }

    package func rename(_ path: String, to newPath: String) throws(FileSystemError) {
        _ = try check("rename", path) { unsafe Glibc.rename(path, newPath) }
    }

    package func remove(_ path: String) throws(FileSystemError) {
        _ = try check("unlink", path) { unsafe Glibc.unlink(path) }
    }

    package func list(_ directory: String) throws(FileSystemError) -> [String] {
        guard let stream = unsafe opendir(directory) else {
            throw FileSystemError(number: errno, operation: "opendir", path: directory)
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    package func makeDirectory(_ path: String, permissions: UInt32) throws(FileSystemError) {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            prefix += prefix.isEmpty || prefix.hasSuffix("/") ? String(part) : "/" + part
            let result = unsafe mkdir(prefix, permissions)
            if result != 0, errno != EEXIST {
                throw FileSystemError(number: errno, operation: "mkdir", path: prefix)
            }
        }
    }

    package func synchronizeDirectory(_ path: String) throws(FileSystemError) {
        let descriptor = try check("open", path) { unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        defer { close(descriptor) }
        _ = try check("fsync", path) { fsync(descriptor) }
    }

    package func availableBytes(_ path: String) throws(FileSystemError) -> Int {
        var information = statvfs()
        _ = try check("statvfs", path) { unsafe statvfs(path, &information) }
        return Int(clamping: information.f_bavail) * Int(clamping: information.f_frsize)
    }
}

/// An open descriptor. Each operation is one system call on a shared descriptor without a file position, so it may be
/// called from several threads.
private final class PosixFile: OpenFile {
    let descriptor: Int32
    let path: String

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        close(descriptor)
    }

    func read(into buffer: inout [UInt8], _ range: Range<Int>, at offset: Int) throws(FileSystemError) -> Int {
        precondition(range.lowerBound >= 0 && range.upperBound <= buffer.count, "a read beyond its buffer")
        let result = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe fill(UnsafeMutableRawBufferPointer(rebasing: bytes[range]), from: offset)
        }
        return try result.get()
    }

    /// Without clearing the memory first.
    func read(_ range: Range<Int>) throws(FileSystemError) -> [UInt8] {
        var result = Result<Int, FileSystemError>.success(0)
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count) { bytes, count in
            let room = unsafe UnsafeMutableRawBufferPointer(start: bytes.baseAddress, count: range.count)
            result = unsafe fill(room, from: range.lowerBound)
            if case .success(let filled) = result { count = filled }
        }
        _ = try result.get()
        return bytes
    }

    private func fill(_ room: UnsafeMutableRawBufferPointer, from offset: Int) -> Result<Int, FileSystemError> {
        var done = 0
        while done < room.count {
            do throws(FileSystemError) {
                let count = try check("pread", path) {
                    unsafe pread(descriptor, room.baseAddress! + done, room.count - done, off_t(offset + done))
                }
                if count == 0 { break }
                done += count
            } catch {
                return .failure(error)
            }
        }
        return .success(done)
    }

    func write(_ bytes: [UInt8], _ range: Range<Int>, at offset: Int) throws(FileSystemError) -> Int {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "a write beyond its buffer")
        let count = try check("pwrite", path) {
            unsafe bytes.withUnsafeBytes { bytes in
                unsafe pwrite(descriptor, bytes.baseAddress! + range.lowerBound, range.count, off_t(offset))
            }
        }
        // A write that takes nothing and says nothing would be repeated for ever.
        if count == 0 { throw FileSystemError(number: EIO, operation: "pwrite", path: path) }
        return count
    }

    func write(_ pieces: [ArraySlice<UInt8>], at offset: Int) throws(FileSystemError) -> Int {
        let count = try check("pwritev", path) {
            var vectors: [iovec] = unsafe []
            unsafe vectors.reserveCapacity(pieces.count)
            return unsafe PosixFile.gather(pieces[...], into: &vectors) { vectors in
                unsafe pwritev(descriptor, vectors, Int32(vectors.count), off_t(offset))
            }
        }
        if count == 0 { throw FileSystemError(number: EIO, operation: "pwritev", path: path) }
        return count
    }

    /// Calls `body` with where `pieces` are, behind what is in `vectors`. They stay there only while it runs, hence one
    /// call in another.
    private static func gather(
        _ pieces: ArraySlice<ArraySlice<UInt8>>, into vectors: inout [iovec], _ body: ([iovec]) -> Int
    ) -> Int {
        guard let piece = pieces.first else { return unsafe body(vectors) }
        return unsafe piece.withUnsafeBytes { bytes in
            unsafe vectors.append(
                iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count))
            return unsafe gather(pieces.dropFirst(), into: &vectors, body)
        }
    }

    func synchronize() throws(FileSystemError) {
        _ = try check("fdatasync", path) { fdatasync(descriptor) }
    }

    func truncate(to byteCount: Int) throws(FileSystemError) {
        _ = try check("ftruncate", path) { ftruncate(descriptor, off_t(byteCount)) }
    }

    func allocate(_ byteCount: Int) throws(FileSystemError) {
        // Returns the error number instead of setting errno.
        var number = EINTR
        while number == EINTR { number = posix_fallocate(descriptor, 0, off_t(byteCount)) }
        if number != 0 { throw FileSystemError(number: number, operation: "fallocate", path: path) }
    }

    func byteCount() throws(FileSystemError) -> Int { Int(try information().st_size) }

    func isLinked() throws(FileSystemError) -> Bool { try information().st_nlink > 0 }

    func lock() throws(FileSystemError) -> Bool {
        do {
            _ = try check("flock", path) { flock(descriptor, LOCK_EX | LOCK_NB) }
            return true
        } catch let error where error.number == EWOULDBLOCK {
            return false
        }
    }

    private func information() throws(FileSystemError) -> stat {
        var information = stat()
        _ = try check("fstat", path) { unsafe fstat(descriptor, &information) }
        return information
    }
}

/// The result of a system call; repeats it when a signal interrupted it, and throws when it failed.
private func check<Result: SignedInteger>(
    _ operation: String, _ path: String, _ call: () -> Result
) throws(FileSystemError) -> Result {
    while true {
        let result = call()
        if result >= 0 { return result }
        if errno != EINTR { throw FileSystemError(number: errno, operation: operation, path: path) }
    }
}

extension FileSystemError: CustomStringConvertible {
    /// `write /var/lib/x: no space left on device`, as Go words it.
    package var description: String { "\(operation) \(path): \(reason)" }

    /// The system's word for the error, in lower case.
    package var reason: String { unsafe String(cString: strerror(number)).lowercased() }

    static func missing(_ path: String) -> FileSystemError {
        FileSystemError(number: ENOENT, operation: "open", path: path)
    }

    static func noSpace(_ path: String) -> FileSystemError {
        FileSystemError(number: ENOSPC, operation: "allocate", path: path)
    }

    /// No room on the device or in the quota.
    package var isFull: Bool { number == ENOSPC || number == EDQUOT }

    /// The device failed, perhaps for now, as against a file that is not what it should be.
    package var isDeviceError: Bool { number == EIO }

    /// The file, or a directory above it, is not there.
    package var isMissing: Bool { number == ENOENT || number == ENOTDIR }
}

extension LogError {
    /// `.full` when there is no room, `.io` for all else.
    init(_ error: FileSystemError) {
        self.init(error.isFull ? .full : .io, "\(error.operation): \(error.reason)", path: error.path)
    }
}
