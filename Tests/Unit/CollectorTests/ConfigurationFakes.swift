import Component
import OTLP
import WriteAheadLog

@testable import Collector

/// Components that read a few keys and do nothing.
enum FakeComponents {
    static let factories = ComponentFactories(
        receivers: [
            ReceiverFactory(type: "otlp", signals: Set(Signal.allCases), config: OTLPConfig.self) { _, _, _ in Fake() }
        ],
        processors: [
            ProcessorFactory(type: "batch", config: BatchConfig.self) { .batching($0.settings) },
            ProcessorFactory(type: "attributes", config: NoConfig.self) { _ in .perRequest { _, _ in Fake() } },
        ],
        exporters: [
            ExporterFactory(type: "otlphttp", defaultTimeout: .seconds(30), config: EndpointConfig.self) { _, _, _ in
                Fake()
            },
            ExporterFactory(type: "debug", config: NoConfig.self) { _, _, _ in Fake() },
            ExporterFactory(type: "tracesonly", signals: [.traces], config: NoConfig.self) { _, _, _ in Fake() },
        ],
        extensions: [
            ExtensionFactory(type: "file_storage", isStorage: true, config: DirectoryConfig.self) { _, _ in Fake() },
            ExtensionFactory(type: "health_check", config: NoConfig.self) { _, _ in Fake() },
        ])

    struct Fake: Receiver, Processor, Exporter, Extension {
        func start() async throws {}
        func stop() async {}
        func stop(deadline: ContinuousClock.Instant) async {}
        func process(_ telemetry: inout Telemetry) throws(RefusalError) {}
        func export(_ batch: Batch) async throws(ExportError) -> Delivery { .complete }
    }

    struct OTLPConfig: ComponentConfig {
        struct Protocols: ConfigBlock {
            var endpoints: [String]

            init(from map: inout ConfigMap) throws(ConfigError) {
                endpoints = []
                if let grpc: EndpointConfig = try map.takeIfPresent("grpc") { endpoints.append(grpc.endpoint) }
                if let http: EndpointConfig = try map.takeIfPresent("http") { endpoints.append(http.endpoint) }
            }
        }

        init(from map: inout ConfigMap) throws(ConfigError) {
            let protocols: Protocols = try map.take("protocols")
            if protocols.endpoints.isEmpty {
                throw map.error("must specify at least one protocol when using the OTLP receiver")
            }
        }
    }

    struct EndpointConfig: ComponentConfig {
        var endpoint: String

        init(from map: inout ConfigMap) throws(ConfigError) {
            endpoint = try map.take("endpoint", default: "localhost:1")
            _ = try map.take("headers", default: ConfigDictionary<OpaqueString>())
            _ = try map.take("compression", default: "gzip")
        }
    }

    struct BatchConfig: ComponentConfig {
        var settings: BatchSettings

        init(from map: inout ConfigMap) throws(ConfigError) {
            settings = BatchSettings(
                sendBatchSize: try map.take("send_batch_size", default: 8192),
                sendBatchMaxSize: try map.take("send_batch_max_size", default: 0),
                timeout: try map.take("timeout", default: .milliseconds(200)))
        }
    }

    struct DirectoryConfig: ComponentConfig {
        init(from map: inout ConfigMap) throws(ConfigError) {
            let directory = try map.take("directory", default: "/var/lib/otelcol")
            if directory.isEmpty { throw map.error("directory must not be empty") }
        }
    }
}
