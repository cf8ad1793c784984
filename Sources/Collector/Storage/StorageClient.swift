import Component
import Glibc
import WriteAheadLog

/// Carries out operators' requests on a storage directory: asks the collector that runs on it, or, when none does,
/// works on the files itself.
package enum StorageClient {
    private static let socketName = "control.sock"
    private static let answerBytesMax = 1 << 30

    /// - Returns: what to show.
    /// - Throws: `StorageError` and `LogError`, with what to tell the operator.
    package static func perform(_ request: StorageRequest, on directory: String) async throws -> String {
        let stopped = try StoppedStorage(directory: directory)
        if let answer = try ask(request, on: directory) { return answer }
        return try await stopped.perform(request)
    }

    /// The collector's answer; nil when none listens.
    private static func ask(_ request: StorageRequest, on directory: String) throws(StorageError) -> String? {
        let path = "\(directory)/\(socketName)"
        let short: SocketPath
        do {
            short = try SocketPath(directory: directory, name: socketName)
        } catch {
            throw StorageError("\(FileSystemError(number: error.number, operation: "open", path: directory))")
        }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw failure("socket", path) }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(short.text.utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if result != 0 {
            if [ENOENT, ECONNREFUSED, ENOTSOCK].contains(errno) { return nil }
            throw failure("connect", path)
        }
        withExtendedLifetime(short) {}
        let body = request.text
        let head = [
            "POST / HTTP/1.1", "Host: otelcol", "Connection: close", "Content-Length: \(body.utf8.count)", "", "",
        ]
        try write(head.joined(separator: "\r\n") + body, to: descriptor, path)
        return try answer(in: try read(descriptor, path))
    }

    private static func write(_ text: String, to descriptor: Int32, _ path: String) throws(StorageError) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe send(
                    descriptor, buffer.baseAddress.map { unsafe $0 + sent }, buffer.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("send", path) }
            sent += count
        }
    }

    private static func read(_ descriptor: Int32, _ path: String) throws(StorageError) -> [UInt8] {
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let capacity = chunk.count
            let count = unsafe recv(descriptor, &chunk, capacity, 0)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw failure("recv", path) }
            if count == 0 { return answer }
            answer += chunk[..<count]
            guard answer.count <= answerBytesMax else { throw StorageError("\(path): the answer is too long") }
        }
    }

    private static func answer(in bytes: [UInt8]) throws(StorageError) -> String {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
            throw StorageError("the collector ended before it answered")
        }
        let text = String(decoding: bytes[end.upperBound...], as: UTF8.self)
        guard bytes.starts(with: Array("HTTP/1.1 200 ".utf8)) else {
            throw StorageError(String(text.prefix { $0 != "\n" }))
        }
        return text
    }

    private static func failure(_ operation: String, _ path: String) -> StorageError {
        StorageError("\(FileSystemError(number: errno, operation: operation, path: path))")
    }
}
