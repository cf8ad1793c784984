extension AnyValueView {
    /// Whether two values are of the same kind and the same; the order of a map's keys does not matter.
    static func areEqual(_ left: AnyValueView, _ right: AnyValueView, depth: Int = 1) throws(WireError) -> Bool {
        guard depth <= WireValidator.anyValueDepthMax else { throw .nestedTooDeeply }
        switch (left, right) {
        case (.empty, .empty): return true
        case (.string(let a), .string(let b)), (.bytes(let a), .bytes(let b)): return a.equals(b)
        case (.bool(let a), .bool(let b)): return a == b
        case (.int(let a), .int(let b)): return a == b
        case (.double(let a), .double(let b)): return a == b
        case (.array(let a), .array(let b)): return try areEqual(arrays: a, b, depth: depth)
        case (.keyValueList(let a), .keyValueList(let b)): return try areEqual(maps: a, b, depth: depth)
        default: return false
        }
    }

    private static func areEqual(arrays left: WireBytes, _ right: WireBytes, depth: Int) throws(WireError) -> Bool {
        var left = elements(of: left)
        var right = elements(of: right)
        while true {
            switch (try left.next(), try right.next()) {
            case (nil, nil): return true
            case (let a?, let b?):
                guard try areEqual(AnyValueView(a), AnyValueView(b), depth: depth + 1) else { return false }
            default: return false
            }
        }
    }

    private static func areEqual(maps left: WireBytes, _ right: WireBytes, depth: Int) throws(WireError) -> Bool {
        var left = entries(of: left)
        let right = entries(of: right)
        guard try left.remainingCount() == right.remainingCount() else { return false }
        while let entry = try left.next() {
            let entry = try KeyValueView(entry)
            guard let other = try value(of: entry.key, in: right),
                try areEqual(entry.value, other, depth: depth + 1)
            else { return false }
        }
        return true
    }

    /// The value of the first entry that has `key`, or nil.
    private static func value(of key: WireBytes, in entries: RepeatedField) throws(WireError) -> AnyValueView? {
        var entries = entries
        while let entry = try entries.next() {
            let entry = try KeyValueView(entry)
            if entry.key.equals(key) { return entry.value }
        }
        return nil
    }
}
