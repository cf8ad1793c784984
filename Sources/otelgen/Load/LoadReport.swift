internal import OTLP
internal import TelemetryGenerator

/// How a load run stands, for people and for programs.
struct LoadReport: Sendable {
    let settings: LoadSettings
    let counts: LoadAccount.Counts
    let elapsed: Duration
    /// Items that the schedule or the total asked for, and that were never sent.
    let unsentItems: UInt64

    private static let percentiles: [(name: String, share: Double)] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)]

    /// Acknowledged items per second.
    private var acknowledgedRate: Double { Double(counts.acknowledgedItems) / max(elapsed / .seconds(1), 1e-9) }

    private var refusedItems: UInt64 { counts.refusedRetryableItems + counts.refusedForGoodItems }

    /// One line for each second.
    var progressLine: String {
        let latency = Self.percentiles.map { "\($0.name) \(milliseconds(counts.latency.percentile($0.share)))" }
        return "\(Int(elapsed / .seconds(1))) s: sent \(counts.sentItems), acknowledged \(counts.acknowledgedItems) "
            + "(\(Int(acknowledgedRate))/s), rejected \(counts.rejectedItems), refused \(refusedItems), "
            + "no answer \(counts.unknownItems), unreachable \(counts.unreachableItems), retries \(counts.retries), "
            + latency.joined(separator: ", ") + " ms"
    }

    /// Everything, as lines of text.
    var text: String {
        var lines = [
            ("run", "\(hexadecimal(settings.runID)): trace id = this and the item's number, span id = the number"),
            ("target", "\(settings.transport.rawValue) \(settings.url), clients: \(settings.clientCount)"),
            ("items", "\(settings.shape.rawValue) \(settings.signal.rawValue), \(settings.batch) per request"),
            ("elapsed", "\(milliseconds(elapsed)) ms"),
            ("sent", "\(counts.sentItems) items, requests: \(counts.requests), retries among them: \(counts.retries)"),
            ("acknowledged", "\(counts.acknowledgedItems) items, \(Int(acknowledgedRate)) per second"),
            ("rejected", "\(counts.rejectedItems) items by partial success"),
            ("refused", "\(counts.refusedRetryableItems) retryable, \(counts.refusedForGoodItems) for good"),
            ("no answer", "\(counts.unknownItems) items, not connected: \(counts.unreachableItems)"),
        ]
        if unsentItems > 0 { lines.append(("not sent", "\(unsentItems) items that were due")) }
        let latency = Self.percentiles.map { "\($0.name) \(milliseconds(counts.latency.percentile($0.share)))" }
        let from = settings.rate > 0 ? "from when the request was due" : "from the first attempt"
        lines.append(
            ("latency", "\(latency.joined(separator: ", ")), max \(milliseconds(counts.latency.max)) ms, \(from)"))
        for (reason, count) in sortedReasons { lines.append(("failure", "\(count) times: \(reason)")) }
        return lines.map { name, value in name + String(repeating: " ", count: 14 - name.count) + value + "\n" }
            .joined()
    }

    /// Everything, as one JSON object.
    var json: String {
        let numbers: [(String, String)] = [
            ("elapsed_seconds", "\(elapsed / .seconds(1))"), ("sent_items", "\(counts.sentItems)"),
            ("acknowledged_items", "\(counts.acknowledgedItems)"), ("rejected_items", "\(counts.rejectedItems)"),
            ("refused_retryable_items", "\(counts.refusedRetryableItems)"),
            ("refused_for_good_items", "\(counts.refusedForGoodItems)"), ("unknown_items", "\(counts.unknownItems)"),
            ("unreachable_items", "\(counts.unreachableItems)"), ("unsent_items", "\(unsentItems)"),
            ("requests", "\(counts.requests)"), ("retries", "\(counts.retries)"),
            ("acknowledged_items_per_second", "\(acknowledgedRate)"),
        ]
        let latencies =
            Self.percentiles.map { ("\($0.name)", counts.latency.percentile($0.share)) }
            + [("max", counts.latency.count > 0 ? counts.latency.max : nil)]
        let members =
            [
                ("run", jsonString(hexadecimal(settings.runID))),
                ("protocol", jsonString(settings.transport.rawValue)), ("url", jsonString(settings.url)),
            ] + numbers + [
                ("latency_ms", jsonObject(latencies.map { ($0, $1.map { "\($0 / .milliseconds(1))" } ?? "null") })),
                ("failures", jsonObject(sortedReasons.map { ($0, "\($1)") })),
            ]
        return jsonObject(members) + "\n"
    }

    /// What became of which items, one line for each range of numbers: `acknowledged 1-5120`.
    var ids: String {
        var lines = ["run \(hexadecimal(settings.runID))"]
        for outcome in LoadOutcome.allCases {
            for range in counts.numbers[outcome]?.ranges ?? [] {
                lines.append("\(outcome.rawValue) \(range.lowerBound)-\(range.upperBound - 1)")
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private var sortedReasons: [(reason: String, count: UInt64)] {
        counts.reasons.map { ($0.key, $0.value) }.sorted { ($1.count, $0.reason) < ($0.count, $1.reason) }
    }
}

/// With three decimals; `-` for none.
private func milliseconds(_ duration: Duration?) -> String {
    guard let duration else { return "-" }
    let micros = Int64(duration / .microseconds(1))
    let fraction = String(micros % 1000)
    return "\(micros / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)"
}

/// Sixteen digits.
private func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}

private func jsonObject(_ members: [(String, String)]) -> String {
    "{" + members.map { "\(jsonString($0)):\($1)" }.joined(separator: ",") + "}"
}

private func jsonString(_ text: String) -> String {
    let escaped = text.unicodeScalars.map { scalar in
        switch scalar {
        case "\"": "\\\""
        case "\\": "\\\\"
        case "\u{0}"..."\u{1f}":
            "\\u" + String(repeating: "0", count: scalar.value < 16 ? 3 : 2) + String(scalar.value, radix: 16)
        default: String(scalar)
        }
    }
    return "\"\(escaped.joined())\""
}
