internal import Foundation
internal import Glibc
import Synchronization

/// A TCP proxy on 127.0.0.1 that spoils connections where a test says.
package final class TCPProxy: Sendable {
    package enum Fault: Sendable, Hashable {
        case none
        /// Connections are closed as soon as they are made.
        case refuse
        /// After so many bytes from clients everything is closed.
        case cut(afterClientBytes: Int)
        /// After so many bytes from clients the server's answers are taken, but not passed on.
        case swallowAnswers(afterClientBytes: Int)
    }

    private struct State {
        var fault = Fault.none
        var clientBytes = 0
        var descriptors: Set<Int32> = []
        /// Until the listener is closed, after which its number may be another's.
        var isListening = true
        var isStopped = false
    }

    package let port: Int
    private let targetPort: Int
    private let listener: Int32
    private let state = Mutex(State())

    package init(to targetPort: Int) throws {
        self.targetPort = targetPort
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = unsafe withUnsafeMutablePointer(to: &address) { [listener] pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                let isListening = unsafe bind(listener, $0, length) == 0 && listen(listener, 64) == 0
                return unsafe isListening && getsockname(listener, $0, &length) == 0
            }
        }
        guard result else { throw TestSocketError(description: "proxy: errno \(errno)") }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread { [self] in accept() }.start()
    }

    /// Begins to count anew; connections that are open stay.
    package func set(_ fault: Fault) {
        state.withLock { state in
            state.fault = fault
            state.clientBytes = 0
        }
    }

    /// What clients sent since `set`.
    package var clientBytes: Int { state.withLock(\.clientBytes) }

    /// Ends all connections.
    package func cutAll() {
        state.withLock { state in
            // Closing is left to their threads, which are woken by this.
            for descriptor in state.descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    package func stop() {
        state.withLock { state in
            state.isStopped = true
            if state.isListening { shutdown(listener, Int32(SHUT_RDWR)) }
        }
        cutAll()
    }

    private static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        return address
    }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            if client < 0 { break }
            let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = Self.loopback(targetPort)
            let isConnected = unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            let isWanted = state.withLock { state in
                let isWanted = isConnected && state.fault != .refuse && !state.isStopped
                if isWanted { state.descriptors.formUnion([client, server]) }
                return isWanted
            }
            guard isWanted else {
                close(client)
                close(server)
                continue
            }
            let directions = DispatchGroup()
            for isClient in [true, false] {
                directions.enter()
                Thread { [self] in
                    if isClient { passRequests(client, server) } else { passAnswers(server, client) }
                    shutdown(client, Int32(SHUT_RDWR))
                    shutdown(server, Int32(SHUT_RDWR))
                    directions.leave()
                }.start()
            }
            directions.notify(queue: .global()) { [self] in
                state.withLock { state in
                    state.descriptors.subtract([client, server])
                    close(client)
                    close(server)
                }
            }
        }
        state.withLock { state in
            state.isListening = false
            close(listener)
        }
    }

    private func passRequests(_ client: Int32, _ server: Int32) {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while let count = receive(client, &buffer) {
            let (passed, isCut) = state.withLock { state -> (Int, Bool) in
                var passed = count
                if case .cut(let limit) = state.fault { passed = min(count, max(0, limit - state.clientBytes)) }
                state.clientBytes += passed
                return (passed, passed < count)
            }
            guard send(buffer[..<passed], to: server), !isCut else { return }
        }
    }

    private func passAnswers(_ server: Int32, _ client: Int32) {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while let count = receive(server, &buffer) {
            let isSwallowed = state.withLock { state in
                if case .swallowAnswers(let limit) = state.fault { state.clientBytes >= limit } else { false }
            }
            if !isSwallowed, !send(buffer[..<count], to: client) { return }
        }
    }

    private func receive(_ descriptor: Int32, _ buffer: inout [UInt8]) -> Int? {
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        return count > 0 ? count : nil
    }

    private func send(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }
}
