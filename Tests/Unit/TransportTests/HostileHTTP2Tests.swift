import SocketTestSupport
import TestSupport
import Testing
import Transport

/// What no decent client sends costs its connection or its stream, and nothing else.
@Suite("Hostile HTTP/2")
struct HostileHTTP2Tests {
    private typealias Frames = HTTP2Frames
    private static let echo = GRPCServerTests.echo

    /// Sends `bytes`, ends the sending side, and returns the frames that came until the server closed. Then checks that
    /// the server still serves others.
    private func answer(
        to bytes: [UInt8], configure: (inout GRPCServerConfiguration) -> Void = { _ in }
    ) async throws -> [(kind: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8])] {
        var received: [UInt8] = []
        try await GRPCServerTests.withServer(configure: configure) { address in
            received = try await onThread {
                let socket = try TestSocket(address)
                // The server may close before it has taken all; that is its right.
                try? socket.send(bytes)
                socket.endWriting()
                return try socket.receiveAll()
            }
            let good = try await onThread {
                let socket = try TestSocket(address)
                try socket.send(Frames.preface + Frames.call(stream: 1, path: Self.echo, message: "good"))
                socket.endWriting()
                return try socket.receiveAll()
            }
            #expect(Frames.parse(good).contains { $0.kind == 0 && $0.payload.suffix(4) == Array("good".utf8)[...] })
        }
        return Frames.parse(received)
    }

    @Test("SETTINGS comes before the client has said anything")
    func settingsFirst() async throws {
        try await GRPCServerTests.withServer { address in
            let socket = try TestSocket(address)
            let header = try await onThread { try socket.receive(count: 9) }
            #expect(header[3] == Frames.Kind.settings.rawValue)
        }
    }

    @Test(
        "what is not HTTP/2 is closed",
        arguments: [
            Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), [UInt8](repeating: 0x16, count: 60),
            Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [UInt8](repeating: 0xff, count: 20), [],
        ])
    func garbage(bytes: [UInt8]) async throws {
        #expect(try await answer(to: bytes).allSatisfy { ![0, 1].contains($0.kind) })
    }

    @Test("every cut of a call is survived")
    func cuts() async throws {
        let call = Frames.preface + Frames.call(stream: 1, path: Self.echo, message: "hello")
        try await GRPCServerTests.withServer { address in
            for cut in 0...call.count {
                let received = try await onThread {
                    let socket = try TestSocket(address)
                    try socket.send(Array(call[..<cut]))
                    socket.endWriting()
                    return try socket.receiveAll()
                }
                let isAnswered = Frames.parse(received).contains { $0.kind == 0 }
                #expect(isAnswered == (cut == call.count))
            }
        }
    }

    @Test("a call that dribbles in byte by byte is put together")
    func dribble() async throws {
        try await GRPCServerTests.withServer { address in
            let received = try await onThread {
                let socket = try TestSocket(address)
                for byte in Frames.preface + Frames.headers(stream: 1, path: Self.echo) { try socket.send([byte]) }
                let message: [UInt8] = [0, 0, 0, 0, 3, 7, 8, 9]
                for (index, byte) in message.enumerated() {
                    let flags = index == message.count - 1 ? Frames.endStream : 0
                    try socket.send(Frames.frame(.data, flags: flags, stream: 1, [byte]))
                }
                socket.endWriting()
                return try socket.receiveAll()
            }
            #expect(Frames.parse(received).contains { $0.kind == 0 && $0.payload == [0, 0, 0, 0, 3, 7, 8, 9] })
        }
    }

    @Test("a declared gigabyte is refused at its prefix, and the stream reset")
    func declaredGigabyte() async throws {
        let frames = try await answer(
            to: Frames.preface + Frames.headers(stream: 1, path: Self.echo)
                + Frames.frame(.data, stream: 1, [0, 0x40, 0, 0, 0]))
        #expect(frames.contains { $0.kind == 1 && $0.stream == 1 })
        #expect(frames.contains { $0.kind == 3 && $0.stream == 1 && $0.payload == [0, 0, 0, 0] })
    }

    @Test("a header list beyond the limit resets its stream only")
    func headerList() async throws {
        let big = (0..<5).map { ("x-\($0)", String(repeating: "v", count: 3000)) }
        let frames = try await answer(
            to: Frames.preface + Frames.headers(stream: 1, path: Self.echo, extra: big)
                + Frames.call(stream: 3, path: Self.echo, message: "ok")
        ) { $0.headerBytesMax = 10_000 }
        #expect(frames.contains { $0.kind == 3 && $0.stream == 1 })
        #expect(frames.contains { $0.kind == 0 && $0.stream == 3 })
    }

    @Test(
        "floods end with GOAWAY or a closed connection",
        arguments: [
            Frames.frame(.ping, stream: 0, [UInt8](repeating: 0, count: 8)), Frames.frame(.settings, stream: 0, []),
        ])
    func floods(frame: [UInt8]) async throws {
        let frames = try await answer(to: Frames.preface + (0..<20_000).flatMap { _ in frame })
        #expect(frames.filter { $0.flags == 1 }.count < 20_000)
    }

    @Test("a flood of streams that are reset at once is stopped")
    func rapidReset() async throws {
        let attack = (0..<5000).flatMap { index -> [UInt8] in
            let stream = UInt32(index * 2 + 1)
            return Frames.headers(stream: stream, path: Self.echo)
                + Frames.frame(.resetStream, stream: stream, [0, 0, 0, 8])
        }
        let frames = try await answer(to: Frames.preface + attack)
        #expect(frames.contains { $0.kind == 7 })
    }

    @Test("two messages, a bad flag and a compressed message without encoding are errors of the call")
    func framing() async throws {
        for body: [UInt8] in [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [2, 0, 0, 0, 0], [1, 0, 0, 0, 1, 9], [0, 0]] {
            let frames = try await answer(
                to: Frames.preface + Frames.headers(stream: 1, path: Self.echo)
                    + Frames.frame(.data, flags: Frames.endStream, stream: 1, body))
            #expect(frames.contains { $0.kind == 1 && $0.flags & Frames.endStream != 0 })
            #expect(!frames.contains { $0.kind == 0 })
        }
    }
}
