import Foundation
import SocketTestSupport
import TestSupport
import Testing

@testable import Transport

/// A client connection keeps what the peer says until it is read, and every wait ends by its time or with its task.
struct TCPClientTests {
    /// A peer that a test plays itself: it listens on 127.0.0.1 and accepts one connection.
    private final class Peer: Sendable {
        let port: Int
        private let listener: Int32

        init() throws {
            listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isListening = unsafe withUnsafeMutablePointer(to: &address) { [listener] pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    let isBound = unsafe bind(listener, $0, length) == 0 && listen(listener, 8) == 0
                    return unsafe isBound && getsockname(listener, $0, &length) == 0
                }
            }
            guard isListening else { throw TestSocketError(description: "listen: errno \(errno)") }
            port = Int(UInt16(bigEndian: address.sin_port))
        }

        deinit { close(listener) }

        func accept() -> FileHandle {
            FileHandle(fileDescriptor: Glibc.accept(listener, nil, nil), closeOnDealloc: true)
        }
    }

    private var soon: ContinuousClock.Instant { .now + .seconds(600) }

    @Test("bytes go both ways, in order, until the peer's end")
    func exchange() async throws {
        let peer = try Peer()
        let client = try await TCPClient.connect(host: "localhost", port: peer.port, timeout: .seconds(600))
        let connection = peer.accept()
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
        async let written: Void = client.write(bytes, deadline: soon)
        let received = try await onThread {
            var received = Data()
            while received.count < bytes.count, let more = try connection.read(upToCount: bytes.count - received.count)
            {
                received += more
            }
            return received
        }
        try await written
        #expect(Array(received) == bytes)
        try connection.write(contentsOf: Data([1, 2, 3]))
        #expect(try await client.read(deadline: soon) == [1, 2, 3])
        #expect(client.readAvailable() == [])
        try connection.close()
        #expect(try await client.read(deadline: soon) == [])
        client.close()
    }

    @Test("a read ends at its deadline and harms no later one")
    func timeout() async throws {
        let peer = try Peer()
        let client = try await TCPClient.connect(host: "127.0.0.1", port: peer.port, timeout: .seconds(600))
        let connection = peer.accept()
        for byte in UInt8(0)..<20 {
            await #expect(throws: TCPClientError.timedOut) {
                _ = try await client.read(deadline: .now + .milliseconds(Int(byte % 3)))
            }
            try connection.write(contentsOf: Data([byte]))
            #expect(try await client.read(deadline: soon) == [byte])
        }
        client.close()
    }

    @Test("a write that the peer does not take ends at its deadline")
    func stalledWrite() async throws {
        let peer = try Peer()
        let client = try await TCPClient.connect(host: "127.0.0.1", port: peer.port, timeout: .seconds(600))
        let connection = peer.accept()
        await #expect(throws: TCPClientError.timedOut) {
            try await client.write([UInt8](repeating: 0, count: 64 << 20), deadline: .now + .milliseconds(50))
        }
        try connection.close()
    }

    @Test("a cancelled task waits no longer")
    func cancellation() async throws {
        let peer = try Peer()
        let client = try await TCPClient.connect(host: "127.0.0.1", port: peer.port, timeout: .seconds(600))
        let task = Task { [soon] in try await client.read(deadline: soon) }
        task.cancel()
        #expect(try await task.value == [])
        await #expect(throws: TCPClientError.self) { try await client.write([1], deadline: soon) }
    }

    @Test("nobody listens")
    func refused() async throws {
        let port = try Peer().port
        do {
            _ = try await TCPClient.connect(host: "127.0.0.1", port: port, timeout: .seconds(600))
            Issue.record("connected to nobody")
        } catch {
            #expect(error.description.contains("refused"), "\(error)")
        }
    }
}
