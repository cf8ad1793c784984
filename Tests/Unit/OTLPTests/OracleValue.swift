import COTLPMessages
import CProtobufC
import Foundation
import TestSupport

@testable import OTLP

/// An AnyValue as protobuf-c decodes it, and what otelcol's actions make of one, written without regard for speed.
indirect enum OracleValue {
    case empty
    case string([UInt8])
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case bytes([UInt8])
    case list([OracleValue])
    case map([(key: [UInt8], value: OracleValue)])

    init(_ pointer: UnsafePointer<Otlp__AnyValue>?) {
        guard let value = unsafe pointer?.pointee else {
            self = .empty
            return
        }
        switch unsafe value.value_case {
        case OTLP__ANY_VALUE__VALUE_STRING_VALUE: self = unsafe .string(Array(value.string_value))
        case OTLP__ANY_VALUE__VALUE_BOOL_VALUE: self = unsafe .bool(value.bool_value != 0)
        case OTLP__ANY_VALUE__VALUE_INT_VALUE: self = unsafe .int(value.int_value)
        case OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE: self = unsafe .double(value.double_value)
        case OTLP__ANY_VALUE__VALUE_BYTES_VALUE: self = unsafe .bytes(Array(value.bytes_value))
        case OTLP__ANY_VALUE__VALUE_ARRAY_VALUE:
            let list = unsafe value.array_value.pointee
            self = unsafe .list((0..<list.n_values).map { unsafe OracleValue(list.values[$0]) })
        case OTLP__ANY_VALUE__VALUE_KVLIST_VALUE:
            let map = unsafe value.kvlist_value.pointee
            self = unsafe .map(
                (0..<map.n_values).map { index in
                    let entry = unsafe map.values[index]!.pointee
                    return unsafe (Array(entry.key), OracleValue(entry.value))
                })
        default: self = .empty
        }
    }

    /// - Parameter anyValue: the message's bytes; empty if they are none.
    init(_ anyValue: [UInt8]) {
        let message = unsafe otlp__any_value__unpack(nil, anyValue.count, anyValue)
        self = unsafe OracleValue(message)
        unsafe otlp__any_value__free_unpacked(message, nil)
    }

    init(_ constant: AttributeConstant) {
        self =
            switch constant {
            case .empty: .empty
            case .string(let text): .string(Array(text.utf8))
            case .bool(let value): .bool(value)
            case .int(let value): .int(value)
            case .double(let value): .double(value)
            case .list(let elements): .list(elements.map { OracleValue($0) })
            case .map(let pairs): .map(pairs.map { (Array($0.key.utf8), OracleValue($0.value)) })
            }
    }

    /// The AnyValue.
    var message: ProtobufMessage {
        switch self {
        case .empty: ProtobufMessage()
        case .string(let text): ProtobufMessage([ProtobufField(1, .bytes(text))])
        case .bool(let value): ProtobufMessage([ProtobufField(2, .varint(value ? 1 : 0))])
        case .int(let value): ProtobufMessage([ProtobufField(3, .varint(UInt64(bitPattern: value)))])
        case .double(let value): ProtobufMessage([ProtobufField(4, .fixed64(value.bitPattern))])
        case .bytes(let bytes): ProtobufMessage([ProtobufField(7, .bytes(bytes))])
        case .list(let elements):
            ProtobufMessage([
                ProtobufField(5, .message(ProtobufMessage(elements.map { ProtobufField(1, .message($0.message)) })))
            ])
        case .map(let entries):
            ProtobufMessage([
                ProtobufField(
                    6,
                    .message(
                        ProtobufMessage(
                            entries.map { entry in
                                let fields = [
                                    ProtobufField(1, .bytes(entry.key)),
                                    ProtobufField(2, .message(entry.value.message)),
                                ]
                                return ProtobufField(1, .message(ProtobufMessage(fields)))
                            })))
            ])
        }
    }

    /// What `hash` puts in the value's place. The digest is libcrypto's here and there; its hex form has known answers
    /// in EditActionTests.
    var hash: [UInt8] {
        var input: [UInt8] = []
        switch self {
        case .string(let text): input = text
        case .bool(let value): input = [value ? 1 : 0]
        case .int(let value): input = unsafe withUnsafeBytes(of: value.littleEndian) { unsafe Array($0) }
        case .double(let value):
            input = unsafe withUnsafeBytes(of: value.bitPattern.littleEndian) { unsafe Array($0) }
        case .empty, .bytes, .list, .map: break
        }
        return input.isEmpty ? [] : input.withWireBytes { SHA256.hexDigest(of: $0) }
    }

    /// nil where the value stays as it is.
    func converted(to type: ConvertedType) -> OracleValue? {
        switch (type, self) {
        case (.string, .string), (.int, .int), (.double, .double): nil
        case (.string, _): .string(Array(text.utf8))
        case (.int, .bool(let value)): .int(value ? 1 : 0)
        case (.int, .double(let value)): .int(value > -0x1p63 && value < 0x1p63 ? Int64(value) : .min)
        case (.int, .string(let text)): Self.integer(text).map { .int($0) }
        case (.double, .bool(let value)): .double(value ? 1 : 0)
        case (.double, .int(let value)): .double(Double(value))
        case (.double, .string(let text)): Self.number(text).map { .double($0) }
        default: nil
        }
    }

    /// Decimal digits with a sign at most.
    private static func integer(_ text: [UInt8]) -> Int64? {
        let text = String(decoding: text, as: UTF8.self)
        guard text.wholeMatch(of: /[+-]?[0-9]+/) != nil else { return nil }
        errno = 0
        let number = unsafe strtoll(text, nil, 10)
        return errno == ERANGE ? nil : Int64(number)
    }

    /// What both Go and C read as a number, if it is in range.
    private static func number(_ text: [UInt8]) -> Double? {
        let text = String(decoding: text, as: UTF8.self)
        let isDecimal = text.wholeMatch(of: /[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?/) != nil
        let isHexadecimal =
            text.wholeMatch(of: /[+-]?0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+/) != nil
        let isName = text.wholeMatch(of: /([+-]?(inf|infinity))|nan/.ignoresCase()) != nil
        guard isDecimal || isHexadecimal || isName else { return nil }
        let number = unsafe strtod(text, nil)
        return number.isInfinite && !isName ? nil : number
    }

    // MARK: Text

    /// The value as text that is UTF-8, which all but strings are.
    var text: String {
        switch self {
        case .empty: return ""
        case .string(let text): return String(decoding: text, as: UTF8.self)
        case .bool(let value): return "\(value)"
        case .int(let value): return "\(value)"
        case .double(let value):
            if value.isNaN { return "json: unsupported value: NaN" }
            if value.isInfinite { return "json: unsupported value: \(value < 0 ? "-" : "+")Inf" }
            return Self.shortest(value)
        case .bytes(let bytes): return Data(bytes).base64EncodedString()
        case .list, .map: return json ?? ""
        }
    }

    /// The value as text; strings stay the bytes they are.
    var textBytes: [UInt8] {
        if case .string(let text) = self { return text }
        return Array(text.utf8)
    }

    /// nil where a number in it is not finite.
    private var json: String? {
        switch self {
        case .empty: return "null"
        case .string(let text): return Self.quoted(text)
        case .bool, .int: return text
        case .double(let value): return value.isFinite ? text : nil
        case .bytes(let bytes): return bytes.isEmpty ? "null" : "\"\(text)\""
        case .list(let elements):
            let parts = elements.map(\.json)
            return parts.contains { $0 == nil } ? nil : "[\(parts.compactMap { $0 }.joined(separator: ","))]"
        case .map(let entries):
            var values: [[UInt8]: OracleValue] = [:]
            for entry in entries { values[entry.key] = entry.value }
            let sorted = values.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            let parts = sorted.map { entry in entry.value.json.map { "\(Self.quoted(entry.key)):\($0)" } }
            return parts.contains { $0 == nil } ? nil : "{\(parts.compactMap { $0 }.joined(separator: ","))}"
        }
    }

    private static func quoted(_ text: [UInt8]) -> String {
        var result = "\""
        var decoder = UTF8()
        var rest = text[...]
        // One character at a time; a byte that begins none stands for itself.
        while !rest.isEmpty {
            var iterator = rest.makeIterator()
            decoder = UTF8()
            guard case .scalarValue(let scalar) = decoder.decode(&iterator) else {
                result += "\\ufffd"
                rest = rest.dropFirst()
                continue
            }
            rest = rest.dropFirst(UTF8.width(scalar))
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{8}": result += "\\b"
            case "\u{c}": result += "\\f"
            case "\0"..."\u{1f}", "<", ">", "&", "\u{2028}", "\u{2029}":
                result += "\\u" + String(format: "%04x", scalar.value)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// The shortest decimal that reads back the same: plain from 1e-6 to below 1e21, else with an exponent.
    private static func shortest(_ value: Double) -> String {
        var text = ""
        for precision in 0...16 {
            text = String(format: "%.\(precision)e", value)
            if Double(text) == value { break }
        }
        let parts = text.split(separator: "e")
        let exponent = Int(parts[1])!
        if value != 0, value.magnitude < 1e-6 || value.magnitude >= 1e21 {
            return "\(parts[0])e\(exponent < 0 ? "-" : "+")\(exponent.magnitude)"
        }
        let fractionCount = parts[0].split(separator: ".").dropFirst().first?.count ?? 0
        if exponent <= fractionCount { return String(format: "%.\(fractionCount - exponent)f", value) }
        let digits = parts[0].replacingOccurrences(of: ".", with: "")
        return digits + String(repeating: "0", count: exponent - fractionCount)
    }
}
