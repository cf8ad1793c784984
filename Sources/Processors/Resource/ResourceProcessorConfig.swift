package import Component
import OTLP

/// The keys of `resource`.
package struct ResourceProcessorConfig: ComponentConfig {
    let actions: [AttributeAction]

    package init(from map: inout ConfigMap) throws(ConfigError) {
        let actions = try map.take("attributes", default: [ActionConfig]())
        if actions.isEmpty { throw map.error("missing required field \"attributes\"") }
        self.actions = try ActionConfig.compile(actions)
    }
}
