import Foundation
import SocketTestSupport
import TestSupport
import Testing
import Transport

/// Connections end when their configured time has come, always with a GOAWAY where somebody can hear it.
@Suite("HTTP/2 connection lifetime")
struct HTTP2LifetimeTests {
    private typealias Frames = HTTP2Frames
    private static let call = Frames.call(stream: 1, path: GRPCServerTests.echo, message: "hi")

    /// What a client that sends `bytes` and then only listens gets until the server closes.
    private func frames(
        after bytes: [UInt8], keepalive: HTTP2Keepalive
    ) async throws -> [(kind: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8])] {
        var received: [UInt8] = []
        let configure = { (configuration: inout GRPCServerConfiguration) in configuration.keepalive = keepalive }
        try await GRPCServerTests.withServer(
            configure: configure,
            { address in
                received = try await onThread {
                    let socket = try TestSocket(address)
                    try socket.send(bytes)
                    return try socket.receiveAll()
                }
            })
        return Frames.parse(received)
    }

    @Test("an idle connection is sent away after its call was answered")
    func idle() async throws {
        var keepalive = HTTP2Keepalive()
        keepalive.maxConnectionIdle = .seconds(1)
        let frames = try await frames(after: Frames.preface + Self.call, keepalive: keepalive)
        #expect(frames.contains { $0.kind == 0 && $0.payload.suffix(2) == Array("hi".utf8)[...] })
        // The second GOAWAY names the last stream that was served.
        #expect(frames.filter { $0.kind == 7 }.map { Array($0.payload.prefix(4)) }.last == [0, 0, 0, 1])
    }

    @Test("an old connection is sent away")
    func age() async throws {
        var keepalive = HTTP2Keepalive()
        keepalive.maxConnectionAge = .milliseconds(50)
        let frames = try await frames(after: Frames.preface, keepalive: keepalive)
        #expect(frames.last { $0.kind == 7 }.map { Array($0.payload.prefix(4)) } == [0, 0, 0, 0])
    }

    @Test("a silent client is asked with a PING, and cut when it does not answer")
    func silence() async throws {
        var keepalive = HTTP2Keepalive()
        keepalive.time = .milliseconds(50)
        keepalive.timeout = .milliseconds(50)
        let frames = try await frames(after: Frames.preface, keepalive: keepalive)
        #expect(frames.contains { $0.kind == 6 && $0.flags == 0 })
        #expect(!frames.contains { $0.kind == 7 })
    }

    @Test("a client may ping with every call, however many there are")
    func pingsWithCalls() async throws {
        let ping = Frames.frame(.ping, stream: 0, [UInt8](repeating: 7, count: 8))
        try await GRPCServerTests.withServer { address in
            try await onThread {
                let socket = try TestSocket(address)
                try socket.send(Frames.preface)
                var received: [UInt8] = []
                for batch in 0..<30 {
                    let streams = (batch * 100..<batch * 100 + 100).map { UInt32($0 * 2 + 1) }
                    try socket.send(
                        streams.flatMap { Frames.call(stream: $0, path: GRPCServerTests.echo, message: "x") + ping })
                    while Frames.parse(received).filter({ $0.kind == 0 }).count < batch * 100 + 100 {
                        let part = try socket.receive()
                        guard !part.isEmpty else { throw TestSocketError(description: "closed in batch \(batch)") }
                        received += part
                    }
                }
            }
        }
    }

    @Test("a client that pings too often is told to calm down, but not one that pings between answers")
    func pings() async throws {
        var keepalive = HTTP2Keepalive()
        keepalive.minPingInterval = .seconds(60)
        keepalive.maxConnectionIdle = .seconds(1)
        let ping = Frames.frame(.ping, stream: 0, [UInt8](repeating: 7, count: 8))
        let often = try await frames(after: Frames.preface + (0..<10).flatMap { _ in ping }, keepalive: keepalive)
        let goAway = try #require(often.last { $0.kind == 7 })
        #expect(goAway.payload.dropFirst(4).prefix(4) == [0, 0, 0, 0xb])
        #expect(String(decoding: goAway.payload.dropFirst(8), as: UTF8.self) == "too_many_pings")
        let polite = try await frames(after: Frames.preface + ping + Self.call + ping, keepalive: keepalive)
        #expect(polite.filter { $0.kind == 6 && $0.flags == 1 }.count == 2)
        #expect(polite.filter { $0.kind == 7 }.allSatisfy { $0.payload[7] == 0 })
    }
}

/// A server on a unix socket takes over a stale file, and serves.
@Suite("Unix sockets")
struct UnixSocketTests {
    @Test("a stale socket file is replaced")
    func stale() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("otelcol-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appendingPathComponent("s.sock").path
        for _ in 0..<2 {
            let server = HTTPServer(
                configuration: HTTPServerConfiguration(endpoint: try Endpoint(path, transport: "unix"))
            ) { _, complete in complete(.text(200, "unix")) }
            #expect(try await server.start() == path)
            #expect(try await run(["curl", "-s", "--unix-socket", path, "http://x/"]) == "unix")
            await server.stop(deadline: .now + .seconds(5))
        }
    }
}
