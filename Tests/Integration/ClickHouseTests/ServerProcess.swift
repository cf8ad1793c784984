import Foundation
import TestSupport

/// A server of a test's own, which it may kill and start again on the same port and data.
final class ServerProcess {
    let tcpPort: Int
    let httpPort: Int
    private let directory: URL
    private var process: ChildProcess?

    /// Chooses ports and folder; the server is not there yet.
    init(in directory: URL) throws {
        self.directory = directory
        (tcpPort, httpPort) = (try Self.freePort(), try Self.freePort())
    }

    deinit { kill() }

    func start() throws {
        let script = packageDirectory.appendingPathComponent("Tests/Integration/python/clickhouse_server.py").path
        let process = try ChildProcess(
            [
                "python3", script, directory.appendingPathComponent("data").path, "--tcp", "\(tcpPort)", "--http",
                "\(httpPort)",
            ], input: .pipe, errors: .null)
        self.process = process
        var text = ""
        while !text.contains("READY") {
            guard let data = process.output?.availableData, !data.isEmpty else {
                throw TestServer.StartFailure(output: text)
            }
            text += String(decoding: data, as: UTF8.self)
        }
    }

    /// SIGKILL.
    func kill() {
        guard let process else { return }
        process.kill()
        process.waitUntilExit()
        self.process = nil
    }

    func text(_ sql: String) throws -> String { try TestServer.text(sql, httpPort: httpPort) }

    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                let isBound = unsafe bind(descriptor, $0, length) == 0
                return unsafe isBound && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw TestServer.StartFailure(output: "no free port: errno \(errno)") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
