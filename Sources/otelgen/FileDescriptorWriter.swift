internal import Glibc

/// Writes whole arrays to a file descriptor.
struct FileDescriptorWriter {
    /// What the system says went wrong, and with which file.
    struct WriteError: Error, CustomStringConvertible {
        let description: String

        init(_ name: String, _ code: Int32) {
            unsafe description = "\(name): \(String(cString: strerror(code)))"
        }
    }

    private let descriptor: Int32
    private let name: String

    init(_ descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    /// Makes a new file, or empties the one that is there.
    init(creating path: String) throws(WriteError) {
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        name = path
        guard descriptor >= 0 else { throw WriteError(path, errno) }
    }

    func write(_ bytes: [UInt8]) throws(WriteError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
            }
            guard count >= 0 || errno == EINTR else { throw WriteError(name, errno) }
            rest = rest.dropFirst(max(count, 0))
        }
    }

    func close() throws(WriteError) {
        guard Glibc.close(descriptor) == 0 else { throw WriteError(name, errno) }
    }
}
