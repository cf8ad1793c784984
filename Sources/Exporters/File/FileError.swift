import Glibc

/// A system call on a file failed.
struct FileError: Error, CustomStringConvertible {
    /// `open`, `write`, …
    var operation: String
    var path: String
    var code: Int32

    /// Takes the code from `errno`.
    init(_ operation: String, _ path: String, code: Int32 = errno) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    var description: String { unsafe "\(operation) \(path): \(String(cString: strerror(code)))" }
}
