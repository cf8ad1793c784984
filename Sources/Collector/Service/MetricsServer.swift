import Component
import Transport

/// Serves the program's own metrics to Prometheus: `/metrics`, any other path is 404.
final class MetricsServer: Sendable {
    private let reader: PrometheusReaderConfig
    private let resource: [(String, String)]
    private let registry: MetricRegistry
    private let server: HTTPServer

    init(reader: PrometheusReaderConfig, resource: [(String, String)], registry: MetricRegistry) throws {
        self.reader = reader
        self.resource = resource
        self.registry = registry
        let host = reader.host.contains(":") ? "[\(reader.host)]" : reader.host
        let labels = reader.constantLabels(of: resource)
        server = HTTPServer(
            configuration: HTTPServerConfiguration(endpoint: try Endpoint("\(host):\(reader.port)"))
        ) { request, respond in
            guard request.path == "/metrics" else {
                respond(.text(404, "404 page not found\n"))
                return
            }
            let text = PrometheusText.render(
                registry.snapshot(), constantLabels: labels, resource: resource,
                addsTypeSuffix: !reader.withoutTypeSuffix)
            respond(
                HTTPServerResponse(status: 200, headers: [("content-type", PrometheusText.contentType)], body: text))
        }
    }

    /// - Returns: the bound address.
    func start() async throws -> String { try await server.start() }

    func stop() async { await server.stop(deadline: .now + .seconds(1)) }
}
