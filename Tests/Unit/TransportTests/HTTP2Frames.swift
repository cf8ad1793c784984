/// HTTP/2 frames written by hand, for what no decent client sends.
enum HTTP2Frames {
    enum Kind: UInt8 {
        case data = 0
        case headers = 1
        case resetStream = 3
        case settings = 4
        case ping = 6
        case goAway = 7
        case windowUpdate = 8
        case continuation = 9
    }

    static let endStream: UInt8 = 1
    static let endHeaders: UInt8 = 4

    /// The client's magic and an empty SETTINGS frame.
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(.settings, stream: 0, [])

    static func frame(_ kind: Kind, flags: UInt8 = 0, stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
        bigEndian(UInt32(payload.count)).dropFirst() + [kind.rawValue, flags] + bigEndian(stream) + payload
    }

    static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    /// The header of a call, as literals without indexing.
    static func headers(
        stream: UInt32, path: String, method: String = "POST", contentType: String = "application/grpc",
        extra: [(String, String)] = [], endsStream: Bool = false
    ) -> [UInt8] {
        let fields =
            [
                (":method", method), (":scheme", "http"), (":path", path), (":authority", "x"),
                ("content-type", contentType), ("te", "trailers"),
            ] + extra
        let block = fields.flatMap { (name, value) -> [UInt8] in [0] + literal(name) + literal(value) }
        return frame(.headers, flags: endHeaders | (endsStream ? endStream : 0), stream: stream, block)
    }

    /// A whole call.
    static func call(stream: UInt32, path: String, message: String) -> [UInt8] {
        headers(stream: stream, path: path)
            + frame(
                .data, flags: endStream, stream: stream,
                [0] + bigEndian(UInt32(message.utf8.count)) + Array(message.utf8))
    }

    private static func literal(_ text: String) -> [UInt8] {
        let count = text.utf8.count
        guard count >= 127 else { return [UInt8(count)] + Array(text.utf8) }
        var prefix: [UInt8] = [127]
        var rest = count - 127
        while rest >= 128 {
            prefix.append(UInt8(rest % 128 + 128))
            rest /= 128
        }
        return prefix + [UInt8(rest)] + Array(text.utf8)
    }

    /// The frames in `bytes`; what is cut at the end is left out.
    static func parse(_ bytes: [UInt8]) -> [(kind: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8])] {
        var frames: [(kind: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8])] = []
        var offset = 0
        while offset + 9 <= bytes.count {
            let count = bytes[offset..<offset + 3].reduce(0) { $0 << 8 | Int($1) }
            guard offset + 9 + count <= bytes.count else { break }
            let stream = bytes[offset + 5..<offset + 9].reduce(0) { $0 << 8 | UInt32($1) }
            frames.append(
                (bytes[offset + 3], bytes[offset + 4], stream, Array(bytes[offset + 9..<offset + 9 + count])))
            offset += 9 + count
        }
        return frames
    }
}
