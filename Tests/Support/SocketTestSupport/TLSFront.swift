internal import Foundation
import TestSupport

/// TLS in front of a plain TCP server on 127.0.0.1, in a process of its own: Tests/Integration/python/tls_front.py.
package final class TLSFront: Sendable {
    package let port: Int
    /// Lives as long as its input is open.
    private let process: ChildProcess

    /// Makes the certificates that the script describes, `<name>.pem` and `<name>.key`, in `directory`.
    package static func makeCertificates(in directory: String) async throws {
        _ = try await run(["python3", script, "certificates", directory])
    }

    /// - Parameters:
    ///   - certificate: the name of one in `directory`.
    ///   - clientAuthority: the name of the authority that clients must have a certificate of; nil: they need none.
    package init(
        to targetPort: Int, certificate: String, in directory: String, clientAuthority: String? = nil
    ) throws {
        let options = clientAuthority.map { [$0] } ?? []
        process = try ChildProcess(
            ["python3", Self.script, "serve", directory, certificate, "\(targetPort)"] + options, input: .pipe)
        let text = String(decoding: process.output?.availableData ?? Data(), as: UTF8.self)
        guard text.hasPrefix("READY "), let port = Int(text.dropFirst(6).prefix { $0.isNumber }) else {
            throw TestSocketError(description: "the TLS front did not start: \(text)")
        }
        self.port = port
    }

    deinit { process.signal(SIGTERM) }

    private static var script: String {
        var directory = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { directory.deleteLastPathComponent() }
        return directory.appendingPathComponent("Integration/python/tls_front.py").path
    }
}
