package import RegularExpression

/// Which items a stage of `AttributeEdits` works on: those that `include` matches and `exclude` does not.
package struct ItemFilter: Sendable {
    package var include: ItemMatcher?
    package var exclude: ItemMatcher?

    package init(include: ItemMatcher? = nil, exclude: ItemMatcher? = nil) {
        self.include = include
        self.exclude = exclude
    }
}

/// Conditions on an item and what surrounds it. All that are set must hold; in a list of texts or libraries one
/// suffices.
package struct ItemMatcher: Sendable {
    /// The text form of the resource's `service.name`; `<nil-service-name>` stands for its absence.
    package var services: TextMatcher?
    /// All must hold for the resource's attributes.
    package var resources: [AttributeCondition] = []
    package var libraries: [LibraryCondition] = []
    package var metricNames: TextMatcher?
    package var spanNames: TextMatcher?
    /// Names such as `SPAN_KIND_SERVER`.
    package var spanKinds: TextMatcher?
    /// Bodies that are strings; other bodies pass.
    package var logBodies: TextMatcher?
    package var severityTexts: TextMatcher?
    package var severityNumber: SeverityNumberCondition?
    /// All must hold for the item's attributes.
    package var attributes: [AttributeCondition] = []
    /// Matches nothing, whatever else is set.
    package var isNever = false

    package init() {}
}

/// Some texts, or some expressions: matches when one of them does.
package enum TextMatcher: Sendable {
    case strict([[UInt8]])
    case regexp([RegularExpression])

    package static func strict(_ texts: [String]) -> TextMatcher { .strict(texts.map { Array($0.utf8) }) }

    package func matches(_ text: WireBytes) -> Bool {
        switch self {
        case .strict(let texts): texts.contains { $0.withWireBytes { $0.equals(text) } }
        case .regexp(let expressions): expressions.contains { unsafe $0.matches(text.buffer) }
        }
    }

    package func matches(_ text: String) -> Bool {
        Array(text.utf8).withWireBytes { matches($0) }
    }
}

/// A condition on one attribute.
package struct AttributeCondition: Sendable {
    package enum Test: Sendable {
        case isPresent
        /// Same kind and same value.
        case equals(AttributeConstant)
        /// The expression matches the value's text form.
        case matches(RegularExpression)
    }

    package let key: String
    package let test: Test

    package init(key: String, test: Test) {
        self.key = key
        self.test = test
    }
}

/// A condition on the instrumentation scope. Without a version, any will do.
package struct LibraryCondition: Sendable {
    package let name: TextMatcher
    package let version: TextMatcher?

    package init(name: TextMatcher, version: TextMatcher?) {
        self.name = name
        self.version = version
    }
}

package struct SeverityNumberCondition: Sendable, Hashable {
    /// The lowest severity that matches.
    package let min: UInt64
    /// Whether records without a severity match.
    package let matchesUndefined: Bool

    package init(min: UInt64, matchesUndefined: Bool) {
        self.min = min
        self.matchesUndefined = matchesUndefined
    }

    func matches(_ number: UInt64) -> Bool { number == 0 ? matchesUndefined : number >= min }
}
