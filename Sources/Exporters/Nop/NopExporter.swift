package import Component

/// Takes every batch and does nothing with it: for tests of what is before it.
struct NopExporter: ImmediateExporter {
    func start() async throws {}
    func export(_ batch: Batch) async throws(ExportError) -> Delivery { .complete }
    func deliver(_ request: borrowing Telemetry) -> Delivery { .complete }
    func stop() async {}
}

extension ExporterFactory {
    /// The exporter `nop`.
    package static var nop: ExporterFactory {
        ExporterFactory(type: "nop", hasQueue: false, defaultTimeout: nil, config: NoConfig.self) { _, _, _ in
            NopExporter()
        }
    }
}
