internal import Collector
internal import Component

extension ComponentFactories {
    /// The one list of all components.
    static let all = ComponentFactories(receivers: [], processors: [], exporters: [], extensions: [])
}
