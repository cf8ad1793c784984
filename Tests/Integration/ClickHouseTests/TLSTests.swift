import Component
import Foundation
import OTLP
import SocketTestSupport
import TestSupport
import Testing

@testable import Exporters

/// Both protocols go over TLS, only to a server that is trusted, and the error says what is wrong with another.
///
/// The server out of chdb-core has no TLS port of its own, so that a process in front of it speaks TLS.
@Suite(.serialized)
struct TLSTests {
    private let server: TestServer
    private let database = "tls_" + UUID().uuidString.replacing("-", with: "")

    init() throws { server = try TestServer.shared.get() }

    /// - Parameter parameters: of the endpoint.
    private func harness(
        _ scheme: String, port: Int, parameters: String = "", tls: [(String, ConfigValue)] = []
    ) throws -> ExporterHarness {
        let position = ConfigPosition(source: "test", line: 1, column: 1)
        var keys: [String: ConfigValue] = [
            "endpoint": .string("\(scheme)://localhost:\(port)?\(parameters)"), "username": .string("otel"),
            "password": .string("secret"), "database": .string(database),
        ]
        if !tls.isEmpty {
            keys["tls"] = .map(
                tls.map { ConfigEntry(key: $0.0, keyPosition: position, node: ConfigNode($0.1, at: position)) })
        }
        return try ExporterHarness(.traces, keys)
    }

    /// Scenario: a server whose certificate a private authority signed; it is trusted, not trusted, or not looked at.
    /// Guarantees: batches are stored where it is trusted or not looked at, else held as misconfigured, with the reason.
    @Test("certificates decide", arguments: [("tcp", "secure=true"), ("https", "")])
    func certificates(scheme: String, secure: String) async throws {
        let port = scheme == "tcp" ? server.tcpPort : server.httpPort
        try await withTemporaryDirectory { directory in
            try await TLSFront.makeCertificates(in: directory.path)
            let authority = [("ca_file", ConfigValue.string(directory.appendingPathComponent("ca.pem").path))]
            let front = try TLSFront(to: port, certificate: "server", in: directory.path)
            let trusting = try harness(scheme, port: front.port, parameters: secure, tls: authority)
            try await trusting.exporter.start()
            #expect(await trusting.outcome(of: Batches.spans(1, id: 1, count: 1000)) == .delivered)
            await trusting.exporter.stop()
            let careless = try harness(scheme, port: front.port, parameters: secure + "&skip_verify=true")
            #expect(await careless.outcome(of: Batches.spans(1, id: 2)) == .delivered)
            await careless.exporter.stop()
            #expect(try server.count("\(database).otel_traces") == 1050)

            for (certificate, tls, words) in [
                ("server", [], "certificate"), ("expired", authority, "certificate has expired"),
                ("elsewhere", authority, scheme == "tcp" ? "not for \"localhost\"" : "certificate"),
            ] {
                let front = try TLSFront(to: port, certificate: certificate, in: directory.path)
                let harness = try harness(scheme, port: front.port, parameters: secure, tls: tls)
                guard case .misconfigured(let reason) = await harness.outcome(of: Batches.spans(1, id: 3)) else {
                    Issue.record("\(certificate)")
                    continue
                }
                #expect(reason.contains(words), "\(reason)")
                #expect(reason.contains("localhost:\(front.port)"), "\(reason)")
                #expect(harness.counter("otelcol_swift_clickhouse_insert_errors") == 1)
                await harness.exporter.stop()
            }
            #expect(try server.count("\(database).otel_traces") == 1050)
        }
    }

    /// Scenario: the port of the other kind.
    /// Guarantees: nothing hangs, and the error says that the server does not speak TLS there.
    @Test("TLS and plain ports mixed up")
    func mixedUp() async throws {
        try await withTemporaryDirectory { directory in
            try await TLSFront.makeCertificates(in: directory.path)
            let front = try TLSFront(to: server.tcpPort, certificate: "server", in: directory.path)
            for (port, parameters, words) in [
                (front.port, "", "cannot connect"),
                (server.tcpPort, "secure=true&skip_verify=true", "TLS"),
                (server.httpPort, "secure=true&skip_verify=true", "does not speak TLS on this port"),
            ] {
                let harness = try harness("tcp", port: port, parameters: parameters)
                let reason: String
                switch await harness.outcome(of: Batches.spans(1)) {
                case .misconfigured(let words), .retry(_, let words): reason = words
                case let outcome:
                    Issue.record("\(outcome)")
                    continue
                }
                #expect(reason.contains(words), "\(reason)")
                await harness.exporter.stop()
            }
        }
    }

    /// Scenario: a TLS connection is cut after N bytes, N over the whole conversation, and the batch sent again.
    /// Guarantees: nothing is lost, nothing stands twice.
    @Test("a cut TLS connection loses and doubles nothing")
    func cuts() async throws {
        try await withTemporaryDirectory { directory in
            try await TLSFront.makeCertificates(in: directory.path)
            let front = try TLSFront(to: server.tcpPort, certificate: "server", in: directory.path)
            let proxy = try TCPProxy(to: front.port)
            defer { proxy.stop() }
            var stored = 0
            for (id, limit) in [(UInt64(1), Int.max), (2, 100), (3, 700), (4, 1500), (5, 2500), (6, 4000), (7, 8000)] {
                let harness = try harness("tcp", port: proxy.port, parameters: "secure=true&skip_verify=true")
                proxy.set(limit == .max ? .none : .cut(afterClientBytes: limit))
                var outcome = await harness.outcome(of: Batches.spans(id, id: id, count: 100))
                if case .retry = outcome {
                    proxy.set(.none)
                    outcome = await harness.outcome(of: Batches.spans(id, id: id, count: 100))
                }
                #expect(outcome == .delivered, "after \(limit) bytes")
                stored += 100
                #expect(try server.count("\(database).otel_traces") == stored)
                await harness.exporter.stop()
            }
        }
    }
}
