/// Why a run of bytes is not valid protobuf, or not a valid OTLP message.
public enum WireError: Error, Sendable, Hashable {
    /// The bytes end inside a tag, a number or a length-delimited field.
    case truncated
    /// A varint of more than ten bytes.
    case malformedVarint
    /// Field number 0 or above 2^29 - 1.
    case invalidFieldNumber
    /// Wire types 3 and 4 (groups), 6 and 7.
    case unsupportedWireType(UInt8)
    /// A field of the schema came with another wire type than the schema's.
    case unexpectedWireType(field: UInt32, found: UInt8)
    /// AnyValue or unknown nesting deeper than the decoder follows.
    case nestedTooDeeply
    /// A trace id that has neither 0 nor 16 bytes.
    case invalidTraceIDLength(Int)
    /// A span id that has neither 0 nor 8 bytes.
    case invalidSpanIDLength(Int)
}

extension WireError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .truncated: "unexpected EOF"
        case .malformedVarint: "malformed varint: more than ten bytes"
        case .invalidFieldNumber: "invalid field number"
        case .unsupportedWireType(let type): "unsupported wire type \(type)"
        case .unexpectedWireType(let field, let found): "unexpected wire type \(found) for field \(field)"
        case .nestedTooDeeply: "messages nested too deeply"
        case .invalidTraceIDLength(let count): "invalid TraceID length: \(count) bytes"
        case .invalidSpanIDLength(let count): "invalid SpanID length: \(count) bytes"
        }
    }
}
