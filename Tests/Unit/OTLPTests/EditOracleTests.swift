import OTLP
import RegularExpression
import TestSupport
import Testing

/// Guarantees: editing wire bytes means what decoding with protobuf-c, changing its structs and encoding again means.
@Suite struct EditOracleTests {
    /// Scenario: random programs of all actions, on resources and items, over random requests of all fields.
    /// Guarantees: protobuf-c reads the result as it reads its own; what no action touches is untouched.
    @Test(arguments: Seeds.regression + Seeds.fresh(count: 2), Signal.allCases)
    func editsMeanTheSame(seed: UInt64, signal: Signal) throws {
        var requests = OTLPGenerator(seed: seed)
        var programs = EditProgramGenerator(random: SeededRandom(seed: ~seed))
        var changedCount = 0
        for round in 0..<30 {
            let request = requests.request(signal).bytes
            let stages = programs.stages()
            let expected = EditOracle.apply(stages, to: request, signal: signal, context: Self.context)
            let edited = try AttributeEdits(stages).apply(to: request, signal: signal) { Self.context[$0]?.bytes }
            let isSame =
                try EditOracle.normalForm(edited, signal) == EditOracle.normalForm(#require(expected), signal)
            #expect(isSame, "seed \(seed), round \(round): \(stages)")
            if !isSame { return }
            if edited != request { changedCount += 1 }
        }
        if Seeds.always.contains(seed) { #expect(changedCount > 5, "the programs hardly ever do anything") }
    }

    /// Scenario: single actions over random requests.
    /// Guarantees: each kind of action alone means the same, and does something.
    @Test(arguments: EditProgramGenerator.Kind.allCases, AttributeEdits.Target.all)
    func eachActionMeansTheSame(kind: EditProgramGenerator.Kind, target: AttributeEdits.Target) throws {
        var changedCount = 0
        for seed in Seeds.regression + Seeds.fresh(count: 2) {
            var requests = OTLPGenerator(seed: seed)
            var programs = EditProgramGenerator(random: SeededRandom(seed: ~seed))
            for round in 0..<10 {
                let signal = programs.random.element(of: Signal.allCases)
                let request = requests.request(signal).bytes
                let stages = [AttributeEdits.Stage(target, actions: [programs.action(kind)])]
                let expected = EditOracle.apply(stages, to: request, signal: signal, context: Self.context)
                let edited = try AttributeEdits(stages).apply(to: request, signal: signal) { Self.context[$0]?.bytes }
                let isSame =
                    try EditOracle.normalForm(edited, signal) == EditOracle.normalForm(#require(expected), signal)
                #expect(isSame, "seed \(seed), round \(round): \(stages)")
                if !isSame { return }
                if edited != request { changedCount += 1 }
            }
        }
        #expect(changedCount > 0, "the action never does anything")
    }

    static let context: [String: ProtobufMessage] = [
        "tenant": OracleValue.string(Array("acme".utf8)).message, "port": OracleValue.int(4317).message,
    ]
}

extension AttributeEdits.Target {
    static let all: [AttributeEdits.Target] = [.resource, .items]
}

/// Random programs for what `OTLPGenerator` makes: the keys they name are its keys, and a few others.
struct EditProgramGenerator {
    enum Kind: CaseIterable, Sendable {
        case insert, update, upsert, deleteKey, deletePattern, hashKey, hashPattern, extract, convert
    }

    var random: SeededRandom

    private static let keys = [
        "", "a", "k", "GET", "http.method", "service.name", "/index.html?q=1", "größer, \u{1F600} \u{0}\"\\",
        String(repeating: "a", count: 200), "new",
    ]
    private static let texts = [
        "", "plain", "GET", "0", "-42", "+7", "9223372036854775807", "9223372036854775808", "1.5e3", "-.25", "0x1p-3",
        "0x1F", "1e999", "inf", "-Infinity", "NaN", "+nan", " 1", "1 ", "1_0", "<größer>\u{2028}\u{7}\"\\\n",
        "127.0.0.1:80, ::1",
    ]
    private static let patterns = ["^a", "e", "^$", "[.]", "^http\\.", "[0-9]", "^(k|GET)$"]
    private static let extractions = [
        "^(?P<first>[^.]+)[.](?P<rest>.*)$", "(?P<a>.)(?P<k>x)?", "(?P<new>^$)|(?P<GET>G)(.)(?P<service>T)",
        "^(?P<a>(?s).*)$", "/(?P<page>[a-z]+)[.](?P<a>html)[?](?P<new>.*)",
    ]

    mutating func stages() -> [AttributeEdits.Stage] {
        (0..<random.int(in: 1...3)).map { _ in
            let actions = (0..<random.int(in: 1...5)).map { _ in action(random.element(of: Kind.allCases)) }
            return AttributeEdits.Stage(random.element(of: AttributeEdits.Target.all), actions: actions)
        }
    }

    mutating func action(_ kind: Kind) -> AttributeAction {
        let key = random.element(of: Self.keys)
        switch kind {
        case .insert: return .insert(key: key, from: source())
        case .update: return .update(key: key, from: source())
        case .upsert: return .upsert(key: key, from: source())
        case .deleteKey: return .delete(key: key, pattern: nil)
        case .deletePattern: return .delete(key: random.oneIn(2) ? key : nil, pattern: expression(Self.patterns))
        case .hashKey: return .hash(key: key, pattern: nil)
        case .hashPattern: return .hash(key: random.oneIn(2) ? key : nil, pattern: expression(Self.patterns))
        case .extract: return .extract(key: key, pattern: expression(Self.extractions))
        case .convert: return .convert(key: key, to: random.element(of: ConvertedType.allCases))
        }
    }

    private mutating func source() -> AttributeSource {
        switch random.int(in: 0...5) {
        case 0: .attribute(random.element(of: Self.keys))
        case 1: .context(random.element(of: ["tenant", "port", "nobody"]))
        default: .constant(constant(depth: 0))
        }
    }

    private mutating func constant(depth: Int) -> AttributeConstant {
        switch random.int(in: 0...(depth < 3 ? 8 : 6)) {
        case 0: .empty
        case 1: .bool(random.oneIn(2))
        case 2: .int(random.element(of: [0, -1, 42, .min, .max]))
        case 3: .double(random.element(of: [0, -0.0, 0.1, 1e21, -1.5e-7, 123_456.75, 1e30, .infinity, .nan]))
        case 4, 5, 6: .string(random.element(of: Self.texts))
        case 7: .list((0..<random.int(in: 0...3)).map { _ in constant(depth: depth + 1) })
        default:
            .map(
                (0..<random.int(in: 0...3)).map { _ in
                    .init(key: random.element(of: Self.texts), value: constant(depth: depth + 1))
                })
        }
    }

    private mutating func expression(_ patterns: [String]) -> RegularExpression {
        try! RegularExpression(random.element(of: patterns))
    }
}
