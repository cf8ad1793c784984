internal import Glibc

/// The fields of one HEADERS frame with its CONTINUATIONs, pseudo header fields first, names in lower case.
///
/// Shape: all names and values in one run of bytes, so that a block costs two allocations however many fields it has.
struct HTTP2HeaderBlock: Sendable {
    struct Field: Sendable {
        var start: Int
        var nameCount: Int
        var valueCount: Int
    }

    private(set) var bytes: [UInt8] = []
    private(set) var fields: [Field] = []

    init() {}

    /// An empty block with room for `fieldCount` fields of together `byteCount` bytes.
    init(fieldCount: Int, byteCount: Int) {
        fields.reserveCapacity(fieldCount)
        bytes.reserveCapacity(byteCount)
    }

    /// Bytes of all names and values, and 32 for each field, as SETTINGS_MAX_HEADER_LIST_SIZE counts them.
    var listSize: Int { bytes.count + 32 * fields.count }

    mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        fields.append(Field(start: bytes.count, nameCount: name.count, valueCount: value.count))
        unsafe bytes.append(contentsOf: name)
        unsafe bytes.append(contentsOf: value)
    }

    mutating func append(_ name: String, _ value: String) {
        fields.append(Field(start: bytes.count, nameCount: name.utf8.count, valueCount: value.utf8.count))
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: value.utf8)
    }

    /// The first field `name`.
    func firstField(_ name: StaticString) -> Field? {
        for field in fields where field.nameCount == name.utf8CodeUnitCount {
            if unsafe equal(field.start, UnsafeBufferPointer(start: name.utf8Start, count: field.nameCount)) {
                return field
            }
        }
        return nil
    }

    /// The first value of `name`; invalid UTF-8 is replaced.
    func first(_ name: StaticString) -> String? { firstField(name).map(value(of:)) }

    /// Whether the value of `field` is `text`; no string is made to find out.
    func hasValue(_ text: String, in field: Field) -> Bool {
        // The text is a native string, whose bytes lie in one piece.
        unsafe text.utf8.withContiguousStorageIfAvailable { text in
            unsafe text.count == field.valueCount && equal(field.start + field.nameCount, text)
        } ?? false
    }

    private func equal(_ start: Int, _ other: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let otherBase = other.baseAddress else { return true }
        return unsafe bytes.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return false }
            return unsafe memcmp(base + start, otherBase, other.count) == 0
        }
    }

    /// All fields as text.
    var pairs: [(name: String, value: String)] { fields.map { (name(of: $0), value(of: $0)) } }

    private func name(of field: Field) -> String {
        String(decoding: bytes[field.start..<field.start + field.nameCount], as: UTF8.self)
    }

    /// Invalid UTF-8 is replaced.
    func value(of field: Field) -> String {
        let start = field.start + field.nameCount
        return String(decoding: bytes[start..<start + field.valueCount], as: UTF8.self)
    }
}

/// What a peer did, in the order in which it did it.
enum HTTP2Event {
    /// A request's header. Trailers make no event of their own.
    case headers(stream: Int32, HTTP2HeaderBlock)
    /// Bytes of a DATA frame, as a range of the input that is being read.
    case data(stream: Int32, Range<Int>)
    /// The peer has ended its side of the stream.
    case endOfStream(Int32)
    /// The stream is gone: finished by both sides, or reset by one.
    case closed(stream: Int32)
    /// A PING that was answered already.
    case ping
    /// The answer to one of our PINGs.
    case pingAcknowledged
    /// A frame that makes work and carries nothing: SETTINGS, PRIORITY, an empty DATA frame.
    case overhead
}

/// An answer on one stream.
struct HTTP2Response: Sendable {
    /// `:status` first.
    var headers: HTTP2HeaderBlock
    var body: [UInt8] = []
    /// Sent as a HEADERS frame of their own after the body; nil: the body (or the header) ends the stream.
    var trailers: HTTP2HeaderBlock?
}

/// Why a session cannot go on.
struct HTTP2Error: Error, CustomStringConvertible {
    let description: String
}

/// What the server tells its peers, and holds them to.
struct HTTP2Settings: Sendable {
    var maxConcurrentStreams = 1024
    var streamWindowBytes = 1 << 20
    var connectionWindowBytes = 16 << 20
    var maxHeaderListBytes = 64 << 10
}
