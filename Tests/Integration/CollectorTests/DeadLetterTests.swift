import Foundation
import TestSupport
import Testing

/// What a backend refuses for good is kept with its reason until it is delivered after all, and `otelcol wal` looks after
/// it, beside a running collector and on a stopped one's directory.
@Suite("Dead letters and otelcol wal")
struct DeadLetterTests {
    /// Scenario: each test of Tests/Integration/python/dead_letters.py, with real processes and HTTP backends.
    /// Guarantees: what that test's first line says.
    @Test(arguments: ["refused", "killed", "crashes", "expired", "stopped", "adopt", "hanging", "errors"])
    func endToEnd(name: String) async throws {
        let script = packageDirectory.appendingPathComponent("Tests/Integration/python/dead_letters.py")
        try await withTemporaryDirectory { directory in
            let result = try await runSubprocess(
                ["python3", script.path, CollectorProcess.binary.path, name, directory.path])
            #expect(result.status == 0, "\(result.output)\(result.errors)")
        }
    }
}
