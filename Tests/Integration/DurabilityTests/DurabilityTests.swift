import Foundation
import TestSupport
import Testing

/// Nothing acknowledged is lost, and every item is accounted for, when the real process, its disk or its backends fail.
@Suite(.serialized) struct DurabilityTests {
    static let isLong = ProcessInfo.processInfo.environment["OTELCOL_LONG_TESTS"] != nil
    static let isRoot = geteuid() == 0

    /// Scenario: SIGKILL at random moments, also while the log is being recovered, under load over gRPC and HTTP.
    /// Guarantees: every acknowledged span is delivered at least once, none is invented, and the ledger balances.
    @Test("a killed collector loses nothing", .timeLimit(.minutes(30)))
    func kills() async throws {
        let result = try await run("Tests/Crash/crash_test.py", ["--kills", Self.isLong ? "60" : "6"])
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(result.output.contains(" lost=0 invented=0"), "\(result.output)")
    }

    /// Scenario: each of durability.py that needs no file system of its own.
    /// Guarantees: what its comment says.
    @Test(
        "what breaks is survived", .timeLimit(.minutes(30)),
        arguments: ["shutdown", "corruption", "directory_removed", "second_process"])
    func survives(scenario: String) async throws { try await durability(scenario) }

    /// Scenario: of three exporters one lives, one with storage comes back at the end, one is down for ever.
    /// Guarantees: no client is refused, the live one is not delayed, the durable one gets everything; memory is bounded.
    @Test("a backend down for the whole run costs nobody anything", .timeLimit(.minutes(30)))
    func outage() async throws {
        try await durability("outage", ["--spans", Self.isLong ? "2000000" : "50000"])
    }

    /// Scenario: a backlog drains into a backend that has come back while new data comes.
    /// Guarantees: another exporter of the pipeline gets the new data without delay, and memory stays bounded.
    @Test("the drain of a backlog is fair", .timeLimit(.minutes(30)))
    func fairDrain() async throws {
        try await durability("fair_drain", ["--spans", Self.isLong ? "1000000" : "50000"])
    }

    /// Scenario: the disk of the log, a file system of its own, fills up or fails.
    /// Guarantees: clients are refused retryably, and taken again without a restart once there is space.
    @Test(
        "a disk that is full or fails is survived", .enabled(if: isRoot, "mounts file systems"),
        .timeLimit(.minutes(30)),
        arguments: ["disk_full", "foreign_file_fills_disk", "read_only", "remounted"])
    func disk(scenario: String) async throws { try await durability(scenario) }

    /// Scenario: SIGKILL, or a full disk, while the file exporter is in the middle of a line.
    /// Guarantees: every acknowledged request is one whole line; a kill leaves at most one torn line, which no other
    /// continues, a full disk none.
    @Test(
        "a file has only whole lines", .timeLimit(.minutes(10)),
        arguments: isRoot ? ["killed", "disk_full"] : ["killed"])
    func fileLines(scenario: String) async throws {
        let result = try await run("Tests/Integration/python/file_exporter.py", [scenario])
        #expect(result.status == 0, "\(result.output)\(result.errors)")
    }

    private func durability(_ scenario: String, _ arguments: [String] = []) async throws {
        let result = try await run("Tests/Integration/python/durability.py", [scenario] + arguments)
        #expect(result.status == 0, "\(result.output)\(result.errors)")
    }

    private func run(_ script: String, _ arguments: [String]) async throws -> SubprocessResult {
        let path = packageDirectory.appendingPathComponent(script).path
        let result = try await runSubprocess(["python3", path, CollectorProcess.binary.path] + arguments)
        print(script, arguments.joined(separator: " "), result.output, separator: " ", terminator: "")
        return result
    }
}
