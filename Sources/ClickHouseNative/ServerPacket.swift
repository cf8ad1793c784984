/// The server's word on itself.
package struct ServerHello: Sendable, Hashable {
    package var name: String
    package var versionMajor: UInt64
    package var versionMinor: UInt64
    package var versionPatch: UInt64 = 0
    package var revision: UInt64
    package var timezone = ""
    package var displayName = ""
}

/// An error the server reports.
package struct ServerException: Error, Sendable, Hashable {
    package var code: Int32
    package var name: String
    /// Without the leading "DB::Exception: " and without a stack trace.
    package var message: String

    package init(code: Int32, name: String, message: String) {
        self.code = code
        self.name = name
        self.message = message
    }
}

extension ServerException: CustomStringConvertible {
    package var description: String { "code: \(code), message: \(message)" }
}

package struct ServerProgress: Sendable, Hashable {
    package var rows: UInt64 = 0
    package var bytes: UInt64 = 0
    package var totalRows: UInt64 = 0
    package var writtenRows: UInt64 = 0
    package var writtenBytes: UInt64 = 0
}

/// What the server sends.
package enum ServerPacket: Sendable {
    case hello(ServerHello)
    case data(NativeBlock)
    case exception(ServerException)
    case progress(ServerProgress)
    case pong
    case endOfStream
    /// ProfileInfo, Totals, Extremes, TableColumns, Log, ProfileEvents, TimezoneUpdate: read, of no interest here.
    case ignored

    /// Reads one packet, to which the reader must point.
    ///
    /// - Parameter revision: the lower of both sides' revisions; before the server's Hello, the client's.
    /// - Throws: `.incomplete` until the packet is whole (read again from its start then), `.malformed`.
    package static func read(
        from reader: inout NativeReader, revision: UInt64, compression: BlockCompression
    ) throws(NativeProtocolError) -> ServerPacket {
        let id = try reader.readVarint()
        switch id {
        case 0: return .hello(try readHello(from: &reader, clientRevision: revision))
        case 1, 7, 8:
            try reader.skipString()
            let block = try NativeBlock.read(from: &reader, revision: revision, isFramed: compression.isFramed)
            return id == 1 ? .data(block) : .ignored
        case 2: return .exception(try readException(from: &reader, depth: 0))
        case 3: return .progress(try readProgress(from: &reader, revision: revision))
        case 4: return .pong
        case 5: return .endOfStream
        case 6:
            for _ in 0..<3 { _ = try reader.readVarint() }
            _ = try reader.readByte()
            _ = try reader.readVarint()
            _ = try reader.readByte()
            return .ignored
        case 10, 14:  // Log and ProfileEvents: bare blocks below revision 54481
            try reader.skipString()
            _ = try NativeBlock.read(from: &reader, revision: revision, isFramed: false)
            return .ignored
        case 11:
            try reader.skipString()
            try reader.skipString()
            return .ignored
        case 17:
            try reader.skipString()
            return .ignored
        case 21: throw .malformed("the server speaks TLS on this port (secure=true would, too)")
        default: throw .malformed("unexpected packet type \(id)")
        }
    }

    private static func readHello(
        from reader: inout NativeReader, clientRevision: UInt64
    ) throws(NativeProtocolError) -> ServerHello {
        var hello = ServerHello(
            name: try reader.readString(), versionMajor: try reader.readVarint(),
            versionMinor: try reader.readVarint(), revision: try reader.readVarint())
        let revision = min(hello.revision, clientRevision)
        if revision >= Revision.timezone { hello.timezone = try reader.readString() }
        if revision >= Revision.displayName { hello.displayName = try reader.readString() }
        if revision >= Revision.versionPatch { hello.versionPatch = try reader.readVarint() }
        return hello
    }

    private static func readException(
        from reader: inout NativeReader, depth: Int
    ) throws(NativeProtocolError) -> ServerException {
        guard depth < 32 else { throw .malformed("exceptions nested too deeply") }
        let code: Int32 = try reader.readFixed()
        let name = try reader.readString()
        var message = try reader.readString()
        try reader.skipString()  // stack trace
        let hasNested = try reader.readByte() != 0
        if message.hasPrefix("DB::Exception: ") { message.removeFirst("DB::Exception: ".count) }
        var exception = ServerException(code: code, name: name, message: message)
        if hasNested {
            let nested = try readException(from: &reader, depth: depth + 1)
            exception.message += "; caused by \(nested)"
        }
        return exception
    }

    private static func readProgress(
        from reader: inout NativeReader, revision: UInt64
    ) throws(NativeProtocolError) -> ServerProgress {
        var progress = ServerProgress(
            rows: try reader.readVarint(), bytes: try reader.readVarint(), totalRows: try reader.readVarint())
        if revision >= Revision.writtenRowsInProgress {
            progress.writtenRows = try reader.readVarint()
            progress.writtenBytes = try reader.readVarint()
        }
        if revision >= Revision.elapsedInProgress { _ = try reader.readVarint() }
        return progress
    }
}
