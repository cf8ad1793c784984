/// What one value of a field is, in protobuf and in JSON.
enum ValueKind {
    case string
    /// Base64 in JSON.
    case bytes
    /// 16 bytes or none; hex in JSON.
    case traceID
    /// 8 bytes or none; hex in JSON.
    case spanID
    case bool
    case int64
    case uint32
    case uint64
    case sint32
    case fixed32
    case fixed64
    case sfixed64
    case double
    case enumeration(EnumerationKind)
    case message(MessageType)

    /// The wire type of one value that is not packed.
    var wireType: WireType {
        switch self {
        case .string, .bytes, .traceID, .spanID, .message: .lengthDelimited
        case .bool, .int64, .uint32, .uint64, .sint32, .enumeration: .varint
        case .fixed32: .fixed32
        case .fixed64, .sfixed64, .double: .fixed64
        }
    }
}

/// When a field is written.
enum FieldPresence {
    /// Singular; left out in protobuf and JSON when it holds its type's default.
    case implicit
    /// As `implicit` in protobuf, but always there in JSON: identifiers, and the messages that otelcol embeds.
    case always
    /// A oneof member or `optional` field: written when it was set, be it to zero.
    case explicit
    case repeated
}

/// One field of one message.
struct FieldSchema {
    /// The highest field number of any OTLP message.
    static let numberMax = 16

    /// The key as JSON writes it: quoted lowerCamelCase with the colon, `"traceId":`.
    let key: StaticString
    let number: UInt32
    let kind: ValueKind
    let presence: FieldPresence
    /// The members of this field's oneof as bits `1 << number`, itself included; 0 outside oneofs.
    let oneof: UInt32
    /// The field that must come after this one in a canonical request, as a bit `1 << number`; 0 for any order.
    let follower: UInt32
    /// The tag of one element, if this is a repeated field whose elements are never packed.
    let elementTag: UInt8?
    /// The first eight bytes of `key`, in memory order; those that it does not have are 0 in both.
    let keyStart: UInt64
    let keyStartMask: UInt64

    init(
        _ key: StaticString, _ number: UInt32, _ kind: ValueKind, _ presence: FieldPresence = .implicit,
        oneof: UInt32 = 0, before follower: UInt32? = nil
    ) {
        self.key = key
        self.number = number
        self.kind = kind
        self.presence = presence
        self.oneof = oneof
        self.follower = follower.map { 1 << $0 } ?? 0
        var start: UInt64 = 0
        var mask: UInt64 = 0
        for index in 0..<min(key.utf8CodeUnitCount, 8) {
            start |= unsafe UInt64(key.utf8Start[index]) << (8 * index)
            mask |= 0xff << (8 * index)
        }
        keyStart = start.littleEndian
        keyStartMask = mask.littleEndian
        let isNeverPacked = presence == .repeated && kind.wireType == .lengthDelimited
        elementTag = isNeverPacked ? UInt8(number << 3) | WireType.lengthDelimited.rawValue : nil
    }

    static func repeated(_ key: StaticString, _ number: UInt32, _ kind: ValueKind) -> FieldSchema {
        FieldSchema(key, number, kind, .repeated)
    }

    static func always(_ key: StaticString, _ number: UInt32, _ kind: ValueKind) -> FieldSchema {
        FieldSchema(key, number, kind, .always)
    }

    static func optional(_ key: StaticString, _ number: UInt32, _ kind: ValueKind) -> FieldSchema {
        FieldSchema(key, number, kind, .explicit)
    }

    static func member(
        of members: [UInt32], _ key: StaticString, _ number: UInt32, _ kind: ValueKind
    ) -> FieldSchema {
        FieldSchema(key, number, kind, .explicit, oneof: members.reduce(0) { $0 | 1 << $1 })
    }

    /// Whether this field can stand in a message only once.
    var isSingular: Bool { presence != .repeated }

    /// Whether `name` is this field's key, in lowerCamelCase or in snake_case.
    func isNamed(_ name: WireBytes) -> Bool {
        name.count + 3 == key.utf8CodeUnitCount ? hasCamelCaseName(name) : hasSnakeCaseName(name)
    }

    private func hasCamelCaseName(_ name: WireBytes) -> Bool {
        for index in 0..<name.count where unsafe name.start[index] != key.utf8Start[index + 1] { return false }
        return true
    }

    private func hasSnakeCaseName(_ name: WireBytes) -> Bool {
        let keyEnd = key.utf8CodeUnitCount - 2
        guard name.count + 3 > key.utf8CodeUnitCount else { return false }
        var position = 0
        for index in 1..<keyEnd {
            var expected = unsafe key.utf8Start[index]
            if expected >= UInt8(ascii: "A"), expected <= UInt8(ascii: "Z") {
                guard position < name.count, name[position] == UInt8(ascii: "_") else { return false }
                position += 1
                expected |= 0x20
            }
            guard position < name.count, name[position] == expected else { return false }
            position += 1
        }
        return position == name.count
    }
}

