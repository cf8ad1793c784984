import Component
import OTLP
import Testing

@testable import Processors

/// Guarantees: wrong actions are refused in otelcol's words, each with its place.
@Suite struct ActionConfigTests {
    static let cases: [(ConfigLiteral, String)] = [
        (
            ["action": "insert", "value": 1],
            "error creating AttrProc due to missing required field \"key\" at the 1-th actions"
        ),
        (["action": "nonsense"], "error creating AttrProc due to missing required field \"key\" at the 1-th actions"),
        (
            ["action": "Delete"],
            "error creating AttrProc due to missing required field (at least one of \"key\" and \"pattern\" have to be used) at the 1-th actions"
        ),
        (
            ["action": "hash"],
            "error creating AttrProc due to missing required field (at least one of \"key\" and \"pattern\" have to be used) at the 1-th actions"
        ),
        (
            ["key": "a", "action": "UPSERT"],
            "error creating AttrProc. Either field \"value\", \"from_attribute\" or \"from_context\" setting must be specified for 1-th action"
        ),
        (
            ["key": "a", "action": "insert", "value": nil],
            "error creating AttrProc. Either field \"value\", \"from_attribute\" or \"from_context\" setting must be specified for 1-th action"
        ),
        (
            ["key": "a", "action": "update", "value": 1, "from_attribute": "b"],
            "error creating AttrProc due to multiple value sources being set at the 1-th actions"
        ),
        (
            ["key": "a", "action": "insert", "value": 1, "pattern": "x"],
            "error creating AttrProc. Action \"insert\" does not use the \"pattern\" field. This must not be specified for 1-th action"
        ),
        (
            ["key": "a", "action": "insert", "value": 1, "converted_type": "int"],
            "error creating AttrProc. Action \"insert\" does not use the \"converted_type\" field. This must not be specified for 1-th action"
        ),
        (
            ["key": "a", "action": "delete", "value": 1],
            "error creating AttrProc. Action \"delete\" does not use \"value\" or \"from_attribute\" field. These must not be specified for 1-th action"
        ),
        (
            ["key": "a", "action": "hash", "converted_type": "int"],
            "error creating AttrProc. Action \"hash\" does not use the \"converted_type\" field. This must not be specified for 1-th action"
        ),
        (
            ["key": "a", "action": "extract", "from_attribute": "b", "pattern": "(?P<x>y)"],
            "error creating AttrProc. Action \"extract\" does not use a value source field. These must not be specified for 1-th action"
        ),
        (
            ["key": "a", "action": "extract"],
            "error creating AttrProc due to missing required field \"pattern\" for action \"extract\" at the 1-th action"
        ),
        (
            ["key": "a", "action": "extract", "pattern": "x"],
            "error creating AttrProc. Field \"pattern\" contains no named matcher groups at the 1-th actions"
        ),
        (
            ["key": "a", "action": "extract", "pattern": "(?P<x>y)(z)"],
            "error creating AttrProc. Field \"pattern\" contains at least one unnamed matcher group at the 1-th actions"
        ),
        (
            ["key": "a", "action": "convert", "pattern": "x", "converted_type": "int"],
            "error creating AttrProc. Action \"convert\" does not use value sources or \"pattern\" field. These must not be specified for 1-th action"
        ),
        (
            ["key": "a", "action": "convert"],
            "error creating AttrProc due to missing required field \"converted_type\" for action \"convert\" at the 1-th action"
        ),
        (
            ["key": "a", "action": "convert", "converted_type": "bool"],
            "error creating AttrProc due to invalid value \"bool\" in field \"converted_type\" for action \"convert\" at the 1-th action"
        ),
        (
            ["key": "a", "action": "merge"],
            "error creating AttrProc due to unsupported action \"merge\" at the 1-th actions"
        ),
    ]

    @Test(arguments: cases.indices)
    func wrongActionsAreRefused(index: Int) {
        let (action, message) = Self.cases[index]
        let good: ConfigLiteral = ["key": "a", "action": "delete"]
        #expect(ProcessorFactory.attributes.findings(["actions": .list([good, action])]) == [message])
        #expect(ProcessorFactory.resource.findings(["attributes": .list([good, action])]) == [message])
    }

    @Test func invalidPatternIsQuoted() throws {
        for action in ["delete", "hash", "extract"] {
            let config: ConfigLiteral = [
                "actions": [["key": "a", "action": .value(.string(action)), "pattern": "(?P<x>"]]
            ]
            let finding = try #require(ProcessorFactory.attributes.findings(config).first)
            #expect(
                finding.hasPrefix(
                    "error creating AttrProc. Field \"pattern\" has invalid pattern: \"(?P<x>\" to be set at the 0-th actions"
                ))
        }
    }

    @Test func errorsHaveTheirPlace() {
        #expect {
            _ = try ProcessorFactory.attributes.role(["actions": [["action": "insert"]]])
        } throws: { error in
            let finding = (error as? ConfigError)?.findings.first
            return finding?.path == "processors::attributes::actions[0]" && finding?.position?.line == 3
        }
    }

    @Test func missingLists() {
        #expect(ProcessorFactory.attributes.findings([:]) == ["missing required field \"actions\""])
        #expect(ProcessorFactory.attributes.findings(["actions": []]) == ["missing required field \"actions\""])
        #expect(ProcessorFactory.resource.findings([:]) == ["missing required field \"attributes\""])
    }

    @Test func unknownKeysAreRefused() {
        let findings = ProcessorFactory.attributes.findings([
            "actions": [["key": "a", "action": "delete", "patern": "x"]]
        ])
        #expect(findings.first?.contains("has invalid keys: patern") == true)
    }

    @Test func valuesKeepTheirKind() throws {
        let literal: ConfigLiteral = [["a": 1, "b": [true, nil, 1.5]], "x"]
        #expect(
            try AttributeConstant.decode(literal.node, path: "")
                == .list([
                    .map([
                        .init(key: "a", value: .int(1)),
                        .init(key: "b", value: .list([.bool(true), .empty, .double(1.5)])),
                    ]),
                    .string("x"),
                ]))
    }
}
