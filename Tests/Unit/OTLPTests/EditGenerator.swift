import OTLP
import RegularExpression
import TestSupport

extension SeededRandom {
    fileprivate mutating func below(_ bound: Int) -> Int { int(in: 0...bound - 1) }
    fileprivate mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    fileprivate mutating func pick<Element>(_ elements: [Element]) -> Element { element(of: elements) }
}

/// Random canonical requests and programs over a small set of keys, so that actions meet attributes.
struct EditGenerator {
    typealias Model = EditModel
    var random: SeededRandom

    static let keys = [
        "a", "b", "service.name", "upstream_addr", "upstream_primary", "http.method", "",
        String(repeating: "long.", count: 30),
    ]
    static let texts = [
        "", "x", "nginx", "127.0.0.1:24082, 127.0.0.1:24081", "42", "-3.5", "GET", String(repeating: "ü", count: 90),
    ]
    static let patterns = ["a", "^up", "service|http", "^$", "[0-9]+", "n"]
    static let extractions = [
        "^(?P<upstream_primary>[^,\\s]+)(?:,\\s*(?P<upstream_secondary>[^,\\s]+))?", "(?P<a>.)(?P<b>x)?",
        "(?P<http_method>G.*)",
    ]

    // MARK: Requests

    mutating func request(_ signal: Signal) -> [UInt8] {
        Model.encode(
            (0..<random.below(4)).map { _ in
                var fields: [Model.Field] = []
                if random.chance(80) { fields.append(Model.message(1, attributes(1, others: [varint(2)]))) }
                for _ in 0..<random.below(3) { fields.append(Model.message(2, scope(signal))) }
                if random.chance(30) { fields.append(Model.message(3, Array("https://schema".utf8))) }
                return Model.message(1, Model.encode(fields))
            })
    }

    private mutating func scope(_ signal: Signal) -> [UInt8] {
        var fields: [Model.Field] = []
        if random.chance(70) {
            fields.append(Model.message(1, Model.encode([Model.message(1, text()), Model.message(2, text())])))
        }
        for _ in 0..<random.below(5) { fields.append(Model.message(2, item(signal))) }
        return Model.encode(fields)
    }

    private mutating func item(_ signal: Signal) -> [UInt8] {
        let unknown = Model.Field(number: 1000, type: 5, bytes: [1, 2, 3, 4])
        switch signal {
        case .traces:
            return attributes(
                9,
                others: [
                    Model.message(1, Array(repeating: 7, count: 16)), Model.message(5, text()), varint(6, below: 8),
                    Model.Field(number: 7, type: 1, bytes: Array(1...8)), Model.message(15, []), unknown,
                ])
        case .logs:
            return attributes(
                6, others: [varint(2, below: 25), Model.message(3, text()), Model.message(5, value()), unknown])
        case .metrics:
            let (kind, place): (UInt32, UInt32) = random.pick([(5, 7), (7, 7), (9, 9), (10, 1), (11, 7)])
            let points = (0..<random.below(4)).map { _ in
                Model.message(
                    1, attributes(place, others: [Model.Field(number: 3, type: 1, bytes: Array(1...8)), unknown]))
            }
            return Model.encode([
                Model.message(1, text()), Model.message(3, text()),
                Model.message(kind, Model.encode(points + [varint(2)])),
            ])
        }
    }

    private mutating func varint(_ number: UInt32, below bound: Int = 1000) -> Model.Field {
        Model.Field(number: number, type: 0, value: UInt64(random.below(bound)))
    }

    /// A message that holds attributes in field `number`, among `others`.
    private mutating func attributes(_ number: UInt32, others: [Model.Field]) -> [UInt8] {
        var fields = others.filter { _ in random.chance(80) }
        for _ in 0..<random.below(8) {
            var attribute = Model.attribute(number, Model.Attribute(key: key(), value: value()))
            // Keys without values, values without keys, and the two the wrong way round are protobuf, too.
            if random.chance(5) { attribute.bytes = Model.encode(Model.decode(attribute.bytes).dropLast()) }
            if random.chance(5) { attribute.bytes = Model.encode(Model.decode(attribute.bytes).reversed()) }
            fields.insert(attribute, at: random.below(fields.count + 1))
        }
        return Model.encode(fields)
    }