/// All messages of OTLP as one table, which drives the JSON coders of both directions.
///
/// The fields of a message stand in the order in which the published schema declares them: the order of the keys in
/// otelcol's JSON.
///
/// Unchecked: made once, the tables never change.
@safe
struct OTLPSchema: @unchecked Sendable {
    static let shared = OTLPSchema()

    // Tables that live as long as the program: looking into an array would count references, for each field.

    /// The fields of all messages, message by message.
    private let fields: UnsafeMutableBufferPointer<FieldSchema>
    /// By raw value of `MessageType`: where the message's fields stand in `fields`.
    private let ranges: UnsafeMutableBufferPointer<Range<Int>>
    /// By raw value of `MessageType` times `stride` plus field number: the field's place in `fields`, or -1.
    private let places: UnsafeMutableBufferPointer<Int16>
    /// By raw value of `MessageType`.
    private let alwaysMasks: UnsafeMutableBufferPointer<UInt32>

    private static let stride = FieldSchema.numberMax + 1

    private init() {
        var fields: [FieldSchema] = []
        var ranges: [Range<Int>] = []
        var places = [Int16](repeating: -1, count: MessageType.allCases.count * OTLPSchema.stride)
        for kind in MessageType.allCases {
            let start = fields.count
            for field in OTLPSchema.fields(of: kind) {
                places[Int(kind.rawValue) * OTLPSchema.stride + Int(field.number)] = Int16(fields.count)
                fields.append(field)
            }
            ranges.append(start..<fields.count)
        }
        unsafe self.fields = OTLPSchema.table(of: fields)
        unsafe self.ranges = OTLPSchema.table(of: ranges)
        unsafe self.places = OTLPSchema.table(of: places)
        unsafe alwaysMasks = OTLPSchema.table(
            of: ranges.map { range in
                fields[range].reduce(0) { $1.presence == .always ? $0 | 1 << $1.number : $0 }
            })
    }

    private static func table<Element>(of elements: [Element]) -> UnsafeMutableBufferPointer<Element> {
        let table = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = unsafe table.initialize(fromContentsOf: elements)
        return unsafe table
    }

    /// The field at `place`, which this schema has told.
    @inline(__always)
    func field(at place: Int) -> FieldSchema {
        precondition(unsafe fields.indices.contains(place), "no field of the schema")
        return unsafe fields[place]
    }

    /// `1 << number` of the field at `place`.
    @inline(__always)
    func bit(at place: Int) -> UInt32 {
        precondition(unsafe fields.indices.contains(place), "no field of the schema")
        return unsafe 1 << fields[place].number
    }

    /// The fields of `message` that JSON always has, as bits `1 << number`.
    func alwaysMask(of message: MessageType) -> UInt32 { unsafe alwaysMasks[Int(message.rawValue)] }

    /// Where the fields of `message` stand in `fields`.
    func range(of message: MessageType) -> Range<Int> {
        unsafe ranges[Int(message.rawValue)]
    }

    /// The place in `fields` of field `number` of `message`, or nil when the schema knows no such field.
    func place(of number: UInt32, in message: MessageType) -> Int? {
        guard number <= FieldSchema.numberMax else { return nil }
        let place = unsafe Int(places[Int(message.rawValue) * OTLPSchema.stride + Int(number)])
        return place < 0 ? nil : place
    }

    /// Reads the key of a member of `message`, and the colon after it, if it is written as usual: unescaped in
    /// lowerCamelCase, without white space before the colon.
    ///
    /// - Parameter hint: as `place(named:in:hint:)` has it.
    /// - Returns: the field's place in `fields`; nil, and nothing is read, for any other key.
    @inline(__always)
    func takeKey(from reader: inout JSONReader, in message: MessageType, hint: Int) -> Int? {
        let range = range(of: message)
        var place = hint
        while place < range.upperBound {
            if reader.take(keyOf: unsafe fields[place]) { return place }
            place += 1
        }
        place = range.lowerBound
        while place < hint {
            if reader.take(keyOf: unsafe fields[place]) { return place }
            place += 1
        }
        return nil
    }

    /// The place in `fields` of the field of `message` that JSON names `key`, or nil.
    ///
    /// - Parameter hint: the place to try first: the one after the field found last, as keys mostly come in order.
    func place(named key: WireBytes, in message: MessageType, hint: Int) -> Int? {
        let range = range(of: message)
        for place in hint..<max(hint, range.upperBound) where field(at: place).isNamed(key) { return place }
        for place in range.lowerBound..<min(hint, range.upperBound) where field(at: place).isNamed(key) { return place }
        return nil
    }
}
