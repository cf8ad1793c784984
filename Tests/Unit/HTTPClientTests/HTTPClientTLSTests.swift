import Foundation
import HTTPClient
import TestSupport
import Testing

/// TLS peers are verified by default, by the authority and name that were given, and not at all only when asked.
@Suite(.serialized) struct HTTPClientTLSTests {
    /// `openssl s_server` with a certificate for `collector.example` that it signed itself.
    private final class Server {
        let directory: String
        let url: String
        var certificate: String { "\(directory)/cert.pem" }
        private let process: ChildProcess

        private static var accept: Regex<(Substring, Substring)> { /ACCEPT (\S+)\n/ }

        init() throws {
            directory = NSTemporaryDirectory() + "tls-" + UUID().uuidString
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            let script = """
                exec 2>err
                openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=collector.example -keyout key.pem \
                    -out cert.pem -addext subjectAltName=DNS:collector.example
                exec openssl s_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -tls1_2 -www
                """
            process = try ChildProcess(["sh", "-c", script], directory: URL(fileURLWithPath: directory))
            // It says `ACCEPT 127.0.0.1:PORT` once it listens.
            var text = ""
            while text.firstMatch(of: Self.accept) == nil {
                let more = try #require(process.output?.availableData)
                try #require(!more.isEmpty)
                text += String(decoding: more, as: UTF8.self)
            }
            url = "https://\(try #require(text.firstMatch(of: Self.accept)).1)/"
        }

        deinit {
            process.kill()
            try? FileManager.default.removeItem(atPath: directory)
        }
    }

    private func outcome(_ server: Server, _ set: (inout HTTPClientTLS) -> Void) async throws -> String {
        var configuration = HTTPClientConfiguration()
        set(&configuration.tls)
        let client = try HTTPClient(configuration: configuration)
        defer { client.shutdown() }
        do {
            let request = HTTPClientRequest(method: "GET", url: server.url, timeout: .seconds(600))
            return try await "\(client.send(request).status)"
        } catch {
            return "\(error.kind)"
        }
    }

    @Test func whoIsTrusted() async throws {
        let server = try Server()
        let pem = try String(contentsOfFile: server.certificate, encoding: .utf8)
        #expect(try await outcome(server) { _ in } == "tls")
        #expect(try await outcome(server) { $0.certificateAuthorities = .file(server.certificate) } == "tls")
        let named = try await outcome(server) {
            $0.certificateAuthorities = .file(server.certificate)
            $0.serverName = "collector.example"
        }
        #expect(named == "200")
        let fromMemory = try await outcome(server) {
            $0.certificateAuthorities = .pem(pem)
            $0.serverName = "collector.example"
        }
        #expect(fromMemory == "200")
        let misnamed = try await outcome(server) {
            $0.certificateAuthorities = .file(server.certificate)
            $0.serverName = "other.example"
        }
        #expect(misnamed == "tls")
        #expect(try await outcome(server) { $0.skipsVerification = true } == "200")
        let withSystem = try await outcome(server) {
            $0.certificateAuthorities = .file(server.certificate)
            $0.includesSystemAuthorities = true
            $0.serverName = "collector.example"
        }
        #expect(withSystem == "200")
        #expect(try await outcome(server) { $0.certificateAuthorities = .file("/nowhere/ca.pem") } == "tls")
    }

    /// The server speaks TLS 1.2 only.
    @Test func whichVersionsAreSpoken() async throws {
        let server = try Server()
        let versions: [(HTTPClientTLS.Version, HTTPClientTLS.Version?, String)] = [
            (.tls12, nil, "200"), (.tls12, .tls12, "200"), (.tls13, nil, "tls"), (.tls10, .tls13, "200"),
        ]
        for (minimum, maximum, expected) in versions {
            let found = try await outcome(server) {
                $0.skipsVerification = true
                $0.minimumVersion = minimum
                $0.maximumVersion = maximum
            }
            #expect(found == expected)
        }
    }
}
