/// What the program calls itself.
package enum BuildInfo {
    package static let command = "otelcol-swift"
    package static let description = "OpenTelemetry Collector in Swift"
    package static let version = "1.0.0"
    /// The release of otelcol-contrib whose configuration, metrics and log lines this one keeps to.
    package static let compatibleVersion = "0.116.0"
    /// For the `User-Agent` header.
    package static let userAgent = "\(command)/\(version)"
}
