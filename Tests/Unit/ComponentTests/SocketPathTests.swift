import Foundation
import Glibc
import Testing

@testable import Component

/// A socket can be bound and reached in any directory, however long its path is.
@Suite struct SocketPathTests {
    /// Scenario: directories whose socket paths are short, just as long as an address holds, one longer, and far longer.
    /// Guarantees: the path fits an address, and what is bound to it is what another process finds under the same name.
    @Test("any directory has room for a socket", arguments: [0, 107, 108, 900])
    func anyLength(byteCount: Int) throws {
        var directory = FileManager.default.temporaryDirectory.path + "/socket-\(UUID().uuidString.prefix(8))"
        let root = directory
        defer { try? FileManager.default.removeItem(atPath: root) }
        let name = "control.sock"
        while directory.utf8.count + 1 + name.utf8.count < byteCount {
            let missing = byteCount - directory.utf8.count - 1 - name.utf8.count
            directory += missing == 1 ? "x" : "/" + String(repeating: "d", count: min(missing - 1, 100))
        }
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let bound = try SocketPath(directory: directory, name: name)
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        #expect(bound.text.utf8.count <= SocketPath.byteCountMax)
        #expect(Self.use(bound.text, of: listener, binds: true) == 0)
        #expect(listen(listener, 1) == 0)
        #expect(FileManager.default.fileExists(atPath: "\(directory)/\(name)"))
        let found = try SocketPath(directory: directory, name: name)
        let client = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(client) }
        #expect(Self.use(found.text, of: client, binds: false) == 0)
        withExtendedLifetime((bound, found)) {}
    }

    @Test("a directory that is not there is an error")
    func missing() {
        let directory = "/" + String(repeating: "n", count: 200)
        let error = #expect(throws: SocketPathError.self) { _ = try SocketPath(directory: directory, name: "s") }
        #expect(error?.number == ENOENT)
    }

    /// Binds, or connects, a socket. Zero when that went well.
    private static func use(_ path: String, of descriptor: Int32, binds: Bool) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8)) }
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                let size = socklen_t(MemoryLayout<sockaddr_un>.size)
                return unsafe binds ? bind(descriptor, $0, size) : connect(descriptor, $0, size)
            }
        }
    }
}
