import ClickHouseNative
import HTTPClient

/// ClickHouse's HTTP interface: the same statements and blocks, one request each.
///
/// It sends no header before the data, so blocks are made for the types that the table had when it was last described.
struct ClickHouseHTTPSession: ClickHouseSession {
    let client: HTTPClient
    /// `http://host:port/`.
    let url: String
    let username: String
    let password: String
    let compression: BlockCompression
    let readTimeout: Duration
    let userAgent: String

    /// Connections are the HTTP client's business.
    var isUsable: Bool { true }

    func execute(
        _ sql: String, settings: [QuerySetting], deadline: ContinuousClock.Instant?
    ) async throws(ClickHouseError) -> [NativeBlock] {
        let parameters = [
            ("default_format", "Native"), ("client_protocol_version", "\(Revision.client)"),
        ]
        let body = try await send(
            Array(sql.utf8), parameters: parameters, settings: settings, deadline: deadline, phase: .query)
        var reader = NativeReader(body)
        var blocks: [NativeBlock] = []
        do {
            while !reader.isAtEnd {
                let block = try NativeBlock.read(from: &reader, revision: Revision.client, isFramed: false)
                if block.rowCount > 0 { blocks.append(block) }
            }
        } catch {
            throw .malformed(error.description)
        }
        return blocks
    }

    func insert(
        _ insert: InsertStatement, settings: [QuerySetting], deadline: ContinuousClock.Instant?,
        makeBlock: @Sendable (NativeBlock, inout BlockOutput) throws(ClickHouseError) -> Void
    ) async throws(ClickHouseError) {
        let body = try makeBody { output throws(ClickHouseError) in
            try makeBlock(NativeBlock(columns: insert.columns, rowCount: 0), &output)
        }
        var parameters = [("query", insert.sql)]
        if compression.isFramed { parameters.append(("decompress", "1")) }
        _ = try await send(
            body, parameters: parameters, settings: settings, deadline: deadline, phase: .confirming)
    }

    private func makeBody(
        _ makeBlock: (inout BlockOutput) throws(ClickHouseError) -> Void
    ) throws(ClickHouseError) -> [UInt8] {
        // The format alone, outside the protocol, is the one of revision 0.
        var output = BlockOutput(revision: 0, compression: compression)
        try makeBlock(&output)
        try output.endBlock()
        return output.bytes
    }

    func ping(deadline: ContinuousClock.Instant?) async throws(ClickHouseError) {
        _ = try await execute("SELECT 1", settings: [], deadline: deadline)
    }

    func close() {}

    private func send(
        _ body: [UInt8], parameters: [(String, String)], settings: [QuerySetting],
        deadline: ContinuousClock.Instant?, phase: ClickHouseError.Phase
    ) async throws(ClickHouseError) -> [UInt8] {
        // The answer waits until the end, so that its status is true.
        let all = parameters + [("wait_end_of_query", "1")] + settings.map { ($0.name, $0.value) }
        let query = all.map { "\(Self.percentEncoded($0.0))=\(Self.percentEncoded($0.1))" }.joined(separator: "&")
        let remaining = deadline.map { ContinuousClock.now.duration(to: $0) }
        if let remaining, remaining <= .zero { throw .connection(phase: .dial, reason: "timed out") }
        let request = HTTPClientRequest(
            url: "\(url)?\(query)",
            headers: [
                ("X-ClickHouse-User", username), ("X-ClickHouse-Key", password), ("User-Agent", userAgent),
                ("Content-Type", "application/octet-stream"),
            ],
            body: body, timeout: remaining.map { min($0, readTimeout) } ?? readTimeout)
        let response: HTTPClientResponse
        do {
            response = try await client.send(request)
        } catch {
            let failed: ClickHouseError.Phase =
                switch error.kind {
                case .connect: .dial
                case .tls: .tls
                default: phase
                }
            throw .connection(phase: failed, reason: error.message)
        }
        if let error = Self.error(in: response) { throw error }
        return response.body
    }

    private static func error(in response: HTTPClientResponse) -> ClickHouseError? {
        let header = response.header("X-ClickHouse-Exception-Code").flatMap { Int32($0) }
        if (200..<300).contains(response.status), header == nil { return nil }
        var text = String(decoding: response.body.prefix(2000), as: UTF8.self)
        while text.last?.isWhitespace ?? false { text.removeLast() }
        if let code = header ?? writtenCode(in: text) {
            if let start = text.firstRange(of: "DB::Exception: ")?.upperBound { text = String(text[start...]) }
            return .server(ServerException(code: code, name: "DB::Exception", message: text))
        }
        let reason = "HTTP status \(response.status): \(text.prefix(200))"
        // What a proxy in between says; only overload and the like pass by themselves.
        return response.status >= 500 || response.status == 429
            ? .connection(phase: .query, reason: reason) : .malformed(reason)
    }

    /// The number in `Code: 60. DB::Exception: …`.
    private static func writtenCode(in text: String) -> Int32? {
        guard text.hasPrefix("Code: ") else { return nil }
        return Int32(text.dropFirst(6).prefix { $0.isASCII && $0.isNumber })
    }

    private static func percentEncoded(_ text: String) -> String {
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            let isLetter = (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z")
            if isLetter || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_.~".utf8.contains(byte) {
                encoded.append(byte)
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += Array("%\(digits.count == 1 ? "0" : "")\(digits)".utf8)
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