    private mutating func key() -> [UInt8] { Array(random.pick(Self.keys).utf8) }
    private mutating func text() -> [UInt8] {
        random.chance(10) ? [0xff, 0xc3, 0x28, 0x00] : Array(random.pick(Self.texts).utf8)
    }

    private mutating func value() -> [UInt8] {
        random.chance(50) ? Model.encode([Model.message(1, text())]) : constant().encoded
    }

    mutating func constant(depth: Int = 0) -> AttributeConstant {
        switch random.below(depth < 2 ? 9 : 7) {
        case 0: .empty
        case 1: .bool(random.chance(50))
        case 2: .int(Int64(random.below(2000) - 1000))
        case 3: .double(Double(random.below(4000)) / 8 - 100)
        case 4, 5, 6: .string(random.pick(Self.texts))
        case 7: .list((0..<random.below(3)).map { _ in constant(depth: depth + 1) })
        default:
            .map((0..<random.below(3)).map { .init(key: "k\($0)", value: constant(depth: depth + 1)) })
        }
    }

    // MARK: Programs

    mutating func stages(_ signal: Signal) -> [AttributeEdits.Stage] {
        (0..<(1 + random.below(4))).map { _ in
            AttributeEdits.Stage(
                random.chance(30) ? .resource : .items, actions: (0..<(1 + random.below(4))).map { _ in action() },
                filter: random.chance(50)
                    ? ItemFilter(
                        include: random.chance(60) ? matcher(signal) : nil,
                        exclude: random.chance(60) ? matcher(signal) : nil) : nil)
        }
    }

    private mutating func action() -> AttributeAction {
        let key = random.pick(Self.keys)
        switch random.below(9) {
        case 0: return .insert(key: key, from: source())
        case 1: return .update(key: key, from: source())
        case 2: return .upsert(key: key, from: source())
        case 3: return .delete(key: key, pattern: nil)
        case 4: return .delete(key: random.chance(50) ? key : nil, pattern: pattern())
        case 5: return .hash(key: key, pattern: random.chance(30) ? pattern() : nil)
        case 6: return .convert(key: key, to: random.pick(ConvertedType.allCases))
        default: return .extract(key: key, pattern: try! RegularExpression(random.pick(Self.extractions)))
        }
    }

    private mutating func source() -> AttributeSource {
        switch random.below(4) {
        case 0: .attribute(random.pick(Self.keys))
        case 1: .context(random.pick(["tenant", "nobody"]))
        default: .constant(constant())
        }
    }

    private mutating func pattern() -> RegularExpression { try! RegularExpression(random.pick(Self.patterns)) }

    private mutating func matcher(_ signal: Signal) -> ItemMatcher {
        var matcher = ItemMatcher()
        func texts(_ random: inout SeededRandom) -> TextMatcher {
            random.chance(50)
                ? .strict([random.pick(Self.texts), random.pick(Self.texts)])
                : .regexp([try! RegularExpression(random.pick(Self.patterns))])
        }
        if random.chance(20) { matcher.services = texts(&random) }
        if random.chance(20) { matcher.resources = [condition()] }
        if random.chance(20) {
            matcher.libraries = [
                LibraryCondition(name: texts(&random), version: random.chance(50) ? texts(&random) : nil)
            ]
        }
        if random.chance(50) { matcher.attributes = [condition()] }
        switch signal {
        case .traces:
            if random.chance(30) { matcher.spanNames = texts(&random) }
            if random.chance(20) { matcher.spanKinds = .strict(["SPAN_KIND_SERVER", "SPAN_KIND_CLIENT"]) }
        case .logs:
            if random.chance(20) { matcher.logBodies = texts(&random) }
            if random.chance(20) { matcher.severityTexts = texts(&random) }
            if random.chance(20) {
                matcher.severityNumber = SeverityNumberCondition(min: 9, matchesUndefined: random.chance(50))
            }
        case .metrics: if random.chance(40) { matcher.metricNames = texts(&random) }
        }
        return matcher
    }

    private mutating func condition() -> AttributeCondition {
        let test: AttributeCondition.Test =
            switch random.below(3) {
            case 0: .isPresent
            case 1: .equals(.string(random.pick(Self.texts)))
            default: .matches(pattern())
            }
        return AttributeCondition(key: random.pick(Self.keys), test: test)
    }
}
