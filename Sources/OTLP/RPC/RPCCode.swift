/// The status codes of gRPC, which OTLP uses over HTTP too (google.rpc.Code).
package enum RPCCode: UInt32, Sendable, Hashable, CaseIterable {
    case ok = 0
    case cancelled = 1
    case unknown = 2
    case invalidArgument = 3
    case deadlineExceeded = 4
    case notFound = 5
    case alreadyExists = 6
    case permissionDenied = 7
    case resourceExhausted = 8
    case failedPrecondition = 9
    case aborted = 10
    case outOfRange = 11
    case unimplemented = 12
    case `internal` = 13
    case unavailable = 14
    case dataLoss = 15
    case unauthenticated = 16
}

extension RPCCode {
    /// Whether a client may send the same request again (OTLP specification, "Failures").
    ///
    /// `resourceExhausted` is retryable only when the server says when, which is for `RPCStatus.isRetryable` to tell.
    package var isRetryable: Bool {
        switch self {
        case .cancelled, .deadlineExceeded, .aborted, .outOfRange, .unavailable, .dataLoss: true
        case .ok, .unknown, .invalidArgument, .notFound, .alreadyExists, .permissionDenied, .resourceExhausted,
            .failedPrecondition, .unimplemented, .internal, .unauthenticated:
            false
        }
    }

    /// The status code of the HTTP answer that carries this status, as otelcol's receiver maps it.
    package var httpStatus: Int {
        switch self {
        case .ok: 200
        case .cancelled, .deadlineExceeded, .aborted, .outOfRange, .unavailable, .dataLoss: 503
        case .resourceExhausted: 429
        case .invalidArgument: 400
        case .unauthenticated: 401
        case .permissionDenied: 403
        case .unimplemented: 404
        case .unknown, .notFound, .alreadyExists, .failedPrecondition, .internal: 500
        }
    }

    /// The code that an HTTP answer's status code stands for, as otelcol's exporter maps it.
    package init(httpStatus: Int) {
        switch httpStatus {
        case 200..<300: self = .ok
        case 400: self = .invalidArgument
        case 401: self = .unauthenticated
        case 403: self = .permissionDenied
        case 404: self = .unimplemented
        case 429: self = .resourceExhausted
        case 502, 503, 504: self = .unavailable
        default: self = .unknown
        }
    }

    /// Whether a client of OTLP/HTTP may send the same request again after an answer with this status code.
    package static func isRetryable(httpStatus: Int) -> Bool {
        switch httpStatus {
        case 429, 502, 503, 504: true
        default: false
        }
    }
}

extension RPCCode: CustomStringConvertible {
    /// The name in Go's spelling, as users know it from otelcol's logs.
    package var description: String {
        switch self {
        case .ok: "OK"
        case .cancelled: "Canceled"
        case .unknown: "Unknown"
        case .invalidArgument: "InvalidArgument"
        case .deadlineExceeded: "DeadlineExceeded"
        case .notFound: "NotFound"
        case .alreadyExists: "AlreadyExists"
        case .permissionDenied: "PermissionDenied"
        case .resourceExhausted: "ResourceExhausted"
        case .failedPrecondition: "FailedPrecondition"
        case .aborted: "Aborted"
        case .outOfRange: "OutOfRange"
        case .unimplemented: "Unimplemented"
        case .internal: "Internal"
        case .unavailable: "Unavailable"
        case .dataLoss: "DataLoss"
        case .unauthenticated: "Unauthenticated"
        }
    }
}
