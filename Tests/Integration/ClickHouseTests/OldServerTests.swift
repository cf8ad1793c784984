import ClickHouseNative
import Compression
import Foundation
import HTTPClient
import OTLP
import SocketTestSupport
import TestSupport
import Testing
import Transport

@testable import Exporters

/// A server of 2018, Debian's, is spoken to in its own revision of the protocol, with TLS of its own and without.
///
/// It has no Map and no DateTime64, so that none of the exporter's tables can exist there.
@Suite(.serialized, .enabled(if: OldServer.program != nil, "needs the Debian package clickhouse-server"))
struct OldServerTests {
    /// Scenario: the handshake, right and wrong credentials, queries.
    /// Guarantees: the revision is the server's; its refusals come as errors with their codes.
    @Test("handshake and authentication")
    func handshake() async throws {
        try await OldServer.run { server in
            let connection = try await server.connect(compression: .lz4)
            #expect(connection.server.versionMajor < 20)
            #expect(connection.revision == connection.server.revision)
            try await connection.ping()
            let blocks = try await connection.execute("SELECT 'x' AS a FROM system.numbers LIMIT 3")
            #expect(blocks.flatMap { $0[column: "a"]?.strings ?? [] } == ["x", "x", "x"])
            await #expect(throws: ClickHouseError.self) { try await connection.execute("SELECT nothing") }
            try await connection.ping()
            await connection.close()
            let error = await #expect(throws: ClickHouseError.self) {
                _ = try await server.connect(compression: .lz4, password: "wrong")
            }
            guard case .server(let exception) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(exception.code == 193)
        }
    }

    /// Scenario: a table made by hand of the types that the server has; blocks in each compression.
    /// Guarantees: the rows are read back over HTTP as they were sent.
    @Test("inserts", arguments: [BlockCompression.none, .lz4, .zstd(level: 3)])
    func inserts(compression: BlockCompression) async throws {
        try await OldServer.run { server in
            _ = try TestServer.query(
                "CREATE TABLE t (\(HandMadeRows.layout)) ENGINE = MergeTree ORDER BY id",
                httpPort: server.httpPort)
            let connection = try await server.connect(compression: compression)
            let encoder = RowsEncoder(HandMadeRows(), tableName: "t")
            for numbers in [Array(UInt8(0)..<100), Array(100...255)] {
                try await connection.insert("INSERT INTO t (\(HandMadeRows.names)) FORMAT Native", settings: []) {
                    (header, output) throws(ClickHouseError) in
                    try encoder.prepare(header: header)
                    do { try encoder.append(numbers) } catch { throw .encoding("\(error)") }
                    try encoder.finishBlock(to: &output)
                }
            }
            await connection.close()
            let stored = try RowBinary(
                try TestServer.query(
                    "SELECT * FROM t ORDER BY id FORMAT RowBinary", httpPort: server.httpPort),
                typeNames: HandMadeRows.columns.map(\.typeName))
            #expect(stored.rows == (0...255).map { HandMadeRows.row(UInt8($0)) })
        }
    }

    /// Scenario: the server's own TLS ports.
    /// Guarantees: both protocols go over them when its certificate is trusted, and not otherwise.
    @Test("TLS")
    func tls() async throws {
        try await OldServer.run { server in
            let host = ClickHouseEndpoint.Host(name: "localhost", port: server.tcpSecurePort)
            var trusting = TLSClientSettings()
            trusting.certificateAuthorities = .file(server.authority)
            let connection = try await ClickHouseConnection.dial(
                host, tls: trusting, options: server.options(compression: .lz4), dialTimeout: .seconds(60),
                deadline: nil)
            _ = try await connection.execute("CREATE TABLE t (\(HandMadeRows.layout)) ENGINE = MergeTree ORDER BY id")
            let encoder = RowsEncoder(HandMadeRows(), tableName: "t")
            try await connection.insert("INSERT INTO t (\(HandMadeRows.names)) FORMAT Native", settings: []) {
                (header, output) throws(ClickHouseError) in
                try encoder.prepare(header: header)
                do { try encoder.append(Array(0...255)) } catch { throw .encoding("\(error)") }
                try encoder.finishBlock(to: &output)
            }
            await connection.close()
            let error = await #expect(throws: ClickHouseError.self) {
                _ = try await ClickHouseConnection.dial(
                    host, tls: TLSClientSettings(), options: server.options(compression: .lz4),
                    dialTimeout: .seconds(60), deadline: nil)
            }
            #expect("\(try #require(error))".contains("certificate is not accepted"))
            let plain = await #expect(throws: ClickHouseError.self) {
                _ = try await ClickHouseConnection.dial(
                    host, tls: nil, options: server.options(compression: .lz4), dialTimeout: .seconds(60),
                    deadline: nil)
            }
            #expect(plain != nil)

            for (authority, works) in [(HTTPClientTLS.Source.file(server.authority), true), (nil, false)] {
                var configuration = HTTPClientConfiguration()
                configuration.tls.certificateAuthorities = authority
                let client = try HTTPClient(configuration: configuration)
                let session = ClickHouseHTTPSession(
                    client: client, url: "https://localhost:\(server.httpsPort)/", username: "otel",
                    password: "secret", compression: .lz4, readTimeout: .seconds(60), userAgent: "test")
                do {
                    try await session.insert(
                        InsertStatement(table: "t", columns: HandMadeRows.columns), settings: [], deadline: nil
                    ) { (header, output) throws(ClickHouseError) in
                        try encoder.prepare(header: header)
                        do { try encoder.append([7]) } catch { throw .encoding("\(error)") }
                        try encoder.finishBlock(to: &output)
                    }
                    #expect(works)
                } catch {
                    #expect(!works, "\(error)")
                }
                client.shutdown()
            }
            #expect(try TestServer.text("SELECT count() FROM t", httpPort: server.httpPort) == "257")
        }
    }
}

