import CRE2

/// A compiled regular expression in RE2's dialect: linear time on any input, no backtracking.
///
/// Matching works on bytes, so text that is not valid UTF-8 is searched like any other. Safe to use from several
/// threads.
@safe
package final class RegularExpression: Sendable {
    package struct SyntaxError: Error, CustomStringConvertible {
        package let description: String
    }

    /// RE2 objects are immutable after compilation and thread-safe by contract.
    private nonisolated(unsafe) let regex: OpaquePointer
    package let pattern: String
    /// Names of groups 1…n; nil for unnamed ones.
    package let groupNames: [String?]
    /// RE2 fills at most this many groups here (the whole match is one more).
    package static let groupCountMax = 31

    package init(_ pattern: String) throws(SyntaxError) {
        var pattern = pattern
        let capacity = 512
        var message: [CChar] = Array(repeating: 0, count: capacity)
        let compiled = pattern.withUTF8 { utf8 in
            unsafe utf8.withMemoryRebound(to: CChar.self) { text in
                unsafe CRE2_compile(text.baseAddress, text.count, &message, capacity)
            }
        }
        guard let compiled = unsafe compiled else {
            throw SyntaxError(
                description: String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        unsafe regex = compiled
        self.pattern = pattern
        let groupCount = unsafe Int(CRE2_group_count(compiled))
        guard groupCount <= Self.groupCountMax else {
            unsafe CRE2_free(compiled)
            throw SyntaxError(description: "more than \(Self.groupCountMax) groups")
        }
        groupNames = (0..<groupCount).map { index in
            unsafe CRE2_group_name(compiled, Int32(index + 1)).map { unsafe String(cString: $0) }
        }
        // Not every version of RE2 refuses this, and otelcol does.
        var names: Set<String> = []
        for name in groupNames.compactMap({ $0 }) where !names.insert(name).inserted {
            throw SyntaxError(description: "duplicate capture group name: \(name)")
        }
    }

    deinit { unsafe CRE2_free(regex) }

    /// Whether the expression matches anywhere in `text`.
    package func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        unsafe text.withMemoryRebound(to: CChar.self) { text in
            unsafe CRE2_match(regex, text.baseAddress, text.count, nil, 0) == 1
        }
    }

    package func matches(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { unsafe matches($0) }
    }

    /// The first match's groups as byte ranges of `text`, group 0 being the whole match; nil inside for groups that
    /// took no part. Nil when nothing matches. `groups` is reused by the caller.
    package func firstMatch(in text: UnsafeBufferPointer<UInt8>, groups: inout [Range<Int>?]) -> Bool {
        groups.removeAll(keepingCapacity: true)
        guard let base = text.baseAddress else {
            return unsafe firstMatch(
                in: UnsafeBufferPointer(start: UnsafePointer(bitPattern: 8), count: 0), groups: &groups)
        }
        let groupCount = groupNames.count + 1
        return unsafe withUnsafeTemporaryAllocation(of: CRE2_span.self, capacity: groupCount) { spans in
            let matched = unsafe UnsafeRawPointer(base).withMemoryRebound(to: CChar.self, capacity: text.count) {
                chars in
                unsafe CRE2_match(regex, chars, text.count, spans.baseAddress, Int32(groupCount)) == 1
            }
            guard matched else { return false }
            for index in 0..<groupCount {
                guard let start = unsafe spans[index].start else {
                    groups.append(nil)
                    continue
                }
                let offset = unsafe UnsafeRawPointer(start) - UnsafeRawPointer(base)
                unsafe groups.append(offset..<(offset + spans[index].count))
            }
            return true
        }
    }
}
