import Component
import Glibc
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

/// Reads a Retry-After header: seconds, or a date such as `Sun, 06 Nov 1994 08:49:37 GMT`. Nil when it is neither.
func retryAfter(_ text: String, nowUnixSeconds: Int) -> Duration? {
    if let seconds = Int32(text) { return seconds >= 0 ? .seconds(seconds) : nil }
    let parts = text.split(whereSeparator: { " ,:".contains($0) })
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard parts.count == 8, parts[7] == "GMT", let month = months.firstIndex(of: String(parts[2])) else { return nil }
    let numbers = [parts[1], parts[3], parts[4], parts[5], parts[6]].map { Int32($0) }
    guard let day = numbers[0], let year = numbers[1], let hour = numbers[2], let minute = numbers[3],
        let second = numbers[4], (1...31).contains(day), (1970...9999).contains(year), (0...23).contains(hour),
        (0...59).contains(minute), (0...60).contains(second)
    else { return nil }
    var date = unsafe tm()
    unsafe date.tm_year = year - 1900
    unsafe date.tm_mon = Int32(month)
    unsafe date.tm_mday = day
    unsafe date.tm_hour = hour
    unsafe date.tm_min = minute
    unsafe date.tm_sec = second
    return .seconds(max(0, unsafe timegm(&date) - nowUnixSeconds))
}
