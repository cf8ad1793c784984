/// A connected byte stream, as the protocol needs it: a TCP or TLS socket, or a double in tests.
///
/// Used by one task at a time. What the peer sends while the client writes is kept, so that neither side waits for
/// the other.
package protocol ByteStream: Sendable {
    /// Returns when the bytes are handed to the operating system.
    func write(_ bytes: [UInt8], deadline: ContinuousClock.Instant) async throws(ByteStreamError)
    /// The bytes that have come, at least one; waits for them. Empty at the peer's end of stream.
    func read(deadline: ContinuousClock.Instant) async throws(ByteStreamError) -> [UInt8]
    /// The bytes that have come, without waiting; empty when there are none.
    func readAvailable() throws(ByteStreamError) -> [UInt8]
    func close()
}

package enum ByteStreamError: Error, Sendable, Hashable {
    case timedOut
    case closed(reason: String)
}

extension ByteStreamError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .timedOut: "timed out"
        case .closed(let reason): reason
        }
    }
}
