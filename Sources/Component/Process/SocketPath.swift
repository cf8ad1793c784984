import Glibc

/// The path of a Unix domain socket, in a form that fits into a socket's address (107 bytes), however long the path of
/// its directory is: then the directory is opened, and named by its descriptor.
///
/// Keep it for as long as its `text` is used.
package final class SocketPath: Sendable {
    /// The longest path that a socket's address holds.
    package static let byteCountMax = MemoryLayout<sockaddr_un>.size - MemoryLayout<sa_family_t>.size - 1

    /// To bind, connect to, or remove.
    package let text: String
    private let descriptor: Int32

    /// - Throws: the system's error number, when the directory cannot be opened.
    package init(directory: String, name: String) throws(SocketPathError) {
        let path = "\(directory)/\(name)"
        guard path.utf8.count > Self.byteCountMax else {
            text = path
            descriptor = -1
            return
        }
        descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SocketPathError(number: errno) }
        text = "/proc/self/fd/\(descriptor)/\(name)"
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}

package struct SocketPathError: Error, Sendable {
    package var number: Int32
}
