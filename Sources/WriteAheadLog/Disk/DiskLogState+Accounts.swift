/// How a consumer's account stood when it was opened.
struct AccountOpening: Sendable {
    var totals: CutOutcome
    var skipped: Int
    var evicted: Int
    var expired: Int
    var lost: Int
    var torn: Int
    var recovered: Int
    /// Place of the first item that counts as appended.
    var end: UInt64

    /// - Parameter waiting: items before `end` that are in no cut.
    init(place: ConsumerPlace, end: UInt64, waiting: Int) {
        totals = place.totals
        skipped = place.skippedItems
        evicted = place.evictedItems
        expired = place.expiredItems
        lost = place.lostItems
        torn = place.tornItems
        recovered = waiting + place.inFlightItems
        self.end = end
    }
}

extension DiskLogState {
    /// All accounts as they are at this moment.
    var accounts: [String: ConsumerAccount] {
        var accounts: [String: ConsumerAccount] = [:]
        for (name, place) in places {
            // A consumer that joined the log after it was opened has had nothing before.
            let opening = openings[name] ?? AccountOpening(place: place, end: committed.item, waiting: 0)
            accounts[name] = account(place, opening, isDurable: true, openConsumers[name])
        }
        for (name, consumer) in openConsumers where !consumer.isDurable {
            accounts[name] = account(consumer.volatilePlace, consumer.opening, isDurable: false, consumer)
        }
        return accounts
    }

    /// A place that changed hands starts a new account; one that is forgotten has none.
    mutating func reopenAccounts(after control: ControlRecord) {
        switch control {
        case .adopt(let name, let heir):
            openings[name] = nil
            guard let place = places[heir] else { return }
            let waiting = waitingItems(place, openConsumers[heir])
            openings[heir] = AccountOpening(place: place, end: committed.item, waiting: waiting)
        case .forget(let name): openings[name] = nil
        default: break
        }
    }

    private func account(
        _ place: ConsumerPlace, _ opening: AccountOpening, isDurable: Bool, _ consumer: OpenConsumer?
    ) -> ConsumerAccount {
        var account = ConsumerAccount(isDurable: isDurable)
        account.recovered = opening.recovered
        // Torn writes took a place, but nobody was told that they were appended.
        account.appended = Int(committed.item - opening.end) - (place.tornItems - opening.torn)
        account.outcome = place.totals - opening.totals
        account.skipped = place.skippedItems - opening.skipped
        account.evicted = place.evictedItems - opening.evicted
        account.expired = place.expiredItems - opening.expired
        account.lost = place.lostItems - opening.lost
        account.waiting = waitingItems(place, consumer)
        account.inFlight = place.inFlightItems
        return account
    }

    /// Items that are in no cut: those behind the cursor, those in hand, and those of a cut that is being written; of a consumer that is not open, all that it
    /// has not covered.
    func waitingItems(_ place: ConsumerPlace, _ consumer: OpenConsumer?) -> Int {
        guard let consumer else { return place.uncoveredItems(before: committed.item) }
        let beyondCursor = committed.item - consumer.cursor.item - place.covered.count(from: consumer.cursor.item)
        let cutting = consumer.cutting.reduce(0) { place.cuts[$1.key] == nil ? $0 + $1.value : $0 }
        return Int(beyondCursor) + consumer.handedOutItems + cutting
    }
}
