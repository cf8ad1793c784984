/// Why a run of bytes is not JSON, or not the JSON form of an OTLP message; and where.
///
/// Nothing in it repeats values of the input: it may be logged and sent back to the client. (The path repeats keys.)
package struct JSONError: Error, Sendable, Hashable {
    package enum Code: Error, Sendable, Hashable {
        case unexpectedEnd
        /// The byte cannot stand here in JSON, or the value has another type than the field's.
        case unexpectedCharacter
        /// A raw control character, or an escape that JSON does not know, in a string.
        case invalidString
        case invalidNumber
        /// A number with a fraction where an integer is due.
        case notAnInteger
        case numberOutOfRange
        /// An identifier with characters that are not hexadecimal digits.
        case invalidID
        /// An identifier of another length than its type's, or 0.
        case invalidIDLength
        case unknownEnumerationName
        case invalidBase64
        case nestedTooDeeply
    }

    package let code: Code
    /// Bytes from the start of the input.
    package let offset: Int
    /// From 1.
    package let line: Int
    /// Bytes from the start of the line, from 1.
    package let column: Int
    /// The place in the document, as `resourceSpans[0].scopeSpans[0].spans[2].traceId`; empty at the top.
    package let path: String
}

extension JSONError: CustomStringConvertible {
    package var description: String {
        "\(path.isEmpty ? "" : "\(path): ")\(code) (line \(line), column \(column))"
    }
}

extension JSONError.Code: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unexpectedEnd: "unexpected end of JSON"
        case .unexpectedCharacter: "unexpected character or type of value"
        case .invalidString: "invalid control character or escape in string"
        case .invalidNumber: "invalid number"
        case .notAnInteger: "number is not an integer"
        case .numberOutOfRange: "number out of range"
        case .invalidID: "cannot unmarshal ID from string: not hexadecimal"
        case .invalidIDLength: "invalid length for ID"
        case .unknownEnumerationName: "unknown string value"
        case .invalidBase64: "invalid base64"
        case .nestedTooDeeply: "nested too deeply"
        }
    }
}

/// What the reader throws: cheap to make; `JSONError` adds the line, the column and the path.
struct JSONFailure: Error {
    let code: JSONError.Code
    let offset: Int
}

extension JSONError {
    /// Finds where `failure` stands by a second look at the input, so that reading keeps no track of it.
    init(_ failure: JSONFailure, in json: [UInt8]) {
        var locator = JSONLocator()
        for byte in json.prefix(failure.offset) { locator.pass(byte) }
        self.init(
            code: failure.code, offset: failure.offset, line: locator.line, column: locator.column, path: locator.path)
    }
}

/// Follows the containers and keys of JSON that is well-formed up to where it stops.
private struct JSONLocator {
    private struct Container {
        /// Elements passed, in an array; nil in an object.
        var index: Int?
        var key: [UInt8] = []
        /// Whether the next string of an object is a key.
        var awaitsKey = true
    }

    private static let keyByteCountMax = 64
    private static let depthMax = 512

    private var containers: [Container] = []
    private var isInString = false
    private var isEscaped = false
    private var isInKey = false
    private(set) var line = 1
    private(set) var column = 1

    var path: String {
        var path = ""
        for container in containers {
            if let index = container.index {
                path += "[\(index)]"
            } else if !container.key.isEmpty, !isInKey || container.awaitsKey == false {
                path += (path.isEmpty ? "" : ".") + String(decoding: container.key, as: UTF8.self)
            }
        }
        return path
    }

    mutating func pass(_ byte: UInt8) {
        if byte == UInt8(ascii: "\n") {
            line += 1
            column = 1
        } else {
            column += 1
        }
        if isInString {
            passInString(byte)
        } else {
            passOutsideString(byte)
        }
    }

    private mutating func passInString(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
            if isInKey { containers[containers.count - 1].awaitsKey = false }
            isInKey = false
            return
        }
        if isInKey, containers[containers.count - 1].key.count < JSONLocator.keyByteCountMax {
            containers[containers.count - 1].key.append(byte)
        }
    }

    private mutating func passOutsideString(_ byte: UInt8) {
        let last = containers.count - 1
        switch byte {
        case UInt8(ascii: "\""):
            isInString = true
            isInKey = last >= 0 && containers[last].index == nil && containers[last].awaitsKey
            if isInKey { containers[last].key = [] }
        case UInt8(ascii: "{") where containers.count < JSONLocator.depthMax: containers.append(Container(index: nil))
        case UInt8(ascii: "[") where containers.count < JSONLocator.depthMax: containers.append(Container(index: 0))
        case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = containers.popLast()
        case UInt8(ascii: ",") where last >= 0:
            if let index = containers[last].index {
                containers[last].index = index + 1
            } else {
                containers[last].awaitsKey = true
                containers[last].key = []
            }
        default: break
        }
    }
}
