package import Component
import OTLP

/// The keys of `attributes`.
package struct AttributesProcessorConfig: ComponentConfig {
    let actions: [AttributeAction]
    let include: MatchConfig?
    let exclude: MatchConfig?

    package init(from map: inout ConfigMap) throws(ConfigError) {
        let actions = try map.take("actions", default: [ActionConfig]())
        include = try map.takeIfPresent("include")
        exclude = try map.takeIfPresent("exclude")
        if actions.isEmpty { throw map.error("missing required field \"actions\"") }
        self.actions = try ActionConfig.compile(actions)
    }

    /// - Throws: when `include` or `exclude` does not fit the signal.
    func filter(for signal: Signal) throws(ConfigError) -> ItemFilter? {
        if include == nil, exclude == nil { return nil }
        return ItemFilter(
            include: try include?.matcher(for: signal), exclude: try exclude?.matcher(for: signal))
    }
}
