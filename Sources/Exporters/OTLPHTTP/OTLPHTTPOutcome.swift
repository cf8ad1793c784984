import Component
import HTTPClient
import OTLP

/// What a response means (OTLP specification, "OTLP/HTTP Response").
enum OTLPHTTPOutcome {
    case delivered(ExportResponse)
    /// Taken, by its status, but the body is not what it claims to be.
    case unreadable(reason: String)
    case failed(ExportError)

    /// - Parameters:
    ///   - url: as it may be shown.
    ///   - nowUnixSeconds: against which a Retry-After date is measured.
    init(_ response: HTTPClientResponse, url: String, nowUnixSeconds: Int) {
        if (200..<300).contains(response.status) {
            self = Self.success(response)
            return
        }
        let status = Self.status(response)
        var reason = "error exporting items, request to \(url) responded with HTTP Status Code \(response.status)"
        if let status { reason += ", Message=\(status.message), Details=[\(status.retryDelay.map { "\($0)" } ?? "")]" }
        switch response.status {
        case 429, 502, 503, 504:
            let after =
                response.header("Retry-After").flatMap { retryAfter($0, nowUnixSeconds: nowUnixSeconds) }
                ?? status?.retryDelay
            self = .failed(.retry(after: after, progress: [], reason: reason))
        // Redirects are not followed: an address that moved has to be written anew, like one that is not there.
        case 300..<400, 401, 403, 404, 407: self = .failed(.misconfigured(reason: reason))
        default: self = .failed(.payload(reason: reason))
        }
    }

    private static func success(_ response: HTTPClientResponse) -> OTLPHTTPOutcome {
        do {
            switch MediaType(response) {
            case _ where response.body.isEmpty: return .delivered(ExportResponse())
            case .protobuf: return .delivered(try ExportResponse(protobuf: response.body))
            case .json: return .delivered(try ExportResponse(json: response.body))
            case .other: return .delivered(ExportResponse())
            }
        } catch {
            return .unreadable(reason: error.description)
        }
    }

    /// Nil where the body, as with answers of proxies, is no Status.
    private static func status(_ response: HTTPClientResponse) -> RPCStatus? {
        guard !response.body.isEmpty else { return nil }
        return switch MediaType(response) {
        case .protobuf: try? RPCStatus(protobuf: response.body)
        case .json: try? RPCStatus(json: response.body)
        case .other: nil
        }
    }
}

private enum MediaType {
    case protobuf
    case json
    case other

    init(_ response: HTTPClientResponse) {
        let text = response.header("Content-Type")?.lowercased() ?? ""
        switch text.prefix(while: { $0 != ";" && $0 != " " }) {
        case "application/x-protobuf": self = .protobuf
        case "application/json": self = .json
        default: self = .other
        }
    }
}
