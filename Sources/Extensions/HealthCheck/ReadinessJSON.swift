import Component

/// The body of the readiness path.
extension HostStatus {
    /// - Parameters:
    ///   - isRunning: all pipelines are up, and shutdown has not begun.
    ///   - now: nanoseconds since 1970.
    func readinessJSON(isRunning: Bool, now: UInt64) -> String {
        let status = !isRunning ? "unavailable" : !isReady ? "not ready" : "ready"
        let exporters = exporters.map { exporter in
            let age = exporter.oldestReceivedAtUnixNanos.map { Double(now - min($0, now)) / 1e9 } ?? 0
            return """
                {"exporter":\(quoted("\(exporter.id)")),"pipeline":\(quoted(exporter.pipeline)),\
                "health":"\(exporter.health.rawValue)","error":\(quoted(exporter.error)),"durable":\(exporter.isDurable),\
                "waiting_items":\(exporter.waitingItems),"in_flight_items":\(exporter.inFlightItems),\
                "parked_batches":\(exporter.parkedBatches),"oldest_age_seconds":\(age)}
                """
        }
        let logs = logs.map { log in
            let fault = log.fault.map(quoted) ?? "null"
            return #"{"pipeline":\#(quoted(log.pipeline)),"bytes":\#(log.bytes),"fault":\#(fault)}"#
        }
        return """
            {"status":"\(status)","exporters":[\(exporters.joined(separator: ","))],\
            "logs":[\(logs.joined(separator: ","))]}
            """
    }

    /// `text` as a JSON string.
    private func quoted(_ text: String) -> String {
        var json = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": json += "\\\(scalar)"
            case "\n": json += "\\n"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                json += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: json.unicodeScalars.append(scalar)
            }
        }
        return json + "\""
    }
}
