import ClickHouseNative
import Transport

/// A connection to one host, as an export uses it: one request at a time.
protocol ClickHouseSession: Sendable {
    /// False once the connection is lost or its state unknown.
    var isUsable: Bool { get async }

    /// Runs a statement that sends no data.
    ///
    /// - Returns: the blocks of the answer that hold rows.
    func execute(
        _ sql: String, settings: [QuerySetting], deadline: ContinuousClock.Instant?
    ) async throws(ClickHouseError) -> [NativeBlock]

    /// Inserts the one block that `makeBlock` writes for the table's header.
    ///
    /// Returns when the server has confirmed it. `.connection` in phase `confirming`: it may be stored or not.
    func insert(
        _ insert: InsertStatement, settings: [QuerySetting], deadline: ContinuousClock.Instant?,
        makeBlock: @Sendable (NativeBlock, inout BlockOutput) throws(ClickHouseError) -> Void
    ) async throws(ClickHouseError)

    /// Throws when the host does not answer.
    func ping(deadline: ContinuousClock.Instant?) async throws(ClickHouseError)

    func close() async
}

/// `INSERT INTO` a table, and the types that it had when it was last looked at.
struct InsertStatement: Sendable {
    /// Quoted, with its database.
    let table: String
    let columns: [NativeBlock.Column]

    var sql: String {
        let names = columns.map { ClickHouseSchema.quoted($0.name) }.joined(separator: ", ")
        return "INSERT INTO \(table) (\(names)) FORMAT Native"
    }
}

/// The native protocol over TCP or TLS.
extension ClickHouseConnection: ClickHouseSession {
    func insert(
        _ insert: InsertStatement, settings: [QuerySetting], deadline: ContinuousClock.Instant?,
        makeBlock: @Sendable (NativeBlock, inout BlockOutput) throws(ClickHouseError) -> Void
    ) async throws(ClickHouseError) {
        try await self.insert(insert.sql, settings: settings, deadline: deadline, makeBlock: makeBlock)
    }

    /// - Parameters:
    ///   - tls: nil: plain TCP.
    ///   - dialTimeout: for the TCP connection and the handshakes together.
    static func dial(
        _ host: ClickHouseEndpoint.Host, tls: TLSClientSettings?, options: ConnectionOptions, dialTimeout: Duration,
        deadline: ContinuousClock.Instant?
    ) async throws(ClickHouseError) -> ClickHouseConnection {
        let end = ContinuousClock.now + dialTimeout
        let limit = deadline.map { min($0, end) } ?? end
        let client: TCPClient
        do {
            client = try await TCPClient.connect(
                host: host.name, port: host.port, tls: tls, timeout: ContinuousClock.now.duration(to: limit))
        } catch {
            if case .tls(let reason) = error { throw .connection(phase: .tls, reason: reason) }
            throw .connection(phase: .dial, reason: error.description)
        }
        return try await open(over: TCPByteStream(client: client), options: options, deadline: limit)
    }
}

/// A TCP connection as the protocol's byte stream.
private struct TCPByteStream: ByteStream {
    let client: TCPClient

    func write(_ bytes: [UInt8], deadline: ContinuousClock.Instant) async throws(ByteStreamError) {
        do {
            try await client.write(bytes, deadline: deadline)
        } catch {
            throw ByteStreamError(error)
        }
    }

    func read(deadline: ContinuousClock.Instant) async throws(ByteStreamError) -> [UInt8] {
        do {
            return try await client.read(deadline: deadline)
        } catch {
            throw ByteStreamError(error)
        }
    }

    func readAvailable() -> [UInt8] { client.readAvailable() }

    func close() { client.close() }
}

extension ByteStreamError {
    fileprivate init(_ error: TCPClientError) {
        switch error {
        case .timedOut: self = .timedOut
        case .closed(let reason), .tls(let reason): self = .closed(reason: reason)
        }
    }
}
