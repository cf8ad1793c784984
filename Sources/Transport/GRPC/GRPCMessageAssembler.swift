/// Why the bytes of a call are not one acceptable message.
package enum GRPCFramingError: Error, Hashable {
    case tooLarge(declared: Int, limit: Int)
    case invalidFlag(UInt8)
    case secondMessage
    case truncated
    case missing

    var response: GRPCResponse {
        switch self {
        case .tooLarge(let declared, let limit):
            .failure(.resourceExhausted, "grpc: received message larger than max (\(declared) vs. \(limit))")
        case .invalidFlag(let flag):
            .failure(.internal, "grpc: received unexpected payload format \(flag)")
        case .secondMessage:
            .failure(.internal, "grpc: received more than one message for a unary call")
        case .truncated:
            .failure(.internal, "grpc: unexpected EOF inside a message")
        case .missing:
            .failure(.internal, "grpc: received no message for a unary call")
        }
    }
}

/// Puts the one message of a unary call together, however its bytes were split over DATA frames.
///
/// Layout: `compressed: UInt8 (0 or 1) | length: UInt32 big-endian | message[length]`.
package struct GRPCMessageAssembler {
    static let prefixCount = 5
    /// Reserved before any byte of the message came; more only once this much is there, so that a length costs nothing
    /// to declare.
    private static let reservedAtFirst = 1 << 20

    private let limit: Int
    private var prefixRead = 0
    private var flag: UInt8 = 0
    private var declared = 0
    private var message: [UInt8] = []

    /// - Parameter limit: bytes of a message as sent.
    package init(limit: Int) { self.limit = limit }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) throws(GRPCFramingError) {
        var rest = unsafe bytes
        while prefixRead < GRPCMessageAssembler.prefixCount, let byte = unsafe rest.first {
            try appendPrefix(byte)
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
        }
        guard unsafe !rest.isEmpty else { return }
        guard rest.count <= declared - message.count else { throw .secondMessage }
        if message.count + rest.count > GRPCMessageAssembler.reservedAtFirst {
            message.reserveCapacity(declared)
        }
        unsafe message.append(contentsOf: rest)
    }

    private mutating func appendPrefix(_ byte: UInt8) throws(GRPCFramingError) {
        if prefixRead == 0 {
            guard byte <= 1 else { throw .invalidFlag(byte) }
            flag = byte
        } else {
            declared = declared << 8 | Int(byte)
        }
        prefixRead += 1
        guard prefixRead == GRPCMessageAssembler.prefixCount else { return }
        guard declared <= limit else { throw .tooLarge(declared: declared, limit: limit) }
        message.reserveCapacity(min(declared, GRPCMessageAssembler.reservedAtFirst))
    }

    /// The message, when all of it is there. The assembler is empty afterwards.
    package mutating func finish() throws(GRPCFramingError) -> (message: [UInt8], isCompressed: Bool) {
        guard prefixRead > 0 else { throw .missing }
        guard prefixRead == GRPCMessageAssembler.prefixCount, message.count == declared else { throw .truncated }
        defer { message = [] }
        return (message, flag == 1)
    }
}
