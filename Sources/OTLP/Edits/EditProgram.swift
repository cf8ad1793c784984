import RegularExpression

/// The stages of `AttributeEdits` made ready to run: keys are numbers, texts are ranges of one array of constants.
struct EditProgram: Sendable {
    /// The keys that a program names for one target, and their numbers.
    struct KeyTable: Sendable {
        static let none = -1
        /// Where the keys stand in `constants`, by number.
        private(set) var keys: [Range<Int>] = []
        /// Bit n is set if a key of `signature` n is among them.
        private var signatures: UInt64 = 0
        /// Whether keys the program does not name matter too, because of a pattern.
        var isOpen = false

        /// - Parameter key: where it stands in `constants`.
        mutating func add(_ key: Range<Int>, constants: [UInt8]) -> Int {
            signatures |= 1 << Self.signature(key.count, last: key.isEmpty ? 0 : constants[key.upperBound - 1])
            keys.append(key)
            return keys.count - 1
        }

        /// 0 to 63. Names begin alike, and differ in their length and their end.
        @inline(__always)
        private static func signature(_ count: Int, last: UInt8) -> UInt64 {
            UInt64((UInt8(truncatingIfNeeded: count) &* 5 &+ last) & 63)
        }

        /// Passes over the next attributes, fields of `tag`, as long as the program has nothing to do with them. Those
        /// where the cursor stops may concern it, or are not as most are.
        @inline(__always)
        func passOver(_ cursor: inout WireCursor, tag: UInt8) {
            if isOpen { return }
            let rest = cursor.rest
            var offset = 0
            while rest.count - offset >= 4, unsafe rest.start[offset] == tag {
                let attribute = unsafe rest.start + (offset + 2)
                let count = unsafe Int(rest.start[offset + 1])
                let keyCount = unsafe Int(attribute[1])
                // From 128 on, a byte is only a part of a length.
                guard count < 0x80, count <= rest.count - offset - 2, keyCount > 0, keyCount + 2 <= count,
                    unsafe attribute[0] == UInt8(KeyValueField.key << 3 | 2),
                    unsafe signatures & 1 &<< Self.signature(keyCount, last: attribute[keyCount + 1]) == 0
                else { break }
                offset += count + 2
            }
            cursor.skip(offset)
        }

        /// The number of `key`, or `none`.
        func number(of key: WireBytes, constants: WireBytes) -> Int {
            for number in keys.indices where keys[number].count == key.count {
                if constants.slice(keys[number]).equals(key) { return number }
            }
            return Self.none
        }
    }

    enum Source: Sendable {
        case constant(Range<Int>)
        case attribute(Int)
        case context(Int)
    }

    enum Presence: Sendable {
        case absent
        case present
        case any
    }

    /// An action, with numbers of keys, patterns and groups; `none` where there is no key or pattern.
    enum Operation: Sendable {
        case put(key: Int, whenKeyIs: Presence, from: Source)
        case delete(key: Int, pattern: Int)
        case hash(key: Int, pattern: Int)
        case extract(key: Int, pattern: Int, groups: Range<Int>)
        case convert(key: Int, to: ConvertedType)
    }

    struct Stage: Sendable {
        let target: AttributeEdits.Target
        let operations: Range<Int>
        /// Numbers in `matchers`, or `none`.
        let include: Int
        let exclude: Int

        var isFiltered: Bool { include != KeyTable.none || exclude != KeyTable.none }
    }

    struct Condition: Sendable {
        enum Test: Sendable {
            case isPresent
            case equals(Range<Int>)
            case matches(RegularExpression)
        }
        let key: Int
        let test: Test
    }

    struct Matcher: Sendable {
        let conditions: ItemMatcher
        /// The number of `service.name` among the resource's keys.
        let serviceKey: Int
        let resources: [Condition]
        let attributes: [Condition]
        /// Bit n is set if the name of span kind n matches.
        let spanKinds: UInt64
    }

    private(set) var constants: [UInt8] = []
    private(set) var stages: [Stage] = []
    private(set) var operations: [Operation] = []
    private(set) var patterns: [RegularExpression] = []
    /// Groups of `extract`: the group's number in its expression, and the number of the key it goes to.
    private(set) var groups: [(group: Int, key: Int)] = []
    private(set) var contextNames: [String] = []
    private(set) var matchers: [Matcher] = []
    private(set) var resourceKeys = KeyTable()
    private(set) var itemKeys = KeyTable()
    private(set) var editsItems = false
    private(set) var readsResource = false
    private(set) var readsScope = false
    private(set) var readsMetricName = false
    private(set) var readsItemFields = false

    private var keyNumbers: [AttributeEdits.Target: [String: Int]] = [:]

