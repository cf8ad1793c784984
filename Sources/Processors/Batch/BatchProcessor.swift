package import Component

extension ProcessorFactory {
    /// `batch`: sets how the pipeline's exporters cut their batches from the log. Nothing is held back at ingest.
    package static var batch: ProcessorFactory {
        ProcessorFactory(type: "batch", config: BatchProcessorConfig.self) { .batching($0.settings) }
    }
}
