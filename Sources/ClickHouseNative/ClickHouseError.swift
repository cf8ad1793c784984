/// Why something asked of ClickHouse did not happen.
package enum ClickHouseError: Error, Sendable {
    /// No connection could be made, or it was lost. Whether a query in progress took effect is unknown.
    case connection(phase: Phase, reason: String)
    /// The peer does not speak the protocol, or says something this client cannot read.
    case malformed(String)
    /// The server refused.
    case server(ServerException)
    /// The block to send could not be made from the header the server sent.
    case encoding(String)

    /// What was being done.
    package enum Phase: String, Sendable {
        case dial
        /// The peer does not speak TLS, is not trusted, or refused this client.
        case tls = "TLS"
        case handshake
        case query
        case sending = "sending data"
        case confirming = "waiting for the end of the insert"
    }

    package var isConnectionLoss: Bool { if case .connection = self { true } else { false } }
}

extension ClickHouseError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .connection(let phase, let reason): "\(phase.rawValue): \(reason)"
        case .malformed(let reason): reason
        case .server(let exception): exception.description
        case .encoding(let reason): reason
        }
    }
}