/// A table of types that old servers have; each byte of a "request" is a row.
private struct HandMadeRows: TableRows, ~Copyable {
    static let columns = [
        ("id", "UInt64"), ("at", "DateTime"), ("name", "String"), ("note", "Nullable(String)"),
        ("tags", "Array(String)"), ("code", "FixedString(4)"), ("value", "Float64"),
    ].map { NativeBlock.Column(name: $0.0, typeName: $0.1) }
    static var layout: String { columns.map { "\($0.name) \($0.typeName)" }.joined(separator: ", ") }
    static var names: String { columns.map(\.name).joined(separator: ", ") }
    private static let words: [StaticString] = ["", "a", "word", "käse", "a longer one that compresses"]

    private var id = NumberColumn()
    private var at = NumberColumn()
    private var name = TextColumn()
    private var note = TextColumn()
    private var tags = ArrayColumn(of: TextColumn())
    private var code = TextColumn()
    private var value = NumberColumn()

    var rowCount: Int { id.rowCount }

    mutating func visit<Visitor: ColumnVisitor & ~Copyable>(_ visitor: inout Visitor) throws(ClickHouseError) {
        try visitor.visit("id", &id)
        try visitor.visit("at", &at)
        try visitor.visit("name", &name)
        try visitor.visit("note", &note)
        try visitor.visit("tags", &tags)
        try visitor.visit("code", &code)
        try visitor.visit("value", &value)
    }

    mutating func append(_ request: WireBytes, onlyDay: UInt32?) throws(WireError) {
        for number in request.array {
            id.append(integer: UInt64(number))
            at.append(unixNanos: UInt64(number) * 1_000_000_000)
            name.append(Self.words[Int(number) % 5])
            note.append(Self.words[Int(number) % 3])
            for index in 0..<Int(number % 4) { tags.elements.append(Self.words[index]) }
            tags.endRow()
            code.append(Self.words[Int(number) % 3])
            value.append(double: Double(number) / 3)
        }
    }

