import ClickHouseNative
import Foundation
import TestSupport

/// A real ClickHouse server for the tests of this target, started with the first and ended with the test program.
final class TestServer: Sendable {
    let tcpPort: Int
    let httpPort: Int
    /// Lives as long as its input is open.
    private let process: ChildProcess

    static let shared = Result { try TestServer() }

    struct StartFailure: Error {
        let output: String
    }

    private init() throws {
        let script = packageDirectory.appendingPathComponent("Tests/Integration/python/clickhouse_server.py").path
        let data = FileManager.default.temporaryDirectory.appendingPathComponent("clickhouse-\(UUID().uuidString)").path
        process = try ChildProcess(["python3", script, data, "--remove"], input: .pipe, errors: .null)
        var text = ""
        while !text.contains("\n"), let data = process.output?.availableData, !data.isEmpty {
            text += String(decoding: data, as: UTF8.self)
        }
        guard let match = text.wholeMatch(of: /READY tcp=(\d+) http=(\d+)\n/), let tcp = Int(match.1),
            let http = Int(match.2)
        else { throw StartFailure(output: text) }
        (tcpPort, httpPort) = (tcp, http)
    }

    func connect(compression: BlockCompression) async throws -> ClickHouseConnection {
        try await ClickHouseConnection.open(
            over: try SocketStream(port: tcpPort),
            options: ConnectionOptions(
                identity: ClientIdentity(name: "test", versionMajor: 1, versionMinor: 0, versionPatch: 0),
                database: "default", user: "otel", password: "secret", compression: compression),
            deadline: .now + .seconds(20))
    }

    /// The answer to a query over HTTP, a path of the server that has nothing in common with the native protocol.
    func query(_ sql: String) throws -> [UInt8] { try Self.query(sql, httpPort: httpPort) }

    static func query(_ sql: String, httpPort: Int) throws -> [UInt8] {
        let stream = try SocketStream(port: httpPort)
        defer { stream.close() }
        let body = Array(sql.utf8)
        let head =
            "POST /?user=otel&password=secret HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: \(body.count)\r\n\r\n"
        try stream.send(Array(head.utf8) + body)
        var answer: [UInt8] = []
        while true {
            let bytes = try stream.receive(flags: 0)
            if bytes.isEmpty { break }
            answer += bytes
        }
        let separator = Array("\r\n\r\n".utf8)
        guard let end = answer.firstRange(of: separator) else { throw StartFailure(output: "no HTTP answer") }
        let answerHead = String(decoding: answer[..<end.lowerBound], as: UTF8.self)
        guard answerHead.contains(" 200 ") else {
            throw StartFailure(output: String(decoding: answer, as: UTF8.self))
        }
        return Array(answer[end.upperBound...])
    }
}

/// A blocking socket to 127.0.0.1: enough for a test that does one thing at a time.
final class SocketStream: ByteStream {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var timeout = timeval(tv_sec: 60, tv_usec: 0)
        _ = unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw ByteStreamError.closed(reason: "connect: errno \(errno)") }
    }

    func send(_ bytes: [UInt8]) throws(ByteStreamError) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes[sent...].withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw .closed(reason: "send: errno \(errno)") }
            sent += count
        }
    }

    /// What has come; empty at the end, or when nothing is there and `flags` say not to wait.
    func receive(flags: Int) throws(ByteStreamError) -> [UInt8] {
        var failed = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            let received = unsafe recv(descriptor, buffer.baseAddress, buffer.count, Int32(flags))
            count = max(0, received)
            failed = received < 0 && errno != EAGAIN
        }
        if failed { throw .closed(reason: "recv: errno \(errno)") }
        return bytes
    }

    func write(_ bytes: [UInt8], deadline: ContinuousClock.Instant) async throws(ByteStreamError) { try send(bytes) }

    func read(deadline: ContinuousClock.Instant) async throws(ByteStreamError) -> [UInt8] { try receive(flags: 0) }

    func readAvailable() throws(ByteStreamError) -> [UInt8] { try receive(flags: Int(MSG_DONTWAIT)) }

    func close() { _ = Glibc.close(descriptor) }
}
