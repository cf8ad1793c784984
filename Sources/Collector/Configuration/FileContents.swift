internal import Glibc

/// Reads whole files.
enum FileContents {
    struct ReadError: Error, CustomStringConvertible {
        let description: String

        fileprivate init(_ action: String, _ path: String, _ code: Int32) {
            let reason = unsafe String(cString: strerror(code)).lowercased()
            description = "\(action) \(path): \(reason)"
        }

        fileprivate init(tooLarge path: String, bytesMax: Int) {
            description = "\(path) holds more than \(bytesMax) bytes"
        }
    }

    private static let chunkBytes = 64 << 10

    /// The bytes of the file at `path`.
    ///
    /// - Throws: the system's reason, or that the file holds more than `bytesMax` bytes.
    static func read(_ path: String, bytesMax: Int) throws(ReadError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ReadError("open", path, errno) }
        defer { close(descriptor) }
        var contents: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: chunkBytes)
        while contents.count <= bytesMax {
            let count = unsafe chunk.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            }
            if count == 0 { return contents }
            if count > 0 {
                contents += chunk[..<count]
            } else if errno != EINTR {
                throw ReadError("read", path, errno)
            }
        }
        throw ReadError(tooLarge: path, bytesMax: bytesMax)
    }
}

/// The process's environment.
package enum ProcessEnvironment {
    /// The value of the variable `name`, nil when it is not set.
    package static func value(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}
