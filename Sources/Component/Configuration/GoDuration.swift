extension Duration {
    /// As Go prints durations: `1m2.345678901s`, `1.5ms`, `0s`.
    package var goDescription: String {
        let (seconds, attoseconds) = components
        let nanos = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        if nanos == 0 { return "0s" }
        let sign = nanos < 0 ? "-" : ""
        let magnitude = Int64(nanos.magnitude)
        if magnitude < 1000 { return "\(sign)\(magnitude)ns" }
        if magnitude < 1_000_000 { return sign + decimal(magnitude, perUnit: 1000) + "µs" }
        if magnitude < 1_000_000_000 { return sign + decimal(magnitude, perUnit: 1_000_000) + "ms" }
        let minutes = magnitude / 60_000_000_000
        let rest = decimal(magnitude % 60_000_000_000, perUnit: 1_000_000_000) + "s"
        if minutes == 0 { return sign + rest }
        let hours = minutes / 60
        return hours == 0 ? "\(sign)\(minutes)m\(rest)" : "\(sign)\(hours)h\(minutes % 60)m\(rest)"
    }
}

/// `value / unit` without trailing zeros.
private func decimal(_ value: Int64, perUnit unit: Int64) -> String {
    let whole = value / unit
    var fraction = String(value % unit)
    if fraction == "0" { return String(whole) }
    fraction = String(repeating: "0", count: String(unit).count - 1 - fraction.count) + fraction
    while fraction.last == "0" { fraction.removeLast() }
    return "\(whole).\(fraction)"
}
