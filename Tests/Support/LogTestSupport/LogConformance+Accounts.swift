import WriteAheadLog

extension LogConformance {
    /// Every item is in exactly one place of each consumer's account, whatever is done to it.
    static func balances(_ makeLog: MakeLog) async throws {
        let log = try makeLog()
        let durable = try log.openConsumer("durable", options: ConsumerOptions(isDurable: true))
        let volatile = try log.openConsumer("volatile", options: ConsumerOptions(isDurable: false, limit: .items(12)))
        func check(_ step: String) throws {
            for (name, account) in log.accounts {
                try expect(account.balance == 0, "\(step): \(name) has \(account)")
            }
        }
        for tag in UInt8(1)...5 {
            _ = try await append(record(tag, items: 3), to: log)
            try check("append")
        }
        let records = try durable.next(maxRecords: 3, maxBytes: .max)
        try check("next")
        let cut = try await durable.cut(ranges(records))
        try check("cut")
        let parts = try await durable.split(
            cut.id, into: [[ranges(records)[0]], Array(ranges(records).dropFirst())])
        try check("split")
        durable.done(parts[0].id, outcome: CutOutcome(delivered: 1, rejectedByPeer: 1, dropped: 1))
        try check("done")
        let late = try log.openConsumer("late", options: ConsumerOptions(isDurable: false))
        _ = try await append(record(6, items: 1), to: log)
        try check("append behind a late consumer")
        let account = log.accounts["durable"]
        try expect(account?.appended == 16 && account?.recovered == 0, "durable: \(account as Any)")
        try expect(
            account?.inFlight == 6 && account?.waiting == 7 && account?.outcome.itemCount == 3,
            "durable: \(account as Any)")
        try expect(log.accounts["volatile"]?.skipped ?? 0 > 0, "a limit of 12 skips some of 16 items")
        try expect(log.accounts["late"]?.appended == 1, "a late consumer is given what comes after it")
        withExtendedLifetime((volatile, late)) {}
        await log.close()
    }
}
