import Foundation
import TestSupport
import Testing

/// An HTTP answer as curl saw it.
struct HTTPAnswer {
    let status: Int
    let contentType: String
    let body: Data
    var text: String { String(decoding: body, as: UTF8.self) }

    /// The code and message of the google.rpc.Status in the body.
    func rpcStatus() throws -> RPCStatus { try RPCStatus(self) }
}

struct RPCStatus {
    let code: Int
    let message: String

    init(_ answer: HTTPAnswer) throws {
        if answer.contentType == "application/json" {
            let object = try #require(try JSONSerialization.jsonObject(with: answer.body) as? [String: Any])
            code = try #require(object["code"] as? Int)
            message = try #require(object["message"] as? String)
            return
        }
        // 08 code 12 length message; code and length are below 128 or two bytes.
        var bytes = answer.body
        try #require(answer.contentType == "application/x-protobuf")
        try Self.expect(0x08, &bytes)
        code = try Self.varint(&bytes)
        try Self.expect(0x12, &bytes)
        let length = try Self.varint(&bytes)
        message = String(decoding: bytes.prefix(length), as: UTF8.self)
    }

    private static func expect(_ tag: UInt8, _ bytes: inout Data) throws {
        let byte = bytes.popFirst()
        try #require(byte == tag)
    }

    private static func varint(_ bytes: inout Data) throws -> Int {
        var value = 0
        for shift in stride(from: 0, to: 28, by: 7) {
            let next = bytes.popFirst()
            let byte = Int(try #require(next))
            value |= (byte & 0x7f) << shift
            if byte < 0x80 { break }
        }
        return value
    }
}

/// Sends a request with curl; `body` makes it a POST.
func curl(
    _ url: String, contentType: String? = nil, body: Data? = nil, headers: [String] = [], options: [String] = []
) async throws -> HTTPAnswer {
    var arguments = ["curl", "-sS", "--max-time", "60", "-w", "\n%{http_code} %{content_type}"] + options
    if let contentType { arguments += ["-H", "Content-Type: \(contentType)"] }
    for header in headers { arguments += ["-H", header] }
    if body != nil { arguments += ["--data-binary", "@-"] }
    let result = try await runSubprocess(arguments + [url], input: body)
    try #require(result.status == 0, "curl: \(result.errors)")
    let end = try #require(result.outputBytes.lastIndex(of: UInt8(ascii: "\n")))
    let words = String(decoding: result.outputBytes[(end + 1)...], as: UTF8.self).split(separator: " ", maxSplits: 1)
    return HTTPAnswer(
        status: try #require(Int(words[0])), contentType: words.count > 1 ? String(words[1]) : "",
        body: result.outputBytes[..<end])
}

/// One series of the program's own metrics.
struct Series {
    let name: String
    let labels: [String: String]
    let value: Double

    /// All series that `otelcol` shows.
    static func all(of collector: CollectorProcess) async throws -> [Series] {
        let answer = try await curl("http://\(try collector.metricsEndpoint)/metrics")
        try #require(answer.status == 200)
        return try answer.text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let end = try #require(line.lastIndex(of: " "))
            let value = try #require(Double(line[line.index(after: end)...]))
            guard let brace = line.firstIndex(of: "{") else {
                return Series(name: String(line[..<end]), labels: [:], value: value)
            }
            var labels: [String: String] = [:]
            for match in line[brace...].matches(of: /([a-z_]+)="([^"]*)"/) {
                labels[String(match.output.1)] = String(match.output.2)
            }
            return Series(name: String(line[..<brace]), labels: labels, value: value)
        }
    }

    /// The value of the series with `name` and, among its labels, `labels`; nil when there is none.
    static func value(
        _ name: String, _ labels: [String: String] = [:], of collector: CollectorProcess
    ) async throws -> Double? {
        try await all(of: collector).first { series in
            series.name == name && labels.allSatisfy { series.labels[$0.key] == $0.value }
        }?.value
    }
}
