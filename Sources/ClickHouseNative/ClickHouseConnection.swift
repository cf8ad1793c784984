import Compression

/// How to open a connection.
package struct ConnectionOptions: Sendable {
    package var identity: ClientIdentity
    package var database: String
    package var user: String
    package var password: String
    package var compression: BlockCompression
    /// How long the server may be silent.
    package var readTimeout: Duration
    /// How long one write may take.
    package var writeTimeout: Duration
    /// The revision to announce; lower ones are for tests of old behaviour.
    package var revision: UInt64

    package init(
        identity: ClientIdentity, database: String, user: String, password: String, compression: BlockCompression,
        readTimeout: Duration = .seconds(300), writeTimeout: Duration = .seconds(30),
        revision: UInt64 = Revision.client
    ) {
        self.identity = identity
        self.database = database
        self.user = user
        self.password = password
        self.compression = compression
        self.readTimeout = readTimeout
        self.writeTimeout = writeTimeout
        self.revision = revision
    }
}

/// One connection to a ClickHouse server, after its handshake. One request at a time.
///
/// After `.connection` and `.malformed` errors it is of no more use (`isUsable`); after `.server` errors it goes on.
package actor ClickHouseConnection {
    package nonisolated let server: ServerHello
    /// The lower of both sides' revisions.
    package nonisolated let revision: UInt64
    package private(set) var isUsable = true

    private let stream: any ByteStream
    private let options: ConnectionOptions
    private var received = ReceiveBuffer()
    /// The data of the last insert; kept for its memory.
    private var output: BlockOutput
    /// When the request that runs must be done; its single reads and writes have limits of their own beside it.
    private var deadline: ContinuousClock.Instant?

    /// Bytes handed to the socket at once; between them the connection looks for an exception that came meanwhile.
    private static let writeBytesMax = 1 << 20
    /// What a server may say in answer to one request.
    private static let answerBytesMax = 256 << 20

    private init(
        stream: any ByteStream, options: ConnectionOptions, server: ServerHello, received: consuming ReceiveBuffer
    ) {
        self.stream = stream
        self.options = options
        self.server = server
        self.received = received
        revision = min(server.revision, options.revision)
        output = BlockOutput(revision: revision, compression: options.compression)
    }

    /// Shakes hands over a connected stream, which is closed when that fails.
    package static func open(
        over stream: any ByteStream, options: ConnectionOptions, deadline: ContinuousClock.Instant
    ) async throws(ClickHouseError) -> ClickHouseConnection {
        do {
            try await stream.write(
                ClientPacket.hello(
                    options.identity, revision: options.revision, database: options.database, user: options.user,
                    password: options.password), deadline: deadline)
            var received = ReceiveBuffer()
            let server = try await readHello(from: stream, into: &received, options: options, deadline: deadline)
            if min(server.revision, options.revision) >= Revision.addendum {
                try await stream.write(ClientPacket.addendum(), deadline: deadline)
            }
            return ClickHouseConnection(stream: stream, options: options, server: server, received: received)
        } catch {
            stream.close()
            throw Self.translate(error, phase: .handshake)
        }
    }

    private static func readHello(
        from stream: any ByteStream, into received: inout ReceiveBuffer, options: ConnectionOptions,
        deadline: ContinuousClock.Instant
    ) async throws -> ServerHello {
        while true {
            switch try received.nextPacket(revision: options.revision, compression: .none) {
            case .hello(let hello): return hello
            case .exception(let exception): throw ClickHouseError.server(exception)
            case .some: throw ClickHouseError.malformed("ClickHouse did not answer with its Hello")
            case nil:
                let bytes = try await stream.read(deadline: deadline)
                guard !bytes.isEmpty else { throw ByteStreamError.closed(reason: "connection closed by the server") }
                received.append(bytes)
            }
        }
    }

    /// Runs a statement that sends no data: DDL, or a query with a small answer.
    ///
    /// - Parameter deadline: for the whole answer; nil: only silence is limited.
    /// - Returns: the blocks of the answer that hold rows.
    package func execute(
        _ sql: String, settings: [QuerySetting] = [], deadline: ContinuousClock.Instant? = nil
    ) async throws(ClickHouseError) -> [NativeBlock] {
        self.deadline = deadline
        return try await guarded(.query) {
            try await self.sendQuery(sql, settings: settings)
            var blocks: [NativeBlock] = []
            while true {
                switch try await self.nextPacket() {
                case .data(let block): if block.rowCount > 0 { blocks.append(block) }
                case .endOfStream: return blocks
                case .exception(let exception): throw ClickHouseError.server(exception)
                default: continue
                }
            }
        }
    }

    /// Inserts one block.
    ///
    /// - Parameters:
    ///   - sql: `INSERT INTO t (…) FORMAT Native`, without values.
    ///   - deadline: for all of it; nil: only silence is limited.
    ///   - makeBlock: gets the header (names and types the table wants, no rows) and writes the block.
    /// - Throws: `.connection` in phase `confirming` when the data may or may not be stored.
    package func insert(
        _ sql: String, settings: [QuerySetting], deadline: ContinuousClock.Instant? = nil,
        makeBlock: @Sendable (NativeBlock, inout BlockOutput) throws(ClickHouseError) -> Void
    ) async throws(ClickHouseError) {
        self.deadline = deadline
        var phase = ClickHouseError.Phase.query
        do {
            try await sendQuery(sql, settings: settings)
            let header = try await readHeader()
            phase = .sending
            do {
                try makeData { output throws(ClickHouseError) in try makeBlock(header, &output) }
            } catch {
                // The server waits for data: the end marker leaves the connection usable.
                try await send(emptyDataPacket())
                _ = try await drainAnswer()
                throw error
            }
            try await sendData()
            phase = .confirming
            try await readEndOfInsert()
        } catch {
            throw fail(error, phase: phase)
        }
    }

    package func ping(deadline: ContinuousClock.Instant? = nil) async throws(ClickHouseError) {
        self.deadline = deadline
        try await guarded(.query) {
            try await self.send(ClientPacket.ping())
            while true {
                if case .pong = try await self.nextPacket() { return }
            }
        }
    }

    package func close() {
        isUsable = false
        stream.close()
    }

    // MARK: Conversation

    private func guarded<Value: Sendable>(
        _ phase: ClickHouseError.Phase, _ body: () async throws -> Value
    ) async throws(ClickHouseError) -> Value {
        do {
            return try await body()
        } catch {
            throw fail(error, phase: phase)
        }
    }

    private func fail(_ error: any Error, phase: ClickHouseError.Phase) -> ClickHouseError {
        let translated = Self.translate(error, phase: phase)
        switch translated {
        case .connection, .malformed: close()
        case .server, .encoding: break
        }
        return translated
    }

    private static func translate(_ error: any Error, phase: ClickHouseError.Phase) -> ClickHouseError {
        switch error {
        case let error as ClickHouseError: error
        case let error as ByteStreamError: .connection(phase: phase, reason: error.description)
        case let error as NativeProtocolError: .malformed(error.description)
        case let error as CompressionError: .encoding(error.description)
        default: .connection(phase: phase, reason: "\(error)")
        }
    }

    private func sendQuery(_ sql: String, settings: [QuerySetting]) async throws {
        var bytes = ClientPacket.query(
            sql, identity: options.identity, revision: revision, settings: settings, compression: options.compression)
        bytes += try emptyDataPacket()
        try await send(bytes)
    }

    private func emptyDataPacket() throws(ClickHouseError) -> [UInt8] {
        var packet = BlockOutput(revision: revision, compression: options.compression)
        try packet.appendEmptyData()
        return packet.bytes
    }

    /// Makes the packets of an insert's data: the block's, and the empty one that ends the data.
    private func makeData(
        _ makeBlock: (inout BlockOutput) throws(ClickHouseError) -> Void
    ) throws(ClickHouseError) {
        output.removeAll()
        output.append(unframed: ClientPacket.dataHead())
        try makeBlock(&output)
        try output.endBlock()
        try output.appendEmptyData()
    }

    private func readHeader() async throws -> NativeBlock {
        while true {
            switch try await nextPacket() {
            case .data(let block): return block
            case .exception(let exception): throw ClickHouseError.server(exception)
            case .endOfStream: throw ClickHouseError.malformed("ClickHouse ended an INSERT before its data")
            default: continue
            }
        }
    }

    private func sendData() async throws {
        var start = 0
        while start < output.byteCount {
            let end = min(start + Self.writeBytesMax, output.byteCount)
            try await send(output.bytes(start..<end))
            start = end
            received.append(try stream.readAvailable())
        }
    }

    private func readEndOfInsert() async throws {
        if let exception = try await drainAnswer() { throw ClickHouseError.server(exception) }
    }

    /// Reads to the end of an answer; an exception is its end, too.
    private func drainAnswer() async throws -> ServerException? {
        while true {
            switch try await nextPacket() {
            case .endOfStream: return nil
            case .exception(let exception): return exception
            default: continue
            }
        }
    }

    private func send(_ bytes: [UInt8]) async throws {
        try await stream.write(bytes, deadline: limit(options.writeTimeout))
    }

    private func limit(_ timeout: Duration) -> ContinuousClock.Instant {
        let end = ContinuousClock.now + timeout
        return deadline.map { min($0, end) } ?? end
    }

    private func nextPacket() async throws -> ServerPacket {
        while true {
            if let packet = try received.nextPacket(revision: revision, compression: options.compression) {
                return packet
            }
            guard received.count <= Self.answerBytesMax else {
                throw NativeProtocolError.malformed("a packet of more than \(Self.answerBytesMax) bytes")
            }
            let bytes = try await stream.read(deadline: limit(options.readTimeout))
            guard !bytes.isEmpty else { throw ByteStreamError.closed(reason: "connection closed by the server") }
            received.append(bytes)
        }
    }
}

extension BlockOutput {
    /// Appends the Data packet without rows that ends a query's data.
    fileprivate mutating func appendEmptyData() throws(ClickHouseError) {
        append(unframed: ClientPacket.dataHead())
        append(NativeBlock.emptyBytes)
        try endBlock()
    }
}

/// Received bytes that are not read yet.
private struct ReceiveBuffer {
    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }

    mutating func append(_ more: [UInt8]) {
        if start == bytes.count {
            bytes = more
            start = 0
        } else if !more.isEmpty {
            bytes.removeFirst(start)
            start = 0
            bytes += more
        }
    }

    /// The next whole packet, or nil when there is none.
    mutating func nextPacket(revision: UInt64, compression: BlockCompression) throws -> ServerPacket? {
        guard start < bytes.count else { return nil }
        var reader = NativeReader(bytes[start...])
        do {
            let packet = try ServerPacket.read(from: &reader, revision: revision, compression: compression)
            start = reader.position
            return packet
        } catch NativeProtocolError.incomplete {
            return nil
        }
    }
}
