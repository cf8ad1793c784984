import Synchronization

/// The program's own metrics: components make counters here, the metrics endpoint reads them.
///
/// Names are complete (`otelcol_receiver_accepted_spans`); asking twice for the same name and labels gives the same counter.
package final class MetricRegistry: Sendable {
    private struct State {
        var families: [String: Family] = [:]
        var order: [String] = []

        mutating func addFamily(_ name: String, help: String, kind: MetricKind) {
            if let family = families[name] {
                precondition(family.kind == kind, "metric \(name) registered as two kinds")
                return
            }
            families[name] = Family(help: help, kind: kind, series: [])
            order.append(name)
        }
    }

    private struct Family {
        var help: String
        var kind: MetricKind
        var series: [(labels: MetricLabels, source: Source)]
    }

    private enum Source: Sendable {
        case counter(Counter)
        case histogram(Histogram)
        case observed(@Sendable () -> Double?)
        case observedTogether(@Sendable () -> [MetricSample])
    }

    private let state = Mutex(State())

    package init() {}

    /// A counter, shown from its first increment on (as otelcol does) unless `showsZero`.
    package func counter(_ name: String, help: String, labels: MetricLabels, showsZero: Bool = false) -> Counter {
        register(name, help: help, kind: .counter, labels: labels) {
            .counter(Counter(showsZero: showsZero))
        } as: {
            if case .counter(let counter) = $0 { counter } else { nil }
        }
    }

    /// - Parameter bounds: upper bounds, ascending, without +Inf.
    package func histogram(_ name: String, help: String, bounds: [Double], labels: MetricLabels) -> Histogram {
        register(name, help: help, kind: .histogram, labels: labels) {
            .histogram(Histogram(bounds: bounds))
        } as: {
            if case .histogram(let histogram) = $0 { histogram } else { nil }
        }
    }

    /// A value that is read at scrape, outside the registry's lock; nil hides the series. Registering the same series again
    /// replaces it.
    package func observe(
        _ name: String, help: String, kind: MetricKind, labels: MetricLabels, read: @escaping @Sendable () -> Double?
    ) {
        state.withLock { state in
            state.addFamily(name, help: help, kind: kind)
            state.families[name]?.series.removeAll { $0.labels == labels }
            state.families[name]?.series.append((labels, .observed(read)))
        }
    }

    /// Several series of a family that are read in one moment. `owner` names who registers them: registering again for the
    /// same owner replaces them.
    package func observe(
        _ name: String, help: String, kind: MetricKind, owner: MetricLabels,
        readAll: @escaping @Sendable () -> [MetricSample]
    ) {
        state.withLock { state in
            state.addFamily(name, help: help, kind: kind)
            state.families[name]?.series.removeAll { $0.labels == owner }
            state.families[name]?.series.append((owner, .observedTogether(readAll)))
        }
    }

    private func register<Value>(
        _ name: String, help: String, kind: MetricKind, labels: MetricLabels, make: () -> Source,
        as cast: (Source) -> Value?
    ) -> Value {
        state.withLock { state in
            state.addFamily(name, help: help, kind: kind)
            for series in state.families[name]?.series ?? [] where series.labels == labels {
                if let value = cast(series.source) { return value }
                preconditionFailure("metric \(name) registered as two kinds")
            }
            let source = make()
            state.families[name]?.series.append((labels, source))
            guard let value = cast(source) else { preconditionFailure("metric \(name) made as another kind") }
            return value
        }
    }

    /// All families in order of their first registration, their series with the values of this moment.
    package func snapshot() -> [MetricFamily] {
        let families = state.withLock { state in state.order.map { ($0, state.families[$0]!) } }
        return families.compactMap { name, family in
            let samples: [MetricSample] = family.series.flatMap { labels, source -> [MetricSample] in
                switch source {
                case .counter(let counter):
                    let value = counter.value
                    return value == 0 && !counter.showsZero
                        ? [] : [MetricSample(labels: labels, value: .number(Double(value)))]
                case .histogram(let histogram):
                    let reading = histogram.reading
                    return reading.count == 0 ? [] : [MetricSample(labels: labels, value: .histogram(reading))]
                case .observed(let read):
                    return read().map { [MetricSample(labels: labels, value: .number($0))] } ?? []
                case .observedTogether(let readAll):
                    return readAll()
                }
            }
            return samples.isEmpty
                ? nil : MetricFamily(name: name, help: family.help, kind: family.kind, samples: samples)
        }
    }
}

package enum MetricKind: String, Sendable {
    case counter
    case gauge
    case histogram
}

/// Label names and values, in the order in which they are shown.
package struct MetricLabels: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    package struct Pair: Sendable, Hashable {
        package let name: String
        package let value: String
    }

    package let pairs: [Pair]

    package init(dictionaryLiteral elements: (String, String)...) { self.init(elements) }

    package init(_ elements: [(String, String)]) { pairs = elements.map { Pair(name: $0, value: $1) } }

    /// The same labels and one more, shown last.
    package func adding(_ name: String, _ value: String) -> MetricLabels {
        MetricLabels(pairs.map { ($0.name, $0.value) } + [(name, value)])
    }
}

package struct MetricFamily: Sendable {
    package let name: String
    package let help: String
    package let kind: MetricKind
    package let samples: [MetricSample]

    package init(name: String, help: String, kind: MetricKind, samples: [MetricSample]) {
        self.name = name
        self.help = help
        self.kind = kind
        self.samples = samples
    }
}

package struct MetricSample: Sendable {
    package enum Value: Sendable {
        case number(Double)
        case histogram(HistogramReading)
    }

    package let labels: MetricLabels
    package let value: Value

    package init(labels: MetricLabels, value: Value) {
        self.labels = labels
        self.value = value
    }
}

/// A count that only grows.
package final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    let showsZero: Bool

    init(showsZero: Bool) { self.showsZero = showsZero }

    package func add(_ amount: Int = 1) { count.add(amount, ordering: .relaxed) }
    package var value: Int { count.load(ordering: .relaxed) }
}

package struct HistogramReading: Sendable {
    package let bounds: [Double]
    /// One more than `bounds`; not cumulative.
    package let counts: [Int]
    package let sum: Double
    package let count: Int
}

/// A distribution over fixed bounds.
package final class Histogram: Sendable {
    private struct State {
        var counts: [Int]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    package func record(_ value: Double) {
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[index] += 1
            state.sum += value
        }
    }

    package var reading: HistogramReading {
        state.withLock { state in
            HistogramReading(bounds: bounds, counts: state.counts, sum: state.sum, count: state.counts.reduce(0, +))
        }
    }
}
