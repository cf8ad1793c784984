/// A ClickHouse data type, as far as this client can write or read it.
public indirect enum ColumnType: Sendable, Hashable {
    case uint8, uint16, uint32, uint64
    case int8, int16, int32, int64
    case float32, float64
    case bool
    case string
    case fixedString(Int)
    case date
    /// Seconds since 1970, 32 bits.
    case dateTime
    /// Ticks of 10^-precision seconds since 1970.
    case dateTime64(precision: Int)
    case enum8([EnumCase])
    case enum16([EnumCase])
    case uuid
    case nullable(ColumnType)
    case lowCardinality(ColumnType)
    case array(ColumnType)
    case tuple([ColumnType])
    case map(ColumnType, ColumnType)

    public struct EnumCase: Sendable, Hashable {
        public var name: String
        public var value: Int16

        public init(name: String, value: Int16) {
            self.name = name
            self.value = value
        }
    }

    /// Why a type's text is not one of ours.
    public struct Unsupported: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    /// Reads a type as the server writes it: `Array(Map(LowCardinality(String), String))`.
    public init(_ text: String) throws(Unsupported) {
        var parser = ColumnTypeParser(text)
        self = try parser.parseWhole()
    }
}

extension ColumnType: CustomStringConvertible {
    public var description: String {
        switch self {
        case .uint8: "UInt8"
        case .uint16: "UInt16"
        case .uint32: "UInt32"
        case .uint64: "UInt64"
        case .int8: "Int8"
        case .int16: "Int16"
        case .int32: "Int32"
        case .int64: "Int64"
        case .float32: "Float32"
        case .float64: "Float64"
        case .bool: "Bool"
        case .string: "String"
        case .fixedString(let count): "FixedString(\(count))"
        case .date: "Date"
        case .dateTime: "DateTime"
        case .dateTime64(let precision): "DateTime64(\(precision))"
        case .enum8(let cases): "Enum8(\(Self.list(cases)))"
        case .enum16(let cases): "Enum16(\(Self.list(cases)))"
        case .uuid: "UUID"
        case .nullable(let type): "Nullable(\(type))"
        case .lowCardinality(let type): "LowCardinality(\(type))"
        case .array(let type): "Array(\(type))"
        case .tuple(let types): "Tuple(\(types.map(\.description).joined(separator: ", ")))"
        case .map(let key, let value): "Map(\(key), \(value))"
        }
    }

    private static func list(_ cases: [EnumCase]) -> String {
        cases.map { "'\($0.name)' = \($0.value)" }.joined(separator: ", ")
    }
}

/// Recursive descent over a type's text.
private struct ColumnTypeParser {
    private let text: [UInt8]
    private var position = 0
    private var depth = 0
    private static let depthMax = 16

    init(_ text: String) { self.text = Array(text.utf8) }

    mutating func parseWhole() throws(ColumnType.Unsupported) -> ColumnType {
        let type = try parse()
        skipSpaces()
        guard position == text.count else { throw failure("unexpected text after the type") }
        return type
    }

    private func failure(_ reason: String) -> ColumnType.Unsupported {
        ColumnType.Unsupported(
            description: "column type \(String(decoding: text, as: UTF8.self)) is not supported: \(reason)")
    }

