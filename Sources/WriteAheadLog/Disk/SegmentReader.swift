/// Reads the records of one segment in order, through a buffer, and finds its way around damage.
///
/// It reads up to `endOffset`. Whoever scans a segment whose end is not known gives the file's size, and takes trailing
/// damage for a torn tail. A record whose header verifies but whose payload does not is skipped exactly; behind a bad
/// header the next record that verifies in full, with a sequence that can follow, is looked for at every eighth byte.
struct SegmentReader {
    enum Step {
        /// `payload` is nil for data records that the caller wants only the headers of.
        case record(RecordHeader, offset: Int, payload: [UInt8]?)
        /// Bytes that no record could be made of; what they held is known once the next record has been seen.
        case damage(Range<Int>)
        case end
    }

    /// How much of data records is read. Control records are always read, and verified, whole.
    enum Depth {
        /// Payloads are not verified, and not handed out.
        case headers
        case payloads
    }

    let file: any OpenFile
    private let seed: UInt32
    let endOffset: Int
    /// Where the next record is expected.
    private var offset = SegmentHeader.byteCount
    /// No record has a lower sequence than this.
    private var sequenceMin: UInt64
    private var buffer: [UInt8] = []
    private var bufferOffset = 0
    private let readAhead: Int
    /// Whether the last payload was too long to be worth a place in the buffer; then the next one mostly is, too.
    private var payloadsAreLong = false
    /// Longer payloads are read into arrays of their own, and ahead of them no more than the header.
    private static let longPayloadBytes = 64 << 10
    private static let readAheadOfLong = 4 << 10
    /// What the next call returns: found behind damage.
    private var pendingStep: Step?

    /// - Parameter readAhead: bytes to read at once.
    init(file: any OpenFile, header: SegmentHeader, endOffset: Int, readAhead: Int) {
        self.file = file
        seed = header.seed
        sequenceMin = header.first.sequence
        self.endOffset = endOffset
        self.readAhead = readAhead
    }

    /// Continues a reader after its segment has grown.
    func extended(to endOffset: Int) -> SegmentReader {
        var reader = SegmentReader(file: file, seed: seed, endOffset: endOffset, readAhead: readAhead, sequenceMin)
        reader.offset = offset
        reader.pendingStep = pendingStep
        reader.payloadsAreLong = payloadsAreLong
        return reader
    }

    private init(file: any OpenFile, seed: UInt32, endOffset: Int, readAhead: Int, _ sequenceMin: UInt64) {
        self.file = file
        self.seed = seed
        self.endOffset = endOffset
        self.readAhead = readAhead
        self.sequenceMin = sequenceMin
    }

    mutating func next(_ depth: Depth) throws(FileSystemError) -> Step {
        if let step = pendingStep {
            pendingStep = nil
            return step
        }
        guard offset + RecordHeader.byteCount <= endOffset else {
            return endOfRecords(from: offset)
        }
        if let header = try header(at: offset), header.sequence >= sequenceMin,
            offset + header.recordByteCount <= endOffset
        {
            return try step(header, depth)
        }
        return try resynchronize()
    }

    /// The payload of the record at `offset` that `header` describes; nil when it does not verify.
    mutating func payload(of header: RecordHeader, at offset: Int) throws(FileSystemError) -> [UInt8]? {
        let start = offset + RecordHeader.byteCount
        let range = start..<start + header.payloadByteCount
        payloadsAreLong = range.count >= Self.longPayloadBytes
        if payloadsAreLong, range.upperBound > bufferOffset + buffer.count {
            let payload = try file.read(range)
            return payload.count == range.count && payload.checksum == header.payloadChecksum ? payload : nil
        }
        guard let local = try fill(range) else { return nil }
        guard buffer.checksum(local) == header.payloadChecksum else { return nil }
        return Array(buffer[local])
    }

    private mutating func step(_ header: RecordHeader, _ depth: Depth) throws(FileSystemError) -> Step {
        let start = offset
        var content: [UInt8]?
        if depth == .payloads || header.kind != .data {
            content = try payload(of: header, at: start)
            if content == nil {
                offset += header.recordByteCount
                sequenceMin = header.sequence + (header.kind == .data ? 1 : 0)
                return .damage(start..<offset)
            }
        }
        offset += header.recordByteCount
        sequenceMin = header.sequence + (header.kind == .data ? 1 : 0)
        return .record(header, offset: start, payload: content)
    }

    private mutating func endOfRecords(from start: Int) -> Step {
        offset = endOffset
        return start < endOffset ? .damage(start..<endOffset) : .end
    }

    /// Looks for the next good record behind `offset`.
    private mutating func resynchronize() throws(FileSystemError) -> Step {
        let start = offset
        var candidate = offset + 8
        while let next = try nextPlausible(from: candidate) {
            if let header = try header(at: next), next + header.recordByteCount <= endOffset,
                try payload(of: header, at: next) != nil
            {
                offset = next
                sequenceMin = header.sequence
                return .damage(start..<next)
            }
            candidate = next + 8
        }
        return endOfRecords(from: start)
    }

    /// Where the next header may stand, from `candidate` on: its sequence can follow. An empty segment is passed at the
    /// speed of memory.
    private mutating func nextPlausible(from candidate: Int) throws(FileSystemError) -> Int? {
        // Between here and there at most so many records can have been.
        let sequences = sequenceMin...sequenceMin + UInt64(endOffset / RecordHeader.byteCount)
        var candidate = candidate
        while candidate + RecordHeader.byteCount <= endOffset {
            guard let local = try fill(candidate..<candidate + RecordHeader.byteCount) else { return nil }
            let starts = (buffer.count - RecordHeader.byteCount - local.lowerBound) / 8 + 1
            let first = local.lowerBound + RecordHeader.sequenceOffset
            if let found = buffer.firstWord(in: sequences, at: first, count: starts) {
                return bufferOffset + found - RecordHeader.sequenceOffset
            }
            candidate += starts * 8
        }
        return nil
    }

    private mutating func header(at offset: Int) throws(FileSystemError) -> RecordHeader? {
        guard let local = try fill(offset..<offset + RecordHeader.byteCount) else { return nil }
        return RecordHeader.read(buffer, at: local.lowerBound, seed: seed)
    }

    /// Brings `range` of the file into the buffer. Returns where in the buffer it is; nil when the file is shorter.
    private mutating func fill(_ range: Range<Int>) throws(FileSystemError) -> Range<Int>? {
        if range.lowerBound < bufferOffset || range.upperBound > bufferOffset + buffer.count {
            let ahead = payloadsAreLong ? Self.readAheadOfLong : readAhead
            let count = min(max(range.count, ahead), max(endOffset - range.lowerBound, range.count))
            buffer = try file.read(range.lowerBound..<range.lowerBound + count)
            bufferOffset = range.lowerBound
        }
        guard range.upperBound <= bufferOffset + buffer.count else { return nil }
        return range.lowerBound - bufferOffset..<range.upperBound - bufferOffset
    }
}
