import Glibc

/// Reads JSON from borrowed bytes, one token after the other, without building anything.
///
/// This file and its extensions hold all raw reads of JSON: every read follows a bounds check. Ownership: the bytes
/// belong to whoever opened the enclosing `withWireBytes` scope. Errors: `JSONFailure`; after one the reader must not
/// be used.
@safe
struct JSONReader: ~Copyable {
    /// Containers inside a value that is skipped.
    static let skippedDepthMax = 64

    let start: UnsafePointer<UInt8>
    var next: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>
    /// Where strings with escapes are decoded; the last one stays until the next is read.
    var scratch: UnsafeMutablePointer<UInt8>
    var scratchCapacity: Int

    init(_ json: WireBytes) {
        unsafe start = json.start
        unsafe next = json.start
        unsafe end = json.start + json.count
        scratchCapacity = 256
        unsafe scratch = UnsafeMutablePointer<UInt8>.allocate(capacity: scratchCapacity)
    }

    deinit {
        unsafe scratch.deallocate()
    }

    /// Bytes read so far.
    var offset: Int { unsafe next - start }

    /// Bytes not yet read.
    var remaining: Int { unsafe end - next }

    func failure(_ code: JSONError.Code) -> JSONFailure {
        JSONFailure(code: code, offset: offset)
    }

    @inline(__always)
    mutating func skipWhitespace() {
        while unsafe next < end, unsafe next.pointee <= 0x20 {
            switch unsafe next.pointee {
            case 0x20, 0x0a, 0x0d, 0x09: unsafe next += 1
            default: return
            }
        }
    }

    /// The first byte of the next token, which is not consumed.
    @inline(__always)
    mutating func peek() throws(JSONFailure) -> UInt8 {
        skipWhitespace()
        guard unsafe next < end else { throw failure(.unexpectedEnd) }
        return unsafe next.pointee
    }

    /// Consumes the one-byte token `token`.
    @inline(__always)
    mutating func expect(_ token: Unicode.Scalar) throws(JSONFailure) {
        guard try peek() == UInt8(ascii: token) else { throw failure(.unexpectedCharacter) }
        unsafe next += 1
    }

    /// Consumes `literal` (`null`, `true`, `false`) if it comes next.
    @inline(__always)
    mutating func take(_ literal: StaticString) throws(JSONFailure) -> Bool {
        guard try unsafe peek() == literal.utf8Start.pointee else { return false }
        return try takeRest(of: literal)
    }

    @inline(never)
    private mutating func takeRest(of literal: StaticString) throws(JSONFailure) -> Bool {
        let count = literal.utf8CodeUnitCount
        for index in 0..<count {
            guard unsafe next + index < end else { throw JSONFailure(code: .unexpectedEnd, offset: offset + index) }
            guard unsafe next[index] == literal.utf8Start[index] else { throw failure(.unexpectedCharacter) }
        }
        unsafe next += count
        return true
    }

    /// Moves on to the next element of an array whose `[` has been read, or past its `]`.
    ///
    /// - Parameter isFirst: true before the first call.
    /// - Returns: false at the end of the array.
    @inline(__always)
    mutating func nextElement(_ isFirst: inout Bool) throws(JSONFailure) -> Bool {
        if try peek() == UInt8(ascii: "]") {
            unsafe next += 1
            return false
        }
        if !isFirst {
            try expect(",")
            if try peek() == UInt8(ascii: "]") { throw failure(.unexpectedCharacter) }
        }
        isFirst = false
        return true
    }

    /// Moves on to the next member of an object whose `{` has been read, and past its key and colon, or past its `}`.
    ///
    /// - Parameter isFirst: true before the first call.
    /// - Returns: the key, good until the next string is read; nil at the end of the object.
    mutating func nextKey(_ isFirst: inout Bool) throws(JSONFailure) -> WireBytes? {
        try nextMember(&isFirst) ? readKey() : nil
    }

    /// Moves on to the key of the next member of an object whose `{` has been read, or past its `}`.
    ///
    /// - Parameter isFirst: true before the first call.
    /// - Returns: false at the end of the object.
    @inline(__always)
    mutating func nextMember(_ isFirst: inout Bool) throws(JSONFailure) -> Bool {
        if try peek() == UInt8(ascii: "}") {
            unsafe next += 1
            return false
        }
        if !isFirst { try expect(",") }
        isFirst = false
        skipWhitespace()
        return true
    }

    /// Reads a key and the colon after it.
    ///
    /// - Returns: the key, good until the next string is read.
    mutating func readKey() throws(JSONFailure) -> WireBytes {
        let key = try readString()
        try expect(":")
        return key
    }

    /// Reads past one value of any type.
    ///
    /// - Parameter depth: containers that may still be opened inside.
    mutating func skipValue(depth: Int) throws(JSONFailure) {
        switch try peek() {
        case UInt8(ascii: "{"):
            guard depth > 0 else { throw failure(.nestedTooDeeply) }
            unsafe next += 1
            var isFirst = true
            while try nextKey(&isFirst) != nil { try skipValue(depth: depth - 1) }
        case UInt8(ascii: "["):
            guard depth > 0 else { throw failure(.nestedTooDeeply) }
            unsafe next += 1
            var isFirst = true
            while try nextElement(&isFirst) { try skipValue(depth: depth - 1) }
        case UInt8(ascii: "\""): _ = try readString()
        case UInt8(ascii: "n"): _ = try take("null")
        case UInt8(ascii: "t"): _ = try take("true")
        case UInt8(ascii: "f"): _ = try take("false")
        default: _ = try readNumber()
        }
    }
}
