/// What was started, in order, each part with its way to stop: stopping goes through them backwards.
struct Lifecycle: Sendable {
    private var parts: [(name: String, stop: @Sendable () async -> Void)] = []

    mutating func started(_ name: String, stop: @escaping @Sendable () async -> Void) { parts.append((name, stop)) }

    /// Stops everything, the last started first.
    mutating func stopAll() async {
        while let part = parts.popLast() { await part.stop() }
    }
}
