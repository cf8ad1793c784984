package import Component
import OTLP
package import WriteAheadLog

/// A letter that is kept, without its request.
package struct KeptLetter: Sendable {
    /// Its record in the dead-letter log.
    package var sequence: UInt64
    /// `payload` is empty: it stays on disk.
    package var letter: DeadLetter
    package var payloadBytes: Int
    /// The open cut that says that it is to be sent again; nil: nobody has asked for that.
    var cut: BatchID?

    package var isRequested: Bool { cut != nil }
    var range: ItemRange { ItemRange(sequence: sequence, items: 0..<letter.itemCount) }
    /// Only time stood in its way: it is sent again without being asked for.
    var isExpired: Bool { letter.cause == .retryExhausted }
}

/// Which letters are meant.
package struct DeadLetterFilter: Sendable {
    /// Nil: those of every exporter.
    package var exporter: ComponentID?
    /// Nil: every batch.
    package var batchID: BatchID?

    package init(exporter: ComponentID? = nil, batchID: BatchID? = nil) {
        self.exporter = exporter
        self.batchID = batchID
    }

    func matches(_ letter: DeadLetter) -> Bool {
        (exporter ?? letter.exporter) == letter.exporter && (batchID ?? letter.batchID) == letter.batchID
    }
}

/// What of the dead-letter log is not done: headers in memory, so that requests are read only to be sent. No I/O.
struct DeadLetterIndex: Sendable {
    /// One exporter object: letters of the same one are sent one after another.
    struct Destination: Sendable, Hashable {
        var exporter: ComponentID
        var signal: Signal

        init(_ letter: DeadLetter) { self.init(letter.exporter, letter.signal) }

        init(_ exporter: ComponentID, _ signal: Signal) {
            self.exporter = exporter
            self.signal = signal
        }
    }

    private struct BatchKey: Hashable {
        var destination: Destination
        var id: BatchID
    }

    private(set) var letters: [UInt64: KeptLetter] = [:]
    private var sequences: [BatchKey: UInt64] = [:]
    /// Sequences of letters to be sent when asked for, and by themselves; sorted.
    private var requested: [Destination: [UInt64]] = [:]
    private var expired: [Destination: [UInt64]] = [:]

    mutating func insert(_ kept: KeptLetter) {
        let destination = Destination(kept.letter)
        remove(kept.sequence)
        letters[kept.sequence] = kept
        sequences[BatchKey(destination: destination, id: kept.letter.batchID)] = kept.sequence
        if kept.isRequested {
            requested[destination, default: []].insertSorted(kept.sequence)
        } else if kept.isExpired {
            expired[destination, default: []].insertSorted(kept.sequence)
        }
    }

    @discardableResult
    mutating func remove(_ sequence: UInt64) -> KeptLetter? {
        guard let kept = letters.removeValue(forKey: sequence) else { return nil }
        let destination = Destination(kept.letter)
        let key = BatchKey(destination: destination, id: kept.letter.batchID)
        // A letter that took its place may have the same id.
        if sequences[key] == sequence { sequences[key] = nil }
        requested[destination]?.removeSorted(sequence)
        expired[destination]?.removeSorted(sequence)
        return kept
    }

    mutating func noteRequest(_ sequence: UInt64, cut: BatchID) {
        guard var kept = remove(sequence) else { return }
        kept.cut = cut
        insert(kept)
    }

    /// Whether this very batch is kept already, in another record than `sequence`.
    func contains(_ letter: DeadLetter, besides sequence: UInt64?) -> Bool {
        let found = sequences[BatchKey(destination: Destination(letter), id: letter.batchID)]
        return found != nil && found != sequence
    }

    /// The next letter to send after the one at `last`, starting over at the end; nil when there is none.
    func next(for destination: Destination, after last: UInt64, withExpired: Bool) -> KeptLetter? {
        var candidates = [requested[destination] ?? []]
        if withExpired { candidates.append(expired[destination] ?? []) }
        let later = candidates.compactMap { list in list.firstAfter(last) }.min()
        return (later ?? candidates.compactMap(\.first).min()).flatMap { letters[$0] }
    }

    func matching(_ filter: DeadLetterFilter) -> [KeptLetter] {
        letters.values.filter { filter.matches($0.letter) }.sorted { $0.sequence < $1.sequence }
    }

    func itemCount(of destination: Destination, _ cause: GiveUpCause) -> Int {
        letters.values.reduce(0) {
            Destination($1.letter) == destination && $1.letter.cause == cause ? $0 + $1.letter.itemCount : $0
        }
    }
}

extension [UInt64] {
    /// Where the first element is that is not below `value`.
    private func position(of value: UInt64) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }

    fileprivate mutating func insertSorted(_ value: UInt64) { insert(value, at: position(of: value)) }

    fileprivate mutating func removeSorted(_ value: UInt64) {
        let index = position(of: value)
        if index < count, self[index] == value { remove(at: index) }
    }

    fileprivate func firstAfter(_ value: UInt64) -> UInt64? {
        let index = value == .max ? count : position(of: value + 1)
        return index < count ? self[index] : nil
    }
}
