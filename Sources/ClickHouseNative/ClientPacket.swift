/// Who this client says it is.
package struct ClientIdentity: Sendable {
    package var name: String
    package var versionMajor: UInt64
    package var versionMinor: UInt64
    package var versionPatch: UInt64

    package init(name: String, versionMajor: UInt64, versionMinor: UInt64, versionPatch: UInt64) {
        self.name = name
        self.versionMajor = versionMajor
        self.versionMinor = versionMinor
        self.versionPatch = versionPatch
    }
}

/// A setting of one query. An unimportant setting that the server does not know is ignored by it.
package struct QuerySetting: Sendable, Hashable {
    package var name: String
    package var value: String
    package var isImportant: Bool

    package init(name: String, value: String, isImportant: Bool = false) {
        self.name = name
        self.value = value
        self.isImportant = isImportant
    }
}

/// What the client sends, packet by packet. Pure encoders: no socket, no state.
package enum ClientPacket {
    private enum ID {
        static let hello: UInt64 = 0
        static let query: UInt64 = 1
        static let data: UInt64 = 2
        static let cancel: UInt64 = 3
        static let ping: UInt64 = 4
    }

    /// The first packet: `0 | name | major | minor | revision | database | user | password`.
    package static func hello(
        _ identity: ClientIdentity, revision: UInt64 = Revision.client, database: String, user: String, password: String
    ) -> [UInt8] {
        var writer = NativeWriter()
        writer.append(varint: ID.hello)
        writer.append(string: identity.name)
        writer.append(varint: identity.versionMajor)
        writer.append(varint: identity.versionMinor)
        writer.append(varint: revision)
        writer.append(string: database)
        writer.append(string: user.isEmpty ? "default" : user)
        writer.append(string: password)
        return writer.bytes
    }

    /// What follows the server's Hello from revision 54458 on: an empty quota key.
    package static func addendum() -> [UInt8] { [0] }

    package static func ping() -> [UInt8] { [UInt8(ID.ping)] }
    package static func cancel() -> [UInt8] { [UInt8(ID.cancel)] }

    /// A query and the empty Data packet that ends its (absent) external tables.
    package static func query(
        _ text: String, id: String = "", identity: ClientIdentity, revision: UInt64, settings: [QuerySetting],
        compression: BlockCompression
    ) -> [UInt8] {
        var writer = NativeWriter()
        writer.append(varint: ID.query)
        writer.append(string: id)
        if revision >= Revision.clientInfo { appendClientInfo(identity, revision: revision, to: &writer) }
        if revision >= Revision.settingsAsStrings {
            for setting in settings {
                writer.append(string: setting.name)
                writer.append(varint: setting.isImportant ? 1 : 0)
                writer.append(string: setting.value)
            }
        }
        // Below that revision settings are typed binary; none are sent, only the end of the list.
        writer.append(string: "")
        if revision >= Revision.interserverSecret { writer.append(string: "") }
        writer.append(varint: 2)  // stage: complete
        writer.append(varint: compression.isFramed ? 1 : 0)
        writer.append(string: text)
        if revision >= Revision.queryParameters { writer.append(string: "") }
        return writer.bytes
    }

    /// The head of a Data packet, before its block: never compressed.
    package static func dataHead() -> [UInt8] { [UInt8(ID.data), 0] }

    private static func appendClientInfo(_ identity: ClientIdentity, revision: UInt64, to writer: inout NativeWriter) {
        writer.append(1)  // an initial query
        writer.append(string: "")  // initial user
        writer.append(string: "")  // initial query id
        writer.append(string: "0.0.0.0:0")
        if revision >= Revision.queryStartTime { writer.append(fixed: UInt64(0)) }
        writer.append(1)  // interface: TCP
        writer.append(string: "")  // operating-system user
        writer.append(string: "")  // host name
        writer.append(string: identity.name)
        writer.append(varint: identity.versionMajor)
        writer.append(varint: identity.versionMinor)
        writer.append(varint: min(revision, Revision.client))
        if revision >= Revision.quotaKeyInClientInfo { writer.append(string: "") }
        if revision >= Revision.distributedDepth { writer.append(varint: 0) }
        if revision >= Revision.versionPatch { writer.append(varint: identity.versionPatch) }
        if revision >= Revision.traceContext { writer.append(0) }
        if revision >= Revision.parallelReplicas {
            for _ in 0..<3 { writer.append(varint: 0) }
        }
    }
}
