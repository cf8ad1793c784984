import Component
import Foundation
import Testing

@testable import Extensions

/// Readiness is red when items are refused or need an operator, and only then; it says why in valid JSON.
@Suite struct ReadinessTests {
    private func status(_ health: HostStatus.Exporter.Health, fault: String? = nil) -> HostStatus {
        HostStatus(
            exporters: [
                HostStatus.Exporter(
                    id: ComponentID(type: "otlphttp", name: "a"), pipeline: "traces", health: health,
                    error: "said \"no\"\nand\u{1}", isDurable: true, waitingItems: 7, inFlightItems: 2,
                    parkedBatches: 1, oldestReceivedAtUnixNanos: 1_000_000_000)
            ],
            logs: [HostStatus.Log(pipeline: "traces", bytes: 99, fault: fault)])
    }

    @Test("a backend that is down does not make it unready; a full log and a wrong password do")
    func ready() {
        #expect(status(.healthy).isReady)
        #expect(status(.failing).isReady)
        #expect(!status(.misconfigured).isReady)
        #expect(!status(.healthy, fault: "disk full").isReady)
    }

    @Test("the body tells each exporter's and each log's state")
    func body() throws {
        let text = status(.failing, fault: "disk \"full\"").readinessJSON(isRunning: true, now: 3_500_000_000)
        let json = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(json["status"] as? String == "not ready")
        let exporter = try #require((json["exporters"] as? [[String: Any]])?.first)
        #expect(exporter["exporter"] as? String == "otlphttp/a")
        #expect(exporter["error"] as? String == "said \"no\"\nand\u{1}")
        #expect(exporter["health"] as? String == "failing")
        #expect(exporter["waiting_items"] as? Int == 7)
        #expect(exporter["oldest_age_seconds"] as? Double == 2.5)
        let log = try #require((json["logs"] as? [[String: Any]])?.first)
        #expect(log["fault"] as? String == "disk \"full\"")
    }
}
