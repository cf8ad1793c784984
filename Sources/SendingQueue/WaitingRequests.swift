/// How many requests may wait, unlogged and unanswered, for one exporter or log: as many as their bytes allow.
struct WaitingRequests {
    static let bytesMax = 64 << 20
    /// What a request takes besides its payload, roughly.
    private static let overheadBytes = 1 << 10

    private(set) var bytes = 0

    /// Counts a request in, if there is room for it. One alone always fits.
    mutating func add(payloadBytes: Int) -> Bool {
        guard bytes == 0 || bytes + payloadBytes + Self.overheadBytes <= Self.bytesMax else { return false }
        bytes += payloadBytes + Self.overheadBytes
        return true
    }

    mutating func remove(payloadBytes: Int) { bytes -= payloadBytes + Self.overheadBytes }
}
