import Component
import Testing

/// Guarantees: a block's keys are read by otelcol's rules, and what is not read is refused.
@Suite struct ComponentConfigurationTests {
    private static let position = ConfigPosition(source: "c.yaml", line: 3, column: 5)

    private func node(_ value: ConfigValue) -> ConfigNode { ConfigNode(value, at: Self.position) }

    @Test(
        "durations are Go's",
        arguments: [
            ("300ms", Duration.milliseconds(300)), ("1.5h", .seconds(5400)), ("2h45m", .seconds(9900)), ("0", .zero),
            ("-1s", .seconds(-1)), ("+5us", .microseconds(5)), ("1µs", .microseconds(1)), (".5s", .milliseconds(500)),
        ])
    func durations(text: String, expected: Duration) throws {
        #expect(try Duration.decode(node(.string(text)), path: "t") == expected)
    }

    @Test(
        "what is no duration is refused in Go's words",
        arguments: [
            ("10", "time: missing unit in duration \"10\""), ("", "time: invalid duration \"\""),
            ("1x", "time: unknown unit \"x\" in duration \"1x\""), ("s", "time: invalid duration \"s\""),
            ("9223372036h", "time: invalid duration \"9223372036h\""),
            ("2562047h2562047h", "time: invalid duration \"2562047h2562047h\""),
        ])
    func brokenDurations(text: String, expected: String) {
        let error = #expect(throws: ConfigError.self) { try Duration.decode(node(.string(text)), path: "t") }
        #expect(error?.description == "c.yaml:3:5: t: \(expected)")
    }

    @Test("a secret is neither printed nor quoted in an error") func secrets() throws {
        #expect(try "\(OpaqueString.decode(node(.string("hunter2")), path: "p"))" == "[REDACTED]")
        let error = #expect(throws: ConfigError.self) { try OpaqueString.decode(node(.int(12345)), path: "p") }
        #expect(error?.description.contains("12345") == false)
    }

    @Test(
        "near names are suggested, far ones are not",
        arguments: [("gprc", "grpc"), ("tmeout", "timeout"), ("Timeout", "timeout"), ("xyz", nil)]
            as [(String, String?)])
    func suggestions(name: String, expected: String?) {
        #expect(nearestName(to: name, in: ["grpc", "http", "timeout"]) == expected)
    }

    @Test(
        "component ids",
        arguments: [("otlp", "otlp"), (" otlp / a ", "otlp/a"), ("a/b/c", "a/b/c"), ("x/é-1", "x/é-1")])
    func ids(text: String, expected: String) throws {
        #expect(try ComponentID(parsing: text).description == expected)
    }

    @Test("what is no component id", arguments: ["", "/", "x/", "/x", "1a", "a-b", "x/a b", "x/a+b", "x/\u{7}"])
    func brokenIDs(text: String) {
        #expect(throws: ComponentIDError.self) { try ComponentID(parsing: text) }
    }
}
