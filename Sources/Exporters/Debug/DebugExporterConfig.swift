package import Component

/// The keys of the `debug` exporter.
package struct DebugExporterConfig: ComponentConfig {
    package enum Verbosity: Sendable {
        /// Counts.
        case basic
        /// Counts, and one line for each item.
        case normal
        /// Counts, and all fields of each item.
        case detailed
    }

    package var verbosity: Verbosity
    /// Batches of each second that are shown in any case.
    package var samplingInitial: Int
    /// Of the rest, each so many-th is shown; 0: none.
    package var samplingThereafter: Int
    /// Through the program's log; else as bare lines on standard output.
    package var usesInternalLogger: Bool

    package init(from map: inout ConfigMap) throws(ConfigError) {
        let name: String = try map.take("verbosity", default: "basic")
        samplingInitial = try map.take("sampling_initial", default: 2)
        samplingThereafter = try map.take("sampling_thereafter", default: 1)
        usesInternalLogger = try map.take("use_internal_logger", default: true)
        switch name.lowercased() {
        case "basic": verbosity = .basic
        case "normal": verbosity = .normal
        case "detailed": verbosity = .detailed
        default: throw map.error("verbosity level \"\(name)\" is not supported")
        }
        guard samplingInitial >= 0, samplingThereafter >= 0 else {
            throw map.error("sampling_initial and sampling_thereafter must not be negative")
        }
    }
}
