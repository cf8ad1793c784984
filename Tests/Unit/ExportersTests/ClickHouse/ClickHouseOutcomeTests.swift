import ClickHouseNative
import Testing

@testable import Exporters

/// Server errors lead to what they call for: waiting, an operator, or narrowing down; never to loss.
struct ClickHouseOutcomeTests {
    private func exception(_ code: Int32, _ message: String = "") -> ServerException {
        ServerException(code: code, name: "DB::Exception", message: message)
    }

    @Test("codes", arguments: [true, false])
    func codes(sawData: Bool) {
        for code: Int32 in [
            159, 201, 202, 209, 210, 225, 236, 241, 242, 243, 252, 319, 394, 999, 745, 49, 1002, 123_456,
        ] {
            #expect(exception(code).verdict(sawData: sawData) == .retry, "\(code)")
        }
        for code: Int32 in [16, 53, 60, 81, 115, 164, 193, 497, 516] {
            #expect(exception(code).verdict(sawData: sawData) == .misconfigured, "\(code)")
        }
        for code: Int32 in [6, 27, 41, 131, 190, 349, 469] {
            // Before the server saw a row, such a code speaks of the statement or a setting.
            #expect(exception(code).verdict(sawData: sawData) == (sawData ? .payload : .misconfigured), "\(code)")
        }
        #expect(ServerErrorCode.misconfigured.isDisjoint(with: ServerErrorCode.payload))
    }

    @Test("two meanings of one code")
    func partitions() {
        #expect(exception(252, "Too many partitions for single INSERT block (more than 100).").isTooManyPartitions)
        #expect(!exception(252, "Too many parts (3000). Merges are processing …").isTooManyPartitions)
    }

    @Test("other failures")
    func others() {
        func verdict(_ error: ClickHouseError, sawData: Bool) -> InsertVerdict {
            InsertFailure(error, subject: "table t", sawData: sawData).verdict
        }
        #expect(verdict(.connection(phase: .confirming, reason: "x"), sawData: true) == .retry)
        #expect(verdict(.malformed("x"), sawData: true) == .retry)
        #expect(verdict(.encoding("column of an unknown type"), sawData: false) == .misconfigured)
        #expect(verdict(.encoding("a text too long"), sawData: true) == .payload)
        let long = InsertFailure(
            .server(exception(6, String(repeating: "x", count: 100_000))), subject: "table t", sawData: true)
        #expect(long.reason.count < 1100)
        #expect(long.code == "6")
    }

    @Test("progress survives its bytes")
    func progress() {
        var progress = ClickHouseProgress()
        #expect(progress.bytes.isEmpty)
        progress.finished(.gauge)
        progress.finished(.sum, day: 19_000)
        progress = ClickHouseProgress(progress.bytes)
        #expect(progress.isDone(.gauge) && progress.isDone(.gauge, day: 5))
        #expect(!progress.isDone(.sum) && progress.isDone(.sum, day: 19_000) && !progress.isDone(.sum, day: 19_001))
        #expect(progress.isDivided(.sum) && !progress.isDivided(.gauge))
        // `histogram` is the end of another table's name.
        progress.finished(.exponentialHistogram)
        #expect(!progress.isDone(.histogram))
        progress.finished(.sum)
        #expect(progress.isDone(.sum, day: 19_001) && !progress.isDivided(.sum))
    }
}
