/// A record on its way to the writer, and what to do when it is there.
struct PendingRecord: Sendable {
    enum Effect: Sendable {
        case append(@Sendable (Result<UInt64, LogError>) -> Void)
        /// Changes the places once it is committed, then tells.
        case apply(ControlRecord, @Sendable (Result<Void, LogError>) -> Void)
        /// The places were changed before; nobody waits, so it needs no sync of its own.
        case none
    }

    var kind: RecordHeader.Kind
    var content: LogRecord
    var checksum: UInt32
    var effect: Effect

    var byteCount: Int { RecordHeader.recordByteCount(payload: content.payload.count) }
    var isData: Bool { kind == .data }
    var needsSync: Bool {
        if case .none = effect { false } else { true }
    }

    init(data: LogRecord, completion: @escaping @Sendable (Result<UInt64, LogError>) -> Void) {
        kind = .data
        content = data
        checksum = data.payload.checksum
        effect = .append(completion)
    }

    init(_ control: ControlRecord, effect: Effect) {
        kind = control.kind
        content = LogRecord(payload: control.encoded(), itemCount: 0, receivedAtUnixNanos: 0)
        checksum = content.payload.checksum
        self.effect = effect
    }

    func refuse(_ error: LogError) {
        switch effect {
        case .append(let completion): completion(.failure(error))
        case .apply(_, let completion): completion(.failure(error))
        case .none: break
        }
    }
}
