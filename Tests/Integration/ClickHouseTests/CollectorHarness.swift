import ClickHouseNative
import Foundation
import OTLP
import TestSupport

/// The real `otelcol` in front of a ClickHouse server, asked and fed over its own ports.
struct CollectorHarness {
    let collector: CollectorProcess

    struct Refusal: Error {
        let answer: String
    }

    /// Posts an export request over HTTP; throws unless it is acknowledged.
    func send(_ payload: [UInt8], _ signal: Signal) throws {
        let answer = try Self.http(
            collector.httpEndpoint, "POST /v1/\(signal.rawValue)", body: payload,
            headers: "Content-Type: application/x-protobuf\r\n")
        guard answer.hasPrefix("HTTP/1.1 200 ") || answer.hasPrefix("HTTP/1.0 200 ") else {
            throw Refusal(answer: answer)
        }
    }

    /// The sum of a metric's series whose labels contain all of `labels`.
    func metric(_ name: String, _ labels: String...) throws -> Double {
        let text = try Self.http(collector.metricsEndpoint, "GET /metrics")
        return text.split(whereSeparator: \.isNewline).reduce(0) { sum, line in
            guard line.hasPrefix(name + "{") || line.hasPrefix(name + " "), labels.allSatisfy(line.contains),
                let value = line.split(separator: " ").last.flatMap({ Double($0) })
            else { return sum }
            return sum + value
        }
    }

    /// A log line with all of `words`.
    func logs(_ words: [String]) -> Bool {
        collector.log.split(separator: "\n").contains { line in words.allSatisfy(line.contains) }
    }

    private static func http(
        _ endpoint: String, _ request: String, body: [UInt8] = [], headers: String = ""
    ) throws -> String {
        guard let port = Int(endpoint.split(separator: ":").last ?? "") else { throw Refusal(answer: endpoint) }
        let stream = try SocketStream(port: port)
        defer { stream.close() }
        let head =
            "\(request) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\(headers)"
            + "Content-Length: \(body.count)\r\n\r\n"
        try stream.send(Array(head.utf8) + body)
        var answer: [UInt8] = []
        while true {
            let bytes = try stream.receive(flags: 0)
            if bytes.isEmpty { break }
            answer += bytes
        }
        return String(decoding: answer, as: UTF8.self)
    }
}
