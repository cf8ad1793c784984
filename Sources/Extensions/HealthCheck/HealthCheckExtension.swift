package import Component
import Logging
import Synchronization
import Transport

/// Answers whether the collector runs: 200 once all pipelines are up, 503 before and from the first step of shutdown.
///
/// A second path, `readiness_path`, tells how each exporter and each log fares: 503 also while a log takes nothing or an
/// exporter needs an operator.
package final class HealthCheckExtension: Extension {
    private enum Status {
        case unavailable
        case available(sinceUnixNanos: UInt64, since: ContinuousClock.Instant)
    }

    private let config: HealthCheckExtensionConfig
    private let logger: Logger
    private let status = Mutex(Status.unavailable)
    private let host = Mutex<(any Host)?>(nil)
    private let server = Mutex<HTTPServer?>(nil)

    package init(config: HealthCheckExtensionConfig, settings: ComponentSettings) {
        self.config = config
        logger = settings.logger
    }

    package func start() async throws {
        if config.hasPipelineCheck {
            logger.warning(
                "check_collector_pipeline has no effect: health is that of the collector, not of its backends")
        }
        let server = HTTPServer(configuration: HTTPServerConfiguration(endpoint: config.endpoint)) {
            [self] request, respond in respond(answer(request))
        }
        let address = try await server.start()
        self.server.withLock { $0 = server }
        logger.info("Starting health_check extension", metadata: ["endpoint": "\(address)"])
    }

    package func pipelinesReady(on host: any Host) async {
        self.host.withLock { $0 = host }
        await pipelinesReady()
    }

    package func pipelinesReady() async {
        status.withLock { $0 = .available(sinceUnixNanos: WallClock.unixNanos, since: .now) }
        logger.info("Health Check state change", metadata: ["status": "ready"])
    }

    package func pipelinesNotReady() async {
        status.withLock { $0 = .unavailable }
        logger.info("Health Check state change", metadata: ["status": "unavailable"])
    }

    package func stop() async {
        let server = self.server.withLock { server in
            defer { server = nil }
            return server
        }
        await server?.stop(deadline: .now + .seconds(1))
    }

    private func readiness() -> HTTPServerResponse {
        let isRunning = status.withLock { if case .available = $0 { true } else { false } }
        let host = host.withLock { $0 }?.status ?? HostStatus(exporters: [], logs: [])
        return HTTPServerResponse(
            status: isRunning && host.isReady ? 200 : 503, headers: [("content-type", "application/json")],
            body: Array(host.readinessJSON(isRunning: isRunning, now: WallClock.unixNanos).utf8))
    }

    private func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
        if let path = config.readinessPath, request.path == path { return readiness() }
        // With path "/" every path answers, as in otelcol.
        guard config.path == "/" || request.path == config.path else {
            return HTTPServerResponse(
                status: 404, headers: [("content-type", "text/plain; charset=utf-8")],
                body: Array("404 page not found\n".utf8))
        }
        let (code, custom, json) = status.withLock { status in
            switch status {
            case .unavailable:
                (
                    503, config.unhealthyBody,
                    #"{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}"#
                )
            case .available(let unixNanos, let since):
                (
                    200, config.healthyBody,
                    #"{"status":"Server available","upSince":"\#(CivilTime(unixNanos: unixNanos).rfc3339)","uptime":"\#((ContinuousClock.now - since).goDescription)"}"#
                )
            }
        }
        let type = custom == nil ? "application/json" : "text/plain; charset=utf-8"
        return HTTPServerResponse(status: code, headers: [("content-type", type)], body: Array((custom ?? json).utf8))
    }
}

extension ExtensionFactory {
    package static var healthCheck: ExtensionFactory {
        ExtensionFactory(type: "health_check", config: HealthCheckExtensionConfig.self) { config, settings in
            HealthCheckExtension(config: config, settings: settings)
        }
    }
}
