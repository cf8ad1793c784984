internal import Foundation
internal import Glibc
import TestSupport

package struct TestSocketError: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// A blocking TCP connection to a server under test; every wait ends after a minute.
package final class TestSocket: Sendable {
    private let descriptor: Int32

    /// - Parameter address: `127.0.0.1:port`.
    package init(_ address: String) throws {
        let parts = address.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1]) else {
            throw TestSocketError(description: "no IPv4 address and port: \(address)")
        }
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var peer = sockaddr_in()
        peer.sin_family = sa_family_t(AF_INET)
        peer.sin_port = port.bigEndian
        guard unsafe inet_pton(AF_INET, String(parts[0]), &peer.sin_addr) == 1 else {
            throw TestSocketError(description: "no IPv4 address: \(address)")
        }
        var timeout = timeval(tv_sec: 300, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            unsafe setsockopt(descriptor, SOL_SOCKET, option, &timeout, socklen_t(MemoryLayout<timeval>.size))
        }
        let result = unsafe withUnsafePointer(to: &peer) { pointer in
            unsafe connect(
                descriptor, UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
                socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        guard result == 0 else { throw TestSocketError(description: "connect: errno \(errno)") }
    }

    deinit { Glibc.close(descriptor) }

    package func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.send(descriptor, buffer.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw TestSocketError(description: "send: errno \(errno)") }
            sent += count
        }
    }

    package func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// What is there, waiting for at least one byte; empty at the end of the stream (or after a reset).
    package func receive() throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        if count < 0, errno != ECONNRESET { throw TestSocketError(description: "recv: errno \(errno)") }
        return Array(buffer.prefix(max(0, count)))
    }

    /// Everything until the peer closes.
    package func receiveAll() throws -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let part = try receive()
            if part.isEmpty { return all }
            all += part
        }
    }

    /// Exactly `count` bytes.
    package func receive(count: Int) throws -> [UInt8] {
        var all: [UInt8] = []
        while all.count < count {
            var part = [UInt8](repeating: 0, count: count - all.count)
            let got = unsafe part.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            guard got > 0 else { throw TestSocketError(description: "stream ended after \(all.count) of \(count)") }
            all += part.prefix(got)
        }
        return all
    }

    package func endWriting() { shutdown(descriptor, Int32(SHUT_WR)) }
}

/// An HTTP/1.1 answer, as a test looks at it.
package struct TestHTTPAnswer: Sendable {
    package var status: Int
    /// Names in lower case.
    package var headers: [String: String]
    package var body: [UInt8]
    package var text: String { String(decoding: body, as: UTF8.self) }
}

extension TestSocket {
    /// Reads one answer with a Content-Length (or without a body).
    package func receiveAnswer(isHead: Bool = false) throws -> TestHTTPAnswer {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual([13, 10, 13, 10]) { head += try receive(count: 1) }
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        let status = Int(lines[0].split(separator: " ")[1]) ?? 0
        let count = isHead ? 0 : headers["content-length"].flatMap { Int($0) } ?? 0
        return TestHTTPAnswer(status: status, headers: headers, body: try receive(count: count))
    }
}

/// Runs a program to its end and returns its standard output; throws with its standard error when it fails.
package func run(_ arguments: [String]) async throws -> String {
    let result = try await runSubprocess(arguments)
    guard result.status == 0 else { throw TestSocketError(description: result.output + result.errors) }
    return result.output
}
