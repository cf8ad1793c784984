package import Component
package import Logging
package import OTLP
import Synchronization
package import WriteAheadLog

/// Keeps dead letters in a log of their own, and sends them again.
///
/// One durable consumer pins every letter. A letter that is to be sent again is *cut*, so that a restart knows; one
/// that was delivered or purged is *done*. Neither is lost in between: at worst it is sent twice, with the same batch
/// id.
package final class DeadLetterLog: DeadLetterSink {
    /// Letters kept at most; more are refused like those that the log has no room for.
    package static let lettersMax = 100_000
    private static let consumerName = "letters"
    /// Letters asked for in one go.
    private static let requestsAtOnce = 512

    private let log: any Log
    private let consumer: any LogConsumer
    private let slice: PayloadSlicer
    private let logger: Logger
    private let index: Mutex<DeadLetterIndex>
    private let redrives = Mutex<[DeadLetterIndex.Destination: Redrive]>([:])
    private let metrics: DeadLetterMetrics?
    private let isLoaded = Mutex(false)
    private let replayCounts = Mutex<[ReplayKey: ReplayCounts]>([:])

    private struct ReplayKey: Hashable {
        var exporter: ComponentID
        var pipeline: String
    }

    /// The log stays the caller's to close, after `stop`.
    ///
    /// - Parameters:
    ///   - metrics: where the gauges go; nil: nowhere.
    ///   - loadsLater: reads the headers of all letters with `load`, not now. Until then letters can be kept, and those
    ///     of earlier processes are neither listed nor sent.
    package init(
        log: any Log, slice: @escaping PayloadSlicer, metrics: DeadLetterMetrics? = nil, logger: Logger,
        loadsLater: Bool = false
    ) throws(LogError) {
        self.log = log
        self.slice = slice
        self.logger = logger
        self.metrics = metrics
        consumer = try log.openConsumer(Self.consumerName, options: ConsumerOptions(isDurable: true))
        index = Mutex(DeadLetterIndex())
        metrics?.observe(self)
        if !loadsLater { try load() }
    }

    /// Reads the headers of all letters that earlier processes left, unless that is done. Blocks; whoever calls meanwhile
    /// waits. After an error it goes on where it stopped.
    package func load() throws(LogError) {
        try isLoaded.withLock { (isLoaded) throws(LogError) in
            if isLoaded { return }
            for cut in consumer.recoveredCuts { try recover(cut) }
            try pull()
            isLoaded = true
        }
    }

    private func recover(_ cut: Cut) throws(LogError) {
        do {
            for record in try consumer.read(cut.ranges) { note(record, cut: cut.id) }
        } catch let error where error.code == .corrupt {
            consumer.done(cut.id, outcome: CutOutcome(dropped: cut.itemCount))
            logger.error(
                "A dead letter cannot be read back", metadata: ["items": "\(cut.itemCount)", "error": "\(error)"])
        }
    }

    /// Takes note of letters that were written since the last time.
    private func pull() throws(LogError) {
        try index.withLock { (index) throws(LogError) in
            while true {
                let records = try consumer.next(maxRecords: 64, maxBytes: 8 << 20)
                if records.isEmpty { return }
                for record in records { insert(record, cut: nil, into: &index) }
            }
        }
    }

    private func note(_ record: StoredRecord, cut: BatchID?) {
        index.withLock { insert(record, cut: cut, into: &$0) }
    }

    private func insert(_ record: StoredRecord, cut: BatchID?, into index: inout DeadLetterIndex) {
        do {
            let (letter, payload) = try DeadLetterCoding.decodeHeader(record.payload)
            metrics?.add(letter)
            index.insert(
                KeptLetter(sequence: record.sequence, letter: letter, payloadBytes: payload.count, cut: cut))
        } catch {
            // It stays where it is: another version of the program may know it.
            logger.error(
                "A record of the dead-letter log makes no sense to this version",
                metadata: ["sequence": "\(record.sequence)", "error": "\(error)"])
        }
    }

    // MARK: Keeping

    package func accept(_ letter: DeadLetter) async throws(LogError) {
        for part in try fitting(letter) { try await keep(part) }
        redrive(of: letter)?.changed()
    }

    /// Writes a letter, unless this very batch is kept already: then a crash came between letter and *done*.
    ///
    /// - Parameter sequence: of the letter that the new one is to take the place of.
    func keep(_ letter: DeadLetter, replacing sequence: UInt64? = nil) async throws(LogError) {
        // Whether this very batch is kept already only the old letters can tell.
        try load()
        let (isKept, count) = index.withLock { ($0.contains(letter, besides: sequence), $0.letters.count) }
        if isKept { return }
        if count >= Self.lettersMax, sequence == nil {
            throw LogError(.full, "there are \(count) dead letters already")
        }
        let record = LogRecord(
            payload: DeadLetterCoding.encode(letter), itemCount: letter.itemCount,
            receivedAtUnixNanos: letter.givenUpAtUnixNanos)
        let result = await withCheckedContinuation { continuation in
            log.append(record) { continuation.resume(returning: $0) }
        }
        _ = try result.get()
        do {
            try pull()
        } catch {
            // The letter is safe; it is listed when it can be read again.
            logger.error("A dead letter that was written cannot be read", metadata: ["error": "\(error)"])
        }
    }

    /// The letter, or letters for the halves of its items, none larger than the log takes.
    private func fitting(_ letter: DeadLetter) throws(LogError) -> [DeadLetter] {
        let room = log.recordBytesMax - DeadLetterCoding.overheadBytesMax
        if letter.payload.count <= room || letter.itemCount < 2 { return [letter] }
        let middle = letter.itemCount / 2
        var parts: [DeadLetter] = []
        for range in [0..<middle, middle..<letter.itemCount] {
            do throws(WireError) {
                parts.append(letter.part(range, payload: try slice(range, letter.payload, letter.signal)))
            } catch {
                return [letter]
            }
        }
        return try fitting(parts[0]) + fitting(parts[1])
    }

    // MARK: Sending again

    /// Begins to send letters of these exporters again: those asked for, and after a delivery those that only time
    /// stood in the way of. One redrive for each exporter and signal.
    package func startRedrives(_ bindings: [ExporterBinding], services: SendingServices) {
        for binding in bindings {
            let redrive = Redrive(letters: self, binding: binding, services: services, logger: logger)
            redrives.withLock { $0[redrive.destination] = redrive }
            redrive.start()
        }
    }

    /// Ends sending letters; attempts under way are cancelled.
    package func stop() async {
        let all = redrives.withLock { redrives in
            defer { redrives = [:] }
            return Array(redrives.values)
        }
        for redrive in all { await redrive.stop() }
    }

    package func delivered(by exporter: ComponentID, _ signal: Signal) {
        redrives.withLock { $0[DeadLetterIndex.Destination(exporter, signal)] }?.delivered()
    }

    private func redrive(of letter: DeadLetter) -> Redrive? {
        redrives.withLock { $0[DeadLetterIndex.Destination(letter)] }
    }

    func next(for destination: DeadLetterIndex.Destination, after last: UInt64, withExpired: Bool) -> KeptLetter? {
        index.withLock { $0.next(for: destination, after: last, withExpired: withExpired) }
    }

    /// Notes for good that a letter is to be sent again. Does nothing for one that is gone, or was asked for before.
    func request(_ sequence: UInt64) async throws(LogError) {
        guard let kept = index.withLock({ $0.letters[sequence] }), !kept.isRequested else { return }
        do {
            let cut = try await consumer.cut([kept.range])
            index.withLock { $0.noteRequest(sequence, cut: cut.id) }
        } catch let error where error.code == .misuse {
            // Somebody else asked for it at the same moment.
            guard index.withLock({ $0.letters[sequence]?.isRequested ?? true }) else { throw error }
        }
    }

    /// Ends a letter that was asked for.
    func finish(_ sequence: UInt64, _ outcome: CutOutcome) {
        guard let cut = index.withLock({ $0.remove(sequence)?.cut }) else { return }
        consumer.done(cut, outcome: outcome)
    }

    /// Ends a letter that was sent again, and accounts for it.
    func finishReplay(_ kept: KeptLetter, _ outcome: CutOutcome) {
        finish(kept.sequence, outcome)
        let key = ReplayKey(exporter: kept.letter.exporter, pipeline: kept.letter.pipeline)
        replayCounts.withLock { counts in
            counts[key, default: ReplayCounts()].items += kept.letter.itemCount
            counts[key]!.outcome = counts[key]!.outcome + outcome
        }
    }

    package func replays(of exporter: ComponentID, pipeline: String) -> ReplayCounts {
        replayCounts.withLock { $0[ReplayKey(exporter: exporter, pipeline: pipeline)] ?? ReplayCounts() }
    }

    /// As `request`, for many letters: their records share writes and syncs. A crash in the middle leaves some asked
    /// for, and the others as they were.
    private func request(_ letters: [KeptLetter]) async throws(LogError) {
        var start = 0
        while start < letters.count {
            let group = letters[start..<min(start + Self.requestsAtOnce, letters.count)]
            let failure = await withTaskGroup(of: LogError?.self) { tasks in
                for kept in group {
                    tasks.addTask {
                        do throws(LogError) {
                            try await self.request(kept.sequence)
                            return nil
                        } catch {
                            return error
                        }
                    }
                }
                var first: LogError?
                for await error in tasks { first = first ?? error }
                return first
            }
            if let failure { throw failure }
            start = group.endIndex
        }
    }

    /// The letter's export request.
    package func payload(of sequence: UInt64) throws(LogError) -> [UInt8] {
        guard let kept = index.withLock({ $0.letters[sequence] }) else {
            throw LogError(.misuse, "the dead letter is gone")
        }
        guard let record = try consumer.read([kept.range]).first else {
            throw LogError(.corrupt, "the dead letter cannot be read back")
        }
        return try DeadLetterCoding.decode(record.payload).payload
    }

    func sliced(_ range: Range<Int>, of payload: [UInt8], _ letter: DeadLetter) throws(WireError) -> [UInt8] {
        range == 0..<letter.itemCount ? payload : try slice(range, payload, letter.signal)
    }

    // MARK: For operators

    /// What is kept, oldest first.
    package func letters(_ filter: DeadLetterFilter = DeadLetterFilter()) -> [KeptLetter] {
        index.withLock { $0.matching(filter) }
    }

    /// Has letters sent again, now or at the next start. Returns those meant.
    package func replay(_ filter: DeadLetterFilter) async throws(LogError) -> [KeptLetter] {
        let meant = letters(filter)
        try await request(meant)
        for redrive in redrives.withLock({ Array($0.values) }) { redrive.changed() }
        return meant
    }

    /// Drops letters. Returns those meant.
    package func purge(_ filter: DeadLetterFilter) async throws(LogError) -> [KeptLetter] {
        let meant = letters(filter)
        try await request(meant)
        for kept in meant { finish(kept.sequence, CutOutcome(dropped: kept.letter.itemCount)) }
        return meant
    }

    package var status: LogStatus { log.status }

    func itemCount(of destination: DeadLetterIndex.Destination, _ cause: GiveUpCause) -> Int {
        index.withLock { $0.itemCount(of: destination, cause) }
    }
}

extension DeadLetter {
    /// A letter for some of the items, under an id of its own that is always the same for them.
    func part(_ range: Range<Int>, payload: [UInt8]) -> DeadLetter {
        var part = self
        part.batchID = batchID.part(range)
        part.itemCount = range.count
        part.payload = payload
        return part
    }
}

extension BatchID {
    /// The id of the batch that holds the items `range` of this one.
    func part(_ range: Range<Int>) -> BatchID {
        let word = UInt64(range.lowerBound) << 32 | UInt64(range.upperBound)
        func mixed(_ value: UInt64) -> UInt64 {
            var value = (value ^ word &* 0x9e37_79b9_7f4a_7c15) &* 0xbf58_476d_1ce4_e5b9
            value ^= value >> 31
            return value &* 0x94d0_49bb_1331_11eb
        }
        return BatchID(high: mixed(high), low: mixed(low ^ high))
    }
}
