package import Component

/// Writes metrics in Prometheus' text format 0.0.4.
///
/// Families are sorted by name, series by their labels and labels by name, so that equal values give equal bytes.
package enum PrometheusText {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// - Parameters:
    ///   - constantLabels: labels that every series carries; a series' own label of the same name wins.
    ///   - resource: the attributes of `target_info`, which is left out when this is nil.
    ///   - addsTypeSuffix: whether the names of counters end in `_total`.
    package static func render(
        _ families: [MetricFamily], constantLabels: [(String, String)] = [], resource: [(String, String)]? = nil,
        addsTypeSuffix: Bool = false
    ) -> [UInt8] {
        var all = families
        if let resource {
            let sample = MetricSample(labels: MetricLabels(resource), value: .number(1))
            all.append(MetricFamily(name: "target_info", help: "Target metadata", kind: .gauge, samples: [sample]))
        }
        var writer = Writer(constantLabels: constantLabels.map { (sanitized($0), $1) })
        for family in all.sorted(by: { $0.name < $1.name }) {
            let takesSuffix = addsTypeSuffix && family.kind == .counter && !family.name.hasSuffix("_total")
            writer.write(
                family, name: sanitized(takesSuffix ? family.name + "_total" : family.name),
                // target_info carries the resource itself.
                hasConstantLabels: family.name != "target_info")
        }
        return writer.text
    }

    /// `name` with an underscore for each character that Prometheus does not allow in a label's name.
    static func sanitized(_ name: String) -> String {
        let characters = name.unicodeScalars.map { scalar -> Character in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_": Character(scalar)
            default: "_"
            }
        }
        return characters.first?.isNumber == true ? "_" + String(characters) : String(characters)
    }

    /// Whole numbers without a fraction, as Go writes them.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == value.rounded(), value.magnitude < 1e15 { return String(Int(value)) }
        return value.description
    }

    private struct Writer {
        let constantLabels: [(String, String)]
        var text: [UInt8] = []

        mutating func write(_ family: MetricFamily, name: String, hasConstantLabels: Bool) {
            append("# HELP \(name) ", escaped(family.help, quotes: false), "\n")
            append("# TYPE \(name) \(family.kind.rawValue)\n")
            let samples = family.samples
                .map { (labels: sorted($0.labels, hasConstantLabels: hasConstantLabels), value: $0.value) }
                .sorted { left, right in
                    left.labels.lexicographicallyPrecedes(right.labels) {
                        $0.name == $1.name ? $0.value < $1.value : $0.name < $1.name
                    }
                }
            for sample in samples {
                switch sample.value {
                case .number(let value): series(name, sample.labels, PrometheusText.number(value))
                case .histogram(let reading): histogram(name, sample.labels, reading)
                }
            }
        }

        private mutating func histogram(
            _ name: String, _ labels: [(name: String, value: String)], _ reading: HistogramReading
        ) {
            var cumulative = 0
            for (index, count) in reading.counts.enumerated() {
                cumulative += count
                let bound = index < reading.bounds.count ? PrometheusText.number(reading.bounds[index]) : "+Inf"
                series("\(name)_bucket", labels + [("le", bound)], String(cumulative))
            }
            series("\(name)_sum", labels, PrometheusText.number(reading.sum))
            series("\(name)_count", labels, String(cumulative))
        }

        private mutating func series(_ name: String, _ labels: [(name: String, value: String)], _ value: String) {
            append(name)
            if !labels.isEmpty {
                append("{")
                for (index, label) in labels.enumerated() {
                    append(index == 0 ? "" : ",", label.name, "=\"", escaped(label.value, quotes: true), "\"")
                }
                append("}")
            }
            append(" ", value, "\n")
        }

        private func sorted(_ labels: MetricLabels, hasConstantLabels: Bool) -> [(name: String, value: String)] {
            var merged = labels.pairs.map { (name: PrometheusText.sanitized($0.name), value: $0.value) }
            if hasConstantLabels {
                let own = Set(merged.map(\.name))
                merged += constantLabels.filter { !own.contains($0.0) }.map { (name: $0.0, value: $0.1) }
            }
            return merged.sorted { $0.name < $1.name }
        }

        private func escaped(_ text: String, quotes: Bool) -> String {
            guard text.utf8.contains(where: { $0 == 0x5C || $0 == 0x0A || $0 == 0x22 }) else { return text }
            var result = ""
            for scalar in text.unicodeScalars {
                switch scalar {
                case "\\": result += "\\\\"
                case "\n": result += "\\n"
                case "\"" where quotes: result += "\\\""
                default: result.unicodeScalars.append(scalar)
                }
            }
            return result
        }

        private mutating func append(_ parts: String...) {
            for part in parts { text.append(contentsOf: part.utf8) }
        }
    }
}
