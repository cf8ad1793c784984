internal import Component

extension TelemetryConfig {
    /// The attributes of the program's own resource: the default ones, changed as `resource` says, sorted by name.
    ///
    /// - Parameter instanceID: `service.instance.id`, a random UUID for each run.
    package func resourceAttributes(instanceID: String) -> [(String, String)] {
        var attributes = [
            "service.instance.id": instanceID,
            "service.name": BuildInfo.command,
            "service.version": BuildInfo.version,
        ]
        for attribute in resource { attributes[attribute.name] = attribute.value }
        return attributes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}

extension PrometheusReaderConfig {
    /// Which of the resource's attributes every series carries as labels.
    package func constantLabels(of resource: [(String, String)]) -> [(String, String)] {
        guard let constantLabels else { return resource }
        return resource.filter { name, _ in
            constantLabels.included.contains { Self.matches(name, $0) }
                && !constantLabels.excluded.contains { Self.matches(name, $0) }
        }
    }

    /// Whether `name` is what `pattern` says, where `*` stands for any text.
    private static func matches(_ name: String, _ pattern: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1, let first = parts.first, let last = parts.last else { return name == pattern }
        guard name.utf8.count >= first.utf8.count + last.utf8.count, name.hasPrefix(first), name.hasSuffix(last) else {
            return false
        }
        var rest = name.dropFirst(first.count).dropLast(last.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let range = rest.firstRange(of: part) else { return false }
            rest = rest[range.upperBound...]
        }
        return true
    }
}