    init(_ stages: [AttributeEdits.Stage]) {
        for stage in stages where !stage.actions.isEmpty {
            let first = operations.count
            for action in stage.actions { add(action, to: stage.target) }
            let filter = stage.target == .items ? stage.filter : nil
            self.stages.append(
                Stage(
                    target: stage.target, operations: first..<operations.count, include: add(filter?.include),
                    exclude: add(filter?.exclude)))
            if stage.target == .items { editsItems = true } else { readsResource = true }
        }
    }

    // MARK: Compiling

    private mutating func constant(_ bytes: [UInt8]) -> Range<Int> {
        constants += bytes
        return (constants.count - bytes.count)..<constants.count
    }

    private mutating func number(of key: String, in target: AttributeEdits.Target) -> Int {
        if let number = keyNumbers[target]?[key] { return number }
        let range = constant(Array(key.utf8))
        let number =
            target == .resource
            ? resourceKeys.add(range, constants: constants) : itemKeys.add(range, constants: constants)
        keyNumbers[target, default: [:]][key] = number
        return number
    }

    private mutating func add(_ pattern: RegularExpression) -> Int {
        patterns.append(pattern)
        return patterns.count - 1
    }

    private mutating func add(_ action: AttributeAction, to target: AttributeEdits.Target) {
        switch action {
        case .insert(let key, let source): addPut(key, .absent, source, to: target)
        case .update(let key, let source): addPut(key, .present, source, to: target)
        case .upsert(let key, let source): addPut(key, .any, source, to: target)
        case .delete(let key, let pattern):
            let (key, pattern) = addSelection(key, pattern, in: target)
            operations.append(.delete(key: key, pattern: pattern))
        case .hash(let key, let pattern):
            let (key, pattern) = addSelection(key, pattern, in: target)
            operations.append(.hash(key: key, pattern: pattern))
        case .extract(let key, let pattern):
            let first = groups.count
            for (index, name) in pattern.groupNames.enumerated() {
                guard let name else { continue }
                groups.append((index + 1, number(of: name, in: target)))
            }
            operations.append(
                .extract(key: number(of: key, in: target), pattern: add(pattern), groups: first..<groups.count))
        case .convert(let key, let type):
            operations.append(.convert(key: number(of: key, in: target), to: type))
        }
    }

    private mutating func addPut(
        _ key: String, _ presence: Presence, _ source: AttributeSource, to target: AttributeEdits.Target
    ) {
        let compiled: Source
        switch source {
        case .constant(let value): compiled = .constant(constant(value.encoded))
        case .attribute(let key): compiled = .attribute(number(of: key, in: target))
        case .context(let name):
            if !contextNames.contains(name) { contextNames.append(name) }
            compiled = .context(contextNames.firstIndex(of: name)!)
        }
        operations.append(.put(key: number(of: key, in: target), whenKeyIs: presence, from: compiled))
    }

    private mutating func addSelection(
        _ key: String?, _ pattern: RegularExpression?, in target: AttributeEdits.Target
    ) -> (key: Int, pattern: Int) {
        if pattern != nil {
            if target == .resource { resourceKeys.isOpen = true } else { itemKeys.isOpen = true }
        }
        return (
            key.map { number(of: $0, in: target) } ?? KeyTable.none, pattern.map { add($0) } ?? KeyTable.none
        )
    }

    private mutating func add(_ matcher: ItemMatcher?) -> Int {
        guard let matcher else { return KeyTable.none }
        var spanKinds: UInt64 = 0
        for (kind, name) in Self.spanKindNames.enumerated() where matcher.spanKinds?.matches(name) ?? true {
            spanKinds |= 1 << UInt64(kind)
        }
        matchers.append(
            Matcher(
                conditions: matcher,
                serviceKey: matcher.services == nil ? KeyTable.none : number(of: "service.name", in: .resource),
                resources: matcher.resources.map { compile($0, in: .resource) },
                attributes: matcher.attributes.map { compile($0, in: .items) }, spanKinds: spanKinds))
        readsResource = readsResource || matcher.services != nil || !matcher.resources.isEmpty
        readsScope = readsScope || !matcher.libraries.isEmpty
        readsMetricName = readsMetricName || matcher.metricNames != nil
        readsItemFields =
            readsItemFields || matcher.spanNames != nil || matcher.spanKinds != nil || matcher.logBodies != nil
            || matcher.severityTexts != nil || matcher.severityNumber != nil
        return matchers.count - 1
    }

    private mutating func compile(_ condition: AttributeCondition, in target: AttributeEdits.Target) -> Condition {
        let test: Condition.Test =
            switch condition.test {
            case .isPresent: .isPresent
            case .equals(let value): .equals(constant(value.encoded))
            case .matches(let expression): .matches(expression)
            }
        return Condition(key: number(of: condition.key, in: target), test: test)
    }

    /// The names of span kinds by number.
    static let spanKindNames = [
        "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER",
        "SPAN_KIND_CONSUMER",
    ]
}
