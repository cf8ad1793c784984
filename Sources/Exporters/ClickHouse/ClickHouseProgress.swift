/// What of a batch is stored already, kept by the sending queue between attempts: one line for each insert that is
/// done, `gauge`, or `gauge 19870` for the rows of one day.
struct ClickHouseProgress: Sendable, Hashable {
    private var lines: Set<String> = []

    init(_ bytes: [UInt8] = []) {
        lines = Set(String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init))
    }

    var bytes: [UInt8] { Array(lines.sorted().joined(separator: "\n").utf8) }

    func isDone(_ table: ClickHouseTable, day: UInt32? = nil) -> Bool {
        lines.contains(Self.line(table, nil)) || lines.contains(Self.line(table, day))
    }

    /// Whether an earlier attempt went over to one insert for each day.
    func isDivided(_ table: ClickHouseTable) -> Bool { lines.contains { $0.hasPrefix("\(table.rawValue) ") } }

    mutating func finished(_ table: ClickHouseTable, day: UInt32? = nil) {
        if day == nil { lines = lines.filter { !$0.hasPrefix("\(table.rawValue) ") } }
        lines.insert(Self.line(table, day))
    }

    private static func line(_ table: ClickHouseTable, _ day: UInt32?) -> String {
        day.map { "\(table.rawValue) \($0)" } ?? table.rawValue
    }
}
