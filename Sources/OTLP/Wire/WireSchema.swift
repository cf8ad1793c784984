/// The messages of OTLP as the validating walk sees them.
///
/// Each message is a row of one flat table, indexed by `MessageType.rawValue * WireSchema.rowLength + tag`, so that a
/// field costs one load; every field of the schema but the deprecated number 1000 fits a row.
enum MessageType: UInt8, CaseIterable {
    case tracesRequest, resourceSpans, scopeSpans, span, spanEvent, spanLink, status
    case logsRequest, resourceLogs, scopeLogs, logRecord
    case metricsRequest, resourceMetrics, scopeMetrics, metric
    case gauge, sum, histogram, exponentialHistogram, summary
    case numberDataPoint, histogramDataPoint, exponentialHistogramDataPoint, buckets
    case summaryDataPoint, valueAtQuantile, exemplar
    case resource, scope, entityRef, keyValue, anyValue, arrayValue, keyValueList
}

/// How the payload of a known field is checked.
enum FieldKind: Sendable {
    case varint
    case fixed64
    case fixed32
    /// A string or bytes; not checked further.
    case bytes
    case traceID
    case spanID
    case message(MessageType)
    /// Repeated numbers, packed or one by one.
    case varints
    case fixed64s

    var wireType: WireType {
        switch self {
        case .varint, .varints: .varint
        case .fixed64, .fixed64s: .fixed64
        case .fixed32: .fixed32
        case .bytes, .traceID, .spanID, .message: .lengthDelimited
        }
    }
}

/// One field of a message.
struct FieldRule: Sendable {
    /// How often, and where, the field may occur in a canonical message.
    enum Occurrence: Sendable {
        case repeated
        /// At most once.
        case once
        /// At most once, and before the given field.
        case onceBefore(UInt32)
        /// At most one of the message's members of its oneof.
        case oneof
    }

    let number: UInt32
    let kind: FieldKind
    let occurrence: Occurrence
    /// Whether each occurrence is an item: a span, a log record or a data point.
    let isItem: Bool

    init(_ number: UInt32, _ kind: FieldKind, _ occurrence: Occurrence = .once, isItem: Bool = false) {
        self.number = number
        self.kind = kind
        self.occurrence = occurrence
        self.isItem = isItem
    }
}

/// What the walk does at one tag of one message.
struct WireStep: Sendable {
    enum Action: UInt8 {
        case varint, fixed64, fixed32, bytes, traceID, spanID, keyValue, message, packedVarints, packedFixed64s
        case invalidFieldNumber, unsupportedWireType, unexpectedWireType
        /// The envelope's field 1000, which older clients fill instead of its scopes.
        case deprecatedScopes
    }

    var action: Action
    var child: MessageType = .keyValue
    /// 1 where the field is an item, else 0.
    var itemCount: UInt8 = 0
    /// The field's bit among the fields seen in a message; 0 for unknown fields.
    var bit: UInt32 = 0
    /// The fields after which this one is not canonical.
    var conflicts: UInt32 = 0
}

/// The compiled table.
struct WireSchema: Sendable {
    /// Steps per message: one for each tag up to field 31.
    static let rowLength = 256
    let steps: [WireStep]
    /// Numbers of known fields are below this.
    static let fieldNumberEnd = 32
    /// The rule of each known field, at `MessageType.rawValue * fieldNumberEnd + field number`.
    private let rules: [FieldRule?]

    static let otlp = WireSchema()

    private init() {
        rules = MessageType.allCases.flatMap { type in
            let rules = type.rules
            return (0..<WireSchema.fieldNumberEnd).map { number in rules.first { $0.number == number } }
        }
        steps = MessageType.allCases.flatMap { type in
            let rules = type.rules
            return (0..<WireSchema.rowLength).map { tag in
                WireSchema.step(rules, field: UInt32(tag >> 3), wireType: UInt8(tag & 7))
            }
        }
    }

    /// The rule of a field of a message; nil for an unknown one.
    func rule(_ field: UInt32, of type: MessageType) -> FieldRule? {
        guard field < WireSchema.fieldNumberEnd else { return nil }
        return rules[Int(type.rawValue) * WireSchema.fieldNumberEnd + Int(field)]
    }

    /// The step for a field of 32 or more.
    static func step(highField field: UInt32, wireType: UInt8, of type: MessageType) -> WireStep {
        guard field == ResourceEnvelopeField.deprecatedScopes, let scopes = type.scopesType else {
            return step([], field: field, wireType: wireType)
        }
        guard wireType == WireType.lengthDelimited.rawValue else { return WireStep(action: .unexpectedWireType) }
        return WireStep(action: .deprecatedScopes, child: scopes)
    }

    private static func step(_ rules: [FieldRule], field: UInt32, wireType: UInt8) -> WireStep {
        guard field != 0 else { return WireStep(action: .invalidFieldNumber) }
        guard let wireType = WireType(rawValue: wireType) else { return WireStep(action: .unsupportedWireType) }
        guard let rule = rules.first(where: { $0.number == field }) else {
            return WireStep(action: unknownAction(wireType))
        }
        guard var step = knownStep(rule.kind, wireType) else { return WireStep(action: .unexpectedWireType) }
        step.itemCount = rule.isItem ? 1 : 0
        step.bit = 1 << field
        switch rule.occurrence {
        case .repeated: break
        case .once: step.conflicts = step.bit
        case .onceBefore(let other): step.conflicts = step.bit | 1 << other
        case .oneof:
            for case let member in rules {
                if case .oneof = member.occurrence { step.conflicts |= 1 << member.number }
            }
        }
        return step
    }

    private static func unknownAction(_ wireType: WireType) -> WireStep.Action {
        switch wireType {
        case .varint: .varint
        case .fixed64: .fixed64
        case .fixed32: .fixed32
        case .lengthDelimited: .bytes
        }
    }

    private static func knownStep(_ kind: FieldKind, _ wireType: WireType) -> WireStep? {
        if wireType == .lengthDelimited {
            switch kind {
            case .varints: return WireStep(action: .packedVarints)
            case .fixed64s: return WireStep(action: .packedFixed64s)
            default: break
            }
        }
        guard wireType == kind.wireType else { return nil }
        return switch kind {
        case .traceID: WireStep(action: .traceID)
        case .spanID: WireStep(action: .spanID)
        case .message(.keyValue): WireStep(action: .keyValue, child: .keyValue)
        case .message(let child): WireStep(action: .message, child: child)
        case .varint, .varints, .fixed64, .fixed64s, .fixed32, .bytes: WireStep(action: unknownAction(wireType))
        }
    }
}
