import Foundation
import SocketTestSupport
import Testing

@testable import Transport

/// A TLS client talks only to the server it means, carries every byte, and says what is wrong with any other.
final class TCPClientTLSTests: Sendable {
    /// Sends back what it gets, until the client's end.
    private final class EchoServer: Sendable {
        let port: Int
        private let listener: Int32

        /// - Parameter greeting: sent first; a server with one sends nothing back and closes.
        init(greeting: [UInt8]? = nil) throws {
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
            Thread.detachNewThread { [listener] in
                while true {
                    let descriptor = accept(listener, nil, nil)
                    if descriptor < 0 { return }
                    Thread.detachNewThread {
                        let connection = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
                        if let greeting {
                            _ = connection.availableData
                            try? connection.write(contentsOf: Data(greeting))
                            return
                        }
                        while true {
                            let data = connection.availableData
                            if data.isEmpty { return }
                            try? connection.write(contentsOf: data)
                        }
                    }
                }
            }
        }

        deinit { shutdown(listener, Int32(SHUT_RDWR)) }
    }

    /// Holds the certificates.
    private let directory = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID().uuidString)")
        .path

    init() async throws { try await TLSFront.makeCertificates(in: directory) }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: directory)
        } catch {
            Issue.record(error)
        }
    }

    private func pem(_ name: String) throws -> String {
        try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)
    }

    private func trusting(_ authority: String) -> TLSClientSettings {
        var settings = TLSClientSettings()
        settings.certificateAuthorities = .file("\(directory)/\(authority).pem")
        return settings
    }

    private static func connect(
        _ port: Int, host: String = "localhost", _ settings: TLSClientSettings, timeout: Duration = .seconds(600)
    ) async throws -> TCPClient {
        try await TCPClient.connect(host: host, port: port, tls: settings, timeout: timeout)
    }

    private var soon: ContinuousClock.Instant { .now + .seconds(600) }

    @Test("bytes go both ways, in order, by name and by address", arguments: ["localhost", "127.0.0.1"])
    func exchange(host: String) async throws {
        let echo = try EchoServer()
        let front = try TLSFront(
            to: echo.port, certificate: "server", in: directory)
        for version in [TLSClientSettings.Version.tls12, .tls13] {
            var settings = trusting("ca")
            settings.minimumVersion = version
            settings.maximumVersion = version
            let client = try await Self.connect(front.port, host: host, settings)
            let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
            let deadline = soon
            async let written: Void = client.write(bytes, deadline: deadline)
            var received: [UInt8] = []
            while received.count < bytes.count {
                let more = try await client.read(deadline: soon)
                try #require(!more.isEmpty)
                received += more
            }
            try await written
            #expect(received == bytes)
            client.close()
            // The peer's end comes as an end.
            #expect(try await client.read(deadline: soon) == [])
        }
    }

    @Test("servers that are not the one that is meant are refused, and the error says why")
    func refusals() async throws {
        let echo = try EchoServer()
        let trusted = trusting("ca")
        for (certificate, settings, words) in [
            ("server", TLSClientSettings(), "certificate is not accepted: unable to get local issuer certificate"),
            ("server", trusting("foreign"), "certificate is not accepted"),
            ("expired", trusted, "certificate has expired"),
            ("elsewhere", trusted, "certificate is not for \"localhost\""),
        ] {
            let front = try TLSFront(to: echo.port, certificate: certificate, in: directory)
            let error = await #expect(throws: TCPClientError.self) { _ = try await Self.connect(front.port, settings) }
            guard case .tls(let reason) = error else {
                Issue.record("\(certificate): \(String(describing: error))")
                continue
            }
            #expect(reason.contains(words), "\(reason)")
            // Whoever insists gets through.
            var careless = settings
            careless.skipsVerification = true
            try await Self.connect(front.port, careless).close()
        }
        let front = try TLSFront(to: echo.port, certificate: "elsewhere", in: directory)
        var named = trusted
        named.serverName = "elsewhere.test"
        try await Self.connect(front.port, named).close()
        let error = await #expect(throws: TCPClientError.self) {
            _ = try await Self.connect(front.port, host: "127.0.0.1", trusted)
        }
        #expect("\(try #require(error))".contains("certificate is not for \"127.0.0.1\""))
    }

    @Test("a server without TLS, one that closes, one that is silent")
    func noTLS() async throws {
        let settings = trusting("ca")
        let plain = try EchoServer(greeting: Array("HTTP/1.0 400 Bad Request\r\n\r\n".utf8))
        let error = await #expect(throws: TCPClientError.self) { _ = try await Self.connect(plain.port, settings) }
        guard case .tls(let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("does not speak TLS on this port"))

        let closing = try EchoServer(greeting: [])
        let end = await #expect(throws: TCPClientError.self) { _ = try await Self.connect(closing.port, settings) }
        guard case .closed(let reason) = end else {
            Issue.record("\(String(describing: end))")
            return
        }
        #expect(reason.contains("during the TLS handshake"))

        let front = try TLSFront(
            to: closing.port, certificate: "server", in: directory)
        let proxy = try TCPProxy(to: front.port)
        proxy.set(.swallowAnswers(afterClientBytes: 0))
        await #expect(throws: TCPClientError.timedOut) {
            _ = try await Self.connect(proxy.port, settings, timeout: .milliseconds(200))
        }
        // Cut in the middle of the handshake.
        proxy.set(.cut(afterClientBytes: 100))
        let cut = await #expect(throws: TCPClientError.self) { _ = try await Self.connect(proxy.port, settings) }
        guard case .closed = cut else {
            Issue.record("\(String(describing: cut))")
            return
        }
        proxy.stop()
    }

    @Test("a cancelled handshake ends at once")
    func cancellation() async throws {
        let closing = try EchoServer()
        let proxy = try TCPProxy(to: closing.port)
        defer { proxy.stop() }
        proxy.set(.swallowAnswers(afterClientBytes: 0))
        let settings = trusting("ca")
        let attempt = Task { try await Self.connect(proxy.port, settings) }
        while proxy.clientBytes == 0 { await Task.yield() }
        attempt.cancel()
        await #expect(throws: TCPClientError.self) { _ = try await attempt.value }
    }

    @Test("a certificate of the client's own is shown, from a file or in memory")
    func clientCertificate() async throws {
        let echo = try EchoServer()
        let front = try TLSFront(to: echo.port, certificate: "server", in: directory, clientAuthority: "ca")
        var settings = trusting("ca")
        for (certificate, key) in [
            (TLSClientSettings.Source.file("\(directory)/client.pem"), .file("\(directory)/client.key")),
            (.pem(try pem("client.pem")), TLSClientSettings.Source.pem(try pem("client.key"))),
        ] {
            settings.certificate = certificate
            settings.key = key
            let client = try await Self.connect(front.port, settings)
            try await client.write([1, 2, 3], deadline: soon)
            #expect(try await client.read(deadline: soon) == [1, 2, 3])
            client.close()
        }
        // Of TLS 1.3 the refusal comes after the handshake, as an alert or just as an end.
        settings.certificate = nil
        settings.key = nil
        settings.certificateAuthorities = .pem(try pem("ca.pem"))
        var answer: [UInt8] = []
        do {
            let client = try await Self.connect(front.port, settings)
            try await client.write([1, 2, 3], deadline: soon)
            answer = try await client.read(deadline: soon)
        } catch let error as TCPClientError {
            #expect(error != .timedOut)
        }
        #expect(answer == [])
    }

    @Test("what cannot be used is named before any connection is made")
    func unusable() async throws {
        var missing = TLSClientSettings()
        missing.certificateAuthorities = .file("\(directory)/none.pem")
        var empty = TLSClientSettings()
        empty.certificateAuthorities = .pem("nothing")
        var otherKey = TLSClientSettings()
        otherKey.certificate = .pem(try pem("client.pem"))
        otherKey.key = .pem(try pem("ca.key"))
        var suites = TLSClientSettings()
        suites.cipherSuites = ["NONE-SUCH"]
        for (settings, words) in [
            (missing, "none.pem: No such file"), (empty, "there is none"), (otherKey, "the client's key: key values"),
            (suites, "no cipher match"),
        ] {
            let error = await #expect(throws: TCPClientError.self) { _ = try await Self.connect(1, settings) }
            guard case .tls(let reason) = error else {
                Issue.record("\(words): \(String(describing: error))")
                continue
            }
            #expect(reason.contains(words), "\(reason)")
        }
    }
}
