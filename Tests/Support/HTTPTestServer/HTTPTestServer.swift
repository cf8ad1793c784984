import Foundation
import Synchronization

/// A small HTTP/1.1 server on 127.0.0.1 that answers as the test says, also wrongly. One thread for each connection.
package final class HTTPTestServer: Sendable {
    package struct Request: Sendable {
        package var method: String
        package var path: String
        /// Names in lower case.
        package var headers: [String: String]
        package var body: [UInt8]
        /// From 0, in the order in which connections were accepted.
        package var connection: Int
    }

    package enum Answer: Sendable {
        case respond(status: Int, headers: [(String, String)] = [], body: [UInt8] = [])
        /// These bytes, then the connection is closed.
        case raw(String)
        /// Never; the connection stays open until the server stops.
        case hang
    }

    private struct State {
        var requests: [Request] = []
        var connectionCount = 0
        /// Open descriptors. Each is closed under the lock, so that none is touched whose number is another's by then.
        var listener: Int32?
        var connections: Set<Int32> = []
        var isStopped = false
    }

    package let port: Int
    /// Bound to the port, too, but never listening: from `stop` on connections are refused, as long as this object lives,
    /// and nobody else is given the port.
    private let reservation: Int32
    private let state: Mutex<State>
    private let answer: @Sendable (Request) -> Answer

    package init(answer: @escaping @Sendable (Request) -> Answer) {
        self.answer = answer
        let reserved = Self.bound(to: 0)
        let listener = Self.bound(to: reserved.port)
        precondition(listen(listener.descriptor, 64) == 0, "the test server cannot listen: errno \(errno)")
        port = reserved.port
        reservation = reserved.descriptor
        state = Mutex(State(listener: listener.descriptor))
        Thread.detachNewThread { self.accept(listener.descriptor) }
    }

    deinit { close(reservation) }

    /// A socket bound to a port of 127.0.0.1 that another one may be bound to as well; 0: one that is free.
    private static func bound(to port: Int) -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var isShared: Int32 = 1
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEPORT, &isShared, socklen_t(MemoryLayout.size(ofValue: isShared)))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(descriptor, address, size) == 0 && getsockname(descriptor, address, &size) == 0
            }
        }
        precondition(isBound, "no port for the test server: errno \(errno)")
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    package var url: String { "http://127.0.0.1:\(port)" }
    package var requests: [Request] { state.withLock { $0.requests } }
    package var connectionCount: Int { state.withLock(\.connectionCount) }

    /// Ends all connections and refuses new ones. Once is enough, more often does no harm.
    package func stop() {
        state.withLock { state in
            state.isStopped = true
            // Closing is left to their threads, which are woken by this.
            for descriptor in state.connections { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
            if let listener = state.listener { _ = shutdown(listener, Int32(SHUT_RDWR)) }
        }
    }

    private func accept(_ listener: Int32) {
        while true {
            let connection = Glibc.accept(listener, nil, nil)
            guard connection >= 0 else { break }
            let index = state.withLock { state -> Int? in
                guard !state.isStopped else { return nil }
                state.connections.insert(connection)
                defer { state.connectionCount += 1 }
                return state.connectionCount
            }
            guard let index else {
                close(connection)
                break
            }
            Thread.detachNewThread { self.serve(connection, index: index) }
        }
        state.withLock { state in
            state.listener = nil
            close(listener)
        }
    }

    private func serve(_ connection: Int32, index: Int) {
        defer {
            state.withLock { state in
                state.connections.remove(connection)
                close(connection)
            }
        }
        var buffered: [UInt8] = []
        while let request = readRequest(connection, &buffered, index: index) {
            state.withLock { $0.requests.append(request) }
            switch answer(request) {
            case .respond(let status, let headers, let body):
                var head = "HTTP/1.1 \(status) Status\r\nContent-Length: \(body.count)\r\n"
                for (name, value) in headers { head += "\(name): \(value)\r\n" }
                guard write(connection, Array("\(head)\r\n".utf8) + body) else { return }
            case .raw(let text):
                _ = write(connection, Array(text.utf8))
                return
            case .hang:
                while readMore(connection, &buffered) {}
                return
            }
        }
    }

    private func readRequest(_ connection: Int32, _ buffered: inout [UInt8], index: Int) -> Request? {
        let separator = Array("\r\n\r\n".utf8)
        var headEnd: Int?
        while headEnd == nil {
            headEnd = buffered.firstRange(of: separator)?.upperBound
            if headEnd == nil, !readMore(connection, &buffered) { return nil }
        }
        guard let headEnd else { return nil }
        let lines = String(decoding: buffered[..<headEnd], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].components(separatedBy: " ")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
                in: .whitespaces)
        }
        let end = headEnd + (Int(headers["content-length"] ?? "0") ?? 0)
        while buffered.count < end {
            guard readMore(connection, &buffered) else { return nil }
        }
        defer { buffered.removeFirst(end) }
        return Request(
            method: words[0], path: words[1], headers: headers, body: Array(buffered[headEnd..<end]), connection: index)
    }

    private func readMore(_ connection: Int32, _ buffered: inout [UInt8]) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe recv(connection, &chunk, chunk.count, 0)
        if count > 0 { buffered += chunk[..<count] }
        return count > 0
    }

    private func write(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe send(
                    connection, buffer.baseAddress.map { unsafe $0 + sent }, buffer.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }
}
