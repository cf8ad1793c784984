/// Header fields that are to be sent, pseudo header fields first, names in lower case.
///
/// Shape: fields that are part of the program come first; names and values of all others lie in one run of bytes.
struct HTTP2HeaderBlock: Sendable {
    typealias Constant = (name: StaticString, value: StaticString)

    struct Field: Sendable {
        var start: Int
        var nameCount: Int
        var valueCount: Int
    }

    let constants: [Constant]
    private(set) var bytes: [UInt8] = []
    private(set) var fields: [Field] = []

    init(_ constants: [Constant] = []) {
        self.constants = constants
    }

    mutating func append(_ name: String, _ value: String) {
        fields.append(Field(start: bytes.count, nameCount: name.utf8.count, valueCount: value.utf8.count))
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: value.utf8)
    }
}

/// What a peer did, in the order in which it did it.
enum HTTP2Event {
    /// A request's header, as a block of the session's header store. Trailers make no event of their own.
    case headers(stream: Int32, Range<Int>)
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

/// An answer on one stream. A class, because most streams are answered alike: they share one object.
final class HTTP2Response: Sendable {
    /// `:status` first.
    let headers: HTTP2HeaderBlock
    let body: [UInt8]
    /// Sent as a HEADERS frame of their own after the body; nil: the body (or the header) ends the stream.
    let trailers: HTTP2HeaderBlock?

    init(headers: HTTP2HeaderBlock, body: [UInt8] = [], trailers: HTTP2HeaderBlock? = nil) {
        self.headers = headers
        self.body = body
        self.trailers = trailers
    }
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
    /// Names of the fields that are kept of a request's header, others may be missing; nil: all are.
    var keptFields: [String]?
}
