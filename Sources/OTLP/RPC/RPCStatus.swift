/// Why a request failed, as client and server tell each other (google.rpc.Status).
package struct RPCStatus: Error, Sendable, Hashable {
    /// Codes outside the seventeen read as `unknown`.
    package var code: RPCCode
    package var message: String
    /// How long to wait before the same request may be sent again (google.rpc.RetryInfo); nil if the peer did not say.
    package var retryDelay: Duration?

    package init(code: RPCCode, message: String, retryDelay: Duration? = nil) {
        self.code = code
        self.message = message
        self.retryDelay = retryDelay
    }

    /// Whether the same request may be sent again: by its code, or because the peer says when.
    package var isRetryable: Bool {
        code.isRetryable || (code == .resourceExhausted && retryDelay != nil)
    }
}

extension RPCStatus: CustomStringConvertible {
    package var description: String { "\(code): \(message)" }
}

/// Why bytes are not one of the small messages around OTLP.
package enum RPCMessageError: Error, Sendable, Hashable, CustomStringConvertible {
    case malformedProtobuf
    case malformedJSON(JSONError)

    package var description: String {
        switch self {
        case .malformedProtobuf: "malformed protobuf"
        case .malformedJSON(let error): "malformed JSON: \(error)"
        }
    }
}

/// A google.protobuf.Duration.
struct RPCDuration {
    /// The range of google.protobuf.Duration: ten thousand years.
    static let secondsMax: Int64 = 315_576_000_000

    let seconds: Int64
    /// Of the same sign as `seconds`.
    let nanos: Int32

    /// The nearest representable duration.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let isInRange = seconds.magnitude < UInt64(RPCDuration.secondsMax)
        self.seconds = isInRange ? seconds : (seconds < 0 ? -RPCDuration.secondsMax : RPCDuration.secondsMax)
        nanos = isInRange ? Int32(attoseconds / 1_000_000_000) : 0
    }

    init(seconds: Int64, nanos: Int32) {
        self.seconds = max(-RPCDuration.secondsMax, min(seconds, RPCDuration.secondsMax))
        self.nanos = nanos
    }

    /// Reads the JSON form: `5s`, `0.250s`, `-1.5s`; nil for anything else.
    init?(json text: String) {
        guard text.hasSuffix("s") else { return nil }
        let parts = text.dropLast().split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let seconds = Int64(first) else { return nil }
        var nanos: Int32 = 0
        if parts.count == 2 {
            let digits = parts[1]
            guard (1...9).contains(digits.utf8.count), digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
                return nil
            }
            nanos = Int32(digits + String(repeating: "0", count: 9 - digits.utf8.count)) ?? 0
        }
        self.init(seconds: seconds, nanos: first.hasPrefix("-") ? -nanos : nanos)
    }

    var duration: Duration { .seconds(seconds) + .nanoseconds(Int64(nanos)) }

    /// The JSON form, with as many decimals as it needs: 0, 3, 6 or 9.
    var json: String {
        var text = seconds < 0 || nanos < 0 ? "-" : ""
        text += String(seconds.magnitude)
        if nanos != 0 {
            var decimals = String(nanos.magnitude)
            decimals = String(repeating: "0", count: 9 - decimals.utf8.count) + decimals
            while decimals.hasSuffix("000") { decimals.removeLast(3) }
            text += "." + decimals
        }
        return text + "s"
    }
}