    private mutating func parse() throws(ColumnType.Unsupported) -> ColumnType {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw failure("nested too deeply") }
        let name = readName()
        if let simple = Self.simpleTypes[name] {
            if name == "DateTime" { try skipArguments() }
            return simple
        }
        switch name {
        case "FixedString":
            return .fixedString(try parseArguments { (parser) throws(ColumnType.Unsupported) in try parser.readInt() })
        case "DateTime64":
            return try parseArguments { (parser) throws(ColumnType.Unsupported) in
                let precision = try parser.readInt()
                try parser.skipToClosing()
                return .dateTime64(precision: precision)
            }
        case "Enum8": return .enum8(try parseEnum())
        case "Enum16": return .enum16(try parseEnum())
        case "Nullable":
            return .nullable(try parseArguments { (parser) throws(ColumnType.Unsupported) in try parser.parse() })
        case "LowCardinality":
            return .lowCardinality(try parseArguments { (parser) throws(ColumnType.Unsupported) in try parser.parse() })
        case "Array":
            return .array(try parseArguments { (parser) throws(ColumnType.Unsupported) in try parser.parse() })
        case "Tuple": return .tuple(try parseTuple())
        case "Map":
            return try parseArguments { (parser) throws(ColumnType.Unsupported) in
                let key = try parser.parse()
                try parser.expect(",")
                return .map(key, try parser.parse())
            }
        case "SimpleAggregateFunction":
            // Stored and sent as its argument's type.
            return try parseArguments { (parser) throws(ColumnType.Unsupported) in
                _ = parser.readName()
                try parser.expect(",")
                return try parser.parse()
            }
        default: throw failure("unknown type \"\(name)\"")
        }
    }

    private static let simpleTypes: [String: ColumnType] = [
        "UInt8": .uint8, "UInt16": .uint16, "UInt32": .uint32, "UInt64": .uint64,
        "Int8": .int8, "Int16": .int16, "Int32": .int32, "Int64": .int64,
        "Float32": .float32, "Float64": .float64, "Bool": .bool, "String": .string,
        "Date": .date, "DateTime": .dateTime, "UUID": .uuid,
    ]

    private mutating func parseTuple() throws(ColumnType.Unsupported) -> [ColumnType] {
        try parseArguments { (parser) throws(ColumnType.Unsupported) in
            var types: [ColumnType] = []
            repeat {
                // An element may carry a name: `Tuple(a String, b UInt8)`.
                let start = parser.position
                let word = parser.readName()
                parser.skipSpaces()
                let isNamed =
                    parser.peek() != UInt8(ascii: "(") && parser.peek() != UInt8(ascii: ",")
                    && parser.peek() != UInt8(ascii: ")") && !word.isEmpty
                if !isNamed { parser.position = start }
                types.append(try parser.parse())
            } while parser.accept(",")
            return types
        }
    }

    private mutating func parseEnum() throws(ColumnType.Unsupported) -> [ColumnType.EnumCase] {
        try parseArguments { (parser) throws(ColumnType.Unsupported) in
            var cases: [ColumnType.EnumCase] = []
            repeat {
                let name = try parser.readQuoted()
                try parser.expect("=")
                guard let value = Int16(exactly: try parser.readInt()) else { throw parser.failure("enum value") }
                cases.append(.init(name: name, value: value))
            } while parser.accept(",")
            return cases
        }
    }

    private mutating func parseArguments<Value>(
        _ body: (inout ColumnTypeParser) throws(ColumnType.Unsupported) -> Value
    ) throws(ColumnType.Unsupported) -> Value {
        try expect("(")
        let value = try body(&self)
        try expect(")")
        return value
    }

    private mutating func skipArguments() throws(ColumnType.Unsupported) {
        skipSpaces()
        guard peek() == UInt8(ascii: "(") else { return }
        position += 1
        try skipToClosing()
        try expect(")")
    }

    private mutating func skipToClosing() throws(ColumnType.Unsupported) {
        while let byte = peek(), byte != UInt8(ascii: ")") {
            if byte == UInt8(ascii: "'") { _ = try readQuoted() } else { position += 1 }
        }
    }

    private func peek() -> UInt8? { position < text.count ? text[position] : nil }

    private mutating func skipSpaces() {
        while peek() == UInt8(ascii: " ") { position += 1 }
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipSpaces()
        guard peek() == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(ColumnType.Unsupported) {
        guard accept(character) else { throw failure("expected \"\(character)\"") }
    }

    private mutating func readName() -> String {
        skipSpaces()
        let start = position
        while let byte = peek(),
            byte == UInt8(ascii: "_") || (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z")
                || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
        {
            position += 1
        }
        return String(decoding: text[start..<position], as: UTF8.self)
    }

    private mutating func readInt() throws(ColumnType.Unsupported) -> Int {
        skipSpaces()
        let start = position
        if peek() == UInt8(ascii: "-") { position += 1 }
        while let byte = peek(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        guard let value = Int(String(decoding: text[start..<position], as: UTF8.self)) else {
            throw failure("expected a number")
        }
        return value
    }

    private mutating func readQuoted() throws(ColumnType.Unsupported) -> String {
        try expect("'")
        var bytes: [UInt8] = []
        while let byte = peek() {
            position += 1
            if byte == UInt8(ascii: "'") { return String(decoding: bytes, as: UTF8.self) }
            if byte == UInt8(ascii: "\\"), let escaped = peek() {
                bytes.append(escaped)
                position += 1
            } else {
                bytes.append(byte)
            }
        }
        throw failure("unterminated quote")
    }
}