    static func row(_ number: UInt8) -> [CellValue] {
        func text(_ index: Int) -> [UInt8] { Array(words[index].description.utf8) }
        let code = text(Int(number) % 3)
        return [
            .integer(Int128(number)), .integer(Int128(number)), .text(text(Int(number) % 5)),
            .text(text(Int(number) % 3)), .array((0..<Int(number % 4)).map { .text(text($0)) }),
            .text(code + Array(repeating: 0, count: 4 - code.count)),
            .double((Double(number) / 3).bitPattern),
        ]
    }
}

/// Debian's clickhouse-server 18.16, with TLS ports.
private final class OldServer: Sendable {
    static let program = ["/usr/sbin/clickhouse-server", "/usr/bin/clickhouse-server"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    let tcpPort: Int
    let httpPort: Int
    let tcpSecurePort: Int
    let httpsPort: Int
    /// A file with the authority that signed its certificate.
    let authority: String
    private let process: ChildProcess

    static func run(_ body: (OldServer) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            try await TLSFront.makeCertificates(in: directory.path)
            let server = try OldServer(in: directory)
            defer { server.stop() }
            let isUp = try await eventually {
                try server.expectRunning()
                return (try? TestServer.query("SELECT 1", httpPort: server.httpPort)) != nil
            }
            try #require(isUp)
            try await body(server)
        }
    }

    private struct Ended: Error {}

    private init(in directory: URL) throws {
        (tcpPort, httpPort) = (try ServerProcess.freePort(), try ServerProcess.freePort())
        (tcpSecurePort, httpsPort) = (try ServerProcess.freePort(), try ServerProcess.freePort())
        let path = directory.path
        authority = "\(path)/ca.pem"
        try """
        <yandex>
          <listen_host>127.0.0.1</listen_host><tcp_port>\(tcpPort)</tcp_port><http_port>\(httpPort)</http_port>
          <tcp_port_secure>\(tcpSecurePort)</tcp_port_secure><https_port>\(httpsPort)</https_port>
          <openSSL><server>
            <certificateFile>\(path)/server.pem</certificateFile><privateKeyFile>\(path)/server.key</privateKeyFile>
            <verificationMode>none</verificationMode>
          </server></openSSL>
          <path>\(path)/data/</path><tmp_path>\(path)/tmp/</tmp_path><users_config>\(path)/users.xml</users_config>
          <mark_cache_size>67108864</mark_cache_size><default_profile>default</default_profile>
          <default_database>default</default_database><logger><level>warning</level><console>1</console></logger>
        </yandex>
        """.write(toFile: "\(path)/config.xml", atomically: true, encoding: .utf8)
        try """
        <yandex><profiles><default/></profiles><quotas><default/></quotas><users><otel>
          <password>secret</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>
          <quota>default</quota>
        </otel></users></yandex>
        """.write(toFile: "\(path)/users.xml", atomically: true, encoding: .utf8)
        process = try ChildProcess(
            [Self.program ?? "", "--config-file=\(path)/config.xml"], output: .null, errors: .null)
    }

    private func expectRunning() throws { if process.hasExited { throw Ended() } }

    private func stop() {
        process.kill()
        process.waitUntilExit()
    }

    func options(compression: BlockCompression, password: String = "secret") -> ConnectionOptions {
        ConnectionOptions(
            identity: ClientIdentity(name: "test", versionMajor: 1, versionMinor: 0, versionPatch: 0),
            database: "default", user: "otel", password: password, compression: compression)
    }

    func connect(compression: BlockCompression, password: String = "secret") async throws -> ClickHouseConnection {
        try await ClickHouseConnection.open(
            over: try SocketStream(port: tcpPort), options: options(compression: compression, password: password),
            deadline: .now + .seconds(60))
    }
}
