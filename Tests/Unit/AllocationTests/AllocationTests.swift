import Foundation
import HotPaths
import Testing

/// The hot path does not ask for more memory than it did: not once per item where it was once per request.
///
/// Counts are of the build that the tests are of; `MicroBenchmark` prints those of the release build.
@Suite struct AllocationTests {
    /// Allocations allowed for one request of 512 spans, by hot path.
    private static let thresholds: [String: Int] = {
        var folder = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { folder.deleteLastPathComponent() }
        let file = folder.appendingPathComponent("Benchmarks/allocations.json")
        let content = try? JSONDecoder().decode([String: Int].self, from: Data(contentsOf: file))
        return content ?? [:]
    }()

    private static let paths: Result<[HotPath], any Error> = Result { try HotPath.all() }

    /// Scenario: every hot path, run on requests of 512 spans of every shape.
    /// Guarantees: it allocates at most as often as `allocations.json` says, and each is in there.
    @Test func allocationsStayWithinTheirThresholds() async throws {
        let paths = try Self.paths.get()
        var measured: [String: Int] = [:]
        for path in paths { measured[path.name] = try await path.allocationCount() }
        let table = measured.sorted { $0.key < $1.key }.map { "    \"\($0.key)\": \($0.value)" }
        #expect(Set(measured.keys) == Set(Self.thresholds.keys), "measured:\n\(table.joined(separator: ",\n"))")
        for (name, count) in measured {
            guard let threshold = Self.thresholds[name] else { continue }
            #expect(count <= threshold, "\(name) allocates \(count) times")
        }
    }

    /// Scenario: work that allocates once for each of 1000 items.
    /// Guarantees: it is counted, so that the test above can fail.
    @Test func allocationsAreCounted() async throws {
        let path = HotPath(name: "arrays", itemCount: 1000, byteCount: 0) {
            let arrays = (1...1000).map { [UInt8](repeating: 1, count: $0) }
            #expect(arrays.count == 1000)
        }
        #expect(try await path.allocationCount() >= 1000)
    }
}
