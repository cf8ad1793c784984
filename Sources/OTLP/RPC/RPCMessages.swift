import CProtobufC

// What the small messages have in common. protobuf-c lends and takes bytes by address and count.

extension String {
    /// The bytes of a protobuf-c field as text; each invalid UTF-8 sequence becomes U+FFFD.
    init(_ bytes: ProtobufCBinaryData) {
        guard let start = unsafe bytes.data else {
            self = ""
            return
        }
        self = unsafe String(decoding: UnsafeBufferPointer(start: start, count: bytes.len), as: UTF8.self)
    }
}

extension [UInt8] {
    /// Lends the array to `body` as protobuf-c takes bytes; it must neither keep nor change them.
    func withBinaryData<Result>(_ body: (ProtobufCBinaryData) -> Result) -> Result {
        var copy = self
        return unsafe copy.withUnsafeMutableBufferPointer { buffer in
            unsafe body(ProtobufCBinaryData(len: buffer.count, data: buffer.baseAddress))
        }
    }

    /// An array of `count` bytes that `pack` fills.
    init(packed count: Int, _ pack: (UnsafeMutablePointer<UInt8>) -> Int) {
        guard count > 0 else {
            self = []
            return
        }
        self = unsafe Array(unsafeUninitializedCapacity: count) { buffer, initializedCount in
            initializedCount = unsafe pack(buffer.baseAddress!)
        }
    }
}

extension JSONReader {
    /// Lends a reader of `message`, the JSON form of a small message, to `body`.
    static func read(
        message: [UInt8], _ body: (inout JSONReader) throws(JSONFailure) -> Void
    ) throws(RPCMessageError) {
        do {
            try message.withWireBytes { (bytes) throws(JSONFailure) in
                var reader = JSONReader(bytes)
                try body(&reader)
            }
        } catch {
            throw .malformedJSON(JSONError(error, in: message))
        }
    }
}
